import type { AddressExpression, AddressRange } from '@portcullis/rules';

const LAST = { 4: 0xffffffffn, 6: (1n << 128n) - 1n } as const;

/** Addresses of a rule, as sorted disjoint ranges of words. */
export class AddressSet {
  /** first, last, first, last … */
  readonly v4: Uint32Array;
  /** Eight words a range. */
  readonly v6: Uint32Array;

  /** @param number unique within a rule set: answers are remembered per packet under it */
  constructor(
    readonly number: number,
    expression: AddressExpression,
  ) {
    const v4 = disjoint(expression, 4);
    const v6 = disjoint(expression, 6);
    this.v4 = new Uint32Array(v4.length * 2);
    v4.forEach((range, i) => {
      this.v4[i * 2] = Number(range.first);
      this.v4[i * 2 + 1] = Number(range.last);
    });
    this.v6 = new Uint32Array(v6.length * 8);
    v6.forEach((range, i) => {
      writeWords(this.v6, i * 8, range.first);
      writeWords(this.v6, i * 8 + 4, range.last);
    });
  }

  hasV4(address: number): boolean {
    const ranges = this.v4;
    let low = 0;
    let high = (ranges.length >> 1) - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      if (address < ranges[middle * 2]) high = middle - 1;
      else if (address > ranges[middle * 2 + 1]) low = middle + 1;
      else return true;
    }
    return false;
  }

  hasV6(address: Uint32Array): boolean {
    const ranges = this.v6;
    let low = 0;
    let high = (ranges.length >> 3) - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      if (compareWords(address, ranges, middle * 8) < 0) high = middle - 1;
      else if (compareWords(address, ranges, middle * 8 + 4) > 0) low = middle + 1;
      else return true;
    }
    return false;
  }
}

/** Text that is equal exactly for equal expressions. */
export function addressKey(expression: AddressExpression): string {
  const part = (ranges: readonly AddressRange[]) =>
    ranges.map((range) => `${range.family}:${range.first.toString(36)}-${range.last.toString(36)}`).join(',');
  return `${expression.any ? 'any' : part(expression.include)}!${part(expression.exclude)}`;
}

/** True where the expression holds every address there is. */
export function holdsAll(expression: AddressExpression): boolean {
  return expression.any && expression.exclude.length === 0;
}

interface Span {
  first: bigint;
  last: bigint;
}

function disjoint(expression: AddressExpression, family: 4 | 6): Span[] {
  const included = expression.any
    ? [{ first: 0n, last: LAST[family] }]
    : merge(expression.include.filter((range) => range.family === family));
  const excluded = merge(expression.exclude.filter((range) => range.family === family));
  const result: Span[] = [];
  for (const span of included) {
    let first = span.first;
    for (const hole of excluded) {
      if (hole.last < first || hole.first > span.last) continue;
      if (hole.first > first) result.push({ first, last: hole.first - 1n });
      first = hole.last + 1n;
      if (first > span.last) break;
    }
    if (first <= span.last) result.push({ first, last: span.last });
  }
  return result;
}

function merge(ranges: readonly AddressRange[]): Span[] {
  const sorted = ranges.map(({ first, last }) => ({ first, last }));
  sorted.sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0));
  const merged: Span[] = [];
  for (const span of sorted) {
    const previous = merged[merged.length - 1];
    if (previous && span.first <= previous.last + 1n) {
      if (span.last > previous.last) previous.last = span.last;
    } else merged.push(span);
  }
  return merged;
}

function writeWords(words: Uint32Array, at: number, value: bigint): void {
  for (let i = 0; i < 4; i++) words[at + i] = Number((value >> BigInt(96 - 32 * i)) & 0xffffffffn);
}

function compareWords(address: Uint32Array, words: Uint32Array, at: number): number {
  for (let i = 0; i < 4; i++) {
    const difference = address[i] - words[at + i];
    if (difference !== 0) return difference;
  }
  return 0;
}
