import type { RuleOption } from '@portcullis/rules';
import { BufferStep, type Evaluation, type Outcome } from '../evaluation';
import type { Keyword } from '../keyword';
import { type Argument, argumentsOf, integer, invalid } from '../option-value';

const LONGEST = 0xffffffff;
const MOST_BITS = 8;

type Condition = (value: number) => boolean;

const counts = new Uint32Array(256);

/** Shannon's entropy of the bytes, in bits a byte: 0 to 8. */
function entropyOf(bytes: Uint8Array, start: number, end: number): number {
  counts.fill(0);
  for (let i = start; i < end; i++) counts[bytes[i]]++;
  const length = end - start;
  let entropy = 0;
  for (let byte = 0; byte < 256; byte++) {
    if (counts[byte] === 0) continue;
    const share = counts[byte] / length;
    entropy -= share * Math.log2(share);
  }
  return entropy;
}

class EntropyStep extends BufferStep {
  constructor(
    private readonly count: number,
    private readonly offset: number,
    private readonly holds: Condition,
  ) {
    super();
  }

  inspect(evaluation: Evaluation, at: number): Outcome {
    const from = Math.min(this.offset, evaluation.length);
    const length = Math.min(this.count > 0 ? this.count : LONGEST, evaluation.length - from);
    if (length === 0 || !evaluation.spend(length)) return -1;
    const start = evaluation.start + from;
    if (this.holds(entropyOf(evaluation.bytes, start, start + length))) return evaluation.run(at + 1);
    if (evaluation.complete) return -1;
    evaluation.open = true;
    return 0;
  }
}

function conditionOf(option: RuleOption, { text, index }: Argument): Condition {
  const number = (digits: string): number => {
    const value = Number(digits);
    if (!/^\d+(?:\.\d+)?$/.test(digits) || value > MOST_BITS) {
      throw invalid(option, `"${digits}" is not a number from 0 to ${MOST_BITS}`, index);
    }
    return value;
  };
  const range = /^(!?)\s*([\d.]+)\s*(?:-|<>)\s*([\d.]+)$/.exec(text);
  if (range) {
    const low = number(range[2]);
    const high = number(range[3]);
    if (low >= high) throw invalid(option, 'the range ends before it begins', index);
    const negated = range[1] === '!';
    return (value) => (value > low && value < high) !== negated;
  }
  const form = /^(<=|>=|!=|<|>|=|!|)\s*(\S+)$/.exec(text);
  if (!form) throw invalid(option, `"${text}" is not a comparison`, index);
  const other = number(form[2]);
  switch (form[1]) {
    case '<':
      return (value) => value < other;
    case '<=':
      return (value) => value <= other;
    case '>':
      return (value) => value > other;
    case '>=':
      return (value) => value >= other;
    case '!':
    case '!=':
      return (value) => value !== other;
    default:
      return (value) => value === other;
  }
}

/** `entropy:[bytes N, ][offset N, ]value >4.5`: the entropy of the buffer's bytes. */
export const entropy: Keyword = {
  names: ['entropy'],
  parse(option, rule) {
    let count = 0;
    let offset = 0;
    let condition: Condition | null = null;
    for (const { text, index } of argumentsOf(option)) {
      const form = /^(bytes|offset|value)\s+(.+)$/s.exec(text);
      if (!form) throw invalid(option, `unknown word "${text}"`, index);
      const value = { text: form[2], index: index + text.length - form[2].length };
      if (form[1] === 'bytes') count = integer(option, value, 0, LONGEST);
      else if (form[1] === 'offset') offset = integer(option, value, 0, LONGEST);
      else if (condition === null) condition = conditionOf(option, value);
      else throw invalid(option, '"value" stands twice', index);
    }
    if (condition === null) throw invalid(option, 'needs "value"');
    rule.add(new EntropyStep(count, offset, condition));
  },
};
