import { BufferStep, type Evaluation, type Outcome } from '../evaluation';
import type { Keyword } from '../keyword';
import { type Argument, argumentsOf, invalid } from '../option-value';
import {
  checkCount,
  type NumberForm,
  number,
  type Operand,
  operand,
  placeOf,
  readNumber,
  readValue,
  takeForm,
} from './byte-value';

const OPERATORS = ['+', '-', '*', '/', '<<', '>>'] as const;
type Operator = (typeof OPERATORS)[number];

const MOST_BYTES = 10;

interface ByteMath {
  readonly count: Operand;
  readonly offset: Operand;
  readonly operator: Operator;
  readonly operand: Operand;
  readonly result: number;
  readonly relative: boolean;
  readonly form: NumberForm;
  /** 0: none. */
  readonly mask: number;
}

/** `value` `operator` `by`, in 64 bits as C has it; null for a division by 0. */
function calculate(operator: Operator, value: bigint, by: bigint): bigint | null {
  switch (operator) {
    case '+':
      return BigInt.asUintN(64, value + by);
    case '-':
      return BigInt.asUintN(64, value - by);
    case '*':
      return BigInt.asUintN(64, value * by);
    case '/':
      return by === 0n ? null : value / by;
    case '<<':
      return by < 64n ? BigInt.asUintN(64, value << by) : 0n;
    case '>>':
      return by < 64n ? value >> by : 0n;
  }
}

/** Keeps the bits of `mask` and moves them down to bit 0. */
function masked(value: bigint, mask: number): bigint {
  let bits = BigInt(mask);
  let kept = value & bits;
  while ((bits & 1n) === 0n) {
    bits >>= 1n;
    kept >>= 1n;
  }
  return kept;
}

class ByteMathStep extends BufferStep {
  constructor(private readonly math: ByteMath) {
    super();
  }

  override get relative(): boolean {
    return this.math.relative;
  }

  inspect(evaluation: Evaluation, at: number): Outcome {
    const { math } = this;
    const count = placeOf(evaluation, math.count);
    if (count < 1 || count > (math.form.text ? MOST_BYTES : 8)) return 0;
    const place = (math.relative ? evaluation.position : 0) + placeOf(evaluation, math.offset);
    if (place < 0 || place + count > evaluation.length) {
      evaluation.open = true;
      return 0;
    }
    const taken = readNumber(evaluation, place, count, math.form);
    if (taken === 0) return 0;
    const { variable } = math.operand;
    const by =
      variable < 0
        ? BigInt(math.operand.value)
        : (BigInt(evaluation.high[variable]) << 32n) | BigInt(evaluation.low[variable]);
    let value = calculate(math.operator, (BigInt(readValue.high) << 32n) | BigInt(readValue.low), by);
    if (value === null) return 0;
    if (math.mask !== 0) value = masked(value, math.mask);
    evaluation.high[math.result] = Number(value >> 32n);
    evaluation.low[math.result] = Number(value & 0xffffffffn);
    evaluation.position = place + taken;
    return evaluation.run(at + 1);
  }
}

const NEEDED = ['bytes', 'offset', 'oper', 'rvalue', 'result'] as const;

/**
 * `byte_math:bytes N, offset N, oper +|-|*|/|<<|>>, rvalue N, result name[, relative][, endian big|little|dce]
 * [, string hex|dec|oct][, dce][, bitmask M]`; numbers but the mask may be variables.
 */
export const byteMath: Keyword = {
  names: ['byte_math'],
  parse(option, rule) {
    const words = new Map<string, Argument>();
    for (const { text, index } of argumentsOf(option)) {
      const [word, argument = ''] = text.split(/\s+/, 2);
      if (words.has(word)) throw invalid(option, `"${word}" stands twice`, index);
      words.set(word, { text: argument, index: index + text.length - argument.length });
    }
    for (const word of NEEDED) if (!words.get(word)?.text) throw invalid(option, `needs "${word}"`);
    const given = (word: (typeof NEEDED)[number]) => words.get(word) as Argument;
    const form: NumberForm = { text: false, base: 0, little: false, dce: words.has('dce') };
    let mask = 0;
    for (const [word, argument] of words) {
      const { text, index } = argument;
      if (word === 'string') {
        form.text = true;
        if (!['hex', 'dec', 'oct'].includes(text))
          throw invalid(option, '"string" needs hex, dec or oct', index);
        takeForm(form, text);
      } else if (word === 'endian') {
        if (form.dce) throw invalid(option, '"dce" and "endian" exclude each other', index);
        if (!['big', 'little', 'dce'].includes(text))
          throw invalid(option, `"${text}" is no byte order`, index);
        takeForm(form, text);
      } else if (word === 'bitmask') mask = number(option, argument, 1, 0xffffffff);
      else if (word !== 'relative' && word !== 'dce' && !(NEEDED as readonly string[]).includes(word)) {
        throw invalid(option, `unknown word "${word}"`, index);
      }
    }
    if (form.dce) {
      if (form.text) throw invalid(option, '"dce" and "string" exclude each other');
      rule.requireProtocol('dcerpc');
    }
    const operator = given('oper');
    if (!(OPERATORS as readonly string[]).includes(operator.text)) {
      throw invalid(option, `"${operator.text}" is not an operator`, operator.index);
    }
    const count = operand(option, rule, given('bytes'), 1, MOST_BYTES);
    checkCount(option, given('bytes'), count, form);
    const by = operand(option, rule, given('rvalue'), 0, 0xffffffff);
    if (operator.text === '/' && by.variable < 0 && by.value === 0) {
      throw invalid(option, 'divides by 0', given('rvalue').index);
    }
    const offset = operand(option, rule, given('offset'), -65_535, 65_535);
    if (!/^[A-Za-z_][\w.-]*$/.test(given('result').text)) {
      throw invalid(option, `"${given('result').text}" cannot be a name`, given('result').index);
    }
    rule.add(
      new ByteMathStep({
        count,
        offset,
        operator: operator.text as Operator,
        operand: by,
        result: rule.defineVariable(option, given('result')),
        relative: words.has('relative'),
        form,
        mask,
      }),
    );
  },
};
