import type { PacketBatch } from '@portcullis/capture';
import { FlowFact, InspectionContext, type Matcher } from '@portcullis/matcher';
import type { Direction } from '@portcullis/protocols';
import { type FlowTable, StreamCounter, type TcpReassembler } from '@portcullis/reassembly';
import { IpProtocol, PacketView } from '@portcullis/wire';
import type { TransactionFacts } from './detection';
import { FlowInspection, ProtocolState } from './flow-inspection';
import { InspectCounterNames } from './inspect-counters';

const { TCP, UDP, ICMP, ICMPV6 } = IpProtocol;
const { COUNTS, PROTOCOLS, LINK } = FlowFact;
const { HANDSHAKES } = StreamCounter;
/** IP protocols of which one packet can be told to answer another. */
const HAS_ANSWERS = new Uint8Array(256);
for (const protocol of [TCP, UDP, ICMP, ICMPV6, IpProtocol.SCTP]) HAS_ANSWERS[protocol] = 1;
const POOLED_FLOWS = 4096;
/** A super-segment is cut into pieces no smaller than this. */
const SMALLEST_PIECE = 256;

/** What the parts of the inspector share: the packet that is being inspected, its flow, and what rules may ask of both. */
export class PacketInHand {
  readonly counters = new Float64Array(InspectCounterNames.length);
  readonly view = new PacketView();
  readonly context = new InspectionContext();
  /** By slot of the flow table. */
  readonly inspections: (FlowInspection | null)[] = [];
  private readonly pool: FlowInspection[] = [];
  /** Stands for a packet where a flow ends without one. */
  private readonly pseudo = new PacketView();
  reassembler!: TcpReassembler;
  table!: FlowTable;

  batch!: PacketBatch;
  place = 0;
  now = 0;
  /** The view, or what stands for a packet where there is none. */
  packet = this.view;
  packetRulesDone = false;
  /** Completed handshakes before the packet in hand. */
  handshakesBefore = 0;
  /** The protocol of the flow became known with the packet in hand. */
  protocolDetected = false;
  blockWanted = false;
  inPacket = false;
  /** How many packets the one in hand lies within. */
  depth = 0;
  /** What alerts tell of the transactions that matched in this packet, by their number. */
  readonly factsOf = new Map<number, TransactionFacts>();
  /** The flow whose bytes are being fed, and the transaction they led to. */
  flow: FlowInspection | null = null;
  slot = -1;
  transactionEnded = false;
  /** Bytes of a stream that are being looked at and that the reassembler does not count yet, and whose they are. */
  arriving = 0;
  arrivingSlot = -1;
  arrivingDirection: Direction = 0;

  constructor(
    public matcher: Matcher,
    private readonly inline: boolean,
  ) {}

  /** Sets what the rules may ask about the packet in hand. */
  describe(slot: number, direction: Direction): InspectionContext {
    const { context, packet } = this;
    const flow = slot >= 0 ? (this.inspections[slot] ?? null) : null;
    context.packet = packet;
    context.payloadStart = packet.payload;
    context.payloadEnd = packet.payloadEnd;
    context.timeMicros = this.now;
    context.direction = direction;
    context.hasFlow = slot >= 0;
    context.flowEstablished = slot >= 0 && this.established(slot);
    context.firstOfDirection = slot >= 0 && this.isFirst(slot, direction, packet.protocol);
    const hasStream = slot >= 0 && packet.protocol === TCP && this.reassembler.hasStream(slot);
    context.payloadInStream = hasStream && !this.reassembler.payloadLeft;
    context.flowId = slot >= 0 ? this.table.flowId(slot) : 0;
    context.appProtocol = flow === null ? 0 : flow.protocol;
    context.flowState = flow === null ? null : flow.matchState;
    context.streamEnd = 0;
    const { flowFacts } = this.matcher.ruleset.needs;
    if (flowFacts !== 0) this.describeFacts(flowFacts, slot, flow);
    // The SYN takes a number of the sequence space, which Suricata counts.
    context.clientStreamSize = hasStream ? this.streamSize(slot, 0) : -1;
    context.serverStreamSize = hasStream ? this.streamSize(slot, 1) : -1;
    return context;
  }

  /**
   * The same for rules that look at the data of a connection. Its receiver may take what comes with a SYN, or between that and
   * the last ACK of the handshake, and it is not shown again: where verdicts count, such data is that of a connection.
   */
  describeData(slot: number, direction: Direction): InspectionContext {
    const context = this.describe(slot, direction);
    if (this.inline) context.flowEstablished = true;
    return context;
  }

  /** Without ports or echoes nothing tells an answer from a request: Suricata takes both for one direction. */
  private isFirst(slot: number, direction: Direction, protocol: number): boolean {
    const { table } = this;
    if (table.packets(slot, direction) > 1) return false;
    return HAS_ANSWERS[protocol] === 1 || table.packets(slot, 1 - direction) === 0;
  }

  /** What a side has sent so far, with the bytes that are being looked at. */
  private streamSize(slot: number, direction: Direction): number {
    const arrives = this.arriving > 0 && this.arrivingSlot === slot && this.arrivingDirection === direction;
    return this.reassembler.streamOffset(slot, direction) + 1 + (arrives ? this.arriving : 0);
  }

  /** What rules ask for now and then only. */
  private describeFacts(facts: number, slot: number, flow: FlowInspection | null): void {
    const { context, table, batch, place, inPacket } = this;
    if ((facts & LINK) !== 0) {
      const linkLength = inPacket && this.depth === 0 ? (batch.linkLength?.[place] ?? 0) : 0;
      context.linkBytes = batch.bytes;
      context.linkEnd = linkLength === 0 ? 0 : (batch.offset[place] as number);
      context.linkStart = context.linkEnd - linkLength;
    }
    if ((facts & COUNTS) !== 0) {
      // All packets of a flow come over the same kind of link.
      const linkLength = this.depth === 0 ? (batch.linkLength?.[place] ?? 0) : 0;
      context.flowStartMicros = slot >= 0 ? table.firstSeen(slot) : -1;
      for (let side = 0; side < 2; side++) {
        const packets = slot >= 0 ? table.packets(slot, side) : 0;
        context.flowPackets[side] = packets;
        context.flowBytes[side] = slot >= 0 ? table.bytes(slot, side) + packets * linkLength : 0;
      }
    }
    if ((facts & PROTOCOLS) === 0) return;
    context.appProtocolFailed = flow !== null && flow.protocolState === ProtocolState.UNKNOWN;
    context.protocolDetected = false;
    context.originalProtocol = flow === null ? 0 : flow.originalProtocol;
    for (const side of [0, 1] as const)
      context.sideProtocols[side] = flow === null ? 0 : flow.protocolOf(side);
  }

  /** Fills `pseudo` with the flow's addresses as its packets of this direction have them, for alerts that come when there is no packet. */
  describeFlow(slot: number, direction: Direction): void {
    const { pseudo, table } = this;
    const toServer = direction === 0;
    table.sourceWords(slot, toServer ? pseudo.source : pseudo.destination);
    table.destinationWords(slot, toServer ? pseudo.destination : pseudo.source);
    pseudo.version = pseudo.source[2] === 0xffff && pseudo.source[0] === 0 && pseudo.source[1] === 0 ? 4 : 6;
    pseudo.protocol = table.protocol(slot);
    pseudo.sourcePort = toServer ? table.sourcePort(slot) : table.destinationPort(slot);
    pseudo.destinationPort = toServer ? table.destinationPort(slot) : table.sourcePort(slot);
    this.packet = pseudo;
    this.context.packet = pseudo;
  }

  /**
   * Within a TCP packet: what is looked at next was sent the other way, by an earlier packet. `turnBack` follows.
   * @returns false where the packet in hand is of that direction
   */
  turnTo(slot: number, direction: Direction): boolean {
    const { context, reassembler } = this;
    if (!this.inPacket || this.packet !== this.view || this.view.protocol !== TCP) return false;
    if (slot < 0 || slot !== reassembler.slot || direction === reassembler.direction) return false;
    this.describeFlow(slot, direction);
    context.payloadStart = 0;
    context.payloadEnd = 0;
    this.matcher.turn(context);
    return true;
  }

  turnBack(): void {
    const { context, view } = this;
    this.packet = view;
    context.packet = view;
    context.payloadStart = view.payload;
    context.payloadEnd = view.payloadEnd;
    this.matcher.turn(context);
  }

  /** What the rules have remembered goes back to the flow. */
  keepState(slot: number): void {
    const state = this.context.flowState;
    if (slot < 0) return;
    const flow = this.inspections[slot] ?? null;
    if (flow !== null) flow.matchState = state;
    else if (state !== null) this.inspectionOf(slot).matchState = state;
  }

  rulesLookAtPackets(protocol: number): boolean {
    const { tcp, udp, icmp, other } = this.matcher.ruleset.needs.packetRules;
    if (protocol === TCP) return tcp;
    if (protocol === UDP) return udp;
    return protocol === ICMP || protocol === ICMPV6 ? icmp : other;
  }

  /** TCP: the handshake is complete, or the connection was adopted. Others: both sides have spoken. */
  established(slot: number): boolean {
    const { reassembler, table, view } = this;
    if (table.protocol(slot) === TCP) {
      if (reassembler.handshakeComplete(slot)) {
        // The bare ACK that completes the handshake is still a part of it.
        const completing = this.inPacket && reassembler.counters[HANDSHAKES] !== this.handshakesBefore;
        return !completing || this.packet !== view || view.payload !== view.payloadEnd;
      }
      return reassembler.isMidstream(slot) || reassembler.isAsynchronous(slot);
    }
    return table.packets(slot, 0) > 0 && table.packets(slot, 1) > 0;
  }

  inspectionOf(slot: number): FlowInspection {
    let flow = this.inspections[slot] ?? null;
    if (flow === null) {
      flow = this.pool.pop() ?? new FlowInspection();
      while (this.inspections.length <= slot) this.inspections.push(null);
      this.inspections[slot] = flow;
    }
    return flow;
  }

  /** Whoever announces a tiny segment size does not get to have each byte looked at by itself. */
  pieceSize(slot: number): number {
    const size = this.reassembler.segmentSize(slot);
    return Math.max(size, SMALLEST_PIECE);
  }

  /** The flow is over: what was kept of it is for the next one. */
  recycle(flow: FlowInspection): void {
    flow.reset();
    if (this.pool.length < POOLED_FLOWS) this.pool.push(flow);
  }
}
