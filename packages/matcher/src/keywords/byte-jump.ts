import { BufferStep, type Evaluation, type Outcome } from '../evaluation';
import type { Keyword } from '../keyword';
import { argumentsOf, invalid } from '../option-value';
import {
  applyMask,
  checkCount,
  MAX_BINARY_BYTES,
  MAX_TEXT_BYTES,
  type NumberForm,
  number,
  type Operand,
  operand,
  placeOf,
  readNumber,
  readValue,
  takeForm,
} from './byte-value';

/** Where a jump counts from. */
type Base = 'here' | 'start' | 'end';

interface ByteJump {
  readonly count: Operand;
  readonly offset: Operand;
  readonly relative: boolean;
  readonly form: NumberForm;
  readonly multiplier: number;
  readonly align: boolean;
  readonly postOffset: Operand;
  readonly base: Base;
  readonly mask: number;
}

export class ByteJumpStep extends BufferStep {
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
    if (place < 0 || place + count > length || length === 0 || (jump.relative && place >= length)) {
      evaluation.open = true;
      return 0;
    }
    let taken = 0;
    let value = 0;
    if (count > 0) {
      taken = readNumber(evaluation.bytes, evaluation.start + place, count, jump.form);
      if (taken === 0) return 0;
      if (jump.mask !== 0) applyMask(jump.mask);
      value = readValue.high * 0x100000000 + readValue.low;
    }
    value *= jump.multiplier;
    if (jump.align && value % 4 !== 0) value += 4 - (value % 4);
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
 * [, from_beginning|from_end][, post_offset N][, bitmask M]`
 */
export const byteJump: Keyword = {
  names: ['byte_jump'],
  parse(option, rule) {
    const parts = argumentsOf(option);
    if (parts.length < 2) throw invalid(option, 'needs at least bytes and offset');
    const form: NumberForm = { text: false, base: 0, little: false };
    let relative = false;
    let multiplier = 1;
    let align = false;
    let postOffset: Operand = { value: 0, variable: -1 };
    let base: Base = 'here';
    let mask = 0;
    for (const part of parts.slice(2)) {
      const [word, argument] = part.text.split(/\s+/, 2);
      const given = { text: argument ?? '', index: part.index + part.text.length - (argument ?? '').length };
      if (word === 'multiplier') multiplier = number(option, given, 1, 65_535);
      else if (word === 'post_offset') postOffset = operand(option, rule, given, -65_535, 65_535);
      else if (word === 'bitmask') mask = number(option, given, 1, 0xffffffff);
      else if (part.text === 'relative') relative = true;
      else if (part.text === 'align') align = true;
      else if (part.text === 'from_beginning') base = 'start';
      else if (part.text === 'from_end') base = 'end';
      else if (part.text === 'dce') throw invalid(option, '"dce" is not supported yet', part.index);
      else if (!takeForm(form, part.text)) throw invalid(option, `unknown word "${part.text}"`, part.index);
    }
    const count = operand(option, rule, parts[0], 0, MAX_TEXT_BYTES);
    if (count.variable >= 0 || count.value !== 0) checkCount(option, parts[0], count, form);
    const offset = operand(option, rule, parts[1], -65_535, 65_535);
    rule.add(new ByteJumpStep({ count, offset, relative, form, multiplier, align, postOffset, base, mask }));
  },
};
