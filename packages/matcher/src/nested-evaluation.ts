import { type BufferStep, Evaluation } from './evaluation';
import { DEFAULT_LIMITS } from './matcher-limits';

// Programs within programs are one deep, and one runs at a time.
let nested: Evaluation | null = null;

/** Runs steps over bytes that a step of another program has made. */
export function matchesWithin(
  outer: Evaluation,
  steps: readonly BufferStep[],
  bytes: Uint8Array,
  end: number,
): boolean {
  nested ??= new Evaluation(outer.context, DEFAULT_LIMITS);
  nested.context = outer.context;
  nested.budget = outer.budget;
  nested.low.set(outer.low);
  nested.high.set(outer.high);
  const matched = nested.matches(steps, bytes, 0, end, 0, true);
  outer.budget = nested.budget;
  return matched;
}
