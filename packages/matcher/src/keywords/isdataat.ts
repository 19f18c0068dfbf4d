import { BufferStep, type Evaluation, type Outcome } from '../evaluation';
import type { Keyword } from '../keyword';
import { argumentsOf, integer, invalid } from '../option-value';

const MAX_PLACE = 65_535;
/** Above this an extracted value is no place in a buffer. */
const LARGEST_VARIABLE = 100_000_000;

export class IsDataAtStep extends BufferStep {
  constructor(
    private readonly place: number,
    private readonly variable: number,
    private readonly isRelative: boolean,
    private readonly negated: boolean,
  ) {
    super();
  }

  override get relative(): boolean {
    return this.isRelative;
  }

  inspect(evaluation: Evaluation, at: number): Outcome {
    let place = this.place;
    if (this.variable >= 0) {
      place = evaluation.variable(this.variable);
      if (place >= LARGEST_VARIABLE) return this.negated ? evaluation.run(at + 1) : 0;
    }
    const there = this.isRelative
      ? evaluation.position + place <= evaluation.length
      : place < evaluation.length;
    if (there !== this.negated) return evaluation.run(at + 1);
    if (!this.negated) evaluation.open = true;
    if (this.isRelative && this.negated) return 0;
    return this.variable >= 0 ? 0 : -1;
  }
}

/** `isdataat:[!]N[,relative][,rawbytes]` */
export const isdataat: Keyword = {
  names: ['isdataat'],
  parse(option, rule) {
    const parts = argumentsOf(option);
    let first = parts[0];
    const negated = first.text.startsWith('!');
    if (negated) {
      const text = first.text.slice(1).trimStart();
      first = { text, index: first.index + first.text.length - text.length };
    }
    let relative = false;
    for (const part of parts.slice(1)) {
      if (part.text === 'relative') relative = true;
      else if (part.text !== 'rawbytes') throw invalid(option, `unknown word "${part.text}"`, part.index);
    }
    if (/^[A-Za-z_]/.test(first.text)) {
      rule.add(new IsDataAtStep(0, rule.variable(option, first), relative, negated));
      return;
    }
    rule.add(new IsDataAtStep(integer(option, first, 0, MAX_PLACE), -1, relative, negated));
  },
};
