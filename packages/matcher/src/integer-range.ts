import { parseComparison, type RuleOption } from '@portcullis/rules';
import { required } from './option-value';

/** A condition on an unsigned number, as `dsize`, `urilen`, `ttl` … write it, in a form that is quick to ask. */
export class IntegerRange {
  constructor(
    readonly low: number,
    readonly high: number,
    readonly negated: boolean,
  ) {}

  has(value: number): boolean {
    return (value >= this.low && value <= this.high) !== this.negated;
  }
}

const INFINITE = Number.MAX_SAFE_INTEGER;

/** Reads `5`, `!5`, `<5`, `<=5`, `>5`, `>=5`, `5<>9` (both ends excluded). */
export function integerRange(option: RuleOption, maximum: number, value = required(option)): IntegerRange {
  const comparison = parseComparison(value, option.valuePlace, { what: option.keyword, maximum });
  const number = comparison.value;
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
      return new IntegerRange(number + 1, comparison.upper - 1, false);
    case '!<>':
      return new IntegerRange(number + 1, comparison.upper - 1, true);
  }
}
