import { BufferStep, type Evaluation, type Outcome } from '../evaluation';
import { type IntegerRange, integerRange } from '../integer-range';
import type { Keyword } from '../keyword';
import { argumentsOf, invalid } from '../option-value';

const LONGEST = 65_535;

export class UriLengthStep extends BufferStep {
  constructor(readonly sizes: IntegerRange) {
    super();
  }

  inspect(evaluation: Evaluation, at: number): Outcome {
    return this.sizes.has(Math.min(evaluation.length, LONGEST)) ? evaluation.run(at + 1) : -1;
  }
}

/** `urilen:[<|>]N[,norm|raw]`, `urilen:N<>M`: the length of the request's URI. */
export const urilen: Keyword = {
  names: ['urilen'],
  parse(option, rule) {
    const parts = argumentsOf(option);
    let buffer = 'http.uri';
    if (parts.length > 2) throw invalid(option, 'takes a length and "norm" or "raw"', parts[2].index);
    if (parts[1]?.text === 'raw') buffer = 'http.uri.raw';
    else if (parts[1] && parts[1].text !== 'norm') {
      throw invalid(option, `"${parts[1].text}" is neither "norm" nor "raw"`, parts[1].index);
    }
    rule.addTo(option, buffer, new UriLengthStep(integerRange(option, LONGEST, parts[0].text)));
  },
};
