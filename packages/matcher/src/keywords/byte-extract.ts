import { BufferStep, type Evaluation, type Outcome } from '../evaluation';
import type { Keyword } from '../keyword';
import { argumentsOf, invalid } from '../option-value';
import {
  applyMask,
  type ByteOptions,
  byteOptions,
  checkCount,
  number,
  readNumber,
  readValue,
} from './byte-value';

interface ByteExtract extends ByteOptions {
  readonly count: number;
  readonly offset: number;
  readonly variable: number;
}

class ByteExtractStep extends BufferStep {
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
    const taken = readNumber(evaluation, place, extract.count, extract.form);
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

/** `byte_extract:<bytes>, <offset>, <name>[, relative][, multiplier N][, big|little][, string, hex|dec|oct][, align 2|4][, bitmask M][, dce]` */
export const byteExtract: Keyword = {
  names: ['byte_extract'],
  parse(option, rule) {
    const parts = argumentsOf(option);
    if (parts.length < 3) throw invalid(option, 'needs at least bytes, offset and a name');
    if (!/^[A-Za-z_][\w.-]*$/.test(parts[2].text)) {
      throw invalid(option, `"${parts[2].text}" cannot be a name`, parts[2].index);
    }
    const options = byteOptions(option, rule, parts.slice(3), ['bitmask', 'multiplier', 'align N']);
    const count = number(option, parts[0], 1, 23);
    checkCount(option, parts[0], { value: count, variable: -1 }, options.form);
    const offset = number(option, parts[1], -65_535, 65_535);
    const variable = rule.defineVariable(option, parts[2]);
    rule.add(new ByteExtractStep({ ...options, count, offset, variable }));
  },
};
