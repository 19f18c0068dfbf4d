/** The frames of HTTP/1: each side's stream, and in it every request and response, head and body as they travelled. */

import type { BufferPool } from '../buffer-pool';
import { Frames } from '../frames/frames';
import { GrowingFrames } from '../frames/growing-frames';
import { type Direction, Direction as Directions, type TransactionListener } from '../transaction';

/** As Suricata names them, by direction where there is one for each. */
const NAMES = ['stream', 'request', 'response'] as const;
const STREAM = 0;
const MESSAGE = [1, 2] as const;

const { TO_SERVER, TO_CLIENT } = Directions;

export function createHttp1Frames(): Frames {
  return new Frames('http', NAMES, NAMES, 'http1');
}

/** Those of one flow. The parser tells where messages begin and end while it takes its steps through the fed bytes. */
export class MessageFrames {
  private readonly sides: readonly [GrowingFrames, GrowingFrames];
  /** Place of each stream that the parser's present step began at. */
  private readonly at: [number, number] = [0, 0];
  /** Place of each stream at index 0 of the bytes that are being fed. */
  private readonly origin: [number, number] = [0, 0];
  /** Bits of the directions whose stream has begun, in which a message is open, and in which it has just ended. */
  private begun = 0;
  private open = 0;
  private ended = 0;

  constructor(pool: BufferPool, frames: Frames, listener: TransactionListener) {
    this.sides = [
      new GrowingFrames(pool, frames, listener, TO_SERVER),
      new GrowingFrames(pool, frames, listener, TO_CLIENT),
    ];
  }

  /** The bytes that the parser will go through next, at most `LONGEST_PIECE`. */
  add(direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    const side = this.sides[direction];
    if ((this.begun & (1 << direction)) === 0) {
      this.begun |= 1 << direction;
      side.begin(STREAM, side.end);
    }
    const from = side.add(bytes, start, end);
    this.origin[direction] = from - start;
    this.at[direction] = from;
  }

  /** A message begins where the parser's step has begun. An interim response is a part of the one that follows it. */
  begin(direction: Direction): void {
    if ((this.ended & (1 << direction)) !== 0) this.finish(direction, true);
    if ((this.open & (1 << direction)) !== 0) return;
    this.open |= 1 << direction;
    this.sides[direction].begin(MESSAGE[direction], this.at[direction]);
  }

  /** The message ends where the parser's step ends. */
  end(direction: Direction): void {
    if ((this.open & (1 << direction)) !== 0) this.ended |= 1 << direction;
  }

  /** The parser has come to an index of the fed bytes. */
  step(direction: Direction, index: number): void {
    this.at[direction] = this.origin[direction] + index;
    if ((this.ended & (1 << direction)) !== 0) this.finish(direction, true);
  }

  /** The message does not go on. */
  lose(direction: Direction): void {
    if ((this.open & (1 << direction)) !== 0) this.finish(direction, false);
  }

  /** The parser has gone through what was fed. */
  settle(direction: Direction): void {
    if ((this.ended & 1) !== 0) this.finish(TO_SERVER, true);
    if ((this.ended & 2) !== 0) this.finish(TO_CLIENT, true);
    this.sides[direction].settle();
  }

  skip(direction: Direction, length: number): void {
    const side = this.sides[direction];
    side.skip(length);
    this.at[direction] = side.end;
  }

  /** A direction has ended. */
  close(direction: Direction): void {
    this.settle(direction);
    this.lose(direction);
    const side = this.sides[direction];
    side.finish(STREAM, side.end);
    side.settle();
  }

  heldBytes(): number {
    return this.sides[0].heldBytes() + this.sides[1].heldBytes();
  }

  clear(): void {
    for (const side of this.sides) side.clear();
    this.begun = 0;
    this.open = 0;
    this.ended = 0;
  }

  private finish(direction: Direction, complete: boolean): void {
    this.open &= ~(1 << direction);
    this.ended &= ~(1 << direction);
    this.sides[direction].finish(MESSAGE[direction], this.at[direction], complete);
  }
}
