/**
 * A transaction that holds its buffers as runs of bytes and numbers, for protocols whose messages are small: the parser
 * puts in what it has read, then announces it.
 */

import { NO_BYTES } from '../buffer-pool';
import { showBytes } from '../buffer-view';
import { writeInteger } from '../integer-view';
import {
  type BufferView,
  bytesOfMatchState,
  type Direction,
  Direction as Directions,
  type MatchState,
  type Transaction,
} from '../transaction';

/** Runs that a transaction holds; further ones are left out. */
export const MOST_RUNS = 4096;
/** What a transaction takes besides its runs and the bytes it was given, as measured. */
const OVERHEAD = 300;
/** A run, besides its bytes. */
const RUN_OVERHEAD = 72;

interface Run {
  /** Number of the buffer times two plus direction. */
  readonly key: number;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** A number, where `size` is above 0. */
  readonly value: number;
  readonly size: 0 | 1 | 2 | 4 | 8;
}

export class HeldTransaction implements Transaction {
  matchState: MatchState = null;
  /** The direction whose buffers are meant; set before the listener is called. */
  direction: Direction = Directions.TO_SERVER;
  private readonly reached: [number, number] = [0, 0];
  private readonly runs: Run[] = [];
  private bytesHeld = OVERHEAD;
  /** What was found last, and where: occurrences are asked for one after the other. */
  private foundKey = -1;
  private foundIndex = 0;
  private foundAt = 0;

  constructor(readonly id: number) {}

  progress(direction: Direction): number {
    return this.reached[direction];
  }

  reach(direction: Direction, progress: number): void {
    if (progress > this.reached[direction]) this.reached[direction] = progress;
  }

  /** Adds a run of bytes to a buffer. Nothing is copied: who keeps the transaction keeps the bytes. */
  put(direction: Direction, id: number, bytes: Uint8Array, start = 0, end = bytes.length): void {
    if (this.runs.length < MOST_RUNS)
      this.runs.push({ key: id * 2 + direction, bytes, start, end, value: 0, size: 0 });
  }

  putNumber(direction: Direction, id: number, value: number, size: 1 | 2 | 4 | 8): void {
    if (this.runs.length < MOST_RUNS)
      this.runs.push({ key: id * 2 + direction, bytes: NO_BYTES, start: 0, end: 0, value, size });
  }

  /** Forgets a buffer. */
  drop(direction: Direction, id: number): void {
    const { runs } = this;
    this.foundKey = -1;
    for (let i = runs.length - 1; i >= 0; i--) if (runs[i].key === id * 2 + direction) runs.splice(i, 1);
  }

  /** Says that `bytes` bytes are kept for this transaction. */
  hold(bytes: number): void {
    this.bytesHeld += bytes;
  }

  buffer(id: number, index: number, out: BufferView): boolean {
    const run = this.find(this.direction, id, index);
    if (run === undefined) return false;
    if (run.size > 0) return writeInteger(out, run.value, run.size as 1 | 2 | 4 | 8);
    return showBytes(out, run.bytes, run.start, run.end);
  }

  /** Text of a buffer for `describe`, at most `limit` characters; undefined where there is none. */
  text(direction: Direction, id: number, index = 0, limit = 1024): string | undefined {
    const run = this.find(direction, id, index);
    if (run === undefined || run.size > 0) return undefined;
    const { bytes, start, end } = run;
    return Buffer.from(bytes.buffer, bytes.byteOffset + start, Math.min(end - start, limit)).toString(
      'latin1',
    );
  }

  /** A number that was put in; undefined where there is none. */
  number(direction: Direction, id: number, index = 0): number | undefined {
    const run = this.find(direction, id, index);
    return run === undefined || run.size === 0 ? undefined : run.value;
  }

  heldBytes(): number {
    return this.bytesHeld + this.runs.length * RUN_OVERHEAD + bytesOfMatchState(this.matchState);
  }

  private find(direction: Direction, id: number, index: number): Run | undefined {
    const { runs } = this;
    const key = id * 2 + direction;
    const onwards = key === this.foundKey && index > this.foundIndex;
    let left = onwards ? index - this.foundIndex - 1 : index;
    for (let i = onwards ? this.foundAt + 1 : 0; i < runs.length; i++) {
      if (runs[i].key !== key || left-- > 0) continue;
      this.foundKey = key;
      this.foundIndex = index;
      this.foundAt = i;
      return runs[i];
    }
    return undefined;
  }
}
