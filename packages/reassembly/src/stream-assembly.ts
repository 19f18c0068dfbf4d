import { sequenceDifference } from '@portcullis/wire';
import { DropReason } from './segment-result';
import { StreamCounter } from './stream-counters';
import { StreamAction } from './stream-sink';
import type { TcpConnections } from './tcp-connections';
import { ConnectionFlag, DirectionFlag, TcpWord } from './tcp-layout';

const difference = sequenceDifference;
const { NEXT, ACKED, HELD, FIN, OPTIONS, DIRECTION, STATE, STRIDE } = TcpWord;
const { KNOWN, FIN_KNOWN, FIN_REACHED, DONE } = DirectionFlag;
const { STARTED } = ConnectionFlag;
const Reason = DropReason;
const Action = StreamAction;
const Counter = StreamCounter;

/** Without acknowledgments to go by, this much of the past is kept for comparison. */
const ONE_SIDED_KEEP = 64 * 1024;

/**
 * The data of one segment: comparison with what is held, delivery in order, holding out of order, gaps, FIN.
 *
 * How a segment can lie to what was accepted before ("first accepted wins"):
 *
 * ```
 *   accepted        ├────────┤ next          ├──────┤ waiting
 *   old        ├───────┤                                          compared where kept; nothing new
 *   straddling          ├────────┤                                compared up to next, the rest is new
 *   in order                   ├──────┤                           new
 *   bridging              ├──────────────────────────────┤        compared, new, waiting bytes follow
 *   out of order                    ├───┤ or ├──┤ or ├──────┤     compared with waiting, then waits
 * ```
 *
 * Any compared byte that differs drops the whole segment, so the receiver can only ever have one version of a
 * byte, whichever of two overlapping segments its own stack prefers, and whichever of them reaches it. Not inline,
 * the new part of a straddling or bridging segment is taken all the same, and the difference is told.
 *
 * Functions return a `DropReason`, NONE for "passes".
 */
export class StreamAssembly {
  private readonly inline: boolean;
  private readonly memcapClosed: boolean;
  private readonly gapClosed: boolean;
  private readonly depth: number;

  constructor(private readonly connections: TcpConnections) {
    this.inline = connections.options.inline;
    this.memcapClosed = connections.options.policy.memcap === 'closed';
    this.gapClosed = connections.options.policy.gap === 'closed';
    this.depth = connections.options.depth;
  }

  /**
   * @param sequence of the first byte.
   * @param from index of the first byte in `bytes`; `length` bytes were captured, `unseen` more belong to the
   *   segment.
   * @param fin the segment carries FIN.
   */
  take(
    slot: number,
    direction: 0 | 1,
    sequence: number,
    bytes: Uint8Array,
    from: number,
    length: number,
    unseen: number,
    fin: boolean,
  ): number {
    const connections = this.connections;
    const words = connections.words;
    const at = slot * STRIDE + direction * DIRECTION;
    const ahead = difference(sequence, words[at + NEXT]);
    const offset = connections.offsets[slot * 2 + direction];
    const start = offset + ahead;
    const end = start + length;
    const flags = words[at + OPTIONS];
    const record = words[at + HELD];

    if (fin || (flags & FIN_KNOWN) !== 0) {
      const reason = this.checkFin(at, sequence, length + unseen, fin, ahead, record, end + unseen);
      if (reason !== Reason.NONE) return reason;
    }
    let differs = false;
    if (record !== 0 && length > 0 && !connections.held.matches(record, bytes, from, start, end)) {
      // Not inline, the receiver has it already, and as Linux does takes what is new to it.
      if (this.inline || ahead > 0 || end <= offset) return Reason.OVERLAP_DIFFERS;
      differs = true;
    }

    let reason: number = Reason.NONE;
    if ((flags & DONE) !== 0) {
      const behind = ahead + length + unseen;
      if (behind > 0) connections.advance(slot, direction, behind);
      connections.counters[Counter.BEYOND_DEPTH_BYTES] += length;
    } else if (length + unseen > 0 || (fin && ahead > 0)) {
      if (ahead < 0) reason = this.checkComparable(slot, direction, start, end);
      if (reason === Reason.NONE && (end + unseen > offset || fin))
        reason = this.takeNew(slot, direction, bytes, from, start, end, unseen);
    }
    if (reason !== Reason.NONE) return reason;

    if (
      fin &&
      (words[at + OPTIONS] & FIN_KNOWN) === 0 &&
      (ahead + length + unseen >= 0 || (flags & DONE) !== 0)
    ) {
      words[at + OPTIONS] |= FIN_KNOWN;
      words[at + FIN] = (sequence + length + unseen) >>> 0;
    }
    if ((words[at + OPTIONS] & (FIN_KNOWN | FIN_REACHED)) === FIN_KNOWN) this.reachFin(slot, direction);
    return differs ? Reason.OVERLAP_DIFFERS : Reason.NONE;
  }

  /**
   * `acknowledged`: the receiver has all bytes up to here. Frees what is below; what was not seen of it and can
   * not come any more is a gap.
   */
  acknowledged(slot: number, direction: 0 | 1): number {
    const connections = this.connections;
    const words = connections.words;
    const at = slot * STRIDE + direction * DIRECTION;
    const unseen = difference(words[at + ACKED], words[at + NEXT]);
    const acked = connections.offsets[slot * 2 + direction] + unseen;
    const record = words[at + HELD];
    const held = connections.held;
    // The sender has gone on beyond the hole, and the receiver has what was in it.
    if (
      unseen > 0 &&
      ((words[at + OPTIONS] & FIN_KNOWN) !== 0 ||
        (record !== 0 && held.firstRange(record) !== Number.POSITIVE_INFINITY))
    )
      return this.skip(slot, direction, acked);
    if (record === 0) return Reason.NONE;
    held.forget(record, Math.min(acked, held.keptEnd(record)));
    if (held.isEmpty(record)) {
      connections.closeHeld(slot, direction);
      if ((words[at + OPTIONS] & DONE) !== 0) connections.noteDone(slot);
    }
    return Reason.NONE;
  }

  private checkFin(
    at: number,
    sequence: number,
    length: number,
    fin: boolean,
    ahead: number,
    record: number,
    end: number,
  ): number {
    const words = this.connections.words;
    const flags = words[at + OPTIONS];
    const finAt = (sequence + length) >>> 0;
    if ((flags & FIN_KNOWN) !== 0) {
      const beyond = difference(finAt, words[at + FIN]);
      if (length > 0 && beyond > 0) return Reason.DATA_AFTER_FIN;
      // One more FIN behind the first, as some proxies send it, carries an acknowledgment and nothing else.
      if (!fin || beyond >= 0) return Reason.NONE;
    }
    if ((flags & DONE) !== 0) return Reason.NONE;
    // The receiver has acknowledged more: to it, this is an old segment.
    if (difference(finAt, words[at + ACKED]) < 0 && ahead + length < 0) return Reason.NONE;
    if ((flags & FIN_KNOWN) !== 0) return Reason.FIN_CONFLICT;
    // FIN takes the place of the byte at its sequence number: it must not stand where data was accepted.
    if (ahead + length < 0) return Reason.FIN_CONFLICT;
    if (record !== 0 && this.connections.held.lastRangeEnd(record) > end) return Reason.FIN_CONFLICT;
    return Reason.NONE;
  }

  /** Whether the part of a segment that was delivered and is not acknowledged is all kept. */
  private checkComparable(slot: number, direction: number, start: number, end: number): number {
    const connections = this.connections;
    const counters = connections.counters;
    const at = slot * STRIDE + direction * DIRECTION;
    counters[Counter.RETRANSMITTED_SEGMENTS]++;
    const record = connections.words[at + HELD];
    const offset = connections.offsets[slot * 2 + direction];
    const keptStart = record === 0 ? offset : connections.held.keptStart(record);
    const acked = connections.offsetOf(slot, direction, connections.words[at + ACKED]);
    if (Math.max(start, acked) >= Math.min(end, keptStart)) return Reason.NONE;
    if (this.memcapClosed) return Reason.NOT_KEPT;
    counters[Counter.UNCOMPARED_SEGMENTS]++;
    return Reason.NONE;
  }

  private takeNew(
    slot: number,
    direction: 0 | 1,
    bytes: Uint8Array,
    from: number,
    start: number,
    end: number,
    unseen: number,
  ): number {
    const connections = this.connections;
    const words = connections.words;
    const offsets = connections.offsets;
    const at = slot * STRIDE + direction * DIRECTION;
    if (start > offsets[slot * 2 + direction]) {
      const acked = connections.offsetOf(slot, direction, words[at + ACKED]);
      if (acked > offsets[slot * 2 + direction]) {
        const reason = this.skip(slot, direction, Math.min(acked, start));
        if (reason !== Reason.NONE || (words[at + OPTIONS] & DONE) !== 0) return reason;
      }
      if (start > offsets[slot * 2 + direction])
        return end === start ? Reason.NONE : this.hold(slot, direction, bytes, from, start, end);
    }
    if (unseen > 0 && this.gapClosed) return Reason.GAP;
    const offset = offsets[slot * 2 + direction];
    if (end > offset) {
      const reason = this.deliverInPlace(slot, direction, bytes, from + (offset - start), offset, end);
      if (reason !== Reason.NONE) return reason;
    }
    if (unseen > 0) {
      connections.counters[Counter.TRUNCATED_BYTES] += unseen;
      return this.skip(slot, direction, end + unseen);
    }
    return Reason.NONE;
  }

  /** `bytes[from…]` are the bytes at `[offset, end)`, and `offset` is the next in order. */
  private deliverInPlace(
    slot: number,
    direction: 0 | 1,
    bytes: Uint8Array,
    from: number,
    offset: number,
    end: number,
  ): number {
    const connections = this.connections;
    const held = connections.held;
    const words = connections.words;
    const at = slot * STRIDE + direction * DIRECTION;
    const visible = Math.min(end, this.depth);
    let record = words[at + HELD];

    const keep = held.hasRoom(record, offset, visible, false);
    if (keep) {
      if (record === 0) {
        record = held.open(offset);
        words[at + HELD] = record;
      } else if (
        held.keptEnd(record) - held.keptStart(record) > ONE_SIDED_KEEP &&
        (words[slot * STRIDE + (direction ^ 1) * DIRECTION + OPTIONS] & KNOWN) === 0
      ) {
        held.forget(record, held.keptEnd(record) - ONE_SIDED_KEEP / 2);
      }
      held.store(record, bytes, from, offset, visible);
    } else {
      if (this.memcapClosed) return Reason.MEMCAP;
      connections.counters[Counter.UNKEPT_SEGMENTS]++;
    }

    const action = this.deliver(slot, direction, bytes, from, from + (visible - offset), offset);
    if (action === Action.DROP_PACKET) {
      connections.block(slot);
      return Reason.INSPECTION;
    }
    connections.advance(slot, direction, visible - offset);
    if (record !== 0) {
      held.setKeptEnd(record, visible);
      if (action === Action.CONTINUE && held.firstRange(record) <= visible) {
        const reason = this.absorb(slot, direction);
        if (reason !== Reason.NONE) return reason;
      }
      // Kept bytes are one piece without holes: the past goes with what could not be kept.
      if (!keep && words[at + HELD] !== 0) {
        held.forget(record, connections.offsets[slot * 2 + direction]);
        if (held.isEmpty(record)) connections.closeHeld(slot, direction);
      }
    }
    if (action !== Action.CONTINUE) this.stop(slot, direction, action);
    this.passDepth(slot, direction, end);
    return Reason.NONE;
  }

  /** Delivers waiting bytes that are in order now. */
  private absorb(slot: number, direction: 0 | 1): number {
    const connections = this.connections;
    const held = connections.held;
    const words = connections.words;
    const at = slot * STRIDE + direction * DIRECTION;
    const record = words[at + HELD];
    let offset = connections.offsets[slot * 2 + direction];
    while (held.firstRange(record) <= offset) {
      const end = held.takeRange(record);
      while (offset < end) {
        held.piece(record, offset, end);
        const size = held.pieceEnd - held.pieceStart;
        const action = this.deliver(slot, direction, held.bytes, held.pieceStart, held.pieceEnd, offset);
        if (action === Action.DROP_PACKET) {
          connections.block(slot);
          return Reason.INSPECTION;
        }
        offset += size;
        connections.advance(slot, direction, size);
        held.setKeptEnd(record, offset);
        if (action !== Action.CONTINUE) {
          connections.advance(slot, direction, end - offset);
          this.stop(slot, direction, action);
          return Reason.NONE;
        }
      }
    }
    this.passDepth(slot, direction, offset);
    return Reason.NONE;
  }

  /** A segment behind a hole: copied until the hole fills. */
  private hold(
    slot: number,
    direction: 0 | 1,
    bytes: Uint8Array,
    from: number,
    start: number,
    end: number,
  ): number {
    const connections = this.connections;
    const counters = connections.counters;
    const words = connections.words;
    const at = slot * STRIDE + direction * DIRECTION;
    const visible = Math.min(end, this.depth);
    counters[Counter.OUT_OF_ORDER_SEGMENTS]++;
    if (start >= visible) {
      counters[Counter.BEYOND_DEPTH_BYTES] += end - start;
      return Reason.NONE;
    }
    const held = connections.held;
    let record = words[at + HELD];
    // Whatever the policy: holes are of the sender's making, and it sends again what is lost behind them.
    if (this.inline && !held.isWithinShare(record, start, visible)) return Reason.SCATTERED;
    if (!held.hasRoom(record, start, visible, true) || !held.isWithinShare(record, start, visible)) {
      if (this.memcapClosed) return Reason.MEMCAP;
      counters[Counter.UNHELD_SEGMENTS]++;
      return Reason.NONE;
    }
    if (record === 0) {
      record = held.open(connections.offsets[slot * 2 + direction]);
      words[at + HELD] = record;
    }
    held.store(record, bytes, from, start, visible);
    held.addRange(record, start, visible);
    return Reason.NONE;
  }

  /** Goes on to `target`: what is missing before it has reached the receiver unseen. */
  private skip(slot: number, direction: 0 | 1, target: number): number {
    const connections = this.connections;
    const held = connections.held;
    const words = connections.words;
    const counters = connections.counters;
    const at = slot * STRIDE + direction * DIRECTION;
    while ((words[at + OPTIONS] & DONE) === 0) {
      const offset = connections.offsets[slot * 2 + direction];
      if (offset >= target) break;
      const record = words[at + HELD];
      const range = record === 0 ? Number.POSITIVE_INFINITY : held.firstRange(record);
      const end = Math.min(target, this.depth, range);
      if (end > offset) {
        if (this.gapClosed) {
          connections.block(slot);
          return Reason.GAP;
        }
        counters[Counter.GAPS]++;
        counters[Counter.GAP_BYTES] += end - offset;
        connections.startFlow(slot);
        connections.sink.gap(slot, direction, offset, end - offset);
        connections.advance(slot, direction, end - offset);
        if (record !== 0) held.forget(record, end);
      }
      if (end === range) {
        const reason = this.absorb(slot, direction);
        if (reason !== Reason.NONE) return reason;
      }
      this.passDepth(slot, direction, target);
    }
    const record = words[at + HELD];
    if (record !== 0) {
      const acked = connections.offsetOf(slot, direction, words[at + ACKED]);
      held.forget(record, Math.min(acked, held.keptEnd(record)));
      if (held.isEmpty(record)) connections.closeHeld(slot, direction);
    }
    if ((words[at + OPTIONS] & DONE) !== 0) connections.noteDone(slot);
    if ((words[at + OPTIONS] & (FIN_KNOWN | FIN_REACHED)) === FIN_KNOWN) this.reachFin(slot, direction);
    return Reason.NONE;
  }

  private deliver(
    slot: number,
    direction: 0 | 1,
    bytes: Uint8Array,
    start: number,
    end: number,
    offset: number,
  ): number {
    const connections = this.connections;
    if ((connections.words[slot * STRIDE + STATE] & STARTED) === 0) connections.startFlow(slot);
    connections.counters[Counter.INSPECTED_BYTES] += end - start;
    return connections.sink.data(slot, direction, bytes, start, end, offset);
  }

  private stop(slot: number, direction: 0 | 1, action: number): void {
    this.connections.finishDirection(slot, direction);
    if (action === Action.STOP_INSPECTING) this.connections.finishDirection(slot, direction === 0 ? 1 : 0);
  }

  /** After delivery up to the depth or a stop: the rest, up to `end`, is only counted. */
  private passDepth(slot: number, direction: number, end: number): void {
    const connections = this.connections;
    const at = slot * STRIDE + direction * DIRECTION;
    const offset = connections.offsets[slot * 2 + direction];
    if ((connections.words[at + OPTIONS] & DONE) === 0) {
      if (offset < this.depth) return;
      connections.finishDirection(slot, direction);
    }
    if (end > offset) {
      connections.counters[Counter.BEYOND_DEPTH_BYTES] += end - offset;
      connections.advance(slot, direction, end - offset);
    }
  }

  private reachFin(slot: number, direction: 0 | 1): void {
    const connections = this.connections;
    const words = connections.words;
    const at = slot * STRIDE + direction * DIRECTION;
    if ((words[at + OPTIONS] & DONE) === 0 && words[at + NEXT] !== words[at + FIN]) return;
    words[at + OPTIONS] |= FIN_REACHED;
    if (words[at + HELD] !== 0) connections.held.dropRanges(words[at + HELD]);
    connections.classify(slot);
    connections.startFlow(slot);
    connections.sink.ended(slot, direction);
  }
}
