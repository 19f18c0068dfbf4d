import { ByteTransfer } from '@portcullis/reassembly';

/**
 * The last bytes of a stream that a rule may need together with the next ones. Rules over the raw stream look
 * at a window, so that a pattern cut in two by the sender is still found.
 *
 * Pages of one window each in a single pool; a page belongs to one direction of one flow. When the pool is
 * empty, a flow goes without its tail: counted, never an error.
 */
export class RawWindowPool {
  private readonly pages: Uint8Array;
  private readonly toPages: ByteTransfer;
  private readonly lengths: Uint16Array;
  private readonly free: Int32Array;
  private freeCount: number;
  /** Tails that found no page. */
  exhausted = 0;
  /** Where a tail and the bytes that follow it are put side by side. */
  readonly scratch: Uint8Array;

  /**
   * @param windowBytes bytes kept of each direction
   * @param pageCount pages in the pool
   * @param largestSegment the most bytes that follow a tail at once
   */
  constructor(
    readonly windowBytes: number,
    readonly pageCount: number,
    largestSegment: number,
  ) {
    // In whole words.
    this.pages = new Uint8Array((windowBytes * pageCount + 3) & ~3);
    this.toPages = new ByteTransfer(this.pages);
    this.lengths = new Uint16Array(pageCount);
    this.free = new Int32Array(pageCount);
    for (let page = 0; page < pageCount; page++) this.free[page] = pageCount - 1 - page;
    this.freeCount = pageCount;
    this.scratch = new Uint8Array(windowBytes + largestSegment);
  }

  /** Bytes that are held when no page is left. */
  get capacity(): number {
    return this.pageCount * this.windowBytes;
  }

  get heldBytes(): number {
    return (this.pageCount - this.freeCount) * this.windowBytes;
  }

  /** @returns a page, or -1 when there is none */
  take(): number {
    if (this.freeCount === 0) {
      this.exhausted++;
      return -1;
    }
    const page = this.free[--this.freeCount] as number;
    this.lengths[page] = 0;
    return page;
  }

  release(page: number): void {
    this.free[this.freeCount++] = page;
  }

  tailLength(page: number): number {
    return this.lengths[page] as number;
  }

  forget(page: number): void {
    this.lengths[page] = 0;
  }

  /** Puts the tail and the new bytes into `scratch`. @returns where the window ends there; the new bytes begin at `tailLength(page)` */
  join(page: number, bytes: Uint8Array, start: number, end: number): number {
    const tail = this.lengths[page] as number;
    const at = page * this.windowBytes;
    this.scratch.set(this.pages.subarray(at, at + tail), 0);
    this.scratch.set(bytes.subarray(start, end), tail);
    return tail + end - start;
  }

  /** Keeps the last bytes of [start, end) as the page's tail. */
  keep(page: number, bytes: Uint8Array, start: number, end: number): void {
    const length = Math.min(this.windowBytes, end - start);
    this.toPages.copy(bytes, end - length, page * this.windowBytes, length);
    this.lengths[page] = length;
  }
}
