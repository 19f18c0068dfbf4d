import { base64Bound, decodeBase64 } from '../base64';
import { BufferStep, type Evaluation, type Outcome } from '../evaluation';
import type { Keyword } from '../keyword';
import { matchesWithin } from '../nested-evaluation';
import { argumentsOf, integer, invalid, withoutValue } from '../option-value';

/** More is not decoded, as in Suricata. */
const MOST_BYTES = 65_535;
const LARGEST = 0xffffffff;

const decoded = new Uint8Array(base64Bound(MOST_BYTES));

/** Decodes what stands at a place of the buffer; the steps behind `base64_data` look at it, and decide. */
export class Base64DecodeStep extends BufferStep {
  readonly inner: BufferStep[] = [];

  constructor(
    private readonly bytes: number,
    private readonly offset: number,
    private readonly isRelative: boolean,
  ) {
    super();
  }

  override get relative(): boolean {
    return this.isRelative;
  }

  inspect(evaluation: Evaluation, at: number): Outcome {
    const from = (this.isRelative ? evaluation.position : 0) + this.offset;
    const available = evaluation.length - from;
    if (available <= 0) {
      evaluation.open = true;
      return 0;
    }
    const wanted = this.bytes > 0 ? this.bytes : MOST_BYTES;
    const count = Math.min(available, wanted, MOST_BYTES);
    if (!evaluation.spend(count)) return -1;
    const start = evaluation.start + from;
    const end = decodeBase64(evaluation.bytes, start, start + count, decoded, 0, 'rfc4648');
    if (available < wanted) evaluation.open = true;
    if (end <= 0) return 0;
    if (this.inner.length === 0) return evaluation.run(at + 1);
    return matchesWithin(evaluation, this.inner, decoded, end) ? 1 : 0;
  }
}

/** `base64_decode[:bytes N][, offset N][, relative]` */
export const base64Decode: Keyword = {
  names: ['base64_decode'],
  parse(option, rule) {
    let bytes = 0;
    let offset = 0;
    let relative = false;
    for (const { text, index } of option.value === null ? [] : argumentsOf(option)) {
      const form = /^(bytes|offset)\s+(\S+)$/.exec(text);
      if (form) {
        const value = { text: form[2], index: index + text.length - form[2].length };
        if (form[1] === 'bytes') bytes = integer(option, value, 1, LARGEST);
        else offset = integer(option, value, 0, LARGEST);
      } else if (text === 'relative') relative = true;
      else throw invalid(option, `unknown word "${text}"`, index);
    }
    const step = new Base64DecodeStep(bytes, offset, relative);
    rule.add(step);
    rule.base64 = step;
  },
};

/** `base64_data`: contents behind it look at what `base64_decode` has decoded. */
export const base64Data: Keyword = {
  names: ['base64_data'],
  parse(option, rule) {
    withoutValue(option);
    if (rule.base64 === null) throw invalid(option, 'needs a base64_decode before it');
    rule.openSteps(rule.base64.inner);
  },
};
