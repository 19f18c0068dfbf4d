import type { IntegerBuffer } from '@portcullis/protocols';
import type { RuleOption } from '@portcullis/rules';
import { currentName } from '../buffer-names';
import { BufferStep, type Evaluation, type Outcome } from '../evaluation';
import { type IntegerComparison, integerComparison, integerRange } from '../integer-range';
import type { Keyword } from '../keyword';
import { occurrencesOf } from '../occurrences';
import { invalid, required } from '../option-value';

/** Compares a buffer that is one unsigned big-endian number of up to 8 bytes. Numbers are pairs of 32-bit words. */
export class IntegerStep extends BufferStep {
  private readonly operator: IntegerComparison['operator'];
  private readonly high: number;
  private readonly low: number;
  private readonly upperHigh: number;
  private readonly upperLow: number;

  constructor({ operator, value, upper }: IntegerComparison) {
    super();
    this.operator = operator;
    this.high = Number(value >> 32n);
    this.low = Number(value & 0xffffffffn);
    this.upperHigh = Number(upper >> 32n);
    this.upperLow = Number(upper & 0xffffffffn);
  }

  inspect(evaluation: Evaluation, at: number): Outcome {
    const { bytes, start, end } = evaluation;
    let high = 0;
    let low = 0;
    for (let i = start; i < end; i++) {
      high = (high << 8) | (low >>> 24);
      low = (low << 8) | bytes[i];
    }
    return this.holds(high >>> 0, low >>> 0) ? evaluation.run(at + 1) : -1;
  }

  holds(high: number, low: number): boolean {
    const order = high !== this.high ? high - this.high : low - this.low;
    switch (this.operator) {
      case '=':
        return order === 0;
      case '!=':
        return order !== 0;
      case '<':
        return order < 0;
      case '<=':
        return order <= 0;
      case '>':
        return order > 0;
      case '>=':
        return order >= 0;
      case '<>':
        return order > 0 && this.belowUpper(high, low);
      case '!<>':
        return order <= 0 || !this.belowUpper(high, low);
      case '&=':
        return this.maskedEquals(high, low);
      case '&!=':
        return !this.maskedEquals(high, low);
    }
  }

  private belowUpper(high: number, low: number): boolean {
    return high !== this.upperHigh ? high < this.upperHigh : low < this.upperLow;
  }

  private maskedEquals(high: number, low: number): boolean {
    return (high & this.high) >>> 0 === this.upperHigh && (low & this.low) >>> 0 === this.upperLow;
  }
}

/**
 * Reads a comparison, the name of a number (`text`, `!ping`), or a list of flags (`retain,!dup`).
 * @param at where `value` begins in the option's value
 */
export function integerOrName(
  option: RuleOption,
  form: IntegerBuffer,
  value = required(option),
  at = 0,
): IntegerComparison {
  const maximum = (1n << BigInt(form.bytes * 8)) - 1n;
  const comparison = integerComparison(option, maximum, value, at);
  if (comparison) return comparison;
  const { names } = form;
  if (!names) throw invalid(option, `"${value.trim().slice(0, 40)}" is not a number or a comparison`, at);
  let mask = 0n;
  let wanted = 0n;
  let begin = 0;
  for (const part of form.flags ? value.split(',') : [value]) {
    const found = /^(\s*)(!?)\s*(.*?)\s*$/s.exec(part) as RegExpExecArray;
    const number = names.get(found[3].toLowerCase());
    if (number === undefined) {
      const place = at + begin + found[1].length + found[2].length;
      throw invalid(option, `"${found[3].slice(0, 40)}" is neither a number nor a name of one`, place);
    }
    const negated = found[2] === '!';
    if (!form.flags) {
      return { operator: negated ? '!=' : '=', value: BigInt(number), upper: BigInt(number) };
    }
    mask |= BigInt(number);
    if (!negated) wanted |= BigInt(number);
    begin += part.length + 1;
  }
  return { operator: '&=', value: mask, upper: wanted };
}

/** A condition on a buffer that is a number; where it may occur several times, with the place: `dns.rcode:3,all`. */
export const integerBuffer: Keyword = {
  names: [],
  parse(option, rule) {
    const name = currentName(option.keyword);
    const { buffers } = rule.environment;
    const form = buffers.integer(name) as IntegerBuffer;
    const value = required(option);
    if (!buffers.isMultiple(name) || form.flags) {
      rule.addCondition(name, new IntegerStep(integerOrName(option, form)));
      return;
    }
    const comma = value.indexOf(',');
    const place = comma < 0 ? 'any' : value.slice(comma + 1).trim();
    const occurrences = occurrencesOf(option, place, value.length - place.length);
    const number = comma < 0 ? value : value.slice(0, comma);
    const counted = /^\s*count\s+(.*)$/s.exec(number);
    if (counted && occurrences === null) {
      const counts = integerRange(option, 0xffffffff, counted[1], number.length - counted[1].length);
      rule.addCondition(name, null, { kind: 'count', counts });
      return;
    }
    rule.addCondition(name, new IntegerStep(integerOrName(option, form, number)), occurrences);
  },
};
