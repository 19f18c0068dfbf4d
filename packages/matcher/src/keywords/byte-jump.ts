import { BufferStep, type Evaluation, type Outcome } from '../evaluation';
import type { Keyword } from '../keyword';
import { argumentsOf, invalid } from '../option-value';
import {
  applyMask,
  type ByteOptions,
  type ByteWord,
  byteOptions,
  checkCount,
  MAX_BINARY_BYTES,
  MAX_TEXT_BYTES,
  type Operand,
  operand,
  placeOf,
  readNumber,
  readValue,
} from './byte-value';

interface ByteJump extends ByteOptions {
  readonly count: Operand;
  readonly offset: Operand;
}

class ByteJumpStep extends BufferStep {
  constructor(private readonly jump: ByteJump) {
    super();
  }

  override get relative(): boolean {
    return this.jump.relative;
  }

  inspect(evaluation: Evaluation, at: number): Outcome {
    const jump = this.jump;
    const length = evaluation.length;
    const count = placeOf(evaluation, jump.count);
    // A count of 0 bytes is allowed: the jump is then the post offset alone.
    if (count < 0 || count > (jump.form.text ? MAX_TEXT_BYTES : MAX_BINARY_BYTES)) return 0;
    const place = (jump.relative ? evaluation.position : 0) + placeOf(evaluation, jump.offset);
    if (
      place < 0 ||
      place + count > length ||
      length === 0 ||
      (jump.relative && count > 0 && place >= length)
    ) {
      evaluation.open = true;
      return 0;
    }
    let taken = 0;
    let value = 0;
    if (count > 0) {
      taken = readNumber(evaluation, place, count, jump.form);
      if (taken === 0) return 0;
      if (jump.mask !== 0) applyMask(jump.mask);
      value = readValue.high * 0x100000000 + readValue.low;
    }
    value *= jump.multiplier;
    if (jump.align !== 0 && value % 4 !== 0) value += 4 - (value % 4);
    value += placeOf(evaluation, jump.postOffset);
    let target: number;
    if (jump.base === 'start') target = value;
    else if (jump.base === 'end') target = length + value;
    else target = place + taken + value;
    if (target < 0) target = 0;
    else if (target >= length) {
      evaluation.open = true;
      return 0;
    }
    evaluation.position = target;
    return evaluation.run(at + 1);
  }
}

/**
 * `byte_jump:<bytes>, <offset>[, relative][, multiplier N][, big|little][, align][, string, hex|dec|oct]
 * [, from_beginning|from_end][, post_offset N][, bitmask M][, dce]`
 */
export const byteJump: Keyword = {
  names: ['byte_jump'],
  parse(option, rule) {
    const parts = argumentsOf(option);
    if (parts.length < 2) throw invalid(option, 'needs at least bytes and offset');
    const words: ByteWord[] = ['bitmask', 'multiplier', 'align', 'base', 'post_offset'];
    const options = byteOptions(option, rule, parts.slice(2), words);
    const count = operand(option, rule, parts[0], 0, MAX_TEXT_BYTES);
    if (count.variable >= 0 || count.value !== 0) checkCount(option, parts[0], count, options.form);
    const offset = operand(option, rule, parts[1], -65_535, 65_535);
    rule.add(new ByteJumpStep({ ...options, count, offset }));
  },
};
