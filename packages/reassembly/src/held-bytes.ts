import { ByteTransfer } from './byte-transfer';

/** One packet of an ordinary path fits; a super-segment takes 32. */
export const PAGE_BYTES = 2048;
/** One pool is one ArrayBuffer. */
export const MAX_POOL_BYTES = 2 ** 31;

/** Of what a direction may hold, so much may be taken when bytes out of order come: what fills the hole needs some too. */
const OUT_OF_ORDER_SHARE = 7 / 8;

/** Pages that `[start, end)` lies in. */
function pagesOf(start: number, end: number): number {
  return Math.floor((end - 1) / PAGE_BYTES) - Math.floor(start / PAGE_BYTES) + 1;
}

/**
 * Copies of stream bytes, by stream offset, for all flows of a worker:
 *
 * ```
 *            kept                       ranges (received out of order)
 *        ┌───────────┐            ┌──────┐        ┌───┐
 *  ──────┴───────────┴────────────┴──────┴────────┴───┴──────▶ stream offset
 *     keptStart   keptEnd = next in order
 * ```
 *
 * "Kept" bytes were delivered and are not yet acknowledged; ranges wait for the hole before them to fill. Both
 * lie in fixed-size pages at the place their offset gives (`offset % PAGE_BYTES`), so that a range becomes kept
 * without being moved. A direction that holds something has a record; records, pages and range nodes come from
 * free lists over typed arrays. All handles are numbers above 0; 0 is "none".
 *
 * Invariants: ranges of a record are disjoint, not adjacent, sorted, all behind keptEnd; a record's pages are
 * sorted by page number; every held byte lies in a page of its record.
 */
export class HeldBytes {
  /** The pool. `pieceStart … pieceEnd` index it. */
  readonly bytes: Uint8Array;
  pieceStart = 0;
  pieceEnd = 0;
  /** Pages in use. */
  usedPages = 0;
  /** Records in use: directions that hold something. */
  usedRecords = 0;
  readonly pageCount: number;

  private readonly transfer: ByteTransfer;
  private readonly pagesPerRecord: number;
  private readonly pagesOutOfOrder: number;

  private readonly pageNext: Uint32Array;
  private readonly pageNumber: Float64Array;
  private freePage = 0;
  private highPage = 0;

  private readonly head: Uint32Array;
  private readonly tail: Uint32Array;
  private readonly cursor: Uint32Array;
  private readonly recordPages: Uint32Array;
  private readonly ranges: Uint32Array;
  private readonly rangeCount: Uint16Array;
  private readonly kept: Float64Array;
  private freeRecord = 0;
  private highRecord = 0;

  private readonly rangeNext: Uint32Array;
  private readonly rangeBounds: Float64Array;
  private freeRange = 0;
  private highRange = 0;
  private before = 0;

  /**
   * @param memcap bytes for pages, rounded down to whole pages.
   * @param memcapPerDirection bytes of pages one direction of one flow may hold, an eighth of them for what fills holes.
   * @param holesPerDirection ranges that one direction may have at once.
   */
  constructor(
    memcap: number,
    memcapPerDirection: number,
    private readonly holesPerDirection: number,
  ) {
    if (!(memcap >= PAGE_BYTES) || memcap > MAX_POOL_BYTES)
      throw new RangeError(`stream.memcap has to be ${PAGE_BYTES} … ${MAX_POOL_BYTES} bytes, not ${memcap}.`);
    const pages = Math.floor(memcap / PAGE_BYTES);
    this.pageCount = pages;
    this.pagesPerRecord = Math.max(1, Math.floor(memcapPerDirection / PAGE_BYTES));
    this.pagesOutOfOrder = Math.ceil(this.pagesPerRecord * OUT_OF_ORDER_SHARE);
    this.bytes = new Uint8Array(pages * PAGE_BYTES);
    this.transfer = new ByteTransfer(this.bytes);
    const size = pages + 1;
    this.pageNext = new Uint32Array(size);
    this.pageNumber = new Float64Array(size);
    this.head = new Uint32Array(size);
    this.tail = new Uint32Array(size);
    this.cursor = new Uint32Array(size);
    this.recordPages = new Uint32Array(size);
    this.ranges = new Uint32Array(size);
    this.rangeCount = new Uint16Array(size);
    this.kept = new Float64Array(size * 2);
    this.rangeNext = new Uint32Array(size);
    this.rangeBounds = new Float64Array(size * 2);
  }

  /** Bytes of pages in use. */
  get heldBytes(): number {
    return this.usedPages * PAGE_BYTES;
  }

  /** @returns a record that keeps nothing, from `offset` on; 0 when there is none left. */
  open(offset: number): number {
    let record = this.freeRecord;
    if (record !== 0) this.freeRecord = this.head[record];
    else if (this.highRecord < this.pageCount) record = ++this.highRecord;
    else return 0;
    this.head[record] = 0;
    this.tail[record] = 0;
    this.cursor[record] = 0;
    this.recordPages[record] = 0;
    this.ranges[record] = 0;
    this.rangeCount[record] = 0;
    this.kept[record * 2] = offset;
    this.kept[record * 2 + 1] = offset;
    this.usedRecords++;
    return record;
  }

  close(record: number): void {
    this.freeRanges(record);
    let page = this.head[record];
    while (page !== 0) {
      const next = this.pageNext[page];
      this.releasePage(page);
      page = next;
    }
    this.head[record] = this.freeRecord;
    this.freeRecord = record;
    this.usedRecords--;
  }

  keptStart(record: number): number {
    return this.kept[record * 2];
  }

  keptEnd(record: number): number {
    return this.kept[record * 2 + 1];
  }

  setKeptEnd(record: number, end: number): void {
    this.kept[record * 2 + 1] = end;
  }

  /** Nothing kept and nothing waiting. */
  isEmpty(record: number): boolean {
    return this.ranges[record] === 0 && this.kept[record * 2] >= this.kept[record * 2 + 1];
  }

  /** Whether one direction may have `[start, end)` wait out of order beside what it holds, however much room there is. */
  isWithinShare(record: number, start: number, end: number): boolean {
    if (record === 0) return pagesOf(start, end) <= this.pagesOutOfOrder;
    if (this.recordPages[record] + pagesOf(start, end) > this.pagesOutOfOrder) return false;
    return this.rangeCount[record] < this.holesPerDirection || this.touchesRange(record, start, end);
  }

  /** Whether `store` of `[start, end)` will find its pages; `outOfOrder` asks for a range node too. */
  hasRoom(record: number, start: number, end: number, outOfOrder: boolean): boolean {
    const pages = pagesOf(start, end);
    if (pages > this.pageCount - this.usedPages) return false;
    const held = record === 0 ? 0 : this.recordPages[record];
    if (held + pages > this.pagesPerRecord) return false;
    if (!outOfOrder) return true;
    // Later arrivals can only be delivered once the hole is filled: leave half of the pool to what fills it.
    if (this.usedPages + pages > this.pageCount >>> 1) return false;
    return this.freeRange !== 0 || this.highRange < this.pageCount;
  }

  /** Copies `source[at, at + end - start)` to `[start, end)`. `hasRoom` must have said yes. */
  store(record: number, source: Uint8Array, at: number, start: number, end: number): void {
    let from = at;
    let offset = start;
    while (offset < end) {
      const number = Math.floor(offset / PAGE_BYTES);
      const inPage = offset - number * PAGE_BYTES;
      const length = Math.min(PAGE_BYTES - inPage, end - offset);
      let page = this.findPage(record, number);
      if (page === 0) page = this.insertPage(record, number);
      this.cursor[record] = page;
      this.transfer.copy(source, from, (page - 1) * PAGE_BYTES + inPage, length);
      from += length;
      offset += length;
    }
  }

  /** Whether `source[at, at + end - start)` agrees with whatever is held of `[start, end)`. */
  matches(record: number, source: Uint8Array, at: number, start: number, end: number): boolean {
    const keptStart = this.kept[record * 2];
    const keptEnd = this.kept[record * 2 + 1];
    const low = Math.max(start, keptStart);
    const high = Math.min(end, keptEnd);
    if (low < high && !this.equals(record, source, at + low - start, low, high)) return false;
    const bounds = this.rangeBounds;
    for (let range = this.ranges[record]; range !== 0; range = this.rangeNext[range]) {
      const rangeStart = bounds[range * 2];
      if (rangeStart >= end) break;
      const rangeEnd = bounds[range * 2 + 1];
      const first = Math.max(start, rangeStart);
      const last = Math.min(end, rangeEnd);
      if (first < last && !this.equals(record, source, at + first - start, first, last)) return false;
    }
    return true;
  }

  /** Notes that `[start, end)`, already stored, waits out of order. Joins what it touches. */
  addRange(record: number, start: number, end: number): void {
    const bounds = this.rangeBounds;
    const next = this.rangeNext;
    let before = 0;
    let range = this.ranges[record];
    while (range !== 0 && bounds[range * 2 + 1] < start) {
      before = range;
      range = next[range];
    }
    let low = start;
    let high = end;
    while (range !== 0 && bounds[range * 2] <= high) {
      if (bounds[range * 2] < low) low = bounds[range * 2];
      if (bounds[range * 2 + 1] > high) high = bounds[range * 2 + 1];
      const after = next[range];
      this.releaseRange(record, range);
      range = after;
    }
    let node = this.freeRange;
    if (node !== 0) this.freeRange = next[node];
    else node = ++this.highRange;
    bounds[node * 2] = low;
    bounds[node * 2 + 1] = high;
    next[node] = range;
    if (before === 0) this.ranges[record] = node;
    else next[before] = node;
    this.rangeCount[record]++;
  }

  /** Where the first range begins; Infinity without one. */
  firstRange(record: number): number {
    const range = this.ranges[record];
    return range === 0 ? Number.POSITIVE_INFINITY : this.rangeBounds[range * 2];
  }

  /** Where the last range ends; -1 without one. */
  lastRangeEnd(record: number): number {
    let end = -1;
    for (let range = this.ranges[record]; range !== 0; range = this.rangeNext[range])
      end = this.rangeBounds[range * 2 + 1];
    return end;
  }

  /** Takes the first range out of the list; its bytes stay. @returns its end. */
  takeRange(record: number): number {
    const range = this.ranges[record];
    const end = this.rangeBounds[range * 2 + 1];
    this.ranges[record] = this.rangeNext[range];
    this.releaseRange(record, range);
    return end;
  }

  /** Sets `pieceStart` and `pieceEnd` to the pool bytes at `offset`, up to `end` or the end of the page. */
  piece(record: number, offset: number, end: number): void {
    const number = Math.floor(offset / PAGE_BYTES);
    const inPage = offset - number * PAGE_BYTES;
    const page = this.findPage(record, number);
    this.cursor[record] = page;
    this.pieceStart = (page - 1) * PAGE_BYTES + inPage;
    this.pieceEnd = this.pieceStart + Math.min(PAGE_BYTES - inPage, end - offset);
  }

  /** Keeps nothing below `offset` any more. Ranges must lie behind it. */
  forget(record: number, offset: number): void {
    const kept = this.kept;
    if (offset <= kept[record * 2]) return;
    kept[record * 2] = offset;
    if (kept[record * 2 + 1] < offset) kept[record * 2 + 1] = offset;
    let page = this.head[record];
    while (page !== 0 && (this.pageNumber[page] + 1) * PAGE_BYTES <= offset) {
      const next = this.pageNext[page];
      this.releasePage(page);
      this.recordPages[record]--;
      page = next;
    }
    this.head[record] = page;
    this.cursor[record] = page;
    if (page === 0) this.tail[record] = 0;
  }

  /** Gives up everything out of order. */
  dropRanges(record: number): void {
    if (this.ranges[record] === 0) return;
    this.freeRanges(record);
    const end = this.kept[record * 2 + 1];
    const empty = this.kept[record * 2] >= end;
    let last = 0;
    let page = this.head[record];
    while (page !== 0 && !empty && this.pageNumber[page] * PAGE_BYTES < end) {
      last = page;
      page = this.pageNext[page];
    }
    if (last === 0) this.head[record] = 0;
    else this.pageNext[last] = 0;
    this.tail[record] = last;
    this.cursor[record] = this.head[record];
    while (page !== 0) {
      const next = this.pageNext[page];
      this.releasePage(page);
      this.recordPages[record]--;
      page = next;
    }
  }

  /** Whether `[start, end)` would join a range instead of being another one. */
  private touchesRange(record: number, start: number, end: number): boolean {
    const bounds = this.rangeBounds;
    let range = this.ranges[record];
    while (range !== 0 && bounds[range * 2 + 1] < start) range = this.rangeNext[range];
    return range !== 0 && bounds[range * 2] <= end;
  }

  private equals(record: number, source: Uint8Array, at: number, start: number, end: number): boolean {
    let from = at;
    let offset = start;
    while (offset < end) {
      const number = Math.floor(offset / PAGE_BYTES);
      const inPage = offset - number * PAGE_BYTES;
      const length = Math.min(PAGE_BYTES - inPage, end - offset);
      const page = this.findPage(record, number);
      this.cursor[record] = page;
      if (!this.transfer.equals(source, from, (page - 1) * PAGE_BYTES + inPage, length)) return false;
      from += length;
      offset += length;
    }
    return true;
  }

  /** @returns the page, or 0 with `before` set to the page it would follow (0: it would be the first). */
  private findPage(record: number, number: number): number {
    const numbers = this.pageNumber;
    const tail = this.tail[record];
    if (tail !== 0) {
      if (numbers[tail] === number) return tail;
      if (numbers[tail] < number) {
        this.before = tail;
        return 0;
      }
    }
    let before = 0;
    let page = this.cursor[record];
    if (page === 0 || numbers[page] > number) page = this.head[record];
    const next = this.pageNext;
    while (page !== 0 && numbers[page] < number) {
      before = page;
      page = next[page];
    }
    if (page !== 0 && numbers[page] === number) return page;
    this.before = before;
    return 0;
  }

  private insertPage(record: number, number: number): number {
    let page = this.freePage;
    if (page !== 0) this.freePage = this.pageNext[page];
    else page = ++this.highPage;
    this.usedPages++;
    this.recordPages[record]++;
    this.pageNumber[page] = number;
    const before = this.before;
    if (before === 0) {
      this.pageNext[page] = this.head[record];
      this.head[record] = page;
    } else {
      this.pageNext[page] = this.pageNext[before];
      this.pageNext[before] = page;
    }
    if (this.pageNext[page] === 0) this.tail[record] = page;
    return page;
  }

  private releasePage(page: number): void {
    this.pageNext[page] = this.freePage;
    this.freePage = page;
    this.usedPages--;
  }

  private releaseRange(record: number, range: number): void {
    this.rangeNext[range] = this.freeRange;
    this.freeRange = range;
    this.rangeCount[record]--;
  }

  private freeRanges(record: number): void {
    let range = this.ranges[record];
    while (range !== 0) {
      const next = this.rangeNext[range];
      this.releaseRange(record, range);
      range = next;
    }
    this.ranges[record] = 0;
  }
}
