import { BufferStep, type Evaluation, type Outcome } from '../evaluation';
import { type IntegerRange, integerRange } from '../integer-range';
import type { Keyword } from '../keyword';
import { invalid } from '../option-value';

export class SizeStep extends BufferStep {
  constructor(readonly sizes: IntegerRange) {
    super();
  }

  inspect(evaluation: Evaluation, at: number): Outcome {
    const size = evaluation.length + evaluation.streamOffset;
    const sizes = this.sizes;
    if (sizes.has(size)) return evaluation.run(at + 1);
    if (evaluation.complete || (!sizes.negated && size > sizes.high)) return -1;
    // The buffer may still grow to the size.
    evaluation.open = true;
    return 0;
  }
}

/** `bsize:[<|>|!]N`, `bsize:N<>M`: the length of the buffer. */
export const bsize: Keyword = {
  names: ['bsize'],
  parse(option, rule) {
    const range = integerRange(option, 0xffffffff);
    if (rule.inPayload) throw invalid(option, 'needs a sticky buffer before it; for the payload use dsize');
    rule.add(new SizeStep(range));
  },
};
