import type { Direction } from '@portcullis/protocols';
import type { PacketView } from '@portcullis/wire';
import { intervalOf } from './address-plan';
import type { CompiledRule } from './compiled-rule';
import type { AddressPlan, PacketPlan, PortTable } from './compiled-rule-set';
import type { InspectionContext } from './context';
import type { MatcherStage } from './matcher-stage';
import type { RuleEvaluator } from './rule-evaluator';
import type { SegmentScan } from './segment-scan';
import * as transports from './transport-index';

// Bound once: an import is a property load at each use in CommonJS.
const { TRANSPORT_INDEX } = transports;

/** Rules that look at packets by themselves: their headers, their payload. */
export class PacketRules {
  constructor(
    private readonly stage: MatcherStage,
    private readonly segments: SegmentScan,
    private readonly evaluator: RuleEvaluator,
  ) {}

  /** See `Matcher.ignoresEmpty`. */
  ignoresEmpty(
    { protocol, sourcePort, destinationPort }: PacketView,
    direction: Direction,
    appProtocol: number,
  ): boolean {
    const { rules, packetPlans } = this.stage.ruleset;
    const plan = packetPlans[TRANSPORT_INDEX[protocol] * 2 + direction];
    const { unfilteredEmpty, emptyByDestination, emptyBySource, addresses } = plan;
    if (addresses !== null) return false;
    for (let i = 0; i < unfilteredEmpty.length; i++) {
      const { appProtocols } = rules.get(unfilteredEmpty[i]);
      if (appProtocols === null || appProtocols[appProtocol] === 1) return false;
    }
    if (emptyByDestination !== null && emptyByDestination.classOf[destinationPort] !== 0) return false;
    return emptyBySource === null || emptyBySource.classOf[sourcePort] === 0;
  }

  /** See `Matcher.inspectPacket`. */
  inspectPacket(context: InspectionContext): void {
    const { ruleset, candidates, gate, scan } = this.stage;
    const { packet, payloadStart, payloadEnd } = context;
    candidates.begin();
    gate.begin(context);
    const transport = TRANSPORT_INDEX[packet.protocol];
    const plan = ruleset.packetPlans[transport * 2 + context.direction];
    this.addUnfiltered(plan, context);
    if (payloadEnd > payloadStart) {
      if (transport === 0) this.segments.scanSegment(context);
      else {
        const { sourcePort, destinationPort, bytes } = packet;
        scan.datagram(plan.patterns, sourcePort, destinationPort, bytes, payloadStart, payloadEnd);
        scan.flush();
      }
    }
    if (candidates.count === 0) return;
    candidates.sort();
    this.evaluator.counted.candidates += candidates.count;
    const { rules } = ruleset;
    const { profile } = this.evaluator;
    for (let i = 0; i < candidates.count; i++) {
      const rule = rules.get(candidates.rules[i]);
      if (profile !== null) profile.start(rule.number);
      const matched = this.packetMatches(rule, context);
      if (profile !== null) profile.stop(rule.number, matched);
      if (matched) this.evaluator.fire(rule, context, -1, rule.payload !== null);
    }
  }

  /** See `Matcher.inspectHeaders`. */
  inspectHeaders(context: InspectionContext, asks = 0): void {
    const { ruleset, candidates, gate, header } = this.stage;
    candidates.begin();
    gate.begin(context);
    const transport = TRANSPORT_INDEX[context.packet.protocol];
    this.addUnfiltered(ruleset.packetPlans[transport * 2 + context.direction], context);
    candidates.sort();
    for (let i = 0; i < candidates.count; i++) {
      const rule = ruleset.rules.get(candidates.rules[i]);
      if (rule.buffers !== null || rule.payload !== null) continue;
      if (asks !== 0 && rule.packetTests?.some((test) => ((test.asks ?? 0) & asks) !== 0) !== true) continue;
      if (header.matches(rule, context)) this.evaluator.fire(rule, context, -1);
    }
  }

  /** See `Matcher.inspectUndecodable`. */
  inspectUndecodable(context: InspectionContext): void {
    const { ruleset, header } = this.stage;
    for (const number of ruleset.decodeEventRules) {
      const rule = ruleset.rules.get(number);
      if (rule.buffers !== null || rule.payload !== null || !header.matches(rule, context)) continue;
      this.evaluator.fire(rule, context, -1);
    }
  }

  private packetMatches(rule: CompiledRule, context: InspectionContext): boolean {
    // Found by raw contents, evaluated with its buffers.
    if (rule.buffers !== null) return false;
    if (!this.stage.header.matches(rule, context)) return false;
    if (rule.payload === null) return true;
    const { payloadStart, payloadEnd } = context;
    if (payloadEnd <= payloadStart) return false;
    this.evaluator.counted.evaluated++;
    return this.evaluator.evaluation.matches(
      rule.payload,
      context.packet.bytes,
      payloadStart,
      payloadEnd,
      0,
      true,
    );
  }

  private addUnfiltered(plan: PacketPlan, context: InspectionContext): void {
    const { packet } = context;
    const full = context.payloadEnd > context.payloadStart;
    const byDestination = full ? plan.unfilteredByDestination : plan.emptyByDestination;
    const bySource = full ? plan.unfilteredBySource : plan.emptyBySource;
    this.stage.addGated(full ? plan.unfiltered : plan.unfilteredEmpty, context);
    if (byDestination !== null) this.addClass(byDestination, packet.destinationPort, context);
    if (bySource !== null) this.addClass(bySource, packet.sourcePort, context);
    if (plan.addresses !== null && (!context.hasFlow || context.firstOfDirection)) {
      this.addAddressRules(plan.addresses, context);
    }
  }

  private addClass(table: PortTable<Int32Array>, port: number, context: InspectionContext): void {
    const rules = table.classes[table.classOf[port]];
    if (rules !== null) this.stage.addGated(rules, context);
  }

  private addAddressRules(plan: AddressPlan, { packet }: InspectionContext): void {
    const { candidates } = this.stage;
    if (packet.version !== 4) {
      candidates.addAll(plan.v6);
      return;
    }
    candidates.addAll(plan.rules[intervalOf(plan.bounds, packet.source[3])]);
    candidates.addAll(plan.destinationRules[intervalOf(plan.destinationBounds, packet.destination[3])]);
  }
}
