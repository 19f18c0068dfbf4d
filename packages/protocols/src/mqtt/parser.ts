/**
 * MQTT of one flow (versions 3.1, 3.1.1 and 5).
 *
 * A message that is answered waits for its answer, by its packet identifier; every transaction that waits holds a copy of
 * its message. At most `MOST_OPEN` wait.
 */

import type { BufferPool } from '../buffer-pool';
import type { Frames } from '../frames/frames';
import { HeldTransaction } from '../records/held-transaction';
import { RecordReader, type RecordSink } from '../records/record-reader';
import {
  type Direction,
  Direction as Directions,
  type ProtocolParser,
  type TransactionListener,
} from '../transaction';
import { MqttBuffer, MqttFrame, MqttProgress, MqttType } from './buffers';
import { fixedHeader, readFixedHeader, readMessage, told } from './message';

/** Transactions that wait for an answer; beyond that the oldest ends without one. */
export const MOST_OPEN = 1024;
/** Bytes of a message that are looked at. */
export const LONGEST_MQTT_MESSAGE = 262_144;
/** Bytes that the waiting transactions of a flow may hold together; beyond that the oldest ends. */
const MOST_HELD_BYTES = 1 << 20;

export const MqttEvent = {
  MISSING_CONNECT: 'mqtt.missing_connect',
  MISSING_PUBLISH: 'mqtt.missing_publish',
  MISSING_SUBSCRIBE: 'mqtt.missing_subscribe',
  MISSING_UNSUBSCRIBE: 'mqtt.missing_unsubscribe',
  DOUBLE_CONNECT: 'mqtt.double_connect',
  UNINTRODUCED_MESSAGE: 'mqtt.unintroduced_message',
  INVALID_QOS_LEVEL: 'mqtt.invalid_qos_level',
  MISSING_MSG_ID: 'mqtt.missing_msg_id',
  UNASSIGNED_MSG_TYPE: 'mqtt.unassigned_msg_type',
  TOO_MANY_TRANSACTIONS: 'mqtt.too_many_transactions',
  MALFORMED_TRAFFIC: 'mqtt.malformed_traffic',
} as const;

const T = MqttType;
const E = MqttEvent;
const { TO_SERVER, TO_CLIENT } = Directions;
/** Stands for the packet identifier of CONNECT, which has none (identifiers are 16 bits). */
const CONNECT_ID = 0x10000;

/** What may be answered with the type of the index, and what it means when nothing waits for it. */
const ORPHAN: Readonly<Record<number, string>> = {
  [T.CONNACK]: E.MISSING_CONNECT,
  [T.PUBACK]: E.MISSING_PUBLISH,
  [T.PUBREC]: E.MISSING_PUBLISH,
  [T.PUBREL]: E.MISSING_PUBLISH,
  [T.PUBCOMP]: E.MISSING_PUBLISH,
  [T.SUBACK]: E.MISSING_SUBSCRIBE,
  [T.UNSUBACK]: E.MISSING_UNSUBSCRIBE,
};

export class MqttParser implements ProtocolParser, RecordSink {
  readonly protocol = 'mqtt';
  private readonly readers: readonly [RecordReader, RecordReader];
  /** Transactions that wait, by packet identifier, oldest first. */
  private readonly waiting = new Map<number, HeldTransaction>();
  private waitingBytes = 0;
  private nextId = 0;
  private version = 0;
  private connected = false;
  /** Bytes were missing: what an answer belongs to may not have been seen. */
  private gapped = false;

  constructor(
    pool: BufferPool,
    private readonly frames: Frames,
    private readonly listener: TransactionListener,
  ) {
    const reader = (direction: Direction) => new RecordReader(pool, this, direction, 5, LONGEST_MQTT_MESSAGE);
    this.readers = [reader(TO_SERVER), reader(TO_CLIENT)];
  }

  feed(direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    this.readers[direction].feed(bytes, start, end);
  }

  gap(direction: Direction, length: number): void {
    this.gapped = true;
    this.readers[direction].gap(length);
  }

  close(direction: Direction): void {
    this.readers[direction].clear();
    for (const [id, tx] of this.waiting) this.complete(id, tx);
  }

  heldBytes(): number {
    return this.readers[0].heldBytes() + this.readers[1].heldBytes() + this.waitingBytes;
  }

  reset(): void {
    for (const [id, tx] of this.waiting) {
      this.waiting.delete(id);
      this.listener.onTransactionEnd(tx);
    }
    this.waitingBytes = 0;
    for (const reader of this.readers) reader.reset();
    this.nextId = 0;
    this.version = 0;
    this.connected = false;
    this.gapped = false;
  }

  measure(_direction: Direction, bytes: Uint8Array, start: number, end: number): number {
    const known = readFixedHeader(bytes, start, end);
    return known > 0 ? fixedHeader.size + fixedHeader.remaining : known;
  }

  record(direction: Direction, bytes: Uint8Array, start: number, end: number, length: number): void {
    readFixedHeader(bytes, start, end);
    const { type } = fixedHeader;
    const from = start + fixedHeader.size;
    const truncated = end - start < length;
    const { frames, listener } = this;
    if (frames.wanted !== 0) {
      frames.show(listener, direction, MqttFrame.PDU, bytes, start, end, !truncated);
      frames.show(listener, direction, MqttFrame.HEADER, bytes, start, from);
      if (end > from) frames.show(listener, direction, MqttFrame.DATA, bytes, from, end, !truncated);
    }
    if (ORPHAN[type] !== undefined && (this.connected || type === T.CONNACK)) {
      this.answer(direction, type, bytes, from, end, truncated);
      return;
    }
    this.begin(direction, type, bytes, from, end, truncated);
  }

  rest(): void {}

  missing(): void {}

  lost(direction: Direction): void {
    if (!this.gapped) this.malformed(direction);
  }

  resume(): number {
    // Nothing marks the beginning of a message.
    return -1;
  }

  /** A message that an earlier one waits for. */
  private answer(
    direction: Direction,
    type: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    truncated: boolean,
  ): void {
    const id =
      type === T.CONNACK ? CONNECT_ID : end - start >= 2 ? (bytes[start] << 8) | bytes[start + 1] : -1;
    const tx = this.waiting.get(id);
    if (tx === undefined) {
      this.begin(direction, type, bytes, start, end, truncated, this.gapped ? null : ORPHAN[type]);
      return;
    }
    if (type === T.CONNACK) this.connected = true;
    // Answers put numbers only: nothing of these bytes is kept.
    this.waitingBytes -= tx.heldBytes();
    const sound = readMessage(tx, tx.direction, bytes, start, end, this.version, truncated);
    this.waitingBytes += tx.heldBytes();
    if (!sound) {
      this.malformed(direction);
      return;
    }
    if (type !== T.PUBREC && type !== T.PUBREL) this.complete(id, tx);
  }

  /** A message that begins a transaction. @param orphan the event of an answer that nothing waits for */
  private begin(
    direction: Direction,
    type: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    truncated: boolean,
    orphan: string | null = null,
  ): void {
    const { qos } = fixedHeader;
    const answered =
      (type === T.CONNECT && !this.connected) ||
      (this.connected &&
        qos > 0 &&
        qos < 3 &&
        (type === T.PUBLISH || type === T.SUBSCRIBE || type === T.UNSUBSCRIBE));
    const tx = new HeldTransaction(this.nextId++);
    tx.direction = direction;
    // What waits outlives the fed bytes; so does its header, which stands before it.
    const { size } = fixedHeader;
    const kept = answered ? Uint8Array.prototype.slice.call(bytes, start - size, end) : bytes;
    const from = answered ? size : start;
    const stop = from + end - start;
    told.version = this.version;
    if (!readMessage(tx, direction, kept, from, stop, this.version, truncated)) {
      this.malformed(direction);
      return;
    }
    if (type === T.CONNECT) this.version = told.version;
    tx.putNumber(direction, MqttBuffer.PROTOCOL_VERSION, this.version, 1);
    tx.reach(TO_SERVER, MqttProgress.MESSAGE);
    tx.reach(TO_CLIENT, MqttProgress.MESSAGE);
    const event = orphan ?? this.complaint(type, qos, truncated);
    if (event !== null) this.listener.onEvent(tx, direction, event);
    const id = type === T.CONNECT ? CONNECT_ID : told.messageId;
    if (!answered || id < 0 || this.waiting.has(id)) {
      this.finish(tx);
      return;
    }
    tx.hold(kept.length);
    this.wait(id, tx);
  }

  /** What is wrong with a message that begins a transaction. */
  private complaint(type: number, qos: number, truncated: boolean): string | null {
    if (type === 0) return E.UNASSIGNED_MSG_TYPE;
    if (type === T.CONNECT) return this.connected ? E.DOUBLE_CONNECT : null;
    if (truncated && type !== T.PUBLISH) return null;
    if (!this.connected && !this.gapped) return type === T.CONNACK ? null : E.UNINTRODUCED_MESSAGE;
    if (type !== T.PUBLISH && type !== T.SUBSCRIBE && type !== T.UNSUBSCRIBE) return null;
    if (qos === 3) return E.INVALID_QOS_LEVEL;
    return qos > 0 && told.messageId < 0 ? E.MISSING_MSG_ID : null;
  }

  private wait(id: number, tx: HeldTransaction): void {
    this.waiting.set(id, tx);
    this.waitingBytes += tx.heldBytes();
    this.listener.onProgress(tx, tx.direction);
    while (this.waiting.size > MOST_OPEN || this.waitingBytes > MOST_HELD_BYTES) {
      const [oldestId, oldest] = this.waiting.entries().next().value as [number, HeldTransaction];
      this.listener.onEvent(oldest, oldest.direction, E.TOO_MANY_TRANSACTIONS);
      this.complete(oldestId, oldest);
    }
  }

  private complete(id: number, tx: HeldTransaction): void {
    this.waiting.delete(id);
    this.waitingBytes -= tx.heldBytes();
    this.finish(tx);
  }

  private finish(tx: HeldTransaction): void {
    tx.reach(TO_SERVER, MqttProgress.COMPLETE);
    tx.reach(TO_CLIENT, MqttProgress.COMPLETE);
    this.listener.onProgress(tx, tx.direction);
    this.listener.onTransactionEnd(tx);
  }

  /** The framing or a message makes no sense: what follows is not looked at. */
  private malformed(direction: Direction): void {
    this.listener.onEvent(null, direction, E.MALFORMED_TRAFFIC);
    for (const reader of this.readers) reader.stop();
  }
}
