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

  /** @param idleLimit bytes kept for reuse; what is given back beyond that is left to the garbage collector */
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
    if (this.idle + buffer.length > this.idleLimit) return;
    this.idle += buffer.length;
    this.free[31 - Math.clz32(buffer.length) - SMALLEST_SHIFT].push(buffer);
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
