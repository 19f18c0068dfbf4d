import { BufferStep, type Evaluation, type Outcome } from '../evaluation';
import type { Keyword } from '../keyword';
import { argumentsOf, invalid } from '../option-value';
import {
  applyMask,
  checkCount,
  type NumberForm,
  number,
  readNumber,
  readValue,
  takeForm,
} from './byte-value';

interface ByteExtract {
  readonly count: number;
  readonly offset: number;
  readonly variable: number;
  readonly relative: boolean;
  readonly form: NumberForm;
  readonly multiplier: number;
  /** 0: none; 2 or 4 bytes. */
  readonly align: number;
  readonly mask: number;
}

export class ByteExtractStep extends BufferStep {
  constructor(private readonly extract: ByteExtract) {
    super();
  }

  override get relative(): boolean {
    return this.extract.relative;
  }

  inspect(evaluation: Evaluation, at: number): Outcome {
    const extract = this.extract;
    const place = (extract.relative ? evaluation.position : 0) + extract.offset;
    if (place < 0 || place + extract.count > evaluation.length) {
      evaluation.open = true;
      return 0;
    }
    const taken = readNumber(evaluation.bytes, evaluation.start + place, extract.count, extract.form);
    if (taken === 0) return 0;
    if (extract.mask !== 0) applyMask(extract.mask);
    if (extract.multiplier !== 1 || extract.align !== 0) {
      let value = (readValue.high * 0x100000000 + readValue.low) * extract.multiplier;
      if (extract.align !== 0 && value % extract.align !== 0)
        value += extract.align - (value % extract.align);
      readValue.high = Math.floor(value / 0x100000000) >>> 0;
      readValue.low = value % 0x100000000;
    }
    evaluation.high[extract.variable] = readValue.high;
    evaluation.low[extract.variable] = readValue.low;
    evaluation.position = place + taken;
    return evaluation.run(at + 1);
  }
}

/** `byte_extract:<bytes>, <offset>, <name>[, relative][, multiplier N][, big|little][, string, hex|dec|oct][, align 2|4][, bitmask M]` */
export const byteExtract: Keyword = {
  names: ['byte_extract'],
  parse(option, rule) {
    const parts = argumentsOf(option);
    if (parts.length < 3) throw invalid(option, 'needs at least bytes, offset and a name');
    if (!/^[A-Za-z_][\w.-]*$/.test(parts[2].text)) {
      throw invalid(option, `"${parts[2].text}" cannot be a name`, parts[2].index);
    }
    const form: NumberForm = { text: false, base: 0, little: false };
    let relative = false;
    let multiplier = 1;
    let align = 0;
    let mask = 0;
    for (const part of parts.slice(3)) {
      const [word, argument] = part.text.split(/\s+/, 2);
      const given = { text: argument ?? '', index: part.index + part.text.length - (argument ?? '').length };
      if (word === 'multiplier') multiplier = number(option, given, 1, 65_535);
      else if (word === 'align') {
        align = number(option, given, 2, 4);
        if (align === 3) throw invalid(option, 'aligns to 2 or 4 bytes', given.index);
      } else if (word === 'bitmask') mask = number(option, given, 1, 0xffffffff);
      else if (part.text === 'relative') relative = true;
      else if (part.text === 'dce') throw invalid(option, '"dce" is not supported yet', part.index);
      else if (!takeForm(form, part.text)) throw invalid(option, `unknown word "${part.text}"`, part.index);
    }
    const count = number(option, parts[0], 1, 23);
    checkCount(option, parts[0], { value: count, variable: -1 }, form);
    const offset = number(option, parts[1], -65_535, 65_535);
    const variable = rule.defineVariable(option, parts[2]);
    rule.add(new ByteExtractStep({ count, offset, variable, relative, form, multiplier, align, mask }));
  },
};
