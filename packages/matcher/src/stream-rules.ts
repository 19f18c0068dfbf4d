import type { CompiledRule } from './compiled-rule';
import type { InspectionContext } from './context';
import { addListed, FlowMatchState } from './flow-match-state';
import type { MatcherStage } from './matcher-stage';
import type { RuleEvaluator } from './rule-evaluator';
import type { SegmentScan } from './segment-scan';

/** Rules that look at the bytes of a stream, whatever protocol they are of. */
export class StreamRules {
  constructor(
    private readonly stage: MatcherStage,
    private readonly segments: SegmentScan,
    private readonly evaluator: RuleEvaluator,
  ) {}

  /** See `Matcher.inspectStream`. */
  inspectStream(
    context: InspectionContext,
    bytes: Uint8Array,
    start: number,
    end: number,
    fresh: number,
    streamOffset: number,
    late = false,
  ): void {
    const { ruleset, candidates, gate } = this.stage;
    const { inStream } = this.segments;
    const { direction } = context;
    const scanned = this.segments.takeScanned();
    if (end <= fresh || !ruleset.needs.streamRules[direction]) return;
    // More rules wait than are listed: the window is looked at in whole, and what it has told before is left out.
    const inWhole = this.expireWaiting(context, streamOffset) && fresh > start;
    if (!scanned || inWhole)
      this.segments.scanStream(context, bytes, start, end, inWhole ? start : fresh, streamOffset);
    candidates.begin();
    gate.begin(context);
    const unfiltered = ruleset.streamUnfiltered[direction];
    for (let i = 0; i < unfiltered.length; i++) {
      const rule = unfiltered[i];
      if (gate.admits(rule) && gate.admitsPorts(rule) && gate.admitsProtocol(rule)) candidates.add(rule);
    }
    for (let i = 0; i < inStream.count; i++) {
      const rule = inStream.rules[i];
      if (ruleset.rawFiltered[rule] === 0) candidates.add(rule);
    }
    const found = candidates.count;
    const { flowState } = context;
    const waiting = flowState !== null && addListed(flowState.waiting, direction, candidates);
    if (candidates.count === 0) return;
    candidates.sort();
    this.evaluator.counted.candidates += candidates.count;
    const { rules } = ruleset;
    const { profile } = this.evaluator;
    for (let i = 0; i < candidates.count; i++) {
      const rule = rules.get(candidates.rules[i]);
      // The pattern may lie in bytes that were inspected before; then only a rule that waits may look again.
      const again = waiting && this.isStreamWaiting(context, rule.number);
      const unseen = again || (late && rule.appProtocols !== null);
      const seen =
        fresh > start && found > 0 && !unseen && !this.patternIsNew(rule, bytes, start, end, fresh);
      if (seen && !inWhole) continue;
      if (profile !== null) profile.start(rule.number);
      let matched = false;
      let open = false;
      if (this.stage.header.matches(rule, context) && rule.payload !== null) {
        this.evaluator.counted.evaluated++;
        matched = this.evaluator.evaluation.matches(rule.payload, bytes, start, end, 0, false);
        open = !matched && this.evaluator.evaluation.open;
      }
      if (profile !== null) profile.stop(rule.number, matched);
      if (matched && seen && this.hasMatched(rule, bytes, start, fresh)) continue;
      if (matched) {
        if (again) this.endStreamWaiting(context, rule.number);
        this.evaluator.fire(rule, context, -1);
      } else if (open && !again && rule.fastPattern !== null) {
        this.waitInStream(context, rule.number, streamOffset + end - start);
      }
    }
  }

  private patternIsNew(
    rule: CompiledRule,
    bytes: Uint8Array,
    start: number,
    end: number,
    fresh: number,
  ): boolean {
    const pattern = rule.fastPattern;
    if (pattern === null) return true;
    const from = fresh - pattern.bytes.length + 1;
    const to = rule.fastPatternEnd > 0 ? Math.min(end, start + rule.fastPatternEnd) : end;
    return pattern.find(bytes, Math.max(from, start), to) >= 0;
  }

  /** What the rule has matched in already is in the window, before the bytes that are new. */
  private hasMatched(rule: CompiledRule, bytes: Uint8Array, start: number, fresh: number): boolean {
    return (
      rule.payload !== null && this.evaluator.evaluation.matches(rule.payload, bytes, start, fresh, 0, false)
    );
  }

  /** Forgets rules whose pattern has left the window. @returns whether more wait than are listed */
  private expireWaiting(context: InspectionContext, streamOffset: number): boolean {
    const state = context.flowState;
    if (state === null || state.waiting.length === 0) return false;
    state.belongTo(this.stage.ruleset.generation);
    state.expireWaiting(context.direction, streamOffset);
    if (state.empty) context.flowState = null;
    return state.hasMoreWaiting(context.direction);
  }

  private isStreamWaiting(context: InspectionContext, rule: number): boolean {
    const state = context.flowState;
    if (state === null) return false;
    const { waiting } = state;
    for (let i = 0; i < waiting.length; i += 3) {
      if (waiting[i] === context.direction && waiting[i + 1] === rule) return true;
    }
    return false;
  }

  private waitInStream(context: InspectionContext, rule: number, until: number): void {
    context.flowState ??= new FlowMatchState();
    const state = context.flowState;
    state.belongTo(this.stage.ruleset.generation);
    state.wait(context.direction, rule, until);
  }

  private endStreamWaiting(context: InspectionContext, rule: number): void {
    const state = context.flowState;
    if (state === null) return;
    state.endWait(context.direction, rule);
    if (state.empty) context.flowState = null;
  }
}
