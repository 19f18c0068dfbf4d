import type { RuleOption } from '@portcullis/rules';
import { type IntegerRange, integerRange } from './integer-range';
import { invalid } from './option-value';

/** Which of a buffer's occurrences in a transaction have to match. Where a test has none of these, any one does. */
export type Occurrences =
  /** There is no such buffer. */
  | { readonly kind: 'absent' }
  /** There is no such buffer, or one matches. */
  | { readonly kind: 'any-or-absent' }
  /** Every one, and there is one. */
  | { readonly kind: 'all' }
  | { readonly kind: 'all-or-absent' }
  /** That one, from 0; below 0 from the end. */
  | { readonly kind: 'index'; readonly index: number; readonly orOutOfBounds: boolean }
  /** As many as this match. */
  | { readonly kind: 'count'; readonly counts: IntegerRange };

/** True where the answer needs to know how many there are in all. */
export function needsAll(occurrences: Occurrences): boolean {
  return !(occurrences.kind === 'index' && occurrences.index >= 0 && !occurrences.orOutOfBounds);
}

/**
 * The verdict on occurrences that were all asked.
 * @param total how many there are
 * @param matching how many of them match
 * @param at asks whether the one of that index matches
 */
export function occurrencesHold(
  occurrences: Occurrences,
  total: number,
  matching: number,
  at: (index: number) => boolean,
): boolean {
  switch (occurrences.kind) {
    case 'absent':
      return total === 0;
    case 'any-or-absent':
      return total === 0 || matching > 0;
    case 'all':
      return total > 0 && matching === total;
    case 'all-or-absent':
      return matching === total;
    case 'index': {
      const index = occurrences.index < 0 ? total + occurrences.index : occurrences.index;
      if (index < 0 || index >= total) return occurrences.orOutOfBounds;
      return at(index);
    }
    case 'count':
      return occurrences.counts.has(matching);
  }
}

const MOST_OCCURRENCES = 0xffffffff;

/**
 * Reads what stands behind the number of a keyword that may occur several times: `all`, `all1`, `any`, `2`, `-1`,
 * `nb>3`, `oob_or 2` …
 * @returns null for any
 */
export function occurrencesOf(option: RuleOption, text: string, at: number): Occurrences | null {
  switch (text) {
    case 'any':
      return null;
    case 'all1':
      return { kind: 'all' };
    case 'all':
    case 'all_or_absent':
      return { kind: 'all-or-absent' };
    case 'or_absent':
      return { kind: 'any-or-absent' };
  }
  const counted = /^nb\s*(.+)$/.exec(text);
  if (counted) {
    const begin = at + text.length - counted[1].length;
    return { kind: 'count', counts: integerRange(option, MOST_OCCURRENCES, counted[1], begin) };
  }
  const indexed = /^(oob_or\s+)?([+-]?\d{1,9})$/.exec(text);
  if (!indexed) throw invalid(option, `"${text.slice(0, 40)}" is not a place in the list`, at);
  return { kind: 'index', index: Number(indexed[2]), orOutOfBounds: indexed[1] !== undefined };
}
