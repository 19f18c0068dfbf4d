import type { FlowMatchState } from './flow-match-state';

/** `isset` and `isnotset`. */
export interface FlowBitCondition {
  readonly bits: readonly number[];
  /** All of the bits, or any of them. */
  readonly all: boolean;
  readonly set: boolean;
}

/** What a match does to the bits of its flow. */
export interface FlowBitAction {
  readonly bits: readonly number[];
  readonly change: 'set' | 'unset' | 'toggle';
}

export function conditionHolds(condition: FlowBitCondition, state: FlowMatchState | null): boolean {
  const { bits, all } = condition;
  let matched = all;
  for (let i = 0; i < bits.length; i++) {
    const isSet = state?.has(bits[i]) === true;
    if (isSet !== all) {
      matched = !all;
      break;
    }
  }
  return matched === condition.set;
}
