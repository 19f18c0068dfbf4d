/**
 * Frames of one direction of a stream that are looked at while they grow, because nobody knows how long they will be.
 *
 * A window of the stream is held: what has come since the last look, and at most `KEPT` bytes before that for patterns
 * that begin there.
 *
 * Invariant: `window` holds the bytes of the stream from `base` on.
 */

import { type BufferPool, PooledBytes } from '../buffer-pool';
import type { Direction, TransactionListener } from '../transaction';
import type { Frame } from './frame';
import type { Frames } from './frames';

/** Bytes before the new ones that are held. */
export const KEPT = 16_384;
/** New bytes that are taken at a time. */
export const LONGEST_PIECE = 65_536;
/** Frames of a direction that are open at a time; further ones are not looked at. */
const MOST_OPEN = 8;

interface OpenFrame {
  readonly kind: number;
  readonly frame: Frame;
  /** Where it begins in the stream. */
  readonly from: number;
  /** Where what was not shown yet begins. */
  unseen: number;
}

export class GrowingFrames {
  private readonly window: PooledBytes;
  /** Place in the stream of the window's first byte. */
  private base = 0;
  private readonly open: OpenFrame[] = [];

  constructor(
    pool: BufferPool,
    private readonly frames: Frames,
    private readonly listener: TransactionListener,
    private readonly direction: Direction,
  ) {
    this.window = new PooledBytes(pool, KEPT + LONGEST_PIECE);
  }

  /** Place in the stream behind all that has come. */
  get end(): number {
    return this.base + this.window.end;
  }

  /** Takes the next bytes, at most `LONGEST_PIECE`. @returns place in the stream of the first of them */
  add(bytes: Uint8Array, start: number, end: number): number {
    const from = this.end;
    this.window.append(bytes, start, end);
    return from;
  }

  /** Begins a frame at a place of the stream. */
  begin(kind: number, at: number): void {
    if (!this.frames.wants(kind) || this.open.length >= MOST_OPEN) return;
    const from = Math.max(at, this.base);
    this.open.push({ kind, frame: this.frames.open(kind), from, unseen: from });
  }

  /** The frames of a kind end before a place of the stream. @param complete false where their last bytes are missing */
  finish(kind: number, at: number, complete = true): void {
    const { open } = this;
    for (let i = 0; i < open.length; ) {
      if (open[i].kind !== kind) i++;
      else this.show(open.splice(i, 1)[0], at, complete, true);
    }
  }

  /** Shows what is new in the frames that go on, and lets go of what is not needed any more. */
  settle(): void {
    for (const each of this.open) if (each.unseen < this.end) this.show(each, this.end, false, false);
    const { window } = this;
    if (this.open.length === 0) {
      this.base = this.end;
      window.clear();
      return;
    }
    const first = this.open.reduce((least, { from }) => Math.min(least, from), this.end);
    const gone = Math.max(window.end - KEPT, first - this.base);
    if (gone <= 0) return;
    window.bytes.copyWithin(0, gone, window.end);
    window.end -= gone;
    this.base += gone;
  }

  /** `length` bytes of the stream are missing: frames go on behind them. */
  skip(length: number): void {
    this.settle();
    this.base = this.end + length;
    this.window.clear();
    for (const each of this.open) each.unseen = this.base;
  }

  heldBytes(): number {
    return this.window.bytes.length;
  }

  /** Lets everything go. */
  clear(): void {
    this.open.length = 0;
    this.window.clear();
    this.base = 0;
  }

  private show(each: OpenFrame, end: number, complete: boolean, over: boolean): void {
    const { base, window, direction, listener } = this;
    const { frame, from } = each;
    const first = Math.max(from, base);
    const last = Math.max(first, Math.min(end, this.end));
    frame.bytes = window.bytes;
    frame.start = first - base;
    frame.end = last - base;
    frame.streamOffset = first - from;
    frame.fresh = Math.min(Math.max(each.unseen, first), last) - base;
    frame.complete = complete;
    each.unseen = last;
    listener.onFrame?.(frame, direction, over);
    if (over) frame.forget();
  }
}
