import { BufferStep, type Evaluation, type Outcome } from '../evaluation';
import type { Keyword } from '../keyword';
import { invalid, required } from '../option-value';

/** Numbers of the attributes, as the buffer `ike.chosen_sa_attribute` has them (RFC 2409 appendix A). */
const ATTRIBUTES: ReadonlyMap<string, number> = new Map([
  ['alg_enc', 1],
  ['alg_hash', 2],
  ['alg_auth', 3],
  ['alg_dh', 4],
  ['sa_group_type', 5],
  ['sa_life_type', 11],
  ['sa_life_duration', 12],
  ['alg_prf', 13],
  ['sa_key_length', 14],
  ['sa_field_size', 15],
]);
const ENTRY = 5;
const LARGEST = 0xffffffff;

class AttributeStep extends BufferStep {
  constructor(
    private readonly attribute: number,
    private readonly value: number,
  ) {
    super();
  }

  /** The first attribute of that number counts. */
  inspect(evaluation: Evaluation, at: number): Outcome {
    const { bytes, start, end } = evaluation;
    for (let i = start; i + ENTRY <= end; i += ENTRY) {
      if (bytes[i] !== this.attribute) continue;
      const value = ((bytes[i + 1] << 24) | (bytes[i + 2] << 16) | (bytes[i + 3] << 8) | bytes[i + 4]) >>> 0;
      return value === this.value ? evaluation.run(at + 1) : -1;
    }
    return -1;
  }
}

/** `ike.chosen_sa_attribute:alg_hash=2`: an attribute of the association that the responder has chosen. */
export const ike: Keyword = {
  names: ['ike.chosen_sa_attribute'],
  parse(option, rule) {
    const parts = /^\s*([a-z_]+)\s*=\s*(\d{1,10})\s*$/.exec(required(option));
    const attribute = parts ? ATTRIBUTES.get(parts[1]) : undefined;
    if (!parts || attribute === undefined || Number(parts[2]) > LARGEST) {
      throw invalid(option, 'takes the name of an attribute and a number, such as alg_hash=2');
    }
    rule.requireProtocol('ike');
    rule.addTo(option, 'ike.chosen_sa_attribute', new AttributeStep(attribute, Number(parts[2])));
  },
};
