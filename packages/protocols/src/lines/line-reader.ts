/**
 * Lines of a text protocol out of pieces of a stream. A line ends with LF; one CR before it belongs to the ending.
 *
 * Invariants: a line that lies whole in the fed bytes is not copied; at most `limit` bytes are held; what a line is does
 * not depend on where the pieces were cut.
 */

import { type BufferPool, NO_BYTES, PooledBytes } from '../buffer-pool';

const LF = 0x0a;
const CR = 0x0d;

/** What becomes of the rest of a line that is longer than the limit. */
export const LongLines = {
  /** It is passed over up to the end of the line. */
  DISCARD: 0,
  /** It comes as further pieces, for which `startsLine` is false. */
  CONTINUE: 1,
} as const;
export type LongLines = 0 | 1;

export class LineReader {
  /** The line is `bytes[start, end)`, without its ending; valid until the next call. */
  bytes: Uint8Array = NO_BYTES;
  start = 0;
  end = 0;
  /** Bytes of the ending that followed: 2 for CR LF, 1 for LF, 0 where the line goes on. They may not lie behind `end`. */
  ending = 0;
  /** The last call has completed a line or a piece of one. */
  ready = false;
  /** The piece is the first one of its line. */
  startsLine = true;
  /** The line is longer than the limit: this is its first part. */
  cut = false;
  private readonly held: PooledBytes;
  private used = false;
  private discarding = false;
  private continuing = false;

  /** @param limit bytes of a line, its ending not counted */
  constructor(pool: BufferPool, limit: number) {
    // One more than the limit: a CR that may belong to the ending.
    this.held = new PooledBytes(pool, limit + 1);
  }

  /**
   * Takes bytes up to the end of a line.
   * @returns the index behind what was taken
   */
  next(bytes: Uint8Array, at: number, end: number, longLines: LongLines): number {
    const { held } = this;
    this.release();
    this.ready = false;
    if (this.discarding) {
      const feed = bytes.subarray(at, end).indexOf(LF);
      if (feed < 0) return end;
      this.discarding = false;
      return at + feed + 1;
    }
    const room = held.limit - held.end;
    const stop = Math.min(end, at + room + 1);
    let feed = at;
    while (feed < stop && bytes[feed] !== LF) feed++;
    if (feed < stop) {
      this.complete(bytes, at, feed, longLines);
      return feed + 1;
    }
    if (stop - at <= room) {
      held.append(bytes, at, stop);
      return stop;
    }
    // One byte more than fits, and the line has not ended.
    held.append(bytes, at, stop - 1);
    this.piece(held.bytes, 0, held.limit - 1, 0);
    this.cut = true;
    if (longLines === LongLines.DISCARD) {
      this.discarding = true;
      this.used = true;
      return stop;
    }
    this.continuing = true;
    return stop - 1;
  }

  /** The stream has ended: what is held is the last line. @returns whether there is one */
  flush(): boolean {
    this.release();
    this.ready = false;
    const { held } = this;
    if (held.end === 0) return false;
    this.piece(held.bytes, 0, held.end, 0);
    this.used = true;
    return true;
  }

  /** Lets go of the line that was read last; call it when a feed is over. */
  release(): void {
    if (this.continuing && this.cut && this.ready) {
      // The byte behind the piece begins the next one.
      const { held } = this;
      held.bytes[0] = held.bytes[held.end - 1];
      held.end = 1;
      this.cut = false;
      this.ready = false;
      return;
    }
    if (this.used) this.held.clear();
    this.used = false;
  }

  heldBytes(): number {
    return this.held.bytes.length;
  }

  /** Forgets the line that was begun, and what follows up to its end: bytes are missing. */
  skip(): void {
    this.clear();
    this.discarding = true;
  }

  /** Forgets the line that was begun; what follows starts a line. */
  clear(): void {
    this.held.clear();
    this.bytes = NO_BYTES;
    this.ready = false;
    this.used = false;
    this.cut = false;
    this.discarding = false;
    this.continuing = false;
  }

  private complete(bytes: Uint8Array, at: number, feed: number, longLines: LongLines): void {
    const { held } = this;
    let line = bytes;
    let start = at;
    let end = feed;
    if (held.end > 0) {
      held.append(bytes, at, feed);
      line = held.bytes;
      start = 0;
      end = held.end;
      this.used = true;
    }
    const ending = end > start && line[end - 1] === CR ? 2 : 1;
    this.piece(line, start, end - ending + 1, ending);
    // Exactly one byte too long, and that byte is no CR.
    if (this.end - start === held.limit) {
      if (longLines === LongLines.DISCARD) {
        this.end--;
        this.ending = 0;
        this.cut = true;
      }
    }
    this.continuing = false;
  }

  private piece(bytes: Uint8Array, start: number, end: number, ending: number): void {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.ending = ending;
    this.ready = true;
    this.cut = false;
    this.startsLine = !this.continuing;
  }
}
