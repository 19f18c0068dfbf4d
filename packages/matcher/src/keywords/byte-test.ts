import type { RuleOption } from '@portcullis/rules';
import { BufferStep, type Evaluation, type Outcome } from '../evaluation';
import type { Keyword } from '../keyword';
import { argumentsOf, invalid } from '../option-value';
import {
  applyMask,
  type ByteOptions,
  byteOptions,
  checkCount,
  MAX_BINARY_BYTES,
  MAX_TEXT_BYTES,
  number,
  type Operand,
  operand,
  placeOf,
  readNumber,
  readValue,
} from './byte-value';

/** Digits and blanks before them that are looked at where a rule does not say how many. */
const MAX_OPEN_TEXT = 256;

type Operator = '<' | '>' | '=' | '<=' | '>=' | '&' | '^';

interface ByteTest extends ByteOptions {
  readonly count: Operand;
  readonly operator: Operator;
  readonly negated: boolean;
  /** Two words; unused where the value is a variable. */
  readonly high: number;
  readonly low: number;
  readonly valueVariable: number;
  readonly offset: Operand;
}

export class ByteTestStep extends BufferStep {
  constructor(private readonly test: ByteTest) {
    super();
  }

  override get relative(): boolean {
    return this.test.relative;
  }

  inspect(evaluation: Evaluation, at: number): Outcome {
    const test = this.test;
    let count = placeOf(evaluation, test.count);
    if (count < 0 || count > (test.form.text ? MAX_TEXT_BYTES : MAX_BINARY_BYTES)) return 0;
    const place = (test.relative ? evaluation.position : 0) + placeOf(evaluation, test.offset);
    // As text, a count of 0 means all digits there are.
    if (count === 0) count = Math.max(1, Math.min(MAX_OPEN_TEXT, evaluation.length - place));
    if (place < 0 || place + count > evaluation.length) {
      evaluation.open = true;
      return 0;
    }
    if (readNumber(evaluation, place, count, test.form) === 0) return 0;
    if (test.mask !== 0) applyMask(test.mask);
    const variable = test.valueVariable;
    const high = variable >= 0 ? evaluation.high[variable] : test.high;
    const low = variable >= 0 ? evaluation.low[variable] : test.low;
    if (compare(test.operator, high, low) === test.negated) return 0;
    return evaluation.run(at + 1);
  }
}

function compare(operator: Operator, high: number, low: number): boolean {
  const order = readValue.high !== high ? readValue.high - high : readValue.low - low;
  switch (operator) {
    case '<':
      return order < 0;
    case '>':
      return order > 0;
    case '=':
      return order === 0;
    case '<=':
      return order <= 0;
    case '>=':
      return order >= 0;
    case '&':
      return (readValue.high & high) !== 0 || (readValue.low & low) !== 0;
    case '^':
      return order !== 0;
  }
}

/** `byte_test:<bytes>, [!]<op>, <value>, <offset>[, relative][, big|little][, string, hex|dec|oct][, bitmask M][, dce]` */
export const byteTest: Keyword = {
  names: ['byte_test'],
  parse(option, rule) {
    const parts = argumentsOf(option);
    if (parts.length < 4) throw invalid(option, 'needs at least bytes, operator, value and offset');
    const { operator, negated } = operatorOf(option, parts[1].text, parts[1].index);
    const options = byteOptions(option, rule, parts.slice(4), ['bitmask']);
    const { form } = options;
    const count = operand(option, rule, parts[0], 0, MAX_TEXT_BYTES);
    if (!(form.text && count.value === 0)) checkCount(option, parts[0], count, form);
    let valueVariable = -1;
    let value = 0n;
    if (/^[A-Za-z_]/.test(parts[2].text)) valueVariable = rule.variable(option, parts[2]);
    else {
      number(option, parts[2], 0, 2 ** 64);
      value = BigInt.asUintN(64, BigInt(parts[2].text.replace(/^\+/, '')));
    }
    rule.add(
      new ByteTestStep({
        ...options,
        count,
        operator,
        negated,
        high: Number(value >> 32n),
        low: Number(value & 0xffffffffn),
        valueVariable,
        offset: operand(option, rule, parts[3], -65_535, 65_535),
      }),
    );
  },
};

function operatorOf(
  option: RuleOption,
  text: string,
  index: number,
): { operator: Operator; negated: boolean } {
  const form = /^(!)?\s*(<=|>=|<|>|=|&|\^)?$/.exec(text);
  if (!form || text === '') throw invalid(option, `"${text}" is not an operator`, index);
  return { operator: (form[2] ?? '=') as Operator, negated: form[1] !== undefined };
}
