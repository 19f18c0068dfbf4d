import { IpProtocol, type PacketView, sequenceAdd, sequenceDifference, TcpFlag } from '@portcullis/wire';
import { FlowTable } from './flow-table';
import { TimeoutClass } from './flow-timeouts';
import { Handshake } from './handshake';
import { HeldBytes } from './held-bytes';
import { DropReason, SegmentResult } from './segment-result';
import { comesFromServer } from './server-ports';
import { StreamAssembly } from './stream-assembly';
import { StreamCounter, StreamCounterNames } from './stream-counters';
import { type StreamOptions, streamOptions } from './stream-options';
import { FlowEndReason, type StreamSink } from './stream-sink';
import { TcpConnections } from './tcp-connections';
import { ConnectionFlag, DirectionFlag, MSS_MASK, SHIFT_MASK, SHIFT_SHIFT, TcpWord } from './tcp-layout';

const difference = sequenceDifference;
const add = sequenceAdd;
const { FIN, SYN, RST, ACK, URG } = TcpFlag;
const { TCP, ICMP, ICMPV6 } = IpProtocol;
const { NEXT, ACKED, EDGE, TIMESTAMP, HELD, FIN: FIN_AT, OPTIONS, DIRECTION, STATE, STRIDE } = TcpWord;
const {
  STATE: STATE_MASK,
  SYN_SENT,
  SYN_RECEIVED,
  ESTABLISHED,
  COMPLETE,
  MIDSTREAM,
  BLOCKED,
  DONE: ALL_DONE,
  WINDOWS,
  PAWS,
  ONE_SIDED,
  OUTSIDE,
} = ConnectionFlag;
const { KNOWN, FIN_KNOWN, FIN_REACHED, FIN_ACKED, DONE, RESET, BEYOND } = DirectionFlag;
const { ACCEPT, DROP, OFFLOADABLE, CLEAR_URGENT } = SegmentResult;
const Reason = DropReason;
const Counter = StreamCounter;
const CLASS = TimeoutClass;

/**
 * Of a full table half-open flows may always have this part; what others leave free is theirs too. Who is among those
 * has time to complete the handshake: for a client 200 ms away and 262 144 flows, under 80 000 forged SYNs a second (more
 * than a worker gets through). Those evicted earlier would be adopted in midstream, inspected but not banned for their first request.
 */
const EVICT_SHARE = 1 / 16;
/** Half-open flows this old (µs) go first, however few they are. */
const EVICT_AGE = 2_000_000;
/** In a full table others make room for a new flow when they have been silent for so long (µs). */
const EVICT_SILENCE = 1_000_000;
/**
 * Above this share of the pool, connections silent for RECLAIM_IDLE microseconds give back what they hold: three
 * quarters of what may wait out of order. All of them are looked at within RECLAIM_TURNS calls of `tick`.
 */
const RECLAIM_SHARE = 0.375;
const RECLAIM_IDLE = 2_000_000;
const RECLAIM_TURNS = 128;
/** A segment without options of known size (RFC 9293 §3.7.1). */
const DEFAULT_MSS_4 = 536;
const DEFAULT_MSS_6 = 1220;
/** Of a connection whose SYNs were not seen: an Ethernet path. */
const MIDSTREAM_MSS_4 = 1460;
const MIDSTREAM_MSS_6 = 1440;
const TIMESTAMP_OPTION = 12;
/** Linux takes a segment whose timestamp is this much older (TCP_PAWS_WINDOW in include/net/tcp.h). */
const PAWS_WINDOW = 1;
const MAPPED = 0xffff;
/** RFC 7323 §2.3: 65 535 << 14 is below. */
const LARGEST_WINDOW = 2 ** 30;

/**
 * Flows of one worker, and their TCP streams in order with inline normalisation: the receiver never gets a byte
 * of a stream that differs from the one inspected, nor one that was not inspected, unless a named gap says so or
 * the depth is passed.
 *
 * Not allocating per packet, and not re-entrant. All memory is reserved on construction.
 */
export class TcpReassembler {
  readonly table: FlowTable;
  /** By {@link StreamCounter}; names in `counterNames`. */
  readonly counters = new Float64Array(StreamCounterNames.length);
  readonly counterNames = StreamCounterNames;
  /** Of the packet just processed; -1 when it has no flow. */
  slot = -1;
  /** Of the packet just processed: 0 to the server, 1 to the client. */
  direction: 0 | 1 = 0;
  /** Why the packet just processed was dropped, or not taken in when not inline. @see DropReason */
  dropReason: number = Reason.NONE;

  /** The packet just processed comes from a side that has reset the connection before. */
  afterReset = false;
  /** The payload of the packet just processed has become part of no stream. */
  payloadLeft = false;
  /** The packet just processed belongs to a connection that is not to be looked at (exception policy midstream). */
  uninspected = false;
  /** With the packet just processed both sides have acknowledged the other's FIN: nothing of the streams can follow. */
  closed = false;

  private readonly options: StreamOptions;
  private readonly held: HeldBytes;
  private readonly connections: TcpConnections;
  private readonly assembly: StreamAssembly;
  private readonly handshake: Handshake;
  private readonly words: Uint32Array;
  private readonly offsets: Float64Array;
  private readonly inline: boolean;
  private readonly words4 = new Uint32Array(4);
  private readonly onExpire: (slot: number) => void;
  private reclaimCursor = 0;

  constructor(options: Partial<StreamOptions>, sink: StreamSink) {
    this.options = streamOptions(options);
    this.inline = this.options.inline;
    this.table = new FlowTable(this.options.maxFlows, this.options);
    this.held = new HeldBytes(
      this.options.memcap,
      this.options.memcapPerDirection,
      this.options.holesPerDirection,
    );
    this.connections = new TcpConnections(this.table, this.held, sink, this.options, this.counters);
    this.words = this.connections.words;
    this.offsets = this.connections.offsets;
    this.assembly = new StreamAssembly(this.connections);
    this.handshake = new Handshake(this.connections);
    this.onExpire = (slot) => {
      this.counters[Counter.FLOWS_TIMED_OUT]++;
      this.finish(slot, FlowEndReason.TIMEOUT);
    };
  }

  /** Bytes of pages that hold copies of stream data. */
  get heldBytes(): number {
    return this.held.heldBytes;
  }

  /** Directions that hold something. */
  get heldDirections(): number {
    return this.held.usedRecords;
  }

  /**
   * One TCP packet.
   *
   * @param view decoded, with a verified checksum.
   * @param now microseconds since 1970.
   * @param unseen bytes of the payload behind what was captured that the IP header does not tell of; those it
   *   tells of (`view.truncated`) are counted by themselves.
   * @returns bits of {@link SegmentResult}; sets `slot`, `direction` and `dropReason`.
   */
  process(view: PacketView, now: number, unseen = 0): number {
    this.dropReason = Reason.NONE;
    this.afterReset = false;
    this.payloadLeft = false;
    this.uninspected = false;
    this.closed = false;
    this.counters[Counter.PACKETS]++;
    if (view.tcpHeaderLength === 0) return this.withoutHeader();
    const table = this.table;
    const slot = table.find(view);
    this.slot = slot;
    const flags = view.tcpFlags;
    if (slot < 0)
      return this.options.trackOutside
        ? this.beginOutside(view, now, unseen)
        : this.processUnknown(view, now, unseen);
    const direction = table.direction;
    this.direction = direction;
    table.touch(slot, direction, now, view.totalLength);
    const at = slot * STRIDE;
    const state = this.words[at + STATE];

    if ((state & OUTSIDE) !== 0) return this.processOutside(view, slot, now, unseen);
    if ((flags & (SYN | FIN | RST)) === 0) {
      if ((state & (ALL_DONE | BLOCKED)) === ALL_DONE) {
        this.counters[Counter.BEYOND_DEPTH_BYTES] += view.payloadEnd - view.payload;
        this.reviveReset(slot, direction);
        return OFFLOADABLE;
      }
    } else if ((flags & SYN) !== 0) {
      return this.processSyn(view, slot, now, unseen);
    }
    if ((state & BLOCKED) !== 0) return this.reject(Reason.FLOW_BLOCKED);
    return this.processSegment(view, slot, direction, unseen);
  }

  /**
   * One packet of any other protocol.
   *
   * @returns the slot, or -1 when the flow table is full. `dropReason` is set when the packet must be dropped: the
   *   flow is blocked, or there was no room and the policy is closed.
   */
  processDatagram(view: PacketView, now: number): number {
    this.dropReason = Reason.NONE;
    this.counters[Counter.PACKETS]++;
    const table = this.table;
    let slot = table.find(view);
    if (slot < 0) {
      const icmp = view.protocol === ICMP || view.protocol === ICMPV6;
      slot = this.insert(view, now, icmp ? CLASS.ICMP : CLASS.DATAGRAM_NEW, false);
      this.slot = slot;
      this.direction = 0;
      if (slot < 0) {
        this.counters[Counter.FLOW_TABLE_FULL]++;
        if (this.options.policy.flowTable === 'closed') this.reject(Reason.FLOW_TABLE);
        return -1;
      }
      this.connections.clear(slot);
      this.counters[Counter.DATAGRAM_FLOWS]++;
    } else {
      this.slot = slot;
      this.direction = table.direction;
      if (table.direction === 1 && table.timeoutClass(slot) === CLASS.DATAGRAM_NEW) {
        table.confirm(slot);
        table.setTimeoutClass(slot, CLASS.DATAGRAM);
      }
    }
    table.touch(slot, this.direction, now, view.totalLength);
    if ((this.words[slot * STRIDE + STATE] & BLOCKED) !== 0) this.reject(Reason.FLOW_BLOCKED);
    return slot;
  }

  /**
   * Time-outs: looks at the next `budget` flows in turn. Call it with every batch of packets, and now and then
   * without.
   *
   * @returns flows that ended.
   */
  tick(now: number, budget: number): number {
    if (this.held.usedPages > this.held.pageCount * RECLAIM_SHARE)
      this.reclaim(now, Math.max(budget * 4, Math.ceil(this.table.slots / RECLAIM_TURNS)));
    return this.table.expire(now, this.table.emergency ? budget * 4 : budget, this.onExpire);
  }

  /** Ends all flows. */
  close(): void {
    for (let slot = 0; slot < this.table.slots; slot++) {
      if (this.table.inUse(slot)) this.finish(slot, FlowEndReason.SHUTDOWN);
    }
    this.table.rewind();
  }

  /**
   * Says whether the payload of replies will be seen from now on (`StreamOptions.replyPayload`): to be called before
   * it is left out, and after it is no longer. Flows of before it is seen again stay without.
   */
  setReplyPayload(seen: boolean): void {
    if (!seen && this.options.replyPayload) {
      for (let slot = 0; slot < this.table.slots; slot++) {
        if (this.table.inUse(slot) && this.table.protocol(slot) === TCP)
          this.connections.finishDirection(slot, 1);
      }
    }
    this.options.replyPayload = seen;
  }

  /** Drops all later packets of the flow. Not to be called from within the sink: return DROP_PACKET there. */
  block(slot: number): void {
    this.connections.block(slot);
  }

  isBlocked(slot: number): boolean {
    return (this.words[slot * STRIDE + STATE] & BLOCKED) !== 0;
  }

  /** This direction needs no more inspection. Not to be called from within the sink's `data`. */
  stopInspecting(slot: number, direction: 0 | 1): void {
    this.connections.finishDirection(slot, direction);
  }

  /** This direction is inspected to its depth, or was stopped. */
  isFinished(slot: number, direction: 0 | 1): boolean {
    return (this.words[slot * STRIDE + direction * DIRECTION + OPTIONS] & DONE) !== 0;
  }

  /**
   * The initiator has acknowledged the responder's initial sequence number, or the responder of an adopted connection what
   * the initiator has sent since: its address is not spoofed.
   */
  handshakeComplete(slot: number): boolean {
    return (this.words[slot * STRIDE + STATE] & COMPLETE) !== 0;
  }

  /** One side only is seen, and that is known to be so (`asyncOneside`). */
  isAsynchronous(slot: number): boolean {
    return this.options.asyncOneside && (this.words[slot * STRIDE + STATE] & ONE_SIDED) !== 0;
  }

  /** There is a connection, or the beginning of one: not only packets of which nobody knows what they belong to. */
  hasStream(slot: number): boolean {
    return (this.words[slot * STRIDE + STATE] & OUTSIDE) === 0;
  }

  isMidstream(slot: number): boolean {
    return (this.words[slot * STRIDE + STATE] & MIDSTREAM) !== 0;
  }

  /** Bytes of the stream so far, from its first byte: what is inspected, or counted beyond the depth. */
  streamOffset(slot: number, direction: 0 | 1): number {
    return this.offsets[slot * 2 + direction];
  }

  /** Sequence number of the next byte in order of a direction: what an injected RST has to carry. */
  nextSequence(slot: number, direction: 0 | 1): number {
    const at = slot * STRIDE + direction * DIRECTION;
    const next = this.words[at + NEXT];
    return (this.words[at + OPTIONS] & FIN_REACHED) !== 0 ? add(next, 1) : next;
  }

  /**
   * Payload bytes of a full-sized segment of the connection: the smaller MSS of both SYNs, less the timestamp
   * option where it is in use. Super-segments (GSO, GRO) are cut at multiples of it from their first byte, live
   * and in replay alike, as the kernel does not report `gso_size`.
   */
  segmentSize(slot: number): number {
    const at = slot * STRIDE;
    const to = this.words[at + OPTIONS] & MSS_MASK;
    const from = this.words[at + DIRECTION + OPTIONS] & MSS_MASK;
    let size = to !== 0 && from !== 0 ? Math.min(to, from) : to | from;
    if (size === 0) {
      this.table.sourceWords(slot, this.words4);
      const ipv4 = this.words4[2] === MAPPED && this.words4[1] === 0 && this.words4[0] === 0;
      if ((this.words[at + STATE] & MIDSTREAM) !== 0) size = ipv4 ? MIDSTREAM_MSS_4 : MIDSTREAM_MSS_6;
      else size = ipv4 ? DEFAULT_MSS_4 : DEFAULT_MSS_6;
    }
    if ((this.words[at + STATE] & PAWS) !== 0) size -= TIMESTAMP_OPTION;
    return Math.max(1, size);
  }

  /**
   * How many packets a rule that looks at packets sees in a payload: piece i is
   * `[i * segmentSize, min((i + 1) * segmentSize, payloadLength))`. At least 1: an empty payload is a packet.
   */
  virtualSegments(slot: number, payloadLength: number): number {
    return payloadLength === 0 ? 1 : Math.ceil(payloadLength / this.segmentSize(slot));
  }

  private processUnknown(view: PacketView, now: number, unseen: number): number {
    const flags = view.tcpFlags;
    this.direction = 0;
    if (view.extensionHeaders > this.options.extensionHeaders) return this.refuse(Reason.EXTENSION_HEADERS);
    if (!this.mayBegin(flags)) return this.judgeStray(flags);
    if ((flags & ACK) === 0) {
      const slot = this.insert(view, now, CLASS.HALF_OPEN, false);
      if (slot < 0) return this.tableFull();
      this.slot = slot;
      this.table.touch(slot, 0, now, view.totalLength);
      this.handshake.begin(slot, view);
      return this.takeSynData(view, slot, 0, unseen);
    }
    const reversed = (flags & SYN) !== 0 || this.isOfServer(view);
    const slot = this.insert(view, now, CLASS.HALF_OPEN, reversed);
    if (slot < 0) return this.tableFull();
    this.slot = slot;
    this.direction = this.table.direction;
    this.handshake.adopt(slot, this.direction, view, now);
    this.table.touch(slot, this.direction, now, view.totalLength);
    if ((flags & SYN) !== 0) return ACCEPT;
    return this.processSegment(view, slot, this.direction, unseen);
  }

  private isOfServer(view: PacketView): boolean {
    const told = view.payload === view.payloadEnd ? null : this.connections.sink.isOfServer?.(view);
    return told ?? comesFromServer(view.sourcePort, view.destinationPort);
  }

  /** Whether a packet of no known connection may be the first that is seen of one: its SYN, or a later packet. */
  private mayBegin(flags: number): boolean {
    if (isContradictory(flags) || (flags & RST) !== 0) return false;
    if ((flags & (SYN | ACK)) === SYN) return true;
    if ((flags & ACK) === 0) return false;
    const { midstream, asyncOneside, policy } = this.options;
    if (midstream) return policy.midstream !== 'pass';
    // Where one side only is seen, a SYN-ACK is the first packet of its side.
    return asyncOneside && policy.midstream === 'open' && (flags & SYN) !== 0;
  }

  /** What becomes of a packet that belongs to no connection and begins none. */
  private judgeStray(flags: number): number {
    this.payloadLeft = true;
    if (isContradictory(flags)) return this.refuse(Reason.BAD_FLAGS);
    if ((flags & RST) !== 0) return ACCEPT;
    if ((flags & ACK) === 0) return this.refuse(Reason.NO_ACK);
    const policy = this.options.policy.midstream;
    this.uninspected = policy !== 'open';
    if (policy === 'closed') return this.refuse(Reason.MIDSTREAM);
    this.counters[Counter.MIDSTREAM_PACKETS]++;
    return ACCEPT;
  }

  /** The first packet of a flow (`trackOutside`). */
  private beginOutside(view: PacketView, now: number, unseen: number): number {
    const result = this.processUnknown(view, now, unseen);
    if (this.slot >= 0) return result;
    const slot = this.insert(view, now, CLASS.HALF_OPEN, false);
    if (slot < 0) return result;
    this.slot = slot;
    this.connections.clear(slot);
    this.words[slot * STRIDE + STATE] = OUTSIDE;
    this.table.touch(slot, 0, now, view.totalLength);
    return result;
  }

  /** A further packet of a flow that is no connection yet. */
  private processOutside(view: PacketView, slot: number, now: number, unseen: number): number {
    const flags = view.tcpFlags;
    if ((this.words[slot * STRIDE + STATE] & BLOCKED) !== 0) return this.reject(Reason.FLOW_BLOCKED);
    if (!this.mayBegin(flags)) return this.judgeStray(flags);
    if ((flags & ACK) === 0 && this.direction === 0) {
      // What rules have noted of the flow stays with it.
      this.handshake.begin(slot, view);
      return this.takeSynData(view, slot, 0, unseen);
    }
    this.finish(slot, FlowEndReason.REUSED);
    this.table.find(view);
    this.slot = -1;
    return this.processUnknown(view, now, unseen);
  }

  private processSyn(view: PacketView, slot: number, now: number, unseen: number): number {
    const flags = view.tcpFlags;
    if ((flags & (FIN | RST)) !== 0) return this.refuse(Reason.BAD_FLAGS);
    const reason =
      (flags & ACK) === 0
        ? this.handshake.syn(slot, this.direction, view)
        : this.handshake.synAck(slot, this.direction, view, now);
    this.direction = this.table.direction;
    if (reason === Reason.FLOW_BLOCKED) return this.reject(reason);
    if (reason !== Reason.NONE) return this.refuse(reason);
    return this.takeSynData(view, slot, this.direction, unseen);
  }

  /**
   * Data with a SYN (TCP Fast Open, RFC 7413) may be given to the application at once, so it is inspected at
   * once; when the receiver leaves it aside, the same bytes come again and pass as a retransmission.
   */
  private takeSynData(view: PacketView, slot: number, direction: 0 | 1, unseen: number): number {
    const length = view.payloadEnd - view.payload;
    if (length === 0) return ACCEPT;
    if (this.options.unanswered === 'leave') {
      view.decodeTcpOptions();
      if (!view.hasFastOpen) return this.leave();
    }
    // Spoofed SYNs must not fill the pool; a client whose SYN with data is lost sends one without.
    if (this.held.usedPages > this.held.pageCount >>> 1) return this.refuse(Reason.SYN_DATA);
    return this.takeData(view, slot, direction, add(view.sequence, 1), unseen);
  }

  private processSegment(view: PacketView, slot: number, direction: 0 | 1, unseen: number): number {
    const words = this.words;
    const flags = view.tcpFlags;
    const at = slot * STRIDE;
    const own = at + direction * DIRECTION;
    const other = at + (direction ^ 1) * DIRECTION;
    if ((flags & RST) !== 0) return this.processReset(view, slot, direction);
    if ((flags & ACK) === 0) return this.refuse(Reason.NO_ACK);

    const phase = words[at + STATE] & STATE_MASK;
    if (phase !== ESTABLISHED) {
      if (phase === SYN_SENT) return this.processUnanswered(view, slot, direction, unseen);
      if (phase === SYN_RECEIVED && direction === 0) {
        const reason = this.handshake.acknowledge(slot, view);
        if (reason !== Reason.NONE && this.missedAnswer(own, other, view) !== Reason.NONE)
          return this.refuse(reason);
      } else if (view.payload !== view.payloadEnd && this.offsets[slot * 2 + 1] === 0) {
        // The responder has chosen two numbers: which one counts is told by the initiator's ACK. Data that comes before that
        // comes again; where nothing can be held back the last number is the one.
        if (this.options.inline && phase === SYN_RECEIVED && words[own + ACKED] !== words[own + NEXT])
          return this.refuse(Reason.SYN_DIFFERS);
        words[own + ACKED] = words[own + NEXT];
      }
    }

    const state = words[at + STATE];
    if (
      (state & WINDOWS) !== 0 &&
      difference(view.sequence, words[own + EDGE]) > 0 &&
      (direction === 1 || this.options.replyPayload)
    ) {
      const reason = this.beyondWindow(own);
      if (reason !== Reason.NONE) return this.refuse(reason);
    }
    if ((words[own + OPTIONS] & RESET) !== 0) this.reviveReset(slot, direction);
    if (
      (state & MIDSTREAM) !== 0 &&
      this.table.timeoutClass(slot) === CLASS.HALF_OPEN &&
      this.table.packets(slot, direction ^ 1) !== 0
    ) {
      // Both sides were seen: one packet with a spoofed address does not make a long-lived flow.
      this.table.confirm(slot);
      this.connections.classify(slot);
    }
    if ((state & PAWS) !== 0 && readTimestamp(view)) {
      const older = difference(view.timestampValue, words[own + TIMESTAMP]);
      const length = view.payloadEnd - view.payload + unseen;
      if (older < -PAWS_WINDOW) {
        if (length > 0 || (flags & FIN) !== 0) return this.refuse(Reason.PAWS);
      } else if (
        // As tcp_replace_ts_recent in Linux: only what begins at or before the last acknowledgment counts.
        difference(view.sequence, words[own + ACKED]) <= 0 &&
        difference(add(view.sequence, length), words[own + ACKED]) >= 0
      ) {
        words[own + TIMESTAMP] = view.timestampValue;
      }
    }
    const reason = this.takeAcknowledgment(view, slot, direction);
    if (reason !== Reason.NONE) return this.result(reason, slot);
    if (view.payload === view.payloadEnd && (flags & (FIN | URG)) === 0 && unseen === 0 && !view.truncated)
      return (words[at + STATE] & ALL_DONE) !== 0 ? OFFLOADABLE : ACCEPT;
    return this.takeData(view, slot, direction, view.sequence, unseen);
  }

  /** No SYN-ACK was seen, and yet there is more than SYNs. */
  private processUnanswered(view: PacketView, slot: number, direction: 0 | 1, unseen: number): number {
    const words = this.words;
    const at = slot * STRIDE;
    const empty = view.payload === view.payloadEnd && (view.tcpFlags & FIN) === 0;
    // Of the responder, this is the challenge ACK of an older connection (RFC 5961 §4).
    if (empty) return ACCEPT;
    if (!this.options.asyncOneside && this.options.policy.midstream === 'closed')
      return this.refuse(Reason.MIDSTREAM);
    if (!this.options.asyncOneside && this.options.unanswered === 'leave') return this.leave();
    if ((words[at + STATE] & ONE_SIDED) === 0) {
      words[at + STATE] |= ONE_SIDED;
      this.counters[Counter.ONE_SIDED_FLOWS]++;
    }
    if (direction === 0) return this.takeData(view, slot, 0, view.sequence, unseen);
    const ahead = difference(view.acknowledgment, this.connections.origin(slot, 0));
    if (ahead < 0 || difference(view.acknowledgment, words[at + NEXT]) > 0)
      return this.refuse(Reason.HANDSHAKE_MISMATCH);
    // It acknowledges our SYN, so its SYN-ACK went past unseen.
    const own = at + DIRECTION;
    words[own + NEXT] = view.sequence;
    words[own + ACKED] = view.sequence;
    words[own + OPTIONS] |= KNOWN;
    words[at + STATE] = (words[at + STATE] & ~STATE_MASK) | ESTABLISHED | MIDSTREAM;
    this.table.confirm(slot);
    this.connections.classify(slot);
    this.connections.startFlow(slot);
    return this.takeData(view, slot, 1, view.sequence, unseen);
  }

  /**
   * A segment that begins beyond the window the receiver announced is what a receiver discards. Announcements
   * that went past unseen (an overrun of the queue) must not stop a connection for good, though: the second such
   * segment in a row is taken in, which is safe, as it is inspected and held to its bytes like any other.
   */
  private beyondWindow(own: number): number {
    const words = this.words;
    if ((words[own + OPTIONS] & BEYOND) !== 0) return Reason.NONE;
    words[own + OPTIONS] |= BEYOND;
    return Reason.OUT_OF_WINDOW;
  }

  /**
   * The client acknowledges more than the SYN-ACK: what the server said first went past unseen (an overrun), or
   * it is a blind guess. The first one is dropped; the second is inspected, but completes nothing.
   */
  private missedAnswer(own: number, other: number, view: PacketView): number {
    const words = this.words;
    if (
      this.options.policy.midstream === 'closed' ||
      difference(view.acknowledgment, words[other + NEXT]) <= 0 ||
      difference(view.acknowledgment, words[other + EDGE]) > 0
    )
      return Reason.HANDSHAKE_MISMATCH;
    return this.beyondWindow(own);
  }

  /**
   * The responder of an adopted connection acknowledges what the initiator has sent since: it has a connection with that
   * address, and a handshake with it. To a forged packet it would have answered with a RST, or with an old number.
   */
  private proveInitiator(slot: number, acknowledgment: number): void {
    const at = slot * STRIDE;
    const beyond = difference(acknowledgment, this.connections.origin(slot, 0));
    if (beyond > 0 && difference(acknowledgment, this.words[at + NEXT]) <= 0)
      this.words[at + STATE] |= COMPLETE;
  }

  private takeAcknowledgment(view: PacketView, slot: number, direction: 0 | 1): number {
    const words = this.words;
    const at = slot * STRIDE;
    const own = at + direction * DIRECTION;
    const other = at + (direction ^ 1) * DIRECTION;
    const flags = words[other + OPTIONS];
    if ((flags & KNOWN) === 0) return Reason.NONE;
    let acknowledgment = view.acknowledgment;
    const windows = (words[at + STATE] & WINDOWS) !== 0;
    const shift = windows ? (words[own + OPTIONS] >>> SHIFT_SHIFT) & SHIFT_MASK : 0;
    const edge = add(acknowledgment, view.window << shift);
    if ((flags & FIN_KNOWN) !== 0 && difference(acknowledgment, words[other + FIN_AT]) > 0) {
      acknowledgment = words[other + FIN_AT];
      if ((flags & (FIN_REACHED | FIN_ACKED)) === FIN_REACHED) {
        words[other + OPTIONS] |= FIN_ACKED;
        this.connections.classify(slot);
        this.closed = (words[own + OPTIONS] & FIN_ACKED) !== 0;
      }
    }
    if ((flags & DONE) === 0) {
      if (difference(acknowledgment, words[other + NEXT]) > 0) {
        const limit = windows ? words[other + EDGE] : add(words[other + NEXT], LARGEST_WINDOW);
        if (difference(acknowledgment, limit) > 0) {
          const reason = this.beyondWindow(own);
          if (reason !== Reason.NONE) return Reason.ACK_INVALID;
        }
        this.counters[Counter.ACK_UNSEEN]++;
      } else if (windows && difference(words[other + ACKED], acknowledgment) > 65_535 << shift) {
        return Reason.ACK_TOO_OLD;
      }
    }
    if (difference(acknowledgment, words[other + ACKED]) > 0) words[other + ACKED] = acknowledgment;
    if (direction === 1 && (words[at + STATE] & (MIDSTREAM | COMPLETE)) === MIDSTREAM)
      this.proveInitiator(slot, acknowledgment);
    if (difference(edge, words[other + EDGE]) > 0) {
      words[other + EDGE] = edge;
      words[other + OPTIONS] &= ~BEYOND;
    }
    if (words[other + HELD] === 0 && (flags & (FIN_KNOWN | FIN_REACHED | DONE)) !== FIN_KNOWN)
      return Reason.NONE;
    return this.assembly.acknowledged(slot, direction === 0 ? 1 : 0);
  }

  private takeData(
    view: PacketView,
    slot: number,
    direction: 0 | 1,
    sequence: number,
    unseenTail: number,
  ): number {
    let result: number = ACCEPT;
    if ((view.tcpFlags & URG) !== 0) {
      this.counters[Counter.URGENT_SEGMENTS]++;
      if (this.options.urgent === 'drop') return this.refuse(Reason.URGENT);
      result = CLEAR_URGENT;
    }
    const length = view.payloadEnd - view.payload;
    const unseen = unseenTail + (view.truncated ? view.totalLength - (view.end - view.start) : 0);
    this.counters[Counter.PAYLOAD_BYTES] += length;
    const reason = this.assembly.take(
      slot,
      direction,
      sequence,
      view.bytes,
      view.payload,
      length,
      unseen,
      (view.tcpFlags & FIN) !== 0,
    );
    if (reason !== Reason.NONE) return this.result(reason, slot);
    return (this.words[slot * STRIDE + STATE] & ALL_DONE) !== 0 ? result | OFFLOADABLE : result;
  }

  /**
   * RFC 5961 §3: an exact RST closes, one inside the window is challenged by the receiver, others are nothing.
   * Even an exact one ends no inspection, as it may not reach the receiver: it only shortens the time-out, and
   * the next segment from the same side takes that back.
   */
  private processReset(view: PacketView, slot: number, direction: 0 | 1): number {
    const words = this.words;
    const at = slot * STRIDE;
    const own = at + direction * DIRECTION;
    const flags = words[own + OPTIONS];
    let exact: boolean;
    if ((flags & KNOWN) === 0) {
      // Connection refused: valid when it acknowledges the SYN.
      exact =
        (view.tcpFlags & ACK) !== 0 &&
        difference(view.acknowledgment, this.connections.origin(slot, 0)) >= 0 &&
        difference(view.acknowledgment, words[at + NEXT]) <= 0;
    } else if ((flags & DONE) !== 0) {
      exact = true;
    } else {
      const ahead = difference(view.sequence, words[own + NEXT]);
      exact =
        (ahead <= 0 && difference(view.sequence, words[own + ACKED]) >= 0) ||
        (ahead === 1 && (flags & FIN_REACHED) !== 0) ||
        (ahead > 0 &&
          words[own + HELD] !== 0 &&
          this.held.lastRangeEnd(words[own + HELD]) === this.offsets[slot * 2 + direction] + ahead);
    }
    if (exact) {
      words[own + OPTIONS] |= RESET;
      this.connections.classify(slot);
    } else if (
      difference(view.sequence, words[own + ACKED]) >= 0 &&
      difference(view.sequence, words[own + EDGE]) <= 0
    ) {
      this.counters[Counter.RST_CHALLENGED]++;
    } else {
      this.counters[Counter.RST_IGNORED]++;
    }
    return (words[at + STATE] & ALL_DONE) !== 0 ? OFFLOADABLE : ACCEPT;
  }

  private reviveReset(slot: number, direction: 0 | 1): void {
    const own = slot * STRIDE + direction * DIRECTION + OPTIONS;
    if ((this.words[own] & RESET) === 0) return;
    this.words[own] &= ~RESET;
    this.afterReset = true;
    this.connections.classify(slot);
  }

  /** The pool is nearly full: connections that have fallen silent give back what they hold. */
  private reclaim(now: number, budget: number): void {
    const table = this.table;
    const words = this.words;
    let slot = this.reclaimCursor;
    for (let left = Math.min(budget, table.slots); left > 0; left--) {
      if (slot >= table.slots) slot = 0;
      const at = slot * STRIDE;
      if (
        (words[at + HELD] | words[at + DIRECTION + HELD]) !== 0 &&
        now - table.lastSeen(slot) > RECLAIM_IDLE
      ) {
        this.counters[Counter.RECLAIMED_FLOWS]++;
        this.connections.closeHeld(slot, 0);
        this.connections.closeHeld(slot, 1);
        this.connections.noteDone(slot);
      }
      slot++;
    }
    this.reclaimCursor = slot;
  }

  private insert(view: PacketView, now: number, timeoutClass: number, reversed: boolean): number {
    const table = this.table;
    if (table.count >= table.capacity) {
      const oldest = table.oldestUnconfirmed();
      if (
        oldest >= 0 &&
        (table.unconfirmed > table.capacity * EVICT_SHARE || now - table.lastSeen(oldest) > EVICT_AGE)
      ) {
        this.evict(oldest);
      }
    }
    const slot = table.insert(view, now, timeoutClass, reversed);
    if (slot >= 0) return slot;
    // Connections that anybody can open and keep silent must not be what others are not inspected for.
    const silent = table.idlest(now, EVICT_SILENCE);
    // All that speak keep their places; an older handshake is nothing better than a new one.
    const least = silent < 0 ? table.oldestUnconfirmed() : silent;
    if (least < 0) return -1;
    this.evict(least);
    return table.insert(view, now, timeoutClass, reversed);
  }

  private evict(slot: number): void {
    this.counters[Counter.FLOWS_EVICTED]++;
    this.finish(slot, FlowEndReason.EVICTED);
  }

  private finish(slot: number, otherwise: number): void {
    this.connections.end(slot, this.connections.endReason(slot, otherwise));
    this.table.remove(slot);
  }

  private tableFull(): number {
    this.slot = -1;
    this.counters[Counter.FLOW_TABLE_FULL]++;
    return this.options.policy.flowTable === 'closed' ? this.refuse(Reason.FLOW_TABLE) : ACCEPT;
  }

  private withoutHeader(): number {
    this.slot = -1;
    this.counters[Counter.NO_HEADER]++;
    return this.options.policy.decode === 'closed' ? this.refuse(Reason.NO_HEADER) : ACCEPT;
  }

  private result(reason: number, slot: number): number {
    return (this.words[slot * STRIDE + STATE] & BLOCKED) !== 0 ? this.reject(reason) : this.refuse(reason);
  }

  /** The packet goes on, but it is no part of a stream. */
  private leave(): number {
    this.payloadLeft = true;
    return ACCEPT;
  }

  /** Normalisation: the receiver must not get it. Nothing of it was taken in. */
  private refuse(reason: number): number {
    this.dropReason = reason;
    // Those behind it are about bytes that have a place in the stream.
    this.payloadLeft = reason <= Reason.ACK_TOO_OLD;
    this.counters[Counter.DROP + reason]++;
    return this.inline ? DROP : ACCEPT;
  }

  /** The inspection's own verdict, in force also when not inline. */
  private reject(reason: number): number {
    this.dropReason = reason;
    this.counters[Counter.DROP + reason]++;
    return DROP;
  }
}

/** SYN with FIN or RST: no host sends such a packet. */
function isContradictory(flags: number): boolean {
  return (flags & (SYN | FIN)) === (SYN | FIN) || (flags & (SYN | RST)) === (SYN | RST);
}

/** The option as nearly every stack sends it, without walking the list (RFC 7323 appendix A). */
function readTimestamp(view: PacketView): boolean {
  const bytes = view.bytes;
  const at = view.transport + 20;
  if (
    view.tcpHeaderLength === 32 &&
    bytes[at] === 1 &&
    bytes[at + 1] === 1 &&
    bytes[at + 2] === 8 &&
    bytes[at + 3] === 10
  ) {
    view.timestampValue =
      ((bytes[at + 4] << 24) | (bytes[at + 5] << 16) | (bytes[at + 6] << 8) | bytes[at + 7]) >>> 0;
    return true;
  }
  if (view.tcpHeaderLength === 20) return false;
  view.decodeTcpOptions();
  return view.hasTimestamp;
}
