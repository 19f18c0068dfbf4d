import { type PacketBatch, PacketInfo, Verdict } from '@portcullis/capture';
import type { Matcher } from '@portcullis/matcher';
import {
  DropReason,
  defaultStreamOptions,
  SegmentResult,
  StreamCounter,
  TcpReassembler,
} from '@portcullis/reassembly';
import type { AddressTableData } from '@portcullis/web-addresses';
import {
  DecodeStatus,
  findDecodeEvents,
  IpProtocol,
  Ipv4,
  Ipv6,
  type PacketView,
  sequenceAdd,
  Tcp,
  TcpFlag,
} from '@portcullis/wire';
import { AddressControl } from './address-control';
import { Conclusion } from './conclusion';
import type { DetectionPolicy } from './detection-policy';
import { EarlierConnections } from './earlier-connections';
import { ExpectedFlows } from './expected-flows';
import { InspectCounter } from './inspect-counters';
import type { InspectorOptions, OffloadMark } from './inspector-options';
import { PacketInHand } from './packet-in-hand';
import { MAX_LAYERS } from './packet-layers';
import { PacketRuleInspection } from './packet-rule-inspection';
import { Reporter } from './reporter';
import { addStreamEvents, SUSPECTED_RST_INJECT, SYN_FLOOD } from './stream-events';
import { StreamInspection } from './stream-inspection';
import { TransactionInspection } from './transaction-inspection';

// Bound once: an access through an imported module object costs a load per use in the packet path.
const { DROP, ACCEPT, MARK, REPLACE } = Verdict;
const { CHECKSUM_NOT_VERIFIED, NOT_IP } = PacketInfo;
const { DROP: SEGMENT_DROP, OFFLOADABLE, CLEAR_URGENT } = SegmentResult;
const { SYN } = TcpFlag;
const OK = DecodeStatus.OK;
const { TCP, UDP, ICMP, ICMPV6 } = IpProtocol;
/** IP protocols whose packets belong to flows. */
const HAS_FLOWS = new Uint8Array(256);
for (const protocol of [TCP, UDP, ICMP, ICMPV6, IpProtocol.SCTP, IpProtocol.UDP_LITE, IpProtocol.ESP])
  HAS_FLOWS[protocol] = 1;
for (const tunnel of [IpProtocol.IPV4, IpProtocol.IPV6]) HAS_FLOWS[tunnel] = 1;
const Counter = InspectCounter;
const { FLOW_BLOCKED } = DropReason;
const { HANDSHAKES } = StreamCounter;
/** SYNs that differ from one another, of one connection, before they are called a flood: Suricata's default. */
const QUEUED_SYNS = 10;

/** Up to here the header that the addresses stand in could not be read. */
const LAST_WITHOUT_ADDRESSES = DecodeStatus.IPV6_HEADER_TRUNCATED;
/**
 * Time-outs are looked at every so often (µs of packet time), a bounded number at a time: so many that all flows have
 * had their turn after so many ticks, or short connections would come faster than old ones are forgotten.
 */
const TICK_MICROS = 10_000;
const TICKS_PER_SWEEP = 200;
const TICK_BUDGET = 64;

/**
 * Takes packets from decoding to their verdict: header views, flow, stream, protocol, rules. One per worker; a
 * packet is finished when `inspect` returns, and nothing of it is kept but what reassembly and parsers copied.
 */
export class Inspector {
  readonly counters: Float64Array;
  readonly reassembler: TcpReassembler;
  private readonly hand: PacketInHand;
  private readonly packetRules: PacketRuleInspection;
  private readonly transactions: TransactionInspection;
  private readonly reporter: Reporter;
  private readonly addresses: AddressControl;
  private readonly conclusion: Conclusion;
  private readonly streams: StreamInspection;
  private readonly inline: boolean;
  private offload: OffloadMark | null;
  private earlier: EarlierConnections | null;
  private nextTick = 0;
  /** The packet in hand belongs to a connection that is not to be inspected. */
  private leftOut = false;
  /** Its first word counts packets, for whoever watches whether there is progress within a batch. */
  heartbeat: Int32Array = new Int32Array(1);

  constructor(private readonly options: InspectorOptions) {
    const { matcher, protocols, inline, offload, stream, earlier, sender } = options;
    this.hand = new PacketInHand(matcher, inline);
    this.hand.view.acceptsMapped = options.layers?.acceptMapped === true;
    this.counters = this.hand.counters;
    this.packetRules = new PacketRuleInspection(this.hand);
    this.reporter = new Reporter(this.hand, options);
    this.addresses = new AddressControl(this.hand, this.reporter, options);
    this.transactions = new TransactionInspection(
      this.hand,
      this.packetRules,
      this.addresses,
      protocols,
      new ExpectedFlows(options.expectedFlows),
    );
    this.conclusion = new Conclusion(this.hand, this.reporter, this.addresses, options);
    const { memcap = defaultStreamOptions.memcap } = stream;
    this.streams = new StreamInspection(
      this.hand,
      this.packetRules,
      this.transactions,
      this.conclusion,
      this.reporter,
      inline,
      memcap,
      stream.maxFlows ?? defaultStreamOptions.maxFlows,
      options.appLayer,
    );
    const held = { memcap: memcap - this.streams.rawWindows.capacity };
    this.reassembler = new TcpReassembler({ ...stream, ...held, inline }, this.streams);
    this.hand.reassembler = this.reassembler;
    this.hand.table = this.reassembler.table;
    matcher.fired.keepsSilent = this.reporter.policy !== null;
    this.inline = inline;
    this.offload = offload;
    this.earlier = earlier && inline ? new EarlierConnections(earlier, this.reassembler.table, sender) : null;
  }

  /** The policy for the rules that the matcher has taken over. */
  setPolicy(policy: DetectionPolicy | null): void {
    this.reporter.policy = policy;
    this.transactions.followRules();
    this.addresses.usePolicy();
  }

  /** The web addresses that are looked for from now on; null: none. */
  setWebAddresses(data: AddressTableData | null): void {
    this.addresses.use(data);
  }

  /** Packets of connections that need no more inspection carry this mark; null: none do. */
  setOffload(offload: OffloadMark | null): void {
    this.offload = offload;
  }

  /** Sources blocked a moment ago are let in again at once when an administrator says so. */
  forgetBlockedSources(): void {
    this.conclusion.blocked.clear();
  }

  /** Whether the payload of replies is handed over; see `TcpReassembler.setReplyPayload`. */
  setReplyPayload(seen: boolean): void {
    this.reassembler.setReplyPayload(seen);
  }

  /** From now on every connection is adopted: what comes to be inspected later is not from before. */
  adoptEarlier(): void {
    this.earlier = null;
  }

  /** Bytes of traffic held now, for reassembly and raw windows. */
  get heldBytes(): number {
    return this.reassembler.heldBytes + this.streams.rawWindows.heldBytes;
  }

  /** Bytes that parsers take now. */
  get parserBytes(): number {
    return this.streams.parserMemory.total;
  }

  /** Raw windows that found no memory: patterns cut in two by the sender may have been missed there. */
  get rawTailsMissing(): number {
    return this.streams.rawWindows.exhausted;
  }

  get flowCount(): number {
    return this.reassembler.table.count;
  }

  /** Inspects the batch and writes its verdicts. @param nowMicros for packets that bring no time */
  inspectBatch(batch: PacketBatch, nowMicros: number): void {
    const { count } = batch;
    const { heartbeat } = this;
    this.hand.batch = batch;
    const { parserMemory } = this.streams;
    for (let place = 0; place < count; place++) {
      batch.verdict[place] = this.inspect(place, nowMicros);
      if (parserMemory.total > parserMemory.memcap) this.streams.makeRoomForParsers();
      heartbeat[0]++;
    }
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
    this.transactions.expected.clear();
    this.reporter.restart();
    this.options.layers?.restart();
    this.hand.matcher = matcher;
    matcher.fired.keepsSilent = this.reporter.policy !== null;
    this.transactions.followRules();
    this.nextTick = 0;
    this.counters.fill(0);
  }

  private tick(now: number): void {
    const { reassembler } = this;
    this.nextTick = now + TICK_MICROS;
    const share = Math.ceil(reassembler.table.slots / TICKS_PER_SWEEP);
    reassembler.tick(now, Math.max(TICK_BUDGET, share));
  }

  /** @returns the verdict. Never throws for what a packet holds. */
  private inspect(place: number, nowMicros: number): number {
    const { hand } = this;
    const { view, counters, batch } = hand;
    hand.place = place;
    hand.packet = view;
    hand.depth = 0;
    const time = batch.time[place] as number;
    const now = time > 0 ? time : nowMicros;
    hand.now = now;
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
    const { hand } = this;
    const { view, batch, place } = hand;
    const { layers } = this.options;
    const status = view.decode(bytes, start, end);
    view.reassembled = reassembled;
    if (hand.matcher.ruleset.decodeEventRules.length > 0) this.findEvents(bytes, start, end);
    if (this.reporter.leavesOut && this.isLeftOutEitherWay(status)) return this.leaveOut();
    if (status !== OK) return this.refuse(status);
    if (layers === undefined) return this.inspectDecoded();
    if (layers.refuseTruncated && view.truncated) return this.refuse(OK);
    const { fragments, tunnels } = layers;
    if (fragments !== null && (view.moreFragments || view.fragmentOffset > 0)) {
      const network = hand.depth === 0 ? (batch.vlan?.[place] ?? 0) : 0;
      const whole = fragments.add(view, hand.now, network);
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
    const verdict = this.inspectDecoded();
    // With a packet that is left out goes what it carries.
    return this.leftOut ? verdict : this.inspectWithin(verdict, bytes, innerStart, innerEnd);
  }

  /** @param verdict of the packet without; one that is dropped takes what is within with it, and the other way round */
  private inspectWithin(
    verdict: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    reassembled = false,
  ): number {
    const { hand } = this;
    if (hand.depth >= MAX_LAYERS || verdict === DROP) return verdict;
    hand.depth++;
    const { counters } = hand;
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
    const { view, batch, place } = this.hand;
    view.events.clear();
    const linkEvent = this.hand.depth === 0 ? (batch.linkEvent?.[place] ?? -1) : -1;
    if (linkEvent >= 0) view.events.add(linkEvent);
    findDecodeEvents(bytes, start, end, view.events);
  }

  /** Whoever opened the packet's connection, it is not to be inspected. */
  private isLeftOutEitherWay(status: number): boolean {
    if (status !== OK && status <= LAST_WITHOUT_ADDRESSES) this.hand.view.forget();
    return this.reporter.isLeftOut(0) && this.reporter.isLeftOut(1);
  }

  private leaveOut(): number {
    this.leftOut = true;
    this.hand.counters[Counter.LEFT_OUT]++;
    return this.accept(ACCEPT);
  }

  /** @param status of decoding, OK where it is refused for another reason */
  private refuse(status: number): number {
    const { hand } = this;
    const { counters, view, context, matcher } = hand;
    const frameOnly = ((hand.batch.info[hand.place] as number) & NOT_IP) !== 0;
    if ((view.events.any || frameOnly) && matcher.ruleset.decodeEventRules.length > 0) {
      // Nothing of the packet before may be taken for this one's; of one that was cut nothing is believed.
      if (status <= LAST_WITHOUT_ADDRESSES) view.forget();
      context.packet = view;
      context.timeMicros = hand.now;
      matcher.begin(context);
      hand.inPacket = true;
      hand.describe(-1, 0);
      hand.inPacket = false;
      context.payloadEnd = context.payloadStart;
      hand.blockWanted = false;
      matcher.inspectUndecodable(context);
      this.conclusion.conclude(-1, 0);
      if (hand.blockWanted) {
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
    const { hand } = this;
    const { view, context } = hand;
    hand.counters[Counter.FRAGMENTS]++;
    view.forgetTransport();
    if (this.reporter.isLeftOut(0) || this.reporter.isLeftOut(1)) return this.leaveOut();
    context.packet = view;
    context.timeMicros = hand.now;
    hand.matcher.begin(context);
    hand.packetRulesDone = false;
    hand.blockWanted = false;
    this.packetRules.inspectPacketRules(-1, 0);
    this.conclusion.conclude(-1, 0);
    if (!hand.blockWanted) return this.accept(ACCEPT);
    hand.counters[Counter.RULE_DROPS]++;
    return this.drop();
  }

  /** The packet in the view, which is whole. */
  private inspectDecoded(): number {
    const { hand } = this;
    const { view, counters, batch, context, place, now } = hand;
    this.leftOut = false;
    if (this.conclusion.blocked.has(view.source, now)) {
      counters[Counter.BLOCKED_SOURCE]++;
      return this.drop();
    }
    const { verifyChecksum } = this.options;
    if (
      verifyChecksum !== undefined &&
      hand.depth === 0 &&
      ((batch.info[place] as number) & CHECKSUM_NOT_VERIFIED) !== 0 &&
      !verifyChecksum(place)
    ) {
      // The receiver throws it away, so its bytes must not count as delivered.
      counters[Counter.BAD_CHECKSUM]++;
      return this.inline ? this.drop() : this.inspectUnverified();
    }
    context.packet = view;
    context.timeMicros = now;
    hand.matcher.begin(context);
    context.streamEvents.clear();
    hand.inPacket = true;
    hand.packetRulesDone = false;
    hand.protocolDetected = false;
    hand.blockWanted = false;
    const verdict =
      view.protocol === TCP && view.tcpHeaderLength > 0 ? this.inspectTcp() : this.inspectDatagram();
    hand.inPacket = false;
    return verdict;
  }

  /** The receiver throws it away, and yet it has come: rules that ask for its headers alone look at it. */
  private inspectUnverified(): number {
    const { hand } = this;
    const { context, view, table } = hand;
    if (!hand.matcher.ruleset.needs.tcpHeaders || view.protocol !== TCP) return this.accept(ACCEPT);
    context.packet = view;
    context.timeMicros = hand.now;
    hand.matcher.begin(context);
    context.streamEvents.clear();
    hand.packetRulesDone = false;
    const slot = table.find(view);
    const direction = slot < 0 ? 0 : table.direction;
    this.packetRules.inspectHeaderRules(slot, direction);
    this.conclusion.conclude(slot, direction);
    return this.accept(ACCEPT);
  }

  private inspectTcp(): number {
    const { hand } = this;
    const { reassembler, view, batch, place } = hand;
    const within = hand.depth > 0;
    if (this.earlier !== null && !within && this.earlier.end(view, hand.now)) {
      hand.counters[Counter.EARLIER_RESET]++;
      return this.drop();
    }
    hand.handshakesBefore = reassembler.counters[HANDSHAKES] as number;
    const cut = within ? 0 : (batch.wireLength[place] as number) - (batch.length[place] as number);
    // What the IP header has no length for is what the frame was longer; else that would be its padding.
    const result = reassembler.process(view, hand.now, cut > 0 && hasNoLength(view) ? cut : 0);
    const { slot } = reassembler;
    const { direction } = reassembler;
    const { dropReason } = reassembler;
    // Its flow is kept: replies have to be known as such.
    if (this.reporter.isLeftOut(direction)) {
      if (reassembler.closed) this.streams.giveBack(slot);
      return this.leaveOut();
    }
    if (dropReason === FLOW_BLOCKED && hand.inspections[slot]?.dropped === true) {
      // The flow is not looked at any more.
      this.addresses.answerAgain(slot, direction);
      hand.counters[Counter.STREAM_DROPS]++;
      return this.drop();
    }
    if (reassembler.uninspected) {
      if ((result & SEGMENT_DROP) === 0) return this.accept(ACCEPT);
      hand.counters[Counter.STREAM_DROPS]++;
      return this.drop();
    }
    if (reassembler.afterReset) hand.context.streamEvents.add(SUSPECTED_RST_INJECT);
    if (view.tcpFlags === SYN && slot >= 0 && this.isSynFlood(slot)) hand.context.streamEvents.add(SYN_FLOOD);
    if (dropReason !== 0)
      addStreamEvents(view, dropReason, slot >= 0 && hand.established(slot), hand.context.streamEvents);
    const finished = slot >= 0 && reassembler.isFinished(slot, direction);
    // Behind its depth a direction is not looked at any more, neither as stream nor as packets: but for the headers.
    if (finished) this.packetRules.inspectHeaderRules(slot, direction);
    else if (!hand.packetRulesDone) {
      const empty = view.payload === view.payloadEnd;
      const protocol = empty && slot >= 0 ? (hand.inspections[slot]?.protocol ?? 0) : 0;
      if (!empty || !hand.matcher.ignoresEmpty(view, direction, protocol))
        this.packetRules.inspectPacketRules(slot, direction);
    }
    if (hand.protocolDetected) this.packetRules.inspectProtocolRules(slot, direction);
    this.conclusion.conclude(slot, direction);
    if (hand.blockWanted) {
      // Of what has become part of a stream, the receiver must not get the rest either.
      const alone = reassembler.payloadLeft && hand.inspections[slot]?.dropped !== true;
      if (slot >= 0 && !alone) reassembler.block(slot);
      hand.counters[Counter.RULE_DROPS]++;
      return this.drop();
    }
    if ((result & SEGMENT_DROP) !== 0) {
      hand.counters[Counter.STREAM_DROPS]++;
      return this.drop();
    }
    // Its addresses and ports are remembered for a while longer; what was kept of its streams serves the next connection.
    if (reassembler.closed) this.streams.giveBack(slot);
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
      hand.counters[Counter.OFFLOADED]++;
    }
    return this.accept(verdict);
  }

  private inspectDatagram(): number {
    const { hand } = this;
    const { reassembler, view } = hand;
    if (view.moreFragments || view.fragmentOffset > 0) hand.counters[Counter.FRAGMENTS]++;
    // Others are single packets: a flow of theirs would be all that two hosts ever say.
    const hasFlow = HAS_FLOWS[view.protocol] === 1;
    const slot = hasFlow ? reassembler.processDatagram(view, hand.now) : -1;
    if (hasFlow && reassembler.dropReason !== 0 && this.inline) {
      hand.counters[Counter.STREAM_DROPS]++;
      return this.drop();
    }
    const direction = slot >= 0 ? reassembler.direction : 0;
    if (this.reporter.isLeftOut(direction)) return this.leaveOut();
    if (slot >= 0 && view.protocol === UDP && view.payloadEnd > view.payload)
      this.streams.feedDatagram(slot, direction);
    if (!hand.packetRulesDone) this.packetRules.inspectPacketRules(slot, direction);
    if (hand.protocolDetected) this.packetRules.inspectProtocolRules(slot, direction);
    this.conclusion.conclude(slot, direction);
    if (!hand.blockWanted) return this.accept(ACCEPT);
    const flow = slot >= 0 ? (hand.inspections[slot] ?? null) : null;
    if (flow?.dropped === true && (flow.blocksDatagrams || this.options.dropDatagramFlows === true))
      reassembler.block(slot);
    hand.counters[Counter.RULE_DROPS]++;
    return this.drop();
  }

  /** One SYN after the other with another sequence number each, and no answer to any. */
  private isSynFlood(slot: number): boolean {
    const { table, reassembler, view } = this.hand;
    return (
      table.packets(slot, 0) > QUEUED_SYNS + 1 &&
      table.packets(slot, 1) === 0 &&
      sequenceAdd(view.sequence, 1) !== reassembler.nextSequence(slot, 0)
    );
  }

  private accept(verdict: number): number {
    this.hand.counters[Counter.ACCEPTED]++;
    return verdict;
  }

  private drop(): number {
    this.hand.counters[Counter.DROPPED]++;
    return DROP;
  }
}

/** Total length 0: the packet is longer than the field can say, as super-segments may be. */
function hasNoLength({ bytes, start, version }: PacketView): boolean {
  const at = start + (version === 4 ? Ipv4.TOTAL_LENGTH : Ipv6.PAYLOAD_LENGTH);
  return ((bytes[at] as number) | (bytes[at + 1] as number)) === 0;
}
