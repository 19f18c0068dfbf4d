import type { RuleOption } from '@portcullis/rules';
import { BufferStep, type Evaluation, type Outcome } from '../evaluation';
import type { Keyword } from '../keyword';
import { type Argument, argumentsOf, integer, invalid } from '../option-value';

const LAST_SERVICE = 127;
const LAST_NUMBER = 0xffffffff;

/** Looks at one CIP service: its number, its classes and its attributes, as the buffer `cip_service` has them. */
class CipServiceStep extends BufferStep {
  constructor(
    private readonly service: number,
    /** Below 0: any. */
    private readonly klass: number,
    private readonly attribute: number,
  ) {
    super();
  }

  inspect(evaluation: Evaluation, at: number): Outcome {
    return this.holds(evaluation.bytes, evaluation.start, evaluation.end) ? evaluation.run(at + 1) : -1;
  }

  private holds(bytes: Uint8Array, start: number, end: number): boolean {
    if (end - start < 2 || bytes[start] !== this.service) return false;
    if (this.klass < 0) return true;
    const attributes = start + 2 + 4 * bytes[start + 1];
    if (!hasNumber(bytes, start + 2, Math.min(attributes, end), this.klass)) return false;
    return this.attribute < 0 || hasNumber(bytes, attributes, end, this.attribute);
  }
}

function hasNumber(bytes: Uint8Array, start: number, end: number, wanted: number): boolean {
  for (let at = start; at + 4 <= end; at += 4) {
    const value = bytes[at] * 0x1000000 + ((bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]);
    if (value === wanted) return true;
  }
  return false;
}

function number(option: RuleOption, argument: Argument | undefined): number {
  return argument === undefined ? -1 : integer(option, argument, 0, LAST_NUMBER);
}

/**
 * `cip_service:SERVICE[, CLASS[, ATTRIBUTE]]`: a service of a CIP packet or of a multiple service packet. As in
 * Suricata an attribute behind `!` asks nothing.
 */
export const cipService: Keyword = {
  names: ['cip_service'],
  parse(option, rule) {
    const parts = argumentsOf(option);
    if (parts.length > 3) throw invalid(option, 'takes a service, a class and an attribute', parts[3].index);
    const service = integer(option, parts[0], 0, LAST_SERVICE);
    const klass = number(option, parts[1]);
    const negated = parts[2]?.text.startsWith('!') ?? false;
    const attribute = number(
      option,
      negated ? { text: parts[2].text.slice(1).trim(), index: parts[2].index + 1 } : parts[2],
    );
    rule.requireProtocol('enip');
    rule.addCondition('cip_service', new CipServiceStep(service, klass, negated ? -1 : attribute));
  },
};
