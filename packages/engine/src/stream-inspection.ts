import type { SegmentUse } from '@portcullis/matcher';
import { type Direction, Transport } from '@portcullis/protocols';
import { StreamAction, type StreamSink } from '@portcullis/reassembly';
import { IpProtocol, type PacketView } from '@portcullis/wire';
import type { AppLayer } from './app-layer';
import type { Conclusion } from './conclusion';
import { type FlowInspection, NO_PAGE, ProtocolState } from './flow-inspection';
import { InspectCounter } from './inspect-counters';
import type { PacketInHand } from './packet-in-hand';
import type { PacketRuleInspection } from './packet-rule-inspection';
import { defaultParserMemory, ParserMemory, type ParserMemoryOptions } from './parser-memory';
import { RawWindowPool } from './raw-window';
import type { Reporter } from './reporter';
import { SEQUENCE_GAP, SUSPECTED_RST_INJECT } from './stream-events';
import type { TransactionInspection } from './transaction-inspection';

// Bound once: an access through an imported module object costs a load per use in the packet path.
const { CONTINUE, STOP_INSPECTING } = StreamAction;
const { TCP } = IpProtocol;
const { TCP: OVER_TCP, UDP: OVER_UDP } = Transport;
const { PARSERS_PASSED, PARSERS_DROPPED } = InspectCounter;
/** Most pages for raw windows, 32 MiB at Suricata's window size, and what they may take of the stream memory. */
const RAW_PAGES = 12_288;
const WINDOWS_SHARE = 1 / 8;
/** The most bytes one call of `data` brings: a super-segment. */
const LARGEST_SEGMENT = 65_536;
/** Of `FlowInspection.closed`. */
const BOTH_CLOSED = 3;
/** Of their memory parsers keep so much when some had to give way. */
const ENOUGH_ROOM = 7 / 8;
/** Parsers that give way between two packets: all that it takes would keep packets waiting for tenths of a second. */
const GIVE_WAY_AT_ONCE = 256;

/** What flows carry: to the rules that look at raw bytes, and to the parser of the flow's protocol. */
export class StreamInspection implements StreamSink {
  readonly rawWindows: RawWindowPool;
  readonly parserMemory: ParserMemory;
  private readonly dropsWithoutParser: boolean;
  private readonly appLayer: AppLayer;
  private readonly words = new Uint32Array(4);

  constructor(
    private readonly hand: PacketInHand,
    private readonly packetRules: PacketRuleInspection,
    private readonly transactions: TransactionInspection,
    private readonly conclusion: Conclusion,
    private readonly reporter: Reporter,
    private readonly inline: boolean,
    /** Of `stream.memcap`. */
    memcap: number,
    maxFlows: number,
    parserMemory: Partial<ParserMemoryOptions> = {},
  ) {
    const parsers = { ...defaultParserMemory, ...parserMemory };
    this.parserMemory = new ParserMemory(maxFlows, parsers.memcap);
    this.dropsWithoutParser = inline && parsers.policy === 'closed';
    this.appLayer = transactions.appLayer;
    const { rawStreamWindow } = hand.matcher.ruleset.needs;
    const pages = Math.min(RAW_PAGES, Math.floor((memcap * WINDOWS_SHARE) / Math.max(1, rawStreamWindow)));
    this.rawWindows = new RawWindowPool(rawStreamWindow, pages, LARGEST_SEGMENT);
  }

  isOfServer({ bytes, payload, payloadEnd, sourcePort, destinationPort }: PacketView): boolean | null {
    const { probed } = this.appLayer;
    probed.transport = OVER_TCP;
    probed.clientPort = sourcePort;
    probed.serverPort = destinationPort;
    const sender = this.appLayer.senderOf(bytes, payload, payloadEnd);
    return sender === null ? null : sender === 'server';
  }

  flowStarted(_slot: number): void {}

  data(
    slot: number,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
    streamOffset: number,
  ): number {
    const { hand } = this;
    hand.arriving = end - start;
    hand.arrivingSlot = slot;
    hand.arrivingDirection = direction;
    const action = this.take(slot, direction, bytes, start, end, streamOffset);
    hand.arriving = 0;
    return action;
  }

  private take(
    slot: number,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
    streamOffset: number,
  ): number {
    const { hand } = this;
    const { view } = hand;
    const flow = hand.inspectionOf(slot);
    const leftOut = this.reporter.isLeftOut(direction);
    if (leftOut) flow.passed = true;
    if (flow.opaque || leftOut) {
      hand.packetRulesDone = true;
      return STOP_INSPECTING;
    }
    if (hand.reassembler.afterReset) hand.context.streamEvents.add(SUSPECTED_RST_INJECT);
    const { streamRules } = hand.matcher.ruleset.needs;
    let packetToo = false;
    // Rules that look at packets may name the protocol: where it is about to be found out they wait for that. Without
    // verdicts they take the packet as it came, as Suricata does: it tells the protocol when its bytes are acknowledged.
    const waits =
      this.inline && (flow.protocolState === ProtocolState.UNDECIDED || this.comparesSides(flow, direction));
    if (!hand.packetRulesDone) {
      // The ordinary case: the payload of the packet in hand, all of it new. One scan serves both kinds of rules.
      packetToo =
        streamRules[direction] &&
        !flow.passed &&
        bytes === view.bytes &&
        start === view.payload &&
        end === view.payloadEnd;
      if (!packetToo && (!waits || flow.passed)) this.packetRules.inspectPacketRules(slot, direction);
    }
    if (flow.passed) return STOP_INSPECTING;
    hand.describeData(slot, direction);
    hand.flow = flow;
    hand.slot = slot;
    hand.transactionEnded = false;
    if (flow.protocolState === ProtocolState.UNDECIDED) this.meet(slot, flow);
    // Rules look at raw bytes by themselves, or beside a buffer of a transaction: both need the window.
    if (streamRules[direction])
      this.inspectRaw(slot, flow, direction, bytes, start, end, streamOffset, packetToo, waits);
    else {
      this.appLayer.data(flow, direction, bytes, start, end);
      this.packetRules.inspectWaitingRules();
    }
    if (flow.parser?.opaque === true) this.seal(flow);
    if (hand.transactionEnded || flow.opaque) this.forgetTails(flow);
    this.noteMemory(slot, flow);
    hand.flow = null;
    hand.keepState(slot);
    return flow.opaque ? STOP_INSPECTING : CONTINUE;
  }

  /** The first bytes of the side that did not tell the protocol, where rules ask what they tell. */
  private comparesSides(flow: FlowInspection, direction: Direction): boolean {
    return this.appLayer.comparesSides && flow.parser !== null && flow.protocolOf(direction) === 0;
  }

  /** Nothing more is looked at on the connection: its parser is another one's. */
  private seal(flow: FlowInspection): void {
    flow.opaque = true;
    for (const direction of [0, 1] as const) this.appLayer.close(flow, direction);
    this.appLayer.abandon(flow);
  }

  private noteMemory(slot: number, flow: FlowInspection): void {
    this.parserMemory.note(slot, flow.heldBytes(), this.appLayer.parserBytes(flow));
  }

  /** First bytes of a flow: it may have been announced. */
  private meet(slot: number, flow: FlowInspection): void {
    this.probes(slot, OVER_TCP);
    const { expected } = this.transactions;
    const { serverPort } = this.appLayer.probed;
    if (!expected.mayWaitOn(serverPort)) return;
    this.hand.table.destinationWords(slot, this.words);
    const announced = expected.take(this.words, serverPort, this.hand.now);
    if (announced !== null) this.appLayer.expected(flow, announced);
  }

  /** Rules that look at packets, which may ask for the protocol; then the protocol's parser. */
  feedDatagram(slot: number, direction: Direction): void {
    const { hand } = this;
    const { view } = hand;
    const { appLayer } = this;
    const { bytes, payload, payloadEnd } = view;
    const flow = hand.inspectionOf(slot);
    // One whose parser was given up keeps its protocol.
    if (flow.protocolState !== ProtocolState.KNOWN && flow.protocol === 0) {
      this.probes(slot, OVER_UDP);
      appLayer.recognise(flow, direction, bytes, payload, payloadEnd);
    } else if (direction === 0 && flow.parser !== null) {
      this.probes(slot, OVER_UDP);
      appLayer.reconsider(flow, bytes, payload, payloadEnd);
    }
    this.packetRules.inspectPacketRules(slot, direction);
    if (flow.passed || flow.parser === null) return;
    hand.describe(slot, direction);
    hand.flow = flow;
    hand.slot = slot;
    flow.parser.feed(direction, bytes, payload, payloadEnd);
    this.noteMemory(slot, flow);
    hand.flow = null;
    hand.keepState(slot);
  }

  /** Tells the application layer about the flow whose protocol is still to be found. */
  private probes(slot: number, transport: Transport): void {
    const { probed } = this.appLayer;
    probed.transport = transport;
    probed.clientPort = this.hand.table.sourcePort(slot);
    probed.serverPort = this.hand.table.destinationPort(slot);
  }

  gap(slot: number, direction: Direction, _streamOffset: number, length: number): void {
    const { hand } = this;
    if (hand.inPacket) hand.context.streamEvents.add(SEQUENCE_GAP);
    const flow = hand.inspections[slot] ?? null;
    if (flow === null) return;
    const page = flow.page(direction);
    if (page !== NO_PAGE) this.rawWindows.forget(page);
    this.withFlow(slot, direction, flow, () => this.appLayer.gap(flow, direction, length));
  }

  ended(slot: number, direction: Direction): void {
    const flow = this.hand.inspections[slot] ?? null;
    if (flow === null) return;
    flow.closed |= 1 << direction;
    if (flow.parser !== null)
      this.withFlow(slot, direction, flow, () => this.appLayer.close(flow, direction));
  }

  flowEnded(slot: number, _reason: number): void {
    this.giveBack(slot);
  }

  /** What was kept of a flow's streams is for others; the flow itself may still be known. */
  giveBack(slot: number): void {
    const flow = this.hand.inspections[slot] ?? null;
    if (flow === null) return;
    if (flow.parser !== null && !flow.passed && flow.closed !== BOTH_CLOSED) this.closeParser(slot, flow);
    this.hand.inspections[slot] = null;
    this.parserMemory.note(slot, 0, 0);
    this.releaseFlow(flow);
  }

  /** Between two packets: where parsers hold more than they may together, those give way that nobody has fed for long. */
  makeRoomForParsers(): void {
    const { parserMemory } = this;
    // More than is asked for: or each packet would look for somebody.
    const enough = parserMemory.memcap * ENOUGH_ROOM;
    for (let i = 0; i < GIVE_WAY_AT_ONCE && parserMemory.total > enough; i++) {
      const slot = parserMemory.longestSilent(this.hand.table);
      if (slot < 0) return;
      this.giveUpParser(slot);
    }
  }

  /** What it holds is inspected; from then on the connection has no parser, or is none any more. */
  private giveUpParser(slot: number): void {
    const { hand } = this;
    const flow = hand.inspections[slot] ?? null;
    if (flow !== null) {
      if (flow.parser !== null && !flow.passed && flow.closed !== BOTH_CLOSED) this.closeParser(slot, flow);
      this.appLayer.abandon(flow);
    }
    this.parserMemory.note(slot, 0, 0);
    if (this.dropsWithoutParser) hand.reassembler.block(slot);
    hand.counters[this.dropsWithoutParser ? PARSERS_DROPPED : PARSERS_PASSED]++;
  }

  /** What the parser still holds is inspected; there is no packet any more that could be dropped for it. */
  private closeParser(slot: number, flow: FlowInspection): void {
    const { hand } = this;
    const { matcher, context, view } = hand;
    // Within a packet (a reused tuple) what it has matched so far is told with the packet itself.
    if (hand.inPacket) this.conclusion.conclude(slot, hand.reassembler.direction);
    for (const direction of [0, 1] as const) {
      hand.describeFlow(slot, direction);
      matcher.begin(context);
      this.withFlow(slot, direction, flow, () => this.appLayer.close(flow, direction));
      this.conclusion.conclude(slot, direction);
    }
    hand.packet = view;
    context.packet = view;
    // What the matcher has learned of the stand-in's addresses is not true of the packet in hand.
    if (hand.inPacket) matcher.begin(context);
  }

  /** Runs `action`, which may hand over transactions of `flow`, and acts on what they match. */
  private withFlow(slot: number, direction: Direction, flow: FlowInspection, action: () => void): void {
    const { hand } = this;
    const { flow: outerFlow, slot: outerSlot } = hand;
    hand.flow = flow;
    hand.slot = slot;
    hand.describe(slot, direction);
    action();
    this.noteMemory(slot, flow);
    hand.flow = outerFlow;
    hand.slot = outerSlot;
    hand.keepState(slot);
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
    const { hand } = this;
    const { context } = hand;
    const { rawWindows } = this;
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
    if (packetToo && hand.rulesLookAtPackets(TCP))
      segment = end - start <= hand.pieceSize(slot) ? 'packet' : 'pieces';
    hand.matcher.scanStream(context, window, from, to, from + tail, streamOffset - tail, segment);
    this.packetRules.waitingSegment = packetToo ? segment : null;
    if (packetToo && !waits) this.packetRules.inspectWaitingRules();
    context.streamBytes = window;
    context.streamStart = from;
    context.streamEnd = to;
    this.appLayer.data(flow, direction, bytes, start, end);
    // The parser may have been fed what the other direction had sent before the protocol was known.
    context.direction = direction;
    this.packetRules.inspectWaitingRules();
    this.packetRules.waitingSegment = null;
    context.appProtocol = flow.protocol;
    const late = tail > 0 && (flow.lateDirections & (1 << direction)) !== 0;
    if (flow.protocol !== 0) flow.lateDirections &= ~(1 << direction);
    // Rules for the protocol have not seen the bytes from before it was known.
    if (late) hand.matcher.scanStream(context, window, from, to, from, streamOffset - tail);
    hand.matcher.inspectStream(context, window, from, to, from + tail, streamOffset - tail, late);
    context.streamEnd = 0;
    if (hand.transactionEnded) return;
    if (page === NO_PAGE) {
      page = rawWindows.take();
      flow.setPage(direction, page);
    }
    if (page === NO_PAGE) return;
    rawWindows.keep(page, window, from, to);
    hand.matcher.keepStream(context, streamOffset + end - start);
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

  private releaseFlow(flow: FlowInspection): void {
    this.appLayer.release(flow);
    this.forgetTails(flow);
    this.hand.recycle(flow);
  }
}
