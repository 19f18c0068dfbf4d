import type { RuleOption } from '@portcullis/rules';
import { invalid, required } from './option-value';

/** A condition on an unsigned number of up to 53 bits, in a form that is quick to ask. */
export class IntegerRange {
  /** @param mask bits that are compared with `low`; 0: the number lies from `low` to `high` */
  constructor(
    readonly low: number,
    readonly high: number,
    readonly negated: boolean,
    readonly mask = 0,
  ) {}

  has(value: number): boolean {
    if (this.mask !== 0) return ((value & this.mask) >>> 0 === this.low) !== this.negated;
    return (value >= this.low && value <= this.high) !== this.negated;
  }

  /** True where the least and greatest number are known. */
  get bounded(): boolean {
    return !this.negated && this.mask === 0;
  }
}

/** How a rule compares a number; `upper` is the second number of a range, or the value of a mask. */
export interface IntegerComparison {
  readonly operator: '=' | '!=' | '<' | '<=' | '>' | '>=' | '<>' | '!<>' | '&=' | '&!=';
  readonly value: bigint;
  readonly upper: bigint;
}

const UNITS: ReadonlyMap<string, bigint> = new Map([
  ['', 1n],
  ['kb', 1n << 10n],
  ['kib', 1n << 10n],
  ['mb', 1n << 20n],
  ['mib', 1n << 20n],
  ['gb', 1n << 30n],
  ['gib', 1n << 30n],
]);

const NUMBER = '(0x[0-9a-fA-F]{1,16}|\\d{1,20}(?:[kmgKMG][iI]?[bB])?)';
const MASKED = new RegExp(`^& *${NUMBER} *(!?)= *${NUMBER}$`);
const BETWEEN = new RegExp(`^(!?)${NUMBER} *(?:-|<>) *${NUMBER}$`);
const COMPARED = new RegExp(`^(>=|<=|!=|>|<|!|=|) *${NUMBER}$`);

function numberOf(option: RuleOption, text: string, maximum: bigint, index: number): bigint {
  const unit = /[kmg]i?b$/i.exec(text)?.[0].toLowerCase() ?? '';
  const digits = text.startsWith('0x') ? text : text.slice(0, text.length - unit.length);
  const value = BigInt(digits) * (text.startsWith('0x') ? 1n : (UNITS.get(unit) as bigint));
  if (value > maximum) throw invalid(option, `${text} is larger than ${maximum}`, index);
  return value;
}

/**
 * Reads Suricata's integer syntax: `5`, `=5`, `!5`, `!=5`, `<5`, `<=5`, `>5`, `>=5`, `5-9` or `5<>9` (both ends
 * excluded), `!5-9`, `&0xc0=0x80`, `&0xc0!=0`; numbers are decimal with an optional unit (`2kb`), or `0x…`.
 * @returns null where the text has another form
 * @throws RuleError where it has this form but could never, or would always, match
 */
export function integerComparison(
  option: RuleOption,
  maximum: bigint,
  written = required(option),
  at = 0,
): IntegerComparison | null {
  const text = written.trim();
  const index = at + written.length - written.trimStart().length;
  const number = (part: string) => numberOf(option, part, maximum, index);
  const masked = MASKED.exec(text);
  if (masked) {
    const value = number(masked[1]);
    const upper = number(masked[3]);
    if ((value & upper) !== upper) {
      throw invalid(option, `${masked[3]} has bits that are not in ${masked[1]}`, index);
    }
    return { operator: masked[2] ? '&!=' : '&=', value, upper };
  }
  const between = BETWEEN.exec(text);
  if (between) {
    const value = number(between[2]);
    const upper = number(between[3]);
    if (upper <= value + 1n) throw invalid(option, `no number lies between ${value} and ${upper}`, index);
    return { operator: between[1] ? '!<>' : '<>', value, upper };
  }
  const compared = COMPARED.exec(text);
  if (!compared) return null;
  const value = number(compared[2]);
  const word = compared[1];
  if ((word === '<' && value === 0n) || (word === '>' && value === maximum)) {
    throw invalid(option, `no number is ${text}`, index);
  }
  if ((word === '>=' && value === 0n) || (word === '<=' && value === maximum)) {
    throw invalid(option, `every number is ${text}`, index);
  }
  const operator = word === '' ? '=' : word === '!' ? '!=' : (word as IntegerComparison['operator']);
  return { operator, value, upper: value };
}

const INFINITE = Number.MAX_SAFE_INTEGER;

/** The range behind a comparison of numbers below 2^53. */
export function rangeOf(comparison: IntegerComparison): IntegerRange {
  const number = Number(comparison.value);
  const upper = Number(comparison.upper);
  switch (comparison.operator) {
    case '=':
      return new IntegerRange(number, number, false);
    case '!=':
      return new IntegerRange(number, number, true);
    case '<':
      return new IntegerRange(0, number - 1, false);
    case '<=':
      return new IntegerRange(0, number, false);
    case '>':
      return new IntegerRange(number + 1, INFINITE, false);
    case '>=':
      return new IntegerRange(number, INFINITE, false);
    case '<>':
      return new IntegerRange(number + 1, upper - 1, false);
    case '!<>':
      return new IntegerRange(number + 1, upper - 1, true);
    case '&=':
    case '&!=': {
      const negated = comparison.operator === '&!=';
      // No bits to compare: they are always 0.
      if (number === 0) return new IntegerRange(0, INFINITE, negated);
      return new IntegerRange(upper, upper, negated, number);
    }
  }
}

/**
 * Reads Suricata's integer syntax for a keyword whose numbers are at most `maximum`, below 2^32.
 * @param at where `value` begins in the option's value
 */
export function integerRange(
  option: RuleOption,
  maximum: number,
  value = required(option),
  at = 0,
): IntegerRange {
  const comparison = integerComparison(option, BigInt(maximum), value, at);
  if (!comparison)
    throw invalid(option, `"${value.trim().slice(0, 40)}" is not a number or a comparison`, at);
  return rangeOf(comparison);
}
