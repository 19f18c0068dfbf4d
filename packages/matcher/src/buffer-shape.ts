import type { IntegerRange } from './integer-range';

const LONGEST = 0x7fffffff;

/** What the steps over a buffer say of its length and its ends, whatever else they ask. */
export class BufferShape {
  /** Least and greatest length of a buffer that may match. */
  shortest = 0;
  longest = LONGEST;
  /** The byte (in lower case) it begins or ends with; -1: whichever. */
  first = -1;
  last = -1;

  atLeast(length: number): void {
    if (length > this.shortest) this.shortest = Math.min(length, LONGEST);
  }

  atMost(length: number): void {
    if (length < this.longest) this.longest = Math.max(length, 0);
  }

  within(sizes: IntegerRange): void {
    if (!sizes.bounded) return;
    this.atLeast(sizes.low);
    // Some lengths are counted up to 65535 only.
    if (sizes.high < 65_535) this.atMost(sizes.high);
  }
}
