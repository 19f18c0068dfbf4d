/**
 * The prefix codes of one brotli meta-block (RFC 7932 section 3), in one array that grows up to a bound.
 *
 * A code is a table for its short codes, the number of codes of each length, and the symbols in canonical order.
 */

const ROOT_BITS = 8;
const ROOT = 1 << ROOT_BITS;
const LENGTHS = 16;
/** Entry of the table for codes that are longer. */
const LONG = 0xffff;
/** Entries of the array that a stream can make it grow to: 512 KiB, more than any encoder needs for what is kept. */
const MOST_ENTRIES = 1 << 18;
const FIRST_ENTRIES = 1 << 12;

/** The largest alphabet: insert-and-copy lengths. */
export const LARGEST_ALPHABET = 704;

const offsets = new Uint16Array(LENGTHS);

export class CodeArena {
  /** Code `at` begins here: `ROOT` table entries (symbol << 4 | length), then counts, then symbols. */
  entries = new Uint16Array(0);
  /** Where the next code goes; what lies behind is free. */
  end = 0;

  /**
   * Adds the code of `count` symbols, which are in ascending order; one symbol alone has a code of no bits.
   * @param lengths of the symbols' codes, by symbol
   * @returns its place, -1 where there is no room left for it
   */
  add(lengths: Uint8Array, used: Uint16Array, count: number): number {
    const at = this.end;
    if (!this.reserve(ROOT + LENGTHS + count)) return -1;
    const { entries } = this;
    const counts = at + ROOT;
    const symbols = counts + LENGTHS;
    entries.fill(0, counts, symbols);
    for (let i = 0; i < count; i++) entries[counts + lengths[used[i]]]++;
    let next = 0;
    for (let length = 1; length < LENGTHS; length++) {
      offsets[length] = next;
      next += entries[counts + length];
    }
    for (let i = 0; i < count; i++) entries[symbols + offsets[lengths[used[i]]]++] = used[i];
    this.end = symbols + count;
    if (count === 1) {
      entries.fill(entries[symbols] << 4, at, at + ROOT);
      return at;
    }
    entries.fill(LONG, at, at + ROOT);
    let code = 0;
    let index = symbols;
    for (let length = 1; length <= ROOT_BITS; length++) {
      for (let n = entries[counts + length]; n > 0; n--) {
        let reversed = 0;
        for (let bit = 0; bit < length; bit++) reversed |= ((code >> bit) & 1) << (length - 1 - bit);
        const entry = (entries[index++] << 4) | length;
        for (let place = reversed; place < ROOT; place += 1 << length) entries[at + place] = entry;
        code++;
      }
      code <<= 1;
    }
    return at;
  }

  /**
   * Looks up the code that the lowest of `bits` begin with.
   * @returns symbol << 4 | length of its code, -1 where more than `available` bits are needed
   */
  find(at: number, bits: number, available: number): number {
    const { entries } = this;
    const entry = entries[at + (bits & (ROOT - 1))];
    if (entry !== LONG) return (entry & 15) <= available ? entry : -1;
    const counts = at + ROOT;
    let value = 0;
    let first = 0;
    let index = counts + LENGTHS;
    for (let length = 1; length < LENGTHS; length++) {
      if (length > available) return -1;
      value |= (bits >>> (length - 1)) & 1;
      const count = entries[counts + length];
      if (value - count < first) return (entries[index + value - first] << 4) | length;
      index += count;
      first = (first + count) << 1;
      value <<= 1;
    }
    return -1;
  }

  clear(): void {
    this.end = 0;
    if (this.entries.length > FIRST_ENTRIES) this.entries = new Uint16Array(0);
  }

  private reserve(count: number): boolean {
    const needed = this.end + count;
    if (needed <= this.entries.length) return true;
    if (needed > MOST_ENTRIES) return false;
    const larger = new Uint16Array(
      Math.min(MOST_ENTRIES, Math.max(FIRST_ENTRIES, needed, this.entries.length * 2)),
    );
    larger.set(this.entries.subarray(0, this.end));
    this.entries = larger;
    return true;
  }
}
