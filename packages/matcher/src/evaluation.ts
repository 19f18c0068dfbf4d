import type { InspectionContext } from './context';
import type { ExpressionAllowance } from './expression-allowance';

const NO_BYTES = new Uint8Array(0);
const NO_STEPS: readonly BufferStep[] = [];

/** What a step answers. GIVE_UP: no other occurrence of an earlier pattern can change the outcome. */
export const Outcome = { GIVE_UP: -1, NO_MATCH: 0, MATCH: 1 } as const;
export type Outcome = -1 | 0 | 1;

/** Variables (`byte_extract`, `byte_math`) one rule may have. */
export const MAX_VARIABLES = 64;

/** One keyword that looks at a buffer. Steps run in the order of the rule, each calls the next one. */
export abstract class BufferStep {
  /**
   * Looks at the buffer of `evaluation` and, where it matches, goes on with `evaluation.run(at + 1)`; a step that may
   * match in several places tries them in turn.
   * @param at place of this step in its program
   */
  abstract inspect(evaluation: Evaluation, at: number): Outcome;

  /** True where the place of the previous match matters to this step. */
  get relative(): boolean {
    return false;
  }

  /** A later step depends on where this one matched. Called once, when the program is complete. */
  followedBy(_step: BufferStep): void {}

  /** True where only contents and expressions, whose place later steps may refer to. */
  get anchor(): boolean {
    return false;
  }
}

/** Bounds of evaluation; what exceeds them counts as no match and is counted. */
export interface EvaluationLimits {
  /** Steps run for one rule over one buffer (Suricata's `inspection-recursion-limit`). */
  readonly recursion: number;
  /** Bytes searched for one packet, by all rules together. */
  readonly bytes: number;
  /** Bytes searched for one rule over one buffer: none takes what others need. */
  readonly bytesPerRule: number;
}

/** The state of one program over one buffer; one object per matcher, reused. */
export class Evaluation {
  bytes: Uint8Array = NO_BYTES;
  /** Where the buffer begins and ends in `bytes`. */
  start = 0;
  end = 0;
  length = 0;
  /** Place of `start` in the whole of a buffer whose early part is gone. */
  streamOffset = 0;
  /** No more bytes will be added to the buffer. */
  complete = true;
  /** End of the last match, from `start`: what relative keywords count from. */
  position = 0;
  /** Where the next search of a repeated expression begins, from `start`; 0 for the first. */
  expressionStart = 0;
  /** The program failed in a way that more bytes may mend. */
  open = false;
  context: InspectionContext;
  /** Variables as pairs of words: the values are unsigned 64-bit. */
  readonly low = new Uint32Array(MAX_VARIABLES);
  readonly high = new Uint32Array(MAX_VARIABLES);

  /** Bytes that may still be searched for this packet. */
  budget: number;
  /** Bytes that the rule in hand may still search. */
  private share = 0;
  recursionExceeded = 0;
  budgetExceeded = 0;
  /** Null: expressions may take their time. */
  allowance: ExpressionAllowance | null = null;

  private steps: readonly BufferStep[] = NO_STEPS;
  private recursion = 0;

  constructor(
    context: InspectionContext,
    private readonly limits: EvaluationLimits,
  ) {
    this.context = context;
    this.budget = limits.bytes;
  }

  refill(): void {
    this.budget = this.limits.bytes;
  }

  /** @returns true where all steps match the buffer `bytes[start, end)` */
  matches(
    steps: readonly BufferStep[],
    bytes: Uint8Array,
    start: number,
    end: number,
    streamOffset: number,
    complete: boolean,
  ): boolean {
    this.steps = steps;
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.length = end - start;
    this.streamOffset = streamOffset;
    this.complete = complete;
    this.position = 0;
    this.expressionStart = 0;
    this.open = false;
    this.recursion = 0;
    this.share = this.limits.bytesPerRule;
    return this.run(0) === 1;
  }

  /** Runs the steps from `at` on. */
  run(at: number): Outcome {
    if (at === this.steps.length) return 1;
    if (++this.recursion >= this.limits.recursion) {
      if (this.recursion === this.limits.recursion) this.recursionExceeded++;
      return -1;
    }
    return this.steps[at].inspect(this, at);
  }

  /** Accounts for `bytes` that are about to be searched. @returns false where no more may be */
  spend(bytes: number): boolean {
    this.charge(bytes);
    return this.maySearch();
  }

  /** @returns false, and counts it, where what may be searched has been */
  maySearch(): boolean {
    if (!this.exhausted) return true;
    this.budgetExceeded++;
    return false;
  }

  /** Accounts for `bytes` that were searched. */
  charge(bytes: number): void {
    this.budget -= bytes;
    this.share -= bytes;
  }

  /** The rule in hand was not looked at to its end: it is not the bytes that have decided. */
  get exhausted(): boolean {
    return this.budget < 0 || this.share < 0;
  }

  /** A variable as a number; exact up to 2^53. */
  variable(index: number): number {
    return this.high[index] * 0x100000000 + this.low[index];
  }
}
