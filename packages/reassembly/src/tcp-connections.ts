import { sequenceAdd, sequenceDifference } from '@portcullis/wire';
import type { FlowTable } from './flow-table';
import { TimeoutClass } from './flow-timeouts';
import type { HeldBytes } from './held-bytes';
import { StreamCounter } from './stream-counters';
import type { StreamOptions } from './stream-options';
import type { StreamSink } from './stream-sink';
import { FlowEndReason } from './stream-sink';
import { ConnectionFlag, DirectionFlag, TcpWord } from './tcp-layout';

const difference = sequenceDifference;
const add = sequenceAdd;
const { NEXT, HELD, OPTIONS, DIRECTION, STATE, STRIDE } = TcpWord;
const { BLOCKED, STARTED, DONE: ALL_DONE } = ConnectionFlag;
const { DONE, RESET, FIN_REACHED, FIN_ACKED } = DirectionFlag;
const { FLOWS } = StreamCounter;
const CLASS = TimeoutClass;

/** The state of all TCP connections, by flow slot, and what the parts of the reassembler share. */
export class TcpConnections {
  readonly words: Uint32Array;
  /** Stream offset of NEXT, two a flow. Integers below 2^53 that never wrap. */
  readonly offsets: Float64Array;

  constructor(
    readonly table: FlowTable,
    readonly held: HeldBytes,
    readonly sink: StreamSink,
    readonly options: StreamOptions,
    readonly counters: Float64Array,
  ) {
    this.words = new Uint32Array(table.capacity * STRIDE);
    this.offsets = new Float64Array(table.capacity * 2);
  }

  clear(slot: number): void {
    const at = slot * STRIDE;
    this.words.fill(0, at, at + STRIDE);
    this.offsets[slot * 2] = 0;
    this.offsets[slot * 2 + 1] = 0;
  }

  /** ISN + 1 of a direction. */
  origin(slot: number, direction: number): number {
    return add(this.words[slot * STRIDE + direction * DIRECTION + NEXT], -this.offsets[slot * 2 + direction]);
  }

  /** Stream offset of a sequence number within 2^31 of NEXT. */
  offsetOf(slot: number, direction: number, sequence: number): number {
    const next = this.words[slot * STRIDE + direction * DIRECTION + NEXT];
    return this.offsets[slot * 2 + direction] + difference(sequence, next);
  }

  /** Moves NEXT on by `length`. */
  advance(slot: number, direction: number, length: number): void {
    const at = slot * STRIDE + direction * DIRECTION + NEXT;
    this.words[at] = add(this.words[at], length);
    this.offsets[slot * 2 + direction] += length;
  }

  startFlow(slot: number): void {
    const at = slot * STRIDE + STATE;
    if ((this.words[at] & STARTED) !== 0) return;
    this.words[at] |= STARTED;
    this.counters[FLOWS]++;
    this.sink.flowStarted(slot);
  }

  /** All later packets of the flow are dropped. */
  block(slot: number): void {
    this.words[slot * STRIDE + STATE] |= BLOCKED;
    this.table.setTimeoutClass(slot, CLASS.BLOCKED);
    this.closeHeld(slot, 0);
    this.closeHeld(slot, 1);
  }

  closeHeld(slot: number, direction: number): void {
    const at = slot * STRIDE + direction * DIRECTION + HELD;
    const record = this.words[at];
    if (record === 0) return;
    this.held.close(record);
    this.words[at] = 0;
  }

  /** Frees what is held; tells the sink. The slot stays in the table. */
  end(slot: number, reason: number): void {
    this.closeHeld(slot, 0);
    this.closeHeld(slot, 1);
    this.sink.flowEnded(slot, reason);
  }

  /** Why a connection that is taken out of the table now has ended. */
  endReason(slot: number, otherwise: number): number {
    const at = slot * STRIDE;
    if ((this.words[at + STATE] & BLOCKED) !== 0) return FlowEndReason.BLOCKED;
    const both = this.words[at + OPTIONS] & this.words[at + DIRECTION + OPTIONS];
    const either = this.words[at + OPTIONS] | this.words[at + DIRECTION + OPTIONS];
    if ((either & RESET) !== 0) return FlowEndReason.RESET;
    if ((both & FIN_REACHED) !== 0) return FlowEndReason.FIN;
    return otherwise;
  }

  /** Sets the time-out that FIN and RST seen so far call for. */
  classify(slot: number): void {
    const at = slot * STRIDE;
    if ((this.words[at + STATE] & BLOCKED) !== 0) return;
    const to = this.words[at + OPTIONS];
    const from = this.words[at + DIRECTION + OPTIONS];
    let timeoutClass: number = CLASS.ESTABLISHED;
    if (((to | from) & RESET) !== 0 || (to & from & FIN_ACKED) !== 0) timeoutClass = CLASS.CLOSED;
    else if (((to | from) & FIN_REACHED) !== 0) timeoutClass = CLASS.HALF_CLOSED;
    else if ((this.words[at + STATE] & ConnectionFlag.STATE) !== ConnectionFlag.ESTABLISHED)
      timeoutClass = CLASS.HALF_OPEN;
    this.table.setTimeoutClass(slot, timeoutClass);
  }

  /** Notes a direction as done, and the connection when both are and nothing is held. */
  finishDirection(slot: number, direction: number): void {
    const words = this.words;
    const at = slot * STRIDE + direction * DIRECTION;
    words[at + OPTIONS] |= DONE;
    const record = words[at + HELD];
    if (record !== 0) {
      this.held.dropRanges(record);
      if (this.held.isEmpty(record)) this.closeHeld(slot, direction);
    }
    this.noteDone(slot);
  }

  noteDone(slot: number): void {
    const words = this.words;
    const at = slot * STRIDE;
    if (
      (words[at + OPTIONS] & words[at + DIRECTION + OPTIONS] & DONE) !== 0 &&
      words[at + HELD] === 0 &&
      words[at + DIRECTION + HELD] === 0
    )
      words[at + STATE] |= ALL_DONE;
  }
}
