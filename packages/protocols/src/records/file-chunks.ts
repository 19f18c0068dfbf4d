/**
 * One file as it is read or written at offsets (SMB, NFS): pieces, mostly in order. A few that come early wait; what
 * never comes is a gap.
 *
 * Invariant: every waiting chunk begins behind `next`.
 */

import { type BufferPool, PooledBytes } from '../buffer-pool';
import type { TrackedFile } from '../files/tracked-file';

/** Chunks of a file that wait for earlier ones, and the bytes of each. */
export const MOST_CHUNKS = 8;
export const LARGEST_CHUNK = 65_536;

interface Chunk {
  readonly offset: number;
  readonly bytes: PooledBytes;
}

export class FileChunks {
  /** Place in the file of the next byte in order. */
  private next = 0;
  private readonly waiting: Chunk[] = [];

  /** @param full called where the file has to be shown before it goes on */
  constructor(
    private readonly pool: BufferPool,
    private readonly file: TrackedFile,
    private readonly full: () => void,
  ) {}

  /** Adds a piece. @returns false where some of it was there before */
  write(offset: number, bytes: Uint8Array, start: number, end: number): boolean {
    let from = start;
    let fresh = true;
    if (offset < this.next) {
      fresh = false;
      from = Math.min(end, start + this.next - offset);
    } else if (offset > this.next) {
      if (this.keep(offset, bytes, start, end)) return true;
      // No room to wait: what is missing will not come.
      this.flush(offset);
      if (offset > this.next) this.skipTo(offset);
      return this.write(offset, bytes, start, end) && fresh;
    }
    this.append(bytes, from, end);
    this.drain();
    return fresh;
  }

  /** `length` bytes at that place are missing. */
  missing(offset: number, length: number): void {
    if (offset <= this.next && offset + length > this.next) this.skipTo(offset + length);
  }

  /** Gives what waits to the file, with gaps. @param limit only what begins before this place */
  flush(limit = Number.POSITIVE_INFINITY): void {
    const { waiting } = this;
    while (waiting.length > 0 && waiting[0].offset < limit) {
      if (waiting[0].offset > this.next) this.skipTo(waiting[0].offset);
      this.drain();
    }
  }

  /** Forgets what waits. */
  clear(): void {
    for (const { bytes } of this.waiting) bytes.clear();
    this.waiting.length = 0;
  }

  heldBytes(): number {
    let held = 0;
    for (const { bytes } of this.waiting) held += bytes.bytes.length;
    return held;
  }

  private append(bytes: Uint8Array, start: number, end: number): void {
    let i = start;
    while (i < end) {
      const taken = this.file.append(bytes, i, end);
      const stuck = taken === i;
      this.next += taken - i;
      i = taken;
      if (i < end) {
        this.full();
        // Nobody has looked: there will be no room either.
        if (stuck) return;
      }
    }
  }

  private skipTo(offset: number): void {
    // A gap takes with it what was not shown.
    if (this.file.grown) this.full();
    this.file.gap(offset - this.next);
    this.next = offset;
  }

  private keep(offset: number, bytes: Uint8Array, start: number, end: number): boolean {
    const { waiting } = this;
    const before = waiting.find((chunk) => chunk.offset + chunk.bytes.end === offset);
    if (before !== undefined && before.bytes.end + end - start <= LARGEST_CHUNK) {
      before.bytes.append(bytes, start, end);
      return true;
    }
    if (waiting.length >= MOST_CHUNKS || end - start > LARGEST_CHUNK) return false;
    const chunk = { offset, bytes: new PooledBytes(this.pool, LARGEST_CHUNK) };
    chunk.bytes.append(bytes, start, end);
    waiting.push(chunk);
    waiting.sort((a, b) => a.offset - b.offset);
    return true;
  }

  /** Takes the chunks that are in order now. */
  private drain(): void {
    const { waiting } = this;
    while (waiting.length > 0 && waiting[0].offset <= this.next) {
      const { offset, bytes } = waiting.shift() as Chunk;
      const known = this.next - offset;
      if (known < bytes.end) this.append(bytes.bytes, known, bytes.end);
      bytes.clear();
    }
  }
}
