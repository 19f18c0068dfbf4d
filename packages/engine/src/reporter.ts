import { Hook } from '@portcullis/capture';
import type { Direction, ProtocolDefinition } from '@portcullis/protocols';
import { communityId, IpProtocol, type PacketView } from '@portcullis/wire';
import type { DetectedRule, Detection } from './detection';
import { buildDetection } from './detection-builder';
import type { Decision, DetectionPolicy } from './detection-policy';
import type { Arrival } from './exemptions';
import type { InspectorOptions } from './inspector-options';
import type { PacketInHand } from './packet-in-hand';

const { TCP, UDP } = IpProtocol;

/** What is told besides who and what: the decision, and what came of it. */
export type Outcome = Decision &
  Pick<Detection, 'handshake' | 'blocked' | 'rejected' | 'transaction' | 'txId' | 'webAddress'>;

/** Knows who of those that the packet in hand is between is protected, and tells of what was found in it. */
export class Reporter {
  policy: DetectionPolicy | null;
  private readonly protocols: readonly ProtocolDefinition[];
  /** The flow whose community id was told last. */
  private identifiedFlow = 0;
  private communityId = '';
  /** How the packet in hand came in. */
  private readonly arrival: Arrival;

  constructor(
    private readonly hand: PacketInHand,
    private readonly options: InspectorOptions,
  ) {
    this.policy = options.policy ?? null;
    this.protocols = options.protocols;
    this.arrival = { inInterface: 0, vlan: 0, innerVlan: 0, isCopy: options.copies === true };
  }

  /** False where nobody has said who is protected. */
  isProtected(end: 'source' | 'destination', policy = this.policy): boolean {
    const { hand } = this;
    if (policy === null) return false;
    const { packet, batch, place } = hand;
    if (packet !== hand.view) return policy.protects(packet[end], 0);
    // Only where this host is protected is anything queued that it sends or gets; its addresses come and go.
    const ownEnd = end === 'source' ? Hook.LOCAL_OUT : Hook.LOCAL_IN;
    if (hand.depth === 0 && batch.hook[place] === ownEnd) return true;
    const interfaces = end === 'source' ? batch.inInterface : batch.outInterface;
    return policy.protects(packet[end], interfaces[place] as number);
  }

  /** Whatever is found in this connection is only told. */
  isExempt(direction: Direction): boolean {
    const { policy } = this;
    return policy?.exemptions.has(this.hand.packet, direction === 0, this.arrived()) === true;
  }

  /** There are connections that are not to be inspected, and no firewall has taken them out. */
  get leavesOut(): boolean {
    return this.arrival.isCopy && this.policy?.exemptions.leaveOut === true;
  }

  /** The connection of the packet in hand is one of those. */
  isLeftOut(direction: Direction): boolean {
    if (!this.leavesOut) return false;
    const { exemptions } = this.policy as DetectionPolicy;
    return exemptions.leavesOut(this.hand.view, direction === 0, this.arrived());
  }

  private arrived(): Arrival {
    const { hand, arrival } = this;
    const { batch, place } = hand;
    const live = hand.packet === hand.view;
    arrival.inInterface = live ? (batch.inInterface[place] as number) : 0;
    arrival.vlan = live ? (batch.vlan?.[place] ?? 0) : 0;
    arrival.innerVlan = live ? (batch.innerVlan?.[place] ?? 0) : 0;
    return arrival;
  }

  /** The source has proved that its address is its own. */
  hasHandshake(slot: number): boolean {
    const { packet, table, reassembler } = this.hand;
    const inFlow = slot >= 0 && table.inUse(slot);
    return inFlow && packet.protocol === TCP && reassembler.handshakeComplete(slot);
  }

  /** Flows of another capture follow. */
  restart(): void {
    this.identifiedFlow = 0;
  }

  report(rule: DetectedRule, slot: number, direction: Direction, outcome: Outcome): void {
    const { hand } = this;
    const { packet, batch, place, table } = hand;
    const inFlow = slot >= 0 && table.inUse(slot);
    const flow = inFlow ? (hand.inspections[slot] ?? null) : null;
    this.options.onDetection(
      buildDetection(packet, batch, place, rule, {
        live: packet === hand.view,
        time: hand.now,
        flowId: inFlow ? table.flowId(slot) : 0,
        direction,
        appProtocol: flow === null ? null : (this.protocols[flow.protocol - 1]?.name ?? null),
        protectedEnd: this.protectedEnd(),
        kind: outcome.kind,
        response: outcome.response,
        category: outcome.category,
        handshake: outcome.handshake,
        blocked: outcome.blocked,
        rejected: outcome.rejected,
        communityId: this.communityIdOf(packet, inFlow ? table.flowId(slot) : 0),
        transaction: outcome.transaction,
        txId: outcome.txId,
        webAddress: outcome.webAddress,
      }),
    );
  }

  /** Of both directions of a flow the same; a flow that matches once often does so again. */
  private communityIdOf(packet: PacketView, flowId: number): string {
    if (flowId === 0 || (packet.protocol !== TCP && packet.protocol !== UDP)) return communityId(packet);
    if (flowId !== this.identifiedFlow) {
      this.communityId = communityId(packet);
      this.identifiedFlow = flowId;
    }
    return this.communityId;
  }

  private protectedEnd(): Detection['protectedEnd'] {
    if (this.isProtected('source')) return 'source';
    return this.isProtected('destination') ? 'destination' : null;
  }
}
