import { type PacketView, sequenceAdd, sequenceDifference, TcpFlag } from '@portcullis/wire';
import { TimeoutClass } from './flow-timeouts';
import { DropReason } from './segment-result';
import { StreamCounter } from './stream-counters';
import { FlowEndReason } from './stream-sink';
import type { TcpConnections } from './tcp-connections';
import {
  ConnectionFlag,
  DirectionFlag,
  MSS_MASK,
  SHIFT_MASK,
  SHIFT_NONE,
  SHIFT_SHIFT,
  TcpWord,
} from './tcp-layout';

const difference = sequenceDifference;
const add = sequenceAdd;
const { SYN } = TcpFlag;
const { NEXT, ACKED, EDGE, TIMESTAMP, OPTIONS, DIRECTION, STATE, CANDIDATE, CANDIDATE_OPTIONS, STRIDE } =
  TcpWord;
const {
  STATE: STATE_MASK,
  SYN_SENT,
  SYN_RECEIVED,
  ESTABLISHED,
  COMPLETE,
  MIDSTREAM,
  BLOCKED,
  STARTED,
  CANDIDATE: HAS_CANDIDATE,
  CANDIDATE_SWAP,
  WINDOWS,
  PAWS,
  WINDOW_SHIFT,
} = ConnectionFlag;
const { KNOWN, TIMESTAMPS, DONE } = DirectionFlag;
const Reason = DropReason;
const Counter = StreamCounter;

/**
 * The three-way handshake, and SYNs at any later time. Functions return a `DropReason`, NONE for "goes on".
 *
 * ```
 *            SYN                    SYN-ACK                 ACK of ISN + 1
 *   (none) ───────▶ SYN_SENT ───────────────▶ SYN_RECEIVED ───────────────▶ ESTABLISHED, COMPLETE
 * ```
 *
 * COMPLETE means that the initiator has acknowledged exactly what the responder chose, so it receives what is
 * sent to its address: a spoofed source cannot. Until then a SYN or SYN-ACK with another initial sequence number
 * is remembered beside the first one, and what the other side acknowledges tells which one counts.
 *
 * A SYN on a live connection never changes its state (RFC 5961 §4: the receiver answers with a challenge ACK).
 * It is remembered, and only when the other side answers it with a SYN-ACK does a new connection take the place
 * of the old one.
 */
export class Handshake {
  constructor(private readonly connections: TcpConnections) {}

  /** A first SYN: the slot is new. */
  begin(slot: number, view: PacketView): void {
    view.decodeTcpOptions();
    this.connections.clear(slot);
    this.beginWith(slot, add(view.sequence, 1), optionWord(view), view.window);
    const words = this.connections.words;
    words[slot * STRIDE + TIMESTAMP] = view.timestampValue;
  }

  /** SYN without ACK on a slot that is in use. */
  syn(slot: number, direction: 0 | 1, view: PacketView): number {
    const connections = this.connections;
    const words = connections.words;
    const at = slot * STRIDE;
    const own = at + direction * DIRECTION;
    const state = words[at + STATE];
    const phase = state & STATE_MASK;
    const first = add(view.sequence, 1);
    const known = (words[own + OPTIONS] & KNOWN) !== 0;
    const empty = view.payload === view.payloadEnd;

    if (phase !== ESTABLISHED && (state & BLOCKED) === 0) {
      if (known && connections.origin(slot, direction) === first) return Reason.NONE;
      if (!known && phase === SYN_SENT) {
        this.answer(slot, direction, view, first);
        return Reason.NONE;
      }
    }
    if (known && connections.origin(slot, direction) === first) {
      // The SYN of this connection once more, delayed.
      return (state & BLOCKED) !== 0 ? Reason.FLOW_BLOCKED : empty ? Reason.NONE : Reason.SYN_DATA;
    }
    if (!empty) {
      if ((state & BLOCKED) !== 0) return Reason.FLOW_BLOCKED;
      return phase !== ESTABLISHED ? Reason.SYN_DIFFERS : Reason.SYN_DATA;
    }
    view.decodeTcpOptions();
    words[at + CANDIDATE] = first;
    words[at + CANDIDATE_OPTIONS] = optionWord(view);
    words[at + STATE] =
      (state & ~CANDIDATE_SWAP & ((1 << WINDOW_SHIFT) - 1)) |
      HAS_CANDIDATE |
      (direction === 1 ? CANDIDATE_SWAP : 0) |
      (view.window << WINDOW_SHIFT);
    if (phase === ESTABLISHED) connections.counters[Counter.SYN_CHALLENGED]++;
    return Reason.NONE;
  }

  /**
   * SYN with ACK on a slot that is in use.
   *
   * @param direction of the packet; a new connection may turn it round: read the table's afterwards.
   */
  synAck(slot: number, direction: 0 | 1, view: PacketView, now: number): number {
    const connections = this.connections;
    const words = connections.words;
    const at = slot * STRIDE;
    let state = words[at + STATE];
    let side = direction;
    const candidateSide = (state & CANDIDATE_SWAP) !== 0 ? 1 : 0;
    if (
      (state & HAS_CANDIDATE) !== 0 &&
      candidateSide !== direction &&
      view.acknowledgment === words[at + CANDIDATE]
    ) {
      this.restart(slot, now, candidateSide === 1);
      // What the remembered SYN carried is not kept, but the answer echoes it (RFC 7323 §3.2).
      view.decodeTcpOptions();
      words[at + TIMESTAMP] = view.timestampEcho;
      state = words[at + STATE];
      side = 1;
      connections.table.direction = 1;
    }
    if ((state & BLOCKED) !== 0) return Reason.FLOW_BLOCKED;
    const own = at + side * DIRECTION;
    const other = at + (side ^ 1) * DIRECTION;
    const first = add(view.sequence, 1);
    const known = (words[own + OPTIONS] & KNOWN) !== 0;

    if ((state & STATE_MASK) === ESTABLISHED) {
      if (view.payload !== view.payloadEnd) return Reason.SYN_DATA;
      if (!known || connections.origin(slot, side) !== first) connections.counters[Counter.SYN_CHALLENGED]++;
      return Reason.NONE;
    }
    if ((words[other + OPTIONS] & KNOWN) === 0) return Reason.HANDSHAKE_MISMATCH;
    const origin = connections.origin(slot, side ^ 1);
    if (
      difference(view.acknowledgment, origin) < 0 ||
      difference(view.acknowledgment, words[other + NEXT]) > 0
    )
      return Reason.HANDSHAKE_MISMATCH;

    if (!known) {
      this.answer(slot, side, view, first);
    } else if (words[own + NEXT] !== first && connections.origin(slot, side) !== first) {
      // Nobody knows yet which of the two the initiator has taken, and so where data would belong.
      if (connections.offsets[slot * 2 + side] !== 0 || view.payload !== view.payloadEnd)
        return Reason.SYN_DIFFERS;
      // Remember the one before: the initiator may have taken that one.
      words[own + ACKED] = words[own + NEXT];
      words[own + EDGE] = add(words[own + EDGE], difference(first, words[own + NEXT]));
      words[own + NEXT] = first;
      view.decodeTcpOptions();
      words[own + TIMESTAMP] = view.timestampValue;
    }
    words[other + ACKED] = view.acknowledgment;
    words[other + EDGE] = add(view.acknowledgment, view.window);
    words[at + STATE] = (words[at + STATE] & ~STATE_MASK) | SYN_RECEIVED;
    // Simultaneous open: the initiator's own SYN-ACK acknowledges the responder's SYN.
    if (side === 0) this.complete(slot);
    return Reason.NONE;
  }

  /**
   * A packet of the initiator with ACK, in SYN_RECEIVED: completes the handshake, or does not belong to it.
   */
  acknowledge(slot: number, view: PacketView): number {
    const connections = this.connections;
    const words = connections.words;
    const at = slot * STRIDE;
    const server = at + DIRECTION;
    const origin = connections.origin(slot, 0);
    if (difference(view.sequence, origin) < 0 || difference(view.sequence, words[at + EDGE]) > 0)
      return Reason.HANDSHAKE_MISMATCH;
    const acknowledgment = view.acknowledgment;
    if (acknowledgment !== words[server + NEXT]) {
      const offset = connections.offsets[slot * 2 + 1];
      if (offset === 0 && acknowledgment === words[server + ACKED]) {
        words[server + EDGE] = add(words[server + EDGE], difference(acknowledgment, words[server + NEXT]));
        words[server + NEXT] = acknowledgment;
      } else if (
        difference(acknowledgment, connections.origin(slot, 1)) < 0 ||
        difference(acknowledgment, words[server + NEXT]) > 0
      ) {
        return Reason.HANDSHAKE_MISMATCH;
      }
    }
    words[server + ACKED] = acknowledgment;
    this.complete(slot);
    return Reason.NONE;
  }

  /** The handshake is not seen to its end, and will not be: the positions of both sides are taken as they are. */
  adopt(slot: number, direction: 0 | 1, view: PacketView, now: number): void {
    const connections = this.connections;
    const words = connections.words;
    const at = slot * STRIDE;
    connections.clear(slot);
    const own = at + direction * DIRECTION;
    const other = at + (direction ^ 1) * DIRECTION;
    const synAck = (view.tcpFlags & SYN) !== 0;
    words[own + NEXT] = add(view.sequence, synAck ? 1 : 0);
    words[own + ACKED] = words[own + NEXT];
    words[own + OPTIONS] = KNOWN | (SHIFT_NONE << SHIFT_SHIFT);
    words[other + NEXT] = view.acknowledgment;
    words[other + ACKED] = view.acknowledgment;
    words[other + OPTIONS] = KNOWN | (SHIFT_NONE << SHIFT_SHIFT);
    words[at + STATE] = ESTABLISHED | MIDSTREAM;
    if (!connections.options.replyPayload) words[at + DIRECTION + OPTIONS] |= DONE;
    connections.table.touch(slot, direction, now, 0);
    connections.counters[Counter.MIDSTREAM_FLOWS]++;
    connections.startFlow(slot);
  }

  private beginWith(slot: number, first: number, options: number, window: number): void {
    const words = this.connections.words;
    const at = slot * STRIDE;
    words[at + NEXT] = first;
    words[at + ACKED] = first;
    words[at + OPTIONS] = options | KNOWN;
    words[at + STATE] = SYN_SENT | (window << WINDOW_SHIFT);
    if (!this.connections.options.replyPayload) words[at + DIRECTION + OPTIONS] = DONE;
  }

  /** The first SYN of the second side. */
  private answer(slot: number, direction: 0 | 1, view: PacketView, first: number): void {
    const words = this.connections.words;
    const at = slot * STRIDE;
    const own = at + direction * DIRECTION;
    const other = at + (direction ^ 1) * DIRECTION;
    view.decodeTcpOptions();
    words[own + NEXT] = first;
    words[own + ACKED] = first;
    words[own + TIMESTAMP] = view.timestampValue;
    words[own + EDGE] = add(first, words[at + STATE] >>> WINDOW_SHIFT);
    words[own + OPTIONS] = optionWord(view) | KNOWN | (words[own + OPTIONS] & DONE);
    words[other + EDGE] = add(words[other + NEXT], view.window);
    // RFC 7323 §2.2 and §3.2: scaling and timestamps are in force only when both SYNs offer them.
    const mine = words[own + OPTIONS];
    const theirs = words[other + OPTIONS];
    if (
      ((mine >>> SHIFT_SHIFT) & SHIFT_MASK) === SHIFT_NONE ||
      ((theirs >>> SHIFT_SHIFT) & SHIFT_MASK) === SHIFT_NONE
    ) {
      words[own + OPTIONS] = mine & ~(SHIFT_MASK << SHIFT_SHIFT);
      words[other + OPTIONS] = theirs & ~(SHIFT_MASK << SHIFT_SHIFT);
    }
    words[at + STATE] =
      (words[at + STATE] & ((1 << WINDOW_SHIFT) - 1)) |
      WINDOWS |
      ((mine & theirs & TIMESTAMPS) !== 0 ? PAWS : 0);
  }

  private complete(slot: number): void {
    const connections = this.connections;
    const at = slot * STRIDE + STATE;
    connections.words[at] = (connections.words[at] & ~STATE_MASK) | ESTABLISHED | COMPLETE;
    connections.table.confirm(slot);
    connections.classify(slot);
    connections.counters[Counter.HANDSHAKES]++;
    connections.startFlow(slot);
  }

  /** The remembered SYN was answered: a new connection with the same addresses and ports. */
  private restart(slot: number, now: number, swap: boolean): void {
    const connections = this.connections;
    const words = connections.words;
    const at = slot * STRIDE;
    const first = words[at + CANDIDATE];
    const options = words[at + CANDIDATE_OPTIONS];
    const window = words[at + STATE] >>> WINDOW_SHIFT;
    // A SYN that was never answered is the same attempt with another number, unless the sink has seen its data.
    if ((words[at + STATE] & STARTED) !== 0 || (words[at + STATE] & STATE_MASK) === ESTABLISHED) {
      connections.end(slot, connections.endReason(slot, FlowEndReason.REUSED));
      connections.counters[Counter.FLOWS_REUSED]++;
      connections.table.renew(slot, now, TimeoutClass.HALF_OPEN, swap);
    } else if (swap) {
      connections.end(slot, FlowEndReason.REUSED);
      connections.table.renew(slot, now, TimeoutClass.HALF_OPEN, swap);
    }
    connections.closeHeld(slot, 0);
    connections.closeHeld(slot, 1);
    connections.clear(slot);
    this.beginWith(slot, first, options, window);
  }
}

function optionWord(view: PacketView): number {
  const shift = view.windowScale < 0 ? SHIFT_NONE : view.windowScale;
  return (view.mss & MSS_MASK) | (shift << SHIFT_SHIFT) | (view.hasTimestamp ? TIMESTAMPS : 0);
}
