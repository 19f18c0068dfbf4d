/**
 * Cuts one direction of a stream into records whose length their first bytes tell. A record that lies in one piece in the
 * fed bytes is not copied; of a long one only the first `window` bytes are gathered, the rest goes through as it comes.
 *
 * Invariant: `left` > 0 only while nothing is stored.
 */

import { type BufferPool, PooledBytes } from '../buffer-pool';
import type { Direction } from '../transaction';

/** Who makes sense of the records. */
export interface RecordSink {
  /**
   * Length in bytes of the record that begins at `start`, its header included.
   * It may set `RecordReader.window` for this record.
   * @returns 0 where more bytes are needed, -1 where no record begins here
   */
  measure(direction: Direction, bytes: Uint8Array, start: number, end: number): number;
  /** The first min(`length`, window) bytes of a record of `length` bytes. */
  record(direction: Direction, bytes: Uint8Array, start: number, end: number, length: number): void;
  /** More bytes of the record; `left` are still to come behind them. */
  rest(direction: Direction, bytes: Uint8Array, start: number, end: number, left: number): void;
  /** Like `rest`, for bytes that are missing. */
  missing(direction: Direction, length: number, left: number): void;
  /** The framing is lost: what was stored is gone. Called once, until `resume` finds a record again. */
  lost(direction: Direction): void;
  /** Looks for the beginning of a record in a piece of the stream. @returns its index, or -1 */
  resume(direction: Direction, bytes: Uint8Array, start: number, end: number): number;
}

export class RecordReader {
  /** Bytes of the present record that are gathered before it is handed on; `measure` may change it. */
  window: number;
  /** Out of step with the records. */
  isLost = false;
  private readonly store: PooledBytes;
  /** Length of the record that is stored, 0 while it is not known. */
  private length = 0;
  private left = 0;
  private stopped = false;

  /**
   * @param head bytes that are enough for `measure`
   * @param largestWindow bytes that are ever gathered, and the window where `measure` says nothing
   */
  constructor(
    pool: BufferPool,
    private readonly sink: RecordSink,
    private readonly direction: Direction,
    private readonly head: number,
    private readonly largestWindow: number,
  ) {
    this.store = new PooledBytes(pool, Math.max(head, largestWindow));
    this.window = largestWindow;
  }

  /** True between two records. */
  get atBoundary(): boolean {
    return this.store.end === 0 && this.left === 0;
  }

  feed(bytes: Uint8Array, start: number, end: number): void {
    const { sink, direction } = this;
    let i = start;
    if (this.isLost && !this.stopped && i < end) {
      const at = sink.resume(direction, bytes, i, end);
      if (at < 0) return;
      this.isLost = false;
      i = at;
    }
    while (i < end && !this.stopped && !this.isLost) {
      if (this.left > 0) {
        const count = Math.min(this.left, end - i);
        this.left -= count;
        sink.rest(direction, bytes, i, i + count, this.left);
        i += count;
      } else i = this.store.end === 0 ? this.inPlace(bytes, i, end) : this.stored(bytes, i, end);
    }
    if (this.stopped || this.isLost) this.store.clear();
  }

  /** `length` bytes are missing. */
  gap(length: number): void {
    if (this.stopped || this.isLost || length <= 0) return;
    const inside = Math.min(length, this.left);
    if (inside > 0) {
      this.left -= inside;
      this.sink.missing(this.direction, inside, this.left);
      if (inside === length) return;
    }
    this.lose();
    this.store.clear();
  }

  /** Looks at nothing more. May be called by the sink. */
  stop(): void {
    this.stopped = true;
    this.left = 0;
    this.length = 0;
  }

  /** Forgets the present record: the framing is lost. May be called by the sink. */
  lose(): void {
    if (this.isLost) return;
    this.isLost = true;
    this.left = 0;
    this.length = 0;
    this.store.end = 0;
    this.sink.lost(this.direction);
  }

  /** Gives all memory back. */
  clear(): void {
    this.store.clear();
    this.length = 0;
    this.left = 0;
  }

  reset(): void {
    this.clear();
    this.isLost = false;
    this.stopped = false;
  }

  heldBytes(): number {
    return this.store.bytes.length;
  }

  private inPlace(bytes: Uint8Array, start: number, end: number): number {
    this.window = this.largestWindow;
    const length = this.sink.measure(this.direction, bytes, start, end);
    if (this.stopped) return end;
    if (length < 0 || (length === 0 && end - start >= this.head)) {
      this.lose();
      return end;
    }
    const wanted = Math.min(length, this.window, this.store.limit);
    if (length > 0 && end - start >= wanted) {
      this.left = length - wanted;
      this.sink.record(this.direction, bytes, start, start + wanted, length);
      return start + wanted;
    }
    this.length = length;
    this.store.append(bytes, start, end);
    return end;
  }

  private stored(bytes: Uint8Array, start: number, end: number): number {
    const { store } = this;
    let i = start;
    if (this.length === 0) {
      const before = store.end;
      i += store.append(bytes, i, Math.min(end, i + this.head - before));
      this.window = this.largestWindow;
      this.length = this.sink.measure(this.direction, store.bytes, 0, store.end);
      if (this.stopped) return end;
      if (this.length === 0 && store.end < this.head) return i;
      const wanted = Math.min(this.length, this.window, store.limit);
      if (this.length <= 0 || wanted < before) {
        this.lose();
        store.clear();
        return end;
      }
      // What lies behind the record was taken too early.
      if (store.end > wanted) {
        i -= store.end - wanted;
        store.end = wanted;
      }
    }
    const { length } = this;
    const wanted = Math.min(length, this.window, this.store.limit);
    i += store.append(bytes, i, Math.min(end, i + wanted - store.end));
    if (store.end < wanted) return i;
    this.length = 0;
    this.left = length - wanted;
    this.sink.record(this.direction, store.bytes, 0, wanted, length);
    store.clear();
    return i;
  }
}
