import type { CompiledRule } from './compiled-rule';
import { InspectionContext } from './context';
import { Evaluation } from './evaluation';
import { FlowMatchState } from './flow-match-state';
import { MatchList } from './match-list';
import type { MatcherLimits } from './matcher-limits';
import { noStatistics } from './matcher-statistics';
import { PayloadMode } from './rule-builder';
import type { RuleProfile } from './rule-profile';

/** What the inspections of packets, streams and transactions share, whichever rule set is in force. */
export class RuleEvaluator {
  /** Rules that fired in this packet. */
  readonly fired: MatchList;
  readonly evaluation: Evaluation;
  readonly counted = noStatistics();
  /** Ticks and counts by rule while a profile is taken; null: none is. */
  profile: RuleProfile | null = null;

  constructor(readonly limits: MatcherLimits) {
    this.fired = new MatchList(limits.matches);
    this.evaluation = new Evaluation(new InspectionContext(), limits);
  }

  /**
   * The rule has matched.
   * @param transaction its id; -1: none
   * @param inPayload in the payload of the packet in hand
   */
  fire(rule: CompiledRule, context: InspectionContext, transaction: number, inPayload = false): void {
    if (!this.fired.add(rule.number, transaction, context.direction, inPayload)) return;
    if (rule.captures !== null) {
      const captured = rule.captures.map((step) => step.captured);
      this.fired.noteContext(rule.number, transaction, Object.assign({}, ...captured));
    }
    const { effects } = rule;
    if (effects !== null) {
      for (let i = 0; i < effects.length; i++) {
        if (!effects[i].apply(context)) this.counted.flowBitsRefused++;
      }
    }
    const actions = rule.flowBitActions;
    if (actions === null) return;
    if (!context.hasFlow) return;
    for (const { bits, change } of actions) {
      for (let i = 0; i < bits.length; i++) {
        const bit = bits[i];
        const isSet = context.flowState?.has(bit) === true;
        const wanted = change === 'set' || (change === 'toggle' && !isSet);
        if (wanted === isSet) continue;
        context.flowState ??= new FlowMatchState();
        if (!wanted) context.flowState.unset(bit);
        else if (!context.flowState.set(bit)) this.counted.flowBitsRefused++;
      }
    }
    if (context.flowState?.empty) context.flowState = null;
  }

  /** Raw contents of a rule that looks at buffers too: the stream window, or the payload. */
  rawMatches(rule: CompiledRule, context: InspectionContext): boolean {
    const steps = rule.payload;
    if (steps === null) return true;
    const { evaluation } = this;
    const { payloadStart, payloadEnd, streamStart, streamEnd } = context;
    if (rule.payloadMode !== PayloadMode.PACKET && streamEnd > streamStart) {
      if (evaluation.matches(steps, context.streamBytes, streamStart, streamEnd, 0, false)) return true;
      if ((rule.payloadMode & PayloadMode.PACKET) === 0) return false;
    }
    if (payloadEnd <= payloadStart) return false;
    return evaluation.matches(steps, context.packet.bytes, payloadStart, payloadEnd, 0, true);
  }
}
