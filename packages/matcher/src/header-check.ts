import type { AddressSet } from './address-set';
import { type CompiledRule, TransportBit } from './compiled-rule';
import type { CompiledRuleSet } from './compiled-rule-set';
import type { InspectionContext } from './context';
import { conditionHolds } from './flow-bits';
import { FlowState } from './rule-builder';
import * as transports from './transport-index';

// Bound once: an import is a property load at each use in CommonJS.
const { TRANSPORT_INDEX } = transports;

const { TCP, UDP, ICMP, ICMPV6, SCTP, OTHER } = TransportBit;
const { ESTABLISHED, NOT_ESTABLISHED } = FlowState;

const BIT_OF = Uint8Array.of(TCP, UDP, ICMP, ICMPV6, SCTP, OTHER);

/**
 * The part of a rule that asks nothing about contents: protocol, flow, addresses, ports, flow bits, header fields.
 * Address lists are asked once per packet: many rules share them.
 */
export class HeaderCheck {
  /** By address set times two plus side: packet the answer is of. */
  private readonly stamps: Uint32Array;
  private readonly answers: Uint8Array;
  private stamp = 0;
  private transport = 0;

  constructor(ruleset: CompiledRuleSet) {
    this.stamps = new Uint32Array(ruleset.addressSetCount * 2);
    this.answers = new Uint8Array(ruleset.addressSetCount * 2);
  }

  /** A new packet: forgets the answers of the one before. */
  begin(context: InspectionContext): void {
    this.stamp = (this.stamp + 1) >>> 0;
    if (this.stamp === 0) {
      this.stamps.fill(0);
      this.stamp = 1;
    }
    this.transport = BIT_OF[TRANSPORT_INDEX[context.packet.protocol]];
  }

  /** @param turned the packet is taken for one of the other direction of its flow */
  matches(rule: CompiledRule, context: InspectionContext, turned = false): boolean {
    if ((rule.transports & this.transport) === 0) return false;
    if (rule.directions !== 3) {
      const direction = turned ? 1 - context.direction : context.direction;
      if (!context.hasFlow || (rule.directions & (1 << direction)) === 0) return false;
    }
    const { flowState } = rule;
    if (flowState === ESTABLISHED) {
      if (!context.flowEstablished) return false;
    } else if (flowState === NOT_ESTABLISHED && (context.flowEstablished || !context.hasFlow)) return false;
    if (rule.appProtocols !== null && rule.appProtocols[context.appProtocol] !== 1) return false;
    const { packet } = context;
    if (rule.ipVersion !== 0 && rule.ipVersion !== packet.version) return false;
    if (!this.endpointsMatch(rule, context, turned)) return false;
    const conditions = rule.flowBitConditions;
    if (conditions !== null) {
      for (let i = 0; i < conditions.length; i++) {
        if (!conditionHolds(conditions[i], context.flowState)) return false;
      }
    }
    const tests = rule.packetTests;
    if (tests !== null) {
      for (let i = 0; i < tests.length; i++) if (!tests[i].matches(context)) return false;
    }
    return true;
  }

  private endpointsMatch(rule: CompiledRule, context: InspectionContext, turned: boolean): boolean {
    const { packet } = context;
    const reversed = turned || (rule.twoWay && context.direction === 1);
    if (
      !reversed &&
      (rule.sourcePorts === null || rule.sourcePorts.has(packet.sourcePort)) &&
      (rule.destinationPorts === null || rule.destinationPorts.has(packet.destinationPort)) &&
      (rule.source === null || this.holds(rule.source, 0, context)) &&
      (rule.destination === null || this.holds(rule.destination, 1, context))
    ) {
      return true;
    }
    return (
      (rule.bidirectional || reversed) &&
      (rule.sourcePorts === null || rule.sourcePorts.has(packet.destinationPort)) &&
      (rule.destinationPorts === null || rule.destinationPorts.has(packet.sourcePort)) &&
      (rule.source === null || this.holds(rule.source, 1, context)) &&
      (rule.destination === null || this.holds(rule.destination, 0, context))
    );
  }

  private holds(set: AddressSet, side: 0 | 1, context: InspectionContext): boolean {
    const at = set.number * 2 + side;
    if (this.stamps[at] === this.stamp) return this.answers[at] === 1;
    const { packet } = context;
    const address = side === 0 ? packet.source : packet.destination;
    const answer = packet.version === 4 ? set.hasV4(address[3]) : set.hasV6(address);
    this.stamps[at] = this.stamp;
    this.answers[at] = answer ? 1 : 0;
    return answer;
  }
}
