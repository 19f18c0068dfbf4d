/**
 * Reused byte buffers in sizes of powers of two, for what a parser has to keep longer than one call.
 *
 * Invariant: a buffer belongs to exactly one taker between `take` and `give`.
 */

const SMALLEST_SHIFT = 9;
const LARGEST_SHIFT = 20;

export class BufferPool {
  /** Largest buffer that `take` gives, in bytes. */
  static readonly LARGEST = 1 << LARGEST_SHIFT;

  private readonly free: Uint8Array[][] = [];
  private idle = 0;

  /**
   * @param idleLimit bytes kept for reuse. Beyond that, buffers of the size of which most bytes are kept are left to the
   *   garbage collector: or sizes that were wanted once would keep no room for those that are wanted now
   */
  constructor(private readonly idleLimit = 8 << 20) {
    for (let shift = SMALLEST_SHIFT; shift <= LARGEST_SHIFT; shift++) this.free.push([]);
  }

  /** A buffer of at least `size` bytes (at most `LARGEST`), with old bytes in it. */
  take(size: number): Uint8Array {
    const shift = size <= 1 << SMALLEST_SHIFT ? SMALLEST_SHIFT : 32 - Math.clz32(size - 1);
    if (shift > LARGEST_SHIFT)
      throw new RangeError(`a pooled buffer has at most ${BufferPool.LARGEST} bytes`);
    const buffer = this.free[shift - SMALLEST_SHIFT].pop();
    if (buffer === undefined) return new Uint8Array(1 << shift);
    this.idle -= buffer.length;
    return buffer;
  }

  give(buffer: Uint8Array): void {
    const { length } = buffer;
    const size = 31 - Math.clz32(length) - SMALLEST_SHIFT;
    if (length > this.idleLimit) return;
    while (this.idle + length > this.idleLimit) {
      const fullest = this.fullest(size);
      if (fullest === size) return;
      this.idle -= (this.free[fullest].pop() as Uint8Array).length;
    }
    this.idle += length;
    this.free[size].push(buffer);
  }

  /** The size of which most bytes are kept. @param first where others have no more than this one, it is this */
  private fullest(first: number): number {
    let fullest = first;
    for (let size = 0; size < this.free.length; size++)
      if (this.kept(size) > this.kept(fullest)) fullest = size;
    return fullest;
  }

  /** Bytes of a size that are kept. */
  private kept(size: number): number {
    return this.free[size].length << (size + SMALLEST_SHIFT);
  }
}

/** A buffer of no bytes, so that views never hold null. */
export const NO_BYTES = new Uint8Array(0);

/** Copies `from[start, end)` to `to` at `at`. */
export function copyBytes(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): void {
  // A view costs more than copying a few hundred bytes one by one.
  if (end - start > 256) to.set(from.subarray(start, end), at);
  else for (let i = start, w = at; i < end; i++, w++) to[w] = from[i];
}

/** A growing run of bytes in pooled memory with an upper bound. */
export class PooledBytes {
  bytes: Uint8Array = NO_BYTES;
  end = 0;

  constructor(
    private readonly pool: BufferPool,
    public limit: number,
  ) {}

  /** Makes room for one more byte at least. @returns the end of the room, `end` at the limit */
  reserve(): number {
    const capacity = this.bytes.length;
    if (this.end < capacity) return Math.min(capacity, this.limit);
    if (this.end >= this.limit) return this.end;
    this.grow(this.end + 1);
    return Math.min(this.bytes.length, this.limit);
  }

  /** Makes the buffer at least `size` bytes long, keeping what is in it. */
  grow(size: number): void {
    if (size <= this.bytes.length) return;
    const larger = this.pool.take(size);
    copyBytes(this.bytes, 0, this.end, larger, 0);
    if (this.bytes.length > 0) this.pool.give(this.bytes);
    this.bytes = larger;
  }

  /** Adds bytes up to the limit. @returns how many */
  append(from: Uint8Array, start: number, end: number): number {
    const count = Math.min(end - start, this.limit - this.end);
    if (count <= 0) return 0;
    this.grow(this.end + count);
    copyBytes(from, start, start + count, this.bytes, this.end);
    this.end += count;
    return count;
  }

  /** Empties it and gives the memory back. */
  clear(): void {
    if (this.bytes.length > 0) this.pool.give(this.bytes);
    this.bytes = NO_BYTES;
    this.end = 0;
  }
}
