import { decodeContent } from '@portcullis/rules';
import { BufferStep, type Evaluation, type Outcome } from '../evaluation';
import type { Keyword } from '../keyword';
import { required } from '../option-value';
import { Literal } from '../search';

/**
 * A literal and where it may stand. Places count from the start of the buffer (`offset`, `depth`) or from the end of
 * the previous match (`distance`, `within`); each may be a variable instead of a number.
 */
export class ContentStep extends BufferStep {
  offset = 0;
  offsetVariable = -1;
  /** End of the place it may stand in, counted from the start of the buffer (offset included); 0: none. */
  depth = 0;
  depthVariable = -1;
  hasDistance = false;
  distance = 0;
  distanceVariable = -1;
  hasWithin = false;
  within = 0;
  withinVariable = -1;
  hasOffset = false;
  hasDepth = false;
  /** It is only looked for, wherever it stands (`fast_pattern:only`). */
  patternOnly = false;
  startsWith = false;
  endsWith = false;
  literal: Literal;
  /** The prefilter tells of each new occurrence: not to find one (more) is final until it does. */
  prefiltered = false;
  /** A later step counts from this one: with an upper bound, so that another occurrence may do better. */
  private withinNext = false;
  private distanceNext = false;

  constructor(
    bytes: Uint8Array,
    readonly negated: boolean,
  ) {
    super();
    this.literal = new Literal(bytes, false);
  }

  /** What is searched for; in lower case once it is caseless. */
  get bytes(): Uint8Array {
    return this.literal.bytes;
  }

  get caseless(): boolean {
    return this.literal.caseless;
  }

  setCaseless(): void {
    this.literal = new Literal(this.literal.bytes, true);
  }

  /** The buffer has its letters in that case only. */
  setCase(letters: 'upper' | 'lower'): void {
    const { bytes, caseless } = this.literal;
    const text = Buffer.from(bytes).toString('latin1');
    // Only ASCII: other bytes are no letters.
    const changed =
      letters === 'upper'
        ? text.replace(/[a-z]+/g, (run) => run.toUpperCase())
        : text.replace(/[A-Z]+/g, (run) => run.toLowerCase());
    this.literal = new Literal(Buffer.from(changed, 'latin1'), caseless);
  }

  override get relative(): boolean {
    return this.hasDistance || this.hasWithin;
  }

  override get anchor(): boolean {
    return true;
  }

  override followedBy(step: BufferStep): void {
    if (step instanceof ContentStep) {
      if (step.hasDistance) this.distanceNext = true;
      // What must not follow may stand behind one occurrence and not behind the next.
      if (step.negated && step.relative) this.withinNext = true;
      if (step.hasWithin) this.withinNext = true;
    } else {
      this.distanceNext = true;
      this.withinNext = true;
    }
  }

  /** A place bound that depends on nothing else; 0 where there is none. */
  get fixedEnd(): number {
    if (this.relative || this.depthVariable >= 0 || this.offsetVariable >= 0) return 0;
    return this.depth;
  }

  /** True where nothing but the literal itself counts: once it is found, the rule cannot match any more. */
  private get alone(): boolean {
    return !(
      this.hasDistance ||
      this.hasWithin ||
      this.distanceNext ||
      this.withinNext ||
      this.hasDepth ||
      this.hasOffset
    );
  }

  inspect(evaluation: Evaluation, at: number): Outcome {
    const length = evaluation.length;
    const negated = this.negated;
    const literalLength = this.literal.bytes.length;
    const streamOffset = evaluation.streamOffset;
    let from = 0;
    let to = length;
    if (this.relative) {
      const previous = evaluation.position;
      from = previous;
      let distance = this.distance;
      if (this.hasDistance) {
        if (this.distanceVariable >= 0) distance = evaluation.low[this.distanceVariable] | 0;
        from = distance < 0 && -distance > from ? 0 : from + distance;
      }
      if (this.hasWithin) {
        const within = this.withinVariable >= 0 ? evaluation.low[this.withinVariable] : this.within;
        const bound = (previous + within + distance) | 0;
        if (to > bound) to = bound >>> 0;
        if (streamOffset !== 0 && previous === 0) {
          if (to <= streamOffset) return 0;
          if (to < streamOffset + length) to -= streamOffset;
        }
      }
      if (this.depthVariable >= 0) {
        const bound = previous + evaluation.variable(this.depthVariable);
        if (bound < to) to = bound;
      } else if (this.depth !== 0 && this.depth + previous < to) to = this.depth + previous;
      const offset = this.offsetVariable >= 0 ? evaluation.low[this.offsetVariable] : this.offset;
      if (offset > from) from = offset;
    } else {
      if (this.depthVariable >= 0) to = evaluation.low[this.depthVariable];
      else if (this.depth !== 0) to = this.depth;
      if (streamOffset !== 0 && this.hasDepth) {
        if (to <= streamOffset) return 0;
        if (to < streamOffset + length) to -= streamOffset;
      }
      from = this.offsetVariable >= 0 ? evaluation.low[this.offsetVariable] : this.offset;
    }
    if (this.offsetVariable >= 0 || this.depthVariable >= 0) to += from;
    const reachesEnd = to >= length;
    if (to > length) to = length;

    for (;;) {
      if (from > to || to === 0) {
        if (negated) return evaluation.run(at + 1);
        if (reachesEnd) evaluation.open = true;
        return 0;
      }
      let found = -1;
      if (to - from >= literalLength && !(this.endsWith && to < length)) {
        if (!evaluation.maySearch()) return -1;
        const start = evaluation.start;
        found = this.literal.find(evaluation.bytes, start + from, start + to);
        if (found >= 0) found -= start;
        evaluation.charge(found >= 0 ? found - from : to - from);
      }
      if (found < 0) {
        if (negated) return evaluation.run(at + 1);
        if (reachesEnd && !this.prefiltered) evaluation.open = true;
        return this.relative ? 0 : -1;
      }
      const matchEnd = found + literalLength;
      if (negated) {
        if (this.endsWith && to - from !== matchEnd) return evaluation.run(at + 1);
        return this.alone ? -1 : 0;
      }
      if (!this.endsWith || matchEnd === length) {
        evaluation.position = matchEnd;
        const outcome = evaluation.run(at + 1);
        if (outcome !== 0) return outcome;
        // Another occurrence only helps where a later step is bound to this one from above.
        if (!this.withinNext) return -1;
      }
      from = found + 1;
    }
  }
}

/** `content:"…"`, `content:!"…"`: a literal, with `|hex|` parts. */
export const content: Keyword = {
  names: ['content', 'uricontent'],
  parse(option, rule) {
    const { bytes, negated } = decodeContent(required(option), option.valuePlace);
    const step = new ContentStep(bytes, negated);
    if (option.keyword === 'uricontent') rule.openBuffer(option, 'http.uri');
    rule.addContent(step);
    if (option.keyword === 'uricontent') rule.openPayload();
  },
};
