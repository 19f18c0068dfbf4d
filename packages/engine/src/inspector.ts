import { type PacketBatch, PacketInfo, Verdict } from '@portcullis/capture';
import {
  type CompiledRule,
  FlowFact,
  InspectionContext,
  type Matcher,
  type SegmentUse,
} from '@portcullis/matcher';
import {
  type Direction,
  type ExpectedFlow,
  type ProtocolDefinition,
  type Transaction,
  type TransactionListener,
  Transport,
} from '@portcullis/protocols';
import {
  DropReason,
  type FlowTable,
  SegmentResult,
  StreamAction,
  StreamCounter,
  type StreamOptions,
  type StreamSink,
  TcpReassembler,
} from '@portcullis/reassembly';
import type { AddressTableData } from '@portcullis/web-addresses';
import {
  DecodeStatus,
  findDecodeEvents,
  IpProtocol,
  Ipv4,
  Ipv6,
  PacketView,
  sequenceAdd,
  Tcp,
  TcpFlag,
} from '@portcullis/wire';
import { AppLayer } from './app-layer';
import { BlockPage } from './block-page';
import { BlockedSources } from './blocked-sources';
import type { DetectedRule, Detection, TransactionFacts } from './detection';
import { buildDetection, detectedRule } from './detection-builder';
import type { Decision, DetectionPolicy } from './detection-policy';
import { ExpectedFlows } from './expected-flows';
import { FlowInspection, NO_PAGE, ProtocolState } from './flow-inspection';
import { InspectCounter, InspectCounterNames } from './inspect-counters';
import { MAX_LAYERS, type PacketLayers } from './packet-layers';
import { RawWindowPool } from './raw-window';
import { ResetBuilder } from './reset';
import type { PacketSender } from './segment-builder';
import { addStreamEvents, SEQUENCE_GAP, SUSPECTED_RST_INJECT, SYN_FLOOD } from './stream-events';
import { type AddressFinding, addressRule, WebAddressInspection } from './web-address-inspection';

// Bound once: an access through an imported module object costs a load per use in the packet path.
const { DROP, ACCEPT, MARK, REPLACE } = Verdict;
const { CHECKSUM_NOT_VERIFIED, NOT_IP } = PacketInfo;
const { DROP: SEGMENT_DROP, OFFLOADABLE, CLEAR_URGENT } = SegmentResult;
const { CONTINUE, STOP_INSPECTING } = StreamAction;
const OK = DecodeStatus.OK;
const { TCP, UDP, ICMP, ICMPV6 } = IpProtocol;
/** IP protocols whose packets belong to flows. */
const HAS_FLOWS = new Uint8Array(256);
for (const protocol of [TCP, UDP, ICMP, ICMPV6, IpProtocol.SCTP, IpProtocol.UDP_LITE, IpProtocol.ESP])
  HAS_FLOWS[protocol] = 1;
for (const tunnel of [IpProtocol.IPV4, IpProtocol.IPV6]) HAS_FLOWS[tunnel] = 1;
const Counter = InspectCounter;
const { COUNTS, PROTOCOLS, LINK } = FlowFact;
const { FLOW_BLOCKED } = DropReason;
const { HANDSHAKES } = StreamCounter;
/** SYNs that differ from one another, of one connection, before they are called a flood: Suricata's default. */
const QUEUED_SYNS = 10;
const { TCP: OVER_TCP, UDP: OVER_UDP } = Transport;

/** How the kernel takes over connections that need no more inspection. */
export interface OffloadMark {
  /** Bits of the packet mark that are ours. */
  mask: number;
  /** Their value for "offloaded" in the current generation. */
  mark: number;
}

export interface InspectorOptions {
  matcher: Matcher;
  protocols: readonly ProtocolDefinition[];
  stream: Partial<StreamOptions>;
  /** Packets are dropped where the policy says so; else everything is only told. */
  inline: boolean;
  /** What is done about the matches of the rules in force; absent: all of them are told. */
  policy?: DetectionPolicy | null;
  /** Web addresses that are looked for; absent: none. */
  webAddresses?: AddressTableData | null;
  /** What becomes of packets whose headers make no sense. */
  decodePolicy: 'open' | 'closed';
  offload: OffloadMark | null;
  /** Absent: a packet is one packet, as the kernel has put it together. */
  layers?: PacketLayers;
  /** Asked where the source says that nobody has verified the checksum; absent: checksums are not looked at. */
  verifyChecksum?: (place: number) => boolean;
  onDetection(detection: Detection): void;
  /** Sends the resets of reject rules; absent: none are sent. */
  sender?: PacketSender;
  /** A drop on a datagram drops the rest of its flow too; default: the datagram only. */
  dropDatagramFlows?: boolean;
  /** Sources that attack are dropped by the worker itself for so long (µs); 0: not. */
  holdBlockedMicros: number;
}

/** Up to here the header that the addresses stand in could not be read. */
const LAST_WITHOUT_ADDRESSES = DecodeStatus.IPV6_HEADER_TRUNCATED;
/** Time-outs are looked at every so often (µs of packet time), a bounded number at a time. */
const TICK_MICROS = 100_000;
const TICK_BUDGET = 512;
/** Pages for raw windows: 32 MiB at Suricata's window size. */
const RAW_PAGES = 12_288;
/** The most bytes one call of `data` brings: a super-segment. */
const LARGEST_SEGMENT = 65_536;
const POOLED_FLOWS = 4096;
/** Of `FlowInspection.closed`. */
const BOTH_CLOSED = 3;
/** Where there is no policy everything is told. */
const NOTIFY: Decision = { kind: 'attack', response: 'notify', category: null };
/** Of what is told: nothing was done about it. */
const TOLD_ONLY = { handshake: false, blocked: false, rejected: false };
/** What is told of a match besides the decision. */
type Outcome = Decision & { handshake: boolean; blocked: boolean; rejected: boolean };
/** A super-segment is cut into pieces no smaller than this. */
const SMALLEST_PIECE = 256;

/**
 * Takes packets from decoding to their verdict: header views, flow, stream, protocol, rules. One per worker; a
 * packet is finished when `inspect` returns, and nothing of it is kept but what reassembly and parsers copied.
 */
export class Inspector implements StreamSink, TransactionListener {
  readonly counters = new Float64Array(InspectCounterNames.length);
  readonly reassembler: TcpReassembler;
  private readonly table: FlowTable;
  private readonly view = new PacketView();
  /** Stands for a packet where a flow ends without one. */
  private readonly pseudo = new PacketView();
  private readonly context = new InspectionContext();
  private readonly appLayer: AppLayer;
  private readonly expected = new ExpectedFlows();
  private readonly blocked: BlockedSources;
  private readonly resets = new ResetBuilder();
  private readonly rawWindows: RawWindowPool;
  private readonly inspections: (FlowInspection | null)[] = [];
  private readonly pool: FlowInspection[] = [];
  private matcher: Matcher;
  private policy: DetectionPolicy | null;
  private addressData: AddressTableData | null;
  private addresses: WebAddressInspection | null = null;
  private blockPage: BlockPage | null = null;
  private readonly inline: boolean;
  private offload: OffloadMark | null;
  private readonly words = new Uint32Array(4);
  private now = 0;
  private nextTick = 0;

  // The packet in hand.
  private batch!: PacketBatch;
  private place = 0;
  private packet = this.view;
  private packetRulesDone = false;
  /** How the scan of the stream has looked at the packet in hand too, whose rules wait for the protocol; null: not. */
  private waitingSegment: SegmentUse | null = null;
  /** Completed handshakes before the packet in hand. */
  private handshakesBefore = 0;
  /** The protocol of the flow became known with the packet in hand. */
  private protocolDetected = false;
  private blockWanted = false;
  private inPacket = false;
  /** How many packets the one in hand lies within. */
  private depth = 0;
  /** What alerts tell of the transactions that matched in this packet, by their number. */
  private readonly factsOf = new Map<number, TransactionFacts>();
  /** The flow whose bytes are being fed, and the transaction they led to. */
  private flow: FlowInspection | null = null;
  private slot = -1;
  private transactionEnded = false;

  constructor(private readonly options: InspectorOptions) {
    this.matcher = options.matcher;
    this.policy = options.policy ?? null;
    this.addressData = options.webAddresses ?? null;
    this.matcher.fired.keepsSilent = this.policy !== null;
    this.inline = options.inline;
    this.offload = options.offload;
    this.reassembler = new TcpReassembler({ ...options.stream, inline: options.inline }, this);
    this.table = this.reassembler.table;
    this.appLayer = new AppLayer(options.protocols, this);
    this.compareSides();
    this.blocked = new BlockedSources(options.holdBlockedMicros);
    this.rawWindows = new RawWindowPool(
      options.matcher.ruleset.needs.rawStreamWindow,
      RAW_PAGES,
      LARGEST_SEGMENT,
    );
    this.applyAddressPolicy();
  }

  /** The policy for the rules that the matcher has taken over. */
  setPolicy(policy: DetectionPolicy | null): void {
    this.policy = policy;
    this.compareSides();
    this.applyAddressPolicy();
  }

  /** The web addresses that are looked for from now on; null: none. */
  setWebAddresses(data: AddressTableData | null): void {
    this.addressData = data;
    this.applyAddressPolicy();
  }

  private applyAddressPolicy(): void {
    const { addressData, policy } = this;
    this.addresses =
      addressData === null ? null : new WebAddressInspection(addressData, policy, this.options.protocols);
    const page = policy?.blockPage ?? null;
    this.blockPage = page === null ? null : new BlockPage(page);
  }

  /** Packets of connections that need no more inspection carry this mark; null: none do. */
  setOffload(offload: OffloadMark | null): void {
    this.offload = offload;
  }

  /** Sources blocked a moment ago are let in again at once when an administrator says so. */
  forgetBlockedSources(): void {
    this.blocked.clear();
  }

  /** Bytes of traffic held now, for reassembly and raw windows. */
  get heldBytes(): number {
    return this.reassembler.heldBytes + this.rawWindows.heldBytes;
  }

  /** Raw windows that found no memory: patterns cut in two by the sender may have been missed there. */
  get rawTailsMissing(): number {
    return this.rawWindows.exhausted;
  }

  get flowCount(): number {
    return this.table.count;
  }

  /** Inspects the batch and writes its verdicts. @param nowMicros for packets that bring no time */
  inspectBatch(batch: PacketBatch, nowMicros: number): void {
    const { count } = batch;
    this.batch = batch;
    for (let place = 0; place < count; place++) batch.verdict[place] = this.inspect(place, nowMicros);
  }

  /** Time-outs while no packets come. */
  idle(nowMicros: number): void {
    if (nowMicros >= this.nextTick) this.tick(nowMicros);
  }

  /** Ends all flows: what parsers still hold is inspected. */
  close(): void {
    this.reassembler.close();
  }

  /** Forgets everything between two captures but keeps the memory, which takes longer to get than most captures to read. */
  restart(matcher: Matcher): void {
    this.close();
    this.expected.clear();
    this.options.layers?.restart();
    this.matcher = matcher;
    matcher.fired.keepsSilent = this.policy !== null;
    this.compareSides();
    this.nextTick = 0;
    this.counters.fill(0);
  }

  private tick(now: number): void {
    this.nextTick = now + TICK_MICROS;
    this.reassembler.tick(now, TICK_BUDGET);
  }

  /** @returns the verdict. Never throws for what a packet holds. */
  private inspect(place: number, nowMicros: number): number {
    const { view, counters, batch } = this;
    this.place = place;
    this.packet = view;
    this.depth = 0;
    const time = batch.time[place] as number;
    const now = time > 0 ? time : nowMicros;
    this.now = now;
    counters[Counter.PACKETS]++;
    counters[Counter.BYTES] += batch.wireLength[place] as number;
    if (now >= this.nextTick) this.tick(now);

    const start = batch.offset[place] as number;
    const end = start + (batch.length[place] as number);
    if (((batch.info[place] as number) & NOT_IP) === 0) return this.inspectBytes(batch.bytes, start, end);
    const status = view.decode(batch.bytes, start, start);
    this.findEvents(batch.bytes, start, start);
    return this.refuse(status);
  }

  /** Inspects a packet, and those within it. */
  private inspectBytes(bytes: Uint8Array, start: number, end: number, reassembled = false): number {
    const { view, batch, place } = this;
    const { layers } = this.options;
    const status = view.decode(bytes, start, end);
    view.reassembled = reassembled;
    if (this.matcher.ruleset.decodeEventRules.length > 0) this.findEvents(bytes, start, end);
    if (status !== OK) return this.refuse(status);
    if (layers === undefined) return this.inspectDecoded();
    if (layers.refuseTruncated && view.truncated) return this.refuse(OK);
    const { fragments, tunnels } = layers;
    if (fragments !== null && (view.moreFragments || view.fragmentOffset > 0)) {
      const network = this.depth === 0 ? (batch.vlan?.[place] ?? 0) : 0;
      const whole = fragments.add(view, this.now, network);
      const verdict = this.inspectFragment();
      return whole === 0 ? verdict : this.inspectWithin(verdict, fragments.bytes, 0, whole, true);
    }
    if (tunnels === null || !tunnels.decode(view)) {
      if (tunnels !== null && tunnels.event >= 0) view.events.add(tunnels.event);
      return this.inspectDecoded();
    }
    const { start: innerStart, end: innerEnd } = tunnels;
    // What it carries is a packet of its own, and no payload.
    view.payloadEnd = view.payload;
    return this.inspectWithin(this.inspectDecoded(), bytes, innerStart, innerEnd);
  }

  /** @param verdict of the packet without; one that is dropped takes what is within with it, and the other way round */
  private inspectWithin(
    verdict: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    reassembled = false,
  ): number {
    if (this.depth >= MAX_LAYERS || verdict === DROP) return verdict;
    this.depth++;
    const { counters } = this;
    const { [Counter.ACCEPTED]: accepted, [Counter.DROPPED]: dropped } = counters;
    const inner = this.inspectBytes(bytes, start, end, reassembled);
    // One packet was received, whatever it is made of.
    counters[Counter.ACCEPTED] = accepted as number;
    counters[Counter.DROPPED] = dropped as number;
    if (inner !== DROP) return verdict;
    counters[Counter.ACCEPTED]--;
    return this.drop();
  }

  /** What is wrong with the packet's headers, and with those of its frame. */
  private findEvents(bytes: Uint8Array, start: number, end: number): void {
    const { view, batch, place } = this;
    view.events.clear();
    const linkEvent = this.depth === 0 ? (batch.linkEvent?.[place] ?? -1) : -1;
    if (linkEvent >= 0) view.events.add(linkEvent);
    findDecodeEvents(bytes, start, end, view.events);
  }

  /** @param status of decoding, OK where it is refused for another reason */
  private refuse(status: number): number {
    const { counters, view, context, matcher } = this;
    const frameOnly = ((this.batch.info[this.place] as number) & NOT_IP) !== 0;
    if ((view.events.any || frameOnly) && matcher.ruleset.decodeEventRules.length > 0) {
      // Nothing of the packet before may be taken for this one's; of one that was cut nothing is believed.
      if (status <= LAST_WITHOUT_ADDRESSES) view.forget();
      context.packet = view;
      context.timeMicros = this.now;
      matcher.begin(context);
      this.inPacket = true;
      this.describe(-1, 0);
      this.inPacket = false;
      context.payloadEnd = context.payloadStart;
      this.blockWanted = false;
      matcher.inspectUndecodable(context);
      this.conclude(-1, 0);
      if (this.blockWanted) {
        counters[Counter.RULE_DROPS]++;
        return this.drop();
      }
    }
    counters[Counter.DECODE_ERRORS]++;
    if (!this.inline || this.options.decodePolicy === 'open') return this.accept(ACCEPT);
    counters[Counter.DECODE_DROPS]++;
    return this.drop();
  }

  /** A part of a datagram: it has a header, but neither ports nor payload of its own. */
  private inspectFragment(): number {
    const { view, context } = this;
    this.counters[Counter.FRAGMENTS]++;
    view.forgetTransport();
    context.packet = view;
    context.timeMicros = this.now;
    this.matcher.begin(context);
    this.packetRulesDone = false;
    this.blockWanted = false;
    this.inspectPacketRules(-1, 0);
    this.conclude(-1, 0);
    if (!this.blockWanted) return this.accept(ACCEPT);
    this.counters[Counter.RULE_DROPS]++;
    return this.drop();
  }

  /** The packet in the view, which is whole. */
  private inspectDecoded(): number {
    const { view, counters, batch, context, place, now } = this;
    if (this.blocked.has(view.source, now)) {
      counters[Counter.BLOCKED_SOURCE]++;
      return this.drop();
    }
    const { verifyChecksum } = this.options;
    if (
      verifyChecksum !== undefined &&
      this.depth === 0 &&
      ((batch.info[place] as number) & CHECKSUM_NOT_VERIFIED) !== 0 &&
      !verifyChecksum(place)
    ) {
      // The receiver throws it away, so its bytes must not count as delivered.
      counters[Counter.BAD_CHECKSUM]++;
      return this.inline ? this.drop() : this.inspectUnverified();
    }
    context.packet = view;
    context.timeMicros = now;
    this.matcher.begin(context);
    context.streamEvents.clear();
    this.inPacket = true;
    this.packetRulesDone = false;
    this.protocolDetected = false;
    this.blockWanted = false;
    const verdict =
      view.protocol === TCP && view.tcpHeaderLength > 0 ? this.inspectTcp() : this.inspectDatagram();
    this.inPacket = false;
    return verdict;
  }

  /** The receiver throws it away, and yet it has come: rules that ask for its headers alone look at it. */
  private inspectUnverified(): number {
    const { context, view, table } = this;
    if (!this.matcher.ruleset.needs.tcpHeaders || view.protocol !== TCP) return this.accept(ACCEPT);
    context.packet = view;
    context.timeMicros = this.now;
    this.matcher.begin(context);
    context.streamEvents.clear();
    this.packetRulesDone = false;
    const slot = table.find(view);
    const direction = slot < 0 ? 0 : table.direction;
    this.inspectHeaderRules(slot, direction);
    this.conclude(slot, direction);
    return this.accept(ACCEPT);
  }

  private inspectTcp(): number {
    const { reassembler, view, batch, place } = this;
    const within = this.depth > 0;
    this.handshakesBefore = reassembler.counters[HANDSHAKES] as number;
    const cut = within ? 0 : (batch.wireLength[place] as number) - (batch.length[place] as number);
    // What the IP header has no length for is what the frame was longer; else that would be its padding.
    const result = reassembler.process(view, this.now, cut > 0 && hasNoLength(view) ? cut : 0);
    const { slot } = reassembler;
    const { direction } = reassembler;
    const { dropReason } = reassembler;
    if (dropReason === FLOW_BLOCKED && this.inspections[slot]?.dropped === true) {
      // The flow is not looked at any more.
      this.answerAgain(slot, direction);
      this.counters[Counter.STREAM_DROPS]++;
      return this.drop();
    }
    if (reassembler.afterReset) this.context.streamEvents.add(SUSPECTED_RST_INJECT);
    if (view.tcpFlags === TcpFlag.SYN && slot >= 0 && this.isSynFlood(slot))
      this.context.streamEvents.add(SYN_FLOOD);
    if (dropReason !== 0)
      addStreamEvents(view, dropReason, slot >= 0 && this.established(slot), this.context.streamEvents);
    const finished = slot >= 0 && reassembler.isFinished(slot, direction);
    // Behind its depth a direction is not looked at any more, neither as stream nor as packets: but for the headers.
    if (finished) this.inspectHeaderRules(slot, direction);
    else if (!this.packetRulesDone) {
      const empty = view.payload === view.payloadEnd;
      const protocol = empty && slot >= 0 ? (this.inspections[slot]?.protocol ?? 0) : 0;
      if (!empty || !this.matcher.ignoresEmpty(view, direction, protocol))
        this.inspectPacketRules(slot, direction);
    }
    if (this.protocolDetected) this.inspectProtocolRules(slot, direction);
    this.conclude(slot, direction);
    if (this.blockWanted) {
      if (slot >= 0) reassembler.block(slot);
      this.counters[Counter.RULE_DROPS]++;
      return this.drop();
    }
    if ((result & SEGMENT_DROP) !== 0) {
      this.counters[Counter.STREAM_DROPS]++;
      return this.drop();
    }
    let verdict: number = ACCEPT;
    // What lies within another packet is covered by that packet's checksum, and by its connection's mark.
    if (within) return this.accept(verdict);
    if ((result & CLEAR_URGENT) !== 0 && this.inline) {
      const { bytes, transport } = view;
      bytes[transport + Tcp.FLAGS] = (bytes[transport + Tcp.FLAGS] as number) & ~TcpFlag.URG;
      bytes[transport + Tcp.URGENT_POINTER] = 0;
      bytes[transport + Tcp.URGENT_POINTER + 1] = 0;
      verdict |= REPLACE;
    }
    const { offload } = this;
    // What comes from the client decides: behind its depth nothing an attacker sends is inspected any more.
    if (finished && direction === 0 && offload !== null && (result & OFFLOADABLE) === 0)
      reassembler.stopInspecting(slot, 1);
    if ((result & OFFLOADABLE) !== 0 && offload !== null) {
      batch.verdictMark[place] = (((batch.mark[place] as number) & ~offload.mask) | offload.mark) >>> 0;
      verdict |= MARK;
      this.counters[Counter.OFFLOADED]++;
    }
    return this.accept(verdict);
  }

  private inspectDatagram(): number {
    const { reassembler, view } = this;
    if (view.moreFragments || view.fragmentOffset > 0) this.counters[Counter.FRAGMENTS]++;
    // Others are single packets: a flow of theirs would be all that two hosts ever say.
    const hasFlow = HAS_FLOWS[view.protocol] === 1;
    const slot = hasFlow ? reassembler.processDatagram(view, this.now) : -1;
    if (hasFlow && reassembler.dropReason !== 0 && this.inline) {
      this.counters[Counter.STREAM_DROPS]++;
      return this.drop();
    }
    const direction = slot >= 0 ? reassembler.direction : 0;
    if (slot >= 0 && view.protocol === UDP && view.payloadEnd > view.payload)
      this.feedDatagram(slot, direction);
    if (!this.packetRulesDone) this.inspectPacketRules(slot, direction);
    if (this.protocolDetected) this.inspectProtocolRules(slot, direction);
    this.conclude(slot, direction);
    if (!this.blockWanted) return this.accept(ACCEPT);
    const flow = slot >= 0 ? (this.inspections[slot] ?? null) : null;
    if (flow?.dropped === true && (flow.blocksDatagrams || this.options.dropDatagramFlows === true))
      reassembler.block(slot);
    this.counters[Counter.RULE_DROPS]++;
    return this.drop();
  }

  /** Rules that look at packets, which may ask for the protocol; then the protocol's parser. */
  private feedDatagram(slot: number, direction: Direction): void {
    const { view, appLayer } = this;
    const { bytes, payload, payloadEnd } = view;
    const flow = this.inspectionOf(slot);
    if (flow.protocolState === ProtocolState.UNDECIDED) {
      this.probes(slot, OVER_UDP);
      appLayer.recognise(flow, direction, bytes, payload, payloadEnd);
    }
    this.inspectPacketRules(slot, direction);
    if (flow.passed || flow.parser === null) return;
    this.describe(slot, direction);
    this.flow = flow;
    this.slot = slot;
    flow.parser.feed(direction, bytes, payload, payloadEnd);
    this.flow = null;
    this.keepState(slot);
  }

  /** Tells the application layer about the flow whose protocol is still to be found. */
  private probes(slot: number, transport: Transport): void {
    const { probed } = this.appLayer;
    probed.transport = transport;
    probed.clientPort = this.table.sourcePort(slot);
    probed.serverPort = this.table.destinationPort(slot);
  }

  private accept(verdict: number): number {
    this.counters[Counter.ACCEPTED]++;
    return verdict;
  }

  private drop(): number {
    this.counters[Counter.DROPPED]++;
    return DROP;
  }

  // ── Rules ────────────────────────────────────────────────────────────────────────────────────────────────

  /** Sets what the rules may ask about the packet in hand. */
  private describe(slot: number, direction: Direction): InspectionContext {
    const { context, packet } = this;
    const flow = slot >= 0 ? (this.inspections[slot] ?? null) : null;
    context.packet = packet;
    context.payloadStart = packet.payload;
    context.payloadEnd = packet.payloadEnd;
    context.timeMicros = this.now;
    context.direction = direction;
    context.hasFlow = slot >= 0;
    context.flowEstablished = slot >= 0 && this.established(slot);
    context.firstOfDirection = slot >= 0 && this.table.packets(slot, direction) <= 1;
    context.payloadInStream = slot >= 0 && packet.protocol === TCP;
    context.flowId = slot >= 0 ? this.table.flowId(slot) : 0;
    context.appProtocol = flow === null ? 0 : flow.protocol;
    context.flowState = flow === null ? null : flow.matchState;
    context.streamEnd = 0;
    const { flowFacts } = this.matcher.ruleset.needs;
    if (flowFacts !== 0) this.describeFacts(flowFacts, slot, flow);
    const sequenced = slot >= 0 && packet.protocol === TCP;
    // The SYN takes a number of the sequence space, which Suricata counts.
    context.clientStreamSize = sequenced ? this.reassembler.streamOffset(slot, 0) + 1 : -1;
    context.serverStreamSize = sequenced ? this.reassembler.streamOffset(slot, 1) + 1 : -1;
    return context;
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

  /** What the rules have remembered goes back to the flow. */
  private keepState(slot: number): void {
    const state = this.context.flowState;
    if (slot < 0) return;
    const flow = this.inspections[slot] ?? null;
    if (flow !== null) flow.matchState = state;
    else if (state !== null) this.inspectionOf(slot).matchState = state;
  }

  private rulesLookAtPackets(protocol: number): boolean {
    const { tcp, udp, icmp, other } = this.matcher.ruleset.needs.packetRules;
    if (protocol === TCP) return tcp;
    if (protocol === UDP) return udp;
    return protocol === ICMP || protocol === ICMPV6 ? icmp : other;
  }

  /** One SYN after the other with another sequence number each, and no answer to any. */
  private isSynFlood(slot: number): boolean {
    const { table, reassembler, view } = this;
    return (
      table.packets(slot, 0) > QUEUED_SYNS + 1 &&
      table.packets(slot, 1) === 0 &&
      sequenceAdd(view.sequence, 1) !== reassembler.nextSequence(slot, 0)
    );
  }

  /** TCP: the handshake is complete, or the connection was adopted. Others: both sides have spoken. */
  private established(slot: number): boolean {
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

  private inspectPacketRules(slot: number, direction: Direction): void {
    this.packetRulesDone = true;
    const { matcher, view } = this;
    if (!this.rulesLookAtPackets(view.protocol)) return;
    if (slot >= 0 && this.inspections[slot]?.passed === true) return;
    const context = this.describe(slot, direction);
    const { payload, payloadEnd } = view;
    const length = payloadEnd - payload;
    const piece = slot >= 0 && view.protocol === TCP && length > 0 ? this.pieceSize(slot) : length;
    if (length <= piece) matcher.inspectPacket(context);
    else this.inspectPieces(piece);
    this.keepState(slot);
  }

  /** A super-segment: rules that look at packets see it as the packets it is made of. */
  private inspectPieces(piece: number): void {
    const { matcher, context, view } = this;
    const { payload, payloadEnd } = view;
    for (let at = payload; at < payloadEnd; at += piece) {
      context.payloadStart = at;
      context.payloadEnd = Math.min(at + piece, payloadEnd);
      matcher.inspectPacket(context);
    }
    context.payloadStart = payload;
    context.payloadEnd = payloadEnd;
  }

  /** Rules about nothing but the protocol: once, and of the one that the parser has made of it. */
  private inspectProtocolRules(slot: number, direction: Direction): void {
    const { matcher, context } = this;
    if ((matcher.ruleset.needs.flowFacts & PROTOCOLS) === 0) return;
    if (slot < 0 || this.inspections[slot]?.passed === true) return;
    this.describe(slot, direction);
    context.protocolDetected = true;
    matcher.inspectHeaders(context, PROTOCOLS);
    context.protocolDetected = false;
    this.keepState(slot);
  }

  private inspectHeaderRules(slot: number, direction: Direction): void {
    const { matcher } = this;
    if (this.packetRulesDone || !matcher.ruleset.needs.tcpHeaders) return;
    this.packetRulesDone = true;
    const flow = slot < 0 ? null : this.inspections[slot];
    if (flow?.passed === true || flow?.opaque === true) return;
    matcher.inspectHeaders(this.describe(slot, direction));
    this.keepState(slot);
  }

  /** Whoever announces a tiny segment size does not get to have each byte looked at by itself. */
  private pieceSize(slot: number): number {
    const size = this.reassembler.segmentSize(slot);
    return Math.max(size, SMALLEST_PIECE);
  }

  /** Acts on what was found in the packet in hand. */
  private conclude(slot: number, direction: Direction): void {
    if (this.matcher.matchCount > 0) this.concludeRules(slot, direction);
    const { addresses } = this;
    if (addresses === null || addresses.findings.length === 0) return;
    for (const finding of addresses.findings) this.concludeAddress(slot, direction, finding);
    addresses.findings.length = 0;
  }

  /** Ends the evaluation of the packet in hand and acts on the rules that have matched. */
  private concludeRules(slot: number, direction: Direction): void {
    const { matcher, context } = this;
    matcher.end(context);
    const { fired } = matcher;
    const inFlow = slot >= 0 && this.table.inUse(slot);
    for (let i = 0; i < fired.count; i++) {
      const rule = matcher.rule(fired.numbers[i] as number);
      const action = fired.action(i);
      if (action === 'pass') {
        this.counters[Counter.PASSED]++;
        if (inFlow && fired.actsOnFlow(i)) this.inspectionOf(slot).passed = true;
        if (rule.alwaysAlert && fired.silent[i] === 0) {
          this.tell(rule, slot, direction, fired.transactions[i] as number, { ...NOTIFY, ...TOLD_ONLY });
        }
        break;
      }
      const { kind, response: usual, category } = this.decide(rule, direction);
      // A rate filter knows better than the table what its rule is to do now.
      const response = action === rule.action ? usual : action === 'alert' ? 'notify' : 'drop';
      if (response === 'ignore') continue;
      const blocked = response !== 'notify' && this.inline && this.packet === this.view;
      if (blocked) {
        this.blockWanted = true;
        if (inFlow && (action !== rule.action || fired.actsOnFlow(i))) this.inspectionOf(slot).dropped = true;
      }
      if (fired.silent[i] === 1) continue;
      const handshake = this.hasHandshake(slot);
      let rejected = false;
      const { sender } = this.options;
      if (blocked && sender !== undefined && this.depth === 0 && action.startsWith('reject')) {
        rejected = this.resets.send(this.packet, sender);
        if (rejected) this.counters[Counter.RESETS_SENT]++;
      }
      const bans = blocked && response === 'block' && handshake && !this.isProtected('source');
      if (bans && this.options.holdBlockedMicros > 0) this.blocked.add(this.packet.source, this.now);
      this.counters[blocked ? Counter.ATTACKS_BLOCKED : Counter.ALERTS]++;
      const outcome = { kind, response, category, handshake, blocked, rejected };
      this.tell(rule, slot, direction, fired.transactions[i] as number, outcome);
    }
    if (this.factsOf.size > 0) this.factsOf.clear();
    matcher.begin(context);
  }

  /** A client on the protected side asks for an address that a list holds. */
  private concludeAddress(slot: number, direction: Direction, finding: AddressFinding): void {
    const { packet, policy } = this;
    const inFlow = slot >= 0 && this.table.inUse(slot);
    const flow = inFlow ? this.inspectionOf(slot) : null;
    if (flow?.passed === true) return;
    if (policy !== null && !this.isProtected(direction === 0 ? 'source' : 'destination')) return;
    const acts =
      this.inline && packet === this.view && finding.response !== 'notify' && !this.isExempt(direction);
    let rejected = false;
    if (acts) {
      this.blockWanted = true;
      // The same connection may ask again, and the same datagrams come again; each question of DNS is one of its own.
      const wholeFlow = packet.protocol === TCP || finding.facts.seenIn === 'quic.sni';
      if (flow !== null && wholeFlow) {
        if (finding.response === 'block' && !flow.dropped)
          rejected = this.endFlow(slot, direction, flow, finding);
        flow.dropped = true;
        flow.blocksDatagrams = true;
      }
    }
    this.counters[acts ? Counter.ADDRESSES_BLOCKED : Counter.ALERTS]++;
    const { category } = finding.facts;
    this.report(addressRule(finding.facts), slot, direction, {
      kind: 'web-address',
      response: acts ? finding.response : 'notify',
      category,
      handshake: this.hasHandshake(slot),
      blocked: acts,
      rejected,
      txId: finding.txId,
      transaction: finding.transaction,
      webAddress: finding.facts,
    });
  }

  /** Tells both ends that their connection is over: the client with a page, where it understands one. */
  private endFlow(
    slot: number,
    direction: Direction,
    flow: FlowInspection,
    finding: AddressFinding,
  ): boolean {
    const { packet, reassembler, blockPage } = this;
    const { sender } = this.options;
    if (sender === undefined || this.depth > 0 || packet.protocol !== TCP) return false;
    this.counters[Counter.RESETS_SENT]++;
    // In the middle of an earlier answer a page would be taken for a part of it.
    const canAnswer = direction === 0 && packet.acknowledgment === reassembler.nextSequence(slot, 1);
    if (blockPage === null || finding.page === null || !canAnswer) return this.resets.send(packet, sender);
    const received = reassembler.nextSequence(slot, 0);
    flow.answer = blockPage.send(packet, received, finding.facts, finding.page === 'body', sender);
    return this.resets.sendOnward(packet, sender);
  }

  /** A packet of a flow that is not let through any more, whose client was answered. */
  private answerAgain(slot: number, direction: Direction): void {
    const answer = this.inspections[slot]?.answer ?? null;
    const { sender } = this.options;
    if (answer === null || sender === undefined || direction !== 0 || this.blockPage === null) return;
    this.blockPage.again(this.view, answer, sender);
  }

  private hasHandshake(slot: number): boolean {
    const inFlow = slot >= 0 && this.table.inUse(slot);
    return inFlow && this.packet.protocol === TCP && this.reassembler.handshakeComplete(slot);
  }

  private isProtected(end: 'source' | 'destination'): boolean {
    const { policy, packet, batch, place } = this;
    if (policy === null) return false;
    const live = packet === this.view;
    const interfaces = end === 'source' ? batch.inInterface : batch.outInterface;
    return policy.protects(packet[end], live ? (interfaces[place] as number) : 0);
  }

  private isExempt(direction: Direction): boolean {
    const { policy, packet } = this;
    const inInterface = packet === this.view ? (this.batch.inInterface[this.place] as number) : 0;
    return policy?.exempts(packet, direction, inInterface) === true;
  }

  /** Tells of a match of a rule, and of what was done about it. @param transaction below 0: none */
  private tell(
    rule: CompiledRule,
    slot: number,
    direction: Direction,
    transaction: number,
    outcome: Outcome,
  ): void {
    this.report(detectedRule(rule), slot, direction, {
      ...outcome,
      transaction: this.factsOf.get(transaction) ?? null,
      txId: transaction < 0 ? null : transaction,
      webAddress: null,
    });
  }

  private report(
    rule: DetectedRule,
    slot: number,
    direction: Direction,
    about: Outcome & Pick<Detection, 'transaction' | 'txId' | 'webAddress'>,
  ): void {
    const inFlow = slot >= 0 && this.table.inUse(slot);
    const flow = inFlow ? (this.inspections[slot] ?? null) : null;
    this.options.onDetection(
      buildDetection(this.packet, this.batch, this.place, rule, {
        live: this.packet === this.view,
        time: this.now,
        flowId: inFlow ? this.table.flowId(slot) : 0,
        direction,
        appProtocol: flow === null ? null : (this.appLayer.definition(flow.protocol)?.name ?? null),
        protectedEnd: this.isProtected('source')
          ? 'source'
          : this.isProtected('destination')
            ? 'destination'
            : null,
        ...about,
      }),
    );
  }

  private decide(rule: CompiledRule, direction: Direction): Decision {
    const { policy } = this;
    if (policy === null) return NOTIFY;
    const decision = policy.decide(rule, direction, this.isProtected('source'));
    const acts = decision.response !== 'notify' && decision.response !== 'ignore';
    return acts && this.isExempt(direction) ? { ...decision, response: 'notify' } : decision;
  }

  // ── Streams (called by the reassembler) ──────────────────────────────────────────────────────────────────

  flowStarted(_slot: number): void {}

  data(
    slot: number,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
    streamOffset: number,
  ): number {
    const { view } = this;
    const flow = this.inspectionOf(slot);
    if (flow.opaque) {
      this.packetRulesDone = true;
      return STOP_INSPECTING;
    }
    if (this.reassembler.afterReset) this.context.streamEvents.add(SUSPECTED_RST_INJECT);
    const { streamRules } = this.matcher.ruleset.needs;
    let packetToo = false;
    // Rules that look at packets may name the protocol: where it is about to be found out they wait for that.
    const waits = flow.protocolState === ProtocolState.UNDECIDED || this.comparesSides(flow, direction);
    if (!this.packetRulesDone) {
      // The ordinary case: the payload of the packet in hand, all of it new. One scan serves both kinds of rules.
      packetToo =
        streamRules[direction] &&
        !flow.passed &&
        bytes === view.bytes &&
        start === view.payload &&
        end === view.payloadEnd;
      if (!packetToo && (!waits || flow.passed)) this.inspectPacketRules(slot, direction);
    }
    if (flow.passed) return STOP_INSPECTING;
    this.describe(slot, direction);
    this.flow = flow;
    this.slot = slot;
    this.transactionEnded = false;
    if (flow.protocolState === ProtocolState.UNDECIDED) this.meet(slot, flow);
    // Rules look at raw bytes by themselves, or beside a buffer of a transaction: both need the window.
    if (streamRules[direction])
      this.inspectRaw(slot, flow, direction, bytes, start, end, streamOffset, packetToo, waits);
    else {
      this.appLayer.data(flow, direction, bytes, start, end);
      this.inspectWaitingRules();
    }
    if (flow.parser?.opaque === true) flow.opaque = true;
    if (this.transactionEnded || flow.opaque) this.forgetTails(flow);
    this.flow = null;
    this.keepState(slot);
    return flow.opaque ? STOP_INSPECTING : CONTINUE;
  }

  private compareSides(): void {
    this.appLayer.comparesSides = (this.matcher.ruleset.needs.flowFacts & PROTOCOLS) !== 0;
  }

  /** The first bytes of the side that did not tell the protocol, where rules ask what they tell. */
  private comparesSides(flow: FlowInspection, direction: Direction): boolean {
    return this.appLayer.comparesSides && flow.parser !== null && flow.protocolOf(direction) === 0;
  }

  /** Before the parser gets the first byte, so that packet rules still come before those about transactions. */
  onDetected(): void {
    this.protocolDetected = true;
    if (this.flow !== null) this.inspectWaitingRules();
  }

  /** Rules that look at the packet whose bytes are being fed and that were to know the protocol. */
  private inspectWaitingRules(): void {
    const { context, slot, reassembler } = this;
    if (this.packetRulesDone || !this.inPacket || slot !== reassembler.slot) return;
    const { direction, streamStart, streamEnd, streamBytes } = context;
    const { waitingSegment: segment } = this;
    if (segment === null) this.inspectPacketRules(slot, reassembler.direction);
    else {
      this.packetRulesDone = true;
      this.describe(slot, direction);
      if (segment === 'packet') this.matcher.inspectPacket(context);
      else if (segment === 'pieces') this.inspectPieces(this.pieceSize(slot));
      this.keepState(slot);
    }
    this.describe(slot, direction);
    context.streamBytes = streamBytes;
    context.streamStart = streamStart;
    context.streamEnd = streamEnd;
  }

  /** First bytes of a flow: it may have been announced. */
  private meet(slot: number, flow: FlowInspection): void {
    this.probes(slot, OVER_TCP);
    if (this.expected.size === 0) return;
    this.table.destinationWords(slot, this.words);
    const announced = this.expected.take(this.words, this.appLayer.probed.serverPort, this.now);
    if (announced !== null) this.appLayer.expected(flow, announced);
  }

  gap(slot: number, direction: Direction, _streamOffset: number, length: number): void {
    if (this.inPacket) this.context.streamEvents.add(SEQUENCE_GAP);
    const flow = this.inspections[slot] ?? null;
    if (flow === null) return;
    const page = flow.page(direction);
    if (page !== NO_PAGE) this.rawWindows.forget(page);
    this.withFlow(slot, direction, flow, () => this.appLayer.gap(flow, direction, length));
  }

  ended(slot: number, direction: Direction): void {
    const flow = this.inspections[slot] ?? null;
    if (flow === null) return;
    flow.closed |= 1 << direction;
    if (flow.parser !== null)
      this.withFlow(slot, direction, flow, () => this.appLayer.close(flow, direction));
  }

  flowEnded(slot: number, _reason: number): void {
    const flow = this.inspections[slot] ?? null;
    if (flow === null) return;
    if (flow.parser !== null && !flow.passed && flow.closed !== BOTH_CLOSED) this.closeParser(slot, flow);
    this.inspections[slot] = null;
    this.releaseFlow(flow);
  }

  /** What the parser still holds is inspected; there is no packet any more that could be dropped for it. */
  private closeParser(slot: number, flow: FlowInspection): void {
    const { matcher, context, view } = this;
    // Within a packet (a reused tuple) what it has matched so far is told with the packet itself.
    if (this.inPacket) this.conclude(slot, this.reassembler.direction);
    for (const direction of [0, 1] as const) {
      this.describeFlow(slot, direction);
      matcher.begin(context);
      this.withFlow(slot, direction, flow, () => this.appLayer.close(flow, direction));
      this.conclude(slot, direction);
    }
    this.packet = view;
    context.packet = view;
    // What the matcher has learned of the stand-in's addresses is not true of the packet in hand.
    if (this.inPacket) matcher.begin(context);
  }

  /** Runs `action`, which may hand over transactions of `flow`, and acts on what they match. */
  private withFlow(slot: number, direction: Direction, flow: FlowInspection, action: () => void): void {
    const { flow: outerFlow, slot: outerSlot } = this;
    this.flow = flow;
    this.slot = slot;
    this.describe(slot, direction);
    action();
    this.flow = outerFlow;
    this.slot = outerSlot;
    this.keepState(slot);
  }

  /** Fills `pseudo` with the flow's addresses as its packets of this direction have them, for alerts that come when there is no packet. */
  private describeFlow(slot: number, direction: Direction): void {
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

  /** Rules over the raw stream see the new bytes behind the last ones of before. */
  private inspectRaw(
    slot: number,
    flow: FlowInspection,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
    streamOffset: number,
    packetToo: boolean,
    waits: boolean,
  ): void {
    const { rawWindows, context } = this;
    let page = flow.page(direction);
    const tail = page === NO_PAGE ? 0 : rawWindows.tailLength(page);
    let window = bytes;
    let from = start;
    let to = end;
    if (tail > 0) {
      to = rawWindows.join(page, bytes, start, end);
      window = rawWindows.scratch;
      from = 0;
    }
    // Before the parser: rules that look at transactions may be found by what stands in the raw stream.
    let segment: SegmentUse = 'none';
    if (packetToo && this.rulesLookAtPackets(TCP))
      segment = end - start <= this.pieceSize(slot) ? 'packet' : 'pieces';
    this.matcher.scanStream(context, window, from, to, from + tail, streamOffset - tail, segment);
    this.waitingSegment = packetToo ? segment : null;
    if (packetToo && !waits) this.inspectWaitingRules();
    context.streamBytes = window;
    context.streamStart = from;
    context.streamEnd = to;
    this.appLayer.data(flow, direction, bytes, start, end);
    // The parser may have been fed what the other direction had sent before the protocol was known.
    context.direction = direction;
    this.inspectWaitingRules();
    this.waitingSegment = null;
    context.appProtocol = flow.protocol;
    const late = tail > 0 && (flow.lateDirections & (1 << direction)) !== 0;
    if (flow.protocol !== 0) flow.lateDirections &= ~(1 << direction);
    // Rules for the protocol have not seen the bytes from before it was known.
    if (late) this.matcher.scanStream(context, window, from, to, from, streamOffset - tail);
    this.matcher.inspectStream(context, window, from, to, from + tail, streamOffset - tail, late);
    context.streamEnd = 0;
    if (this.transactionEnded) return;
    if (page === NO_PAGE) {
      page = rawWindows.take();
      flow.setPage(direction, page);
    }
    if (page === NO_PAGE) return;
    rawWindows.keep(page, window, from, to);
    this.matcher.keepStream(context, streamOffset + end - start);
  }

  // ── Transactions (called by the parsers) ─────────────────────────────────────────────────────────────────

  onProgress(tx: Transaction, direction: Direction): void {
    const { flow, context, matcher } = this;
    if (flow === null || flow.passed) return;
    if (direction === 0) this.addresses?.inspect(tx, flow, this.packet);
    context.appProtocol = flow.protocol;
    context.direction = direction;
    const before = matcher.matchCount;
    matcher.inspectTransaction(context, tx, direction);
    if (matcher.matchCount > before) this.rememberFacts(tx, flow, before);
  }

  /** The transaction's buffers are gone when the packet is concluded; most rules that only set flow bits tell nothing. */
  private rememberFacts(tx: Transaction, flow: FlowInspection, before: number): void {
    const definition = this.appLayer.definition(flow.protocol);
    if (definition?.describe === undefined || this.factsOf.has(tx.id)) return;
    const { fired } = this.matcher;
    for (let i = before; i < fired.count; i++) {
      if (this.matcher.rule(fired.numbers[i] as number).noAlert) continue;
      this.factsOf.set(tx.id, { protocol: definition.name, facts: definition.describe(tx) });
      return;
    }
  }

  onTransactionEnd(tx: Transaction): void {
    if (this.flow === null) return;
    if (tx.matchState !== null) this.matcher.endTransaction(this.context, tx);
    if (this.appLayer.definition(this.flow.protocol)?.separateTransactions === true)
      this.transactionEnded = true;
  }

  /** Between two transactions a flow keeps nothing: no rule is about the end of one and the beginning of the next. */
  private forgetTails(flow: FlowInspection): void {
    for (let direction: Direction = 0; direction < 2; direction++) {
      const page = flow.page(direction as Direction);
      if (page === NO_PAGE) continue;
      this.rawWindows.release(page);
      flow.setPage(direction as Direction, NO_PAGE);
    }
  }

  onEvent(tx: Transaction | null, direction: Direction, event: string): void {
    const { flow, context, matcher } = this;
    if (flow === null || flow.passed || !matcher.ruleset.needs.appLayerEvents) return;
    context.appProtocol = flow.protocol;
    context.direction = direction;
    const before = matcher.matchCount;
    matcher.appLayerEvent(context, tx, direction, event);
    if (tx !== null && matcher.matchCount > before) this.rememberFacts(tx, flow, before);
  }

  onProtocol(protocol: string): void {
    if (this.flow === null) return;
    this.appLayer.rename(this.flow, protocol);
    this.protocolDetected = true;
  }

  onUpgrade(protocol: string | null, at: number): void {
    this.appLayer.upgrade(protocol, at);
  }

  onExpectation(expected: ExpectedFlow): void {
    if (this.slot < 0) return;
    if (expected.listener === 'client') this.table.sourceWords(this.slot, this.words);
    else this.table.destinationWords(this.slot, this.words);
    this.expected.add(this.words, expected, this.now);
  }

  // ── Per-flow objects ─────────────────────────────────────────────────────────────────────────────────────

  private inspectionOf(slot: number): FlowInspection {
    let flow = this.inspections[slot] ?? null;
    if (flow === null) {
      flow = this.pool.pop() ?? new FlowInspection();
      while (this.inspections.length <= slot) this.inspections.push(null);
      this.inspections[slot] = flow;
    }
    return flow;
  }

  private releaseFlow(flow: FlowInspection): void {
    this.appLayer.release(flow);
    this.forgetTails(flow);
    flow.reset();
    if (this.pool.length < POOLED_FLOWS) this.pool.push(flow);
  }
}

/** Total length 0: the packet is longer than the field can say, as super-segments may be. */
function hasNoLength({ bytes, start, version }: PacketView): boolean {
  const at = start + (version === 4 ? Ipv4.TOTAL_LENGTH : Ipv6.PAYLOAD_LENGTH);
  return ((bytes[at] as number) | (bytes[at + 1] as number)) === 0;
}
