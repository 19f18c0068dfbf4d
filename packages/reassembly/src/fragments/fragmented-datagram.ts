import type { FragmentRange, Replaces } from './overlap-policy';

/** A fragment's data, copied, with what came before it in its packet. */
export interface Fragment extends FragmentRange {
  readonly more: boolean;
  readonly data: Uint8Array;
  /** IP header, and what else comes before the fragmentable part; of fragments at offset 0 only. */
  readonly header: Uint8Array | null;
}

/** The parts of one datagram that have come so far. */
export class FragmentedDatagram {
  /** In the order in which they came. */
  readonly fragments: Fragment[] = [];
  /** Bytes held for it. */
  bytes = 0;
  /** Microseconds since 1970 of the last fragment. */
  touched = 0;
  /** Two fragments have some bytes in common. */
  overlapped = false;
  /** Where the datagram ends: as a fragment without "more" says that ends first; -1 while none has come. */
  private end = -1;
  /** What is there, as ranges that neither overlap nor touch, in order: start and end by turns. */
  private readonly covered: number[] = [];

  constructor(
    readonly key: string,
    private readonly replaces: Replaces,
  ) {}

  /** @returns whether it has bytes in common with one that came before */
  add(fragment: Fragment): boolean {
    const overlaps = this.cover(fragment.offset, fragment.end);
    if (overlaps) this.overlapped = true;
    this.fragments.push(fragment);
    this.bytes += fragment.data.length + (fragment.header?.length ?? 0);
    if (!fragment.more && (this.end < 0 || fragment.end < this.end)) this.end = fragment.end;
    return overlaps;
  }

  /** Joins `start … end` to the ranges that are there. @returns whether it overlaps one of them */
  private cover(start: number, end: number): boolean {
    const { covered } = this;
    // Ranges before `first` end before the new one begins; most fragments follow the last of them.
    let first = covered.length;
    while (first > 0 && covered[first - 1] >= start) first -= 2;
    let behind = first;
    let from = start;
    let to = end;
    let overlaps = false;
    while (behind < covered.length && covered[behind] <= end) {
      if (covered[behind] < end && covered[behind + 1] > start) overlaps = true;
      from = Math.min(from, covered[behind]);
      to = Math.max(to, covered[behind + 1]);
      behind += 2;
    }
    covered.splice(first, behind - first, from, to);
    return overlaps;
  }

  /** Length of the data when all of it is there, else -1. */
  get length(): number {
    const { covered, end } = this;
    return end >= 0 && covered[0] === 0 && covered[1] >= end ? end : -1;
  }

  /**
   * Puts the data together. Only when `length` says that all is there.
   * @param owners scratch for as many numbers as the data has bytes
   * @returns the fragment that gave the first byte
   */
  assemble(into: Uint8Array, at: number, owners: Uint16Array): Fragment {
    const { fragments, length, replaces } = this;
    if (!this.overlapped) {
      let first = fragments[0];
      for (const fragment of fragments) {
        if (fragment.offset === 0) first = fragment;
        if (fragment.offset < length)
          into.set(fragment.data.subarray(0, length - fragment.offset), at + fragment.offset);
      }
      return first;
    }
    owners.fill(0, 0, length);
    for (let number = 1; number <= fragments.length; number++) {
      const fragment = fragments[number - 1];
      const { offset, data } = fragment;
      const end = Math.min(fragment.end, length);
      for (let byte = offset; byte < end; byte++) {
        const owner = owners[byte];
        if (owner !== 0 && !replaces(fragment, fragments[owner - 1])) continue;
        owners[byte] = number;
        into[at + byte] = data[byte - offset];
      }
    }
    return fragments[owners[0] - 1];
  }
}
