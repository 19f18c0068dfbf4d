import type { Action, Rule } from '@portcullis/rules';
import type { RuleBuilder } from './rule-builder';

/** Which of the rules that match one packet count first; all ways of rejecting are one. */
export type ActionOrder = readonly ('pass' | 'drop' | 'reject' | 'alert')[];

/** Suricata's, where its configuration says nothing (`action-order`). */
export const STANDARD_ACTION_ORDER: ActionOrder = ['pass', 'drop', 'reject', 'alert'];

/** The place of each action. @param order names each of the four once */
export function actionRanks(order: ActionOrder): Readonly<Record<Action, number>> {
  const reject = order.indexOf('reject');
  return {
    pass: order.indexOf('pass'),
    drop: order.indexOf('drop'),
    reject,
    rejectsrc: reject,
    rejectdst: reject,
    rejectboth: reject,
    alert: order.indexOf('alert'),
  };
}

/** Rules that set flow bits come before those that ask for them, so that both can fire on one packet. */
function flowBitRank(builder: RuleBuilder): number {
  const { flowBitActions } = builder;
  // What is unset on a packet was still set for those that ask for it there.
  if (flowBitActions.length > 0 && flowBitActions.every(({ change }) => change === 'unset')) return 3;
  const sets = flowBitActions.length > 0;
  const asks = builder.flowBitConditions.length > 0;
  return sets ? (asks ? 1 : 0) : asks ? 2 : 3;
}

/** Rules fire in ascending order of this: action, flow bits, priority, sid. */
export function orderKey(rule: Rule, builder: RuleBuilder): number {
  const rank =
    (builder.environment.actionRanks[rule.header.action] * 4 + flowBitRank(builder)) * 256 +
    Math.min(rule.priority, 255);
  return rank * 0x100000000 + rule.sid;
}

/** Sorts by key, a little at a time; equal keys keep their order. */
export function* sortByKey<T extends { readonly key: number }>(items: readonly T[]): Generator<void, T[]> {
  let from = items.slice();
  let to: T[] = new Array<T>(items.length);
  for (let width = 1; width < items.length; width *= 2) {
    let since = 0;
    for (let start = 0; start < items.length; start += 2 * width) {
      const middle = Math.min(start + width, items.length);
      const end = Math.min(start + 2 * width, items.length);
      let left = start;
      let right = middle;
      for (let i = start; i < end; i++) {
        const takeLeft = left < middle && (right >= end || from[left].key <= from[right].key);
        to[i] = takeLeft ? from[left++] : from[right++];
        if (++since === 8192) {
          since = 0;
          yield;
        }
      }
    }
    [from, to] = [to, from];
    yield;
  }
  return from;
}
