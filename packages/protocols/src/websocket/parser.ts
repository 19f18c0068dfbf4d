/** WebSocket of one flow (RFC 6455), behind the upgrade from HTTP/1. */

import { type BufferPool, NO_BYTES, PooledBytes } from '../buffer-pool';
import type { Frames } from '../frames/frames';
import { HeldTransaction } from '../records/held-transaction';
import { RecordReader, type RecordSink } from '../records/record-reader';
import {
  type Direction,
  Direction as Directions,
  type ProtocolParser,
  type TransactionListener,
} from '../transaction';
import { Flag, Opcode, WEBSOCKET_FRAME, WebsocketBuffer, WebsocketFrame } from './buffers';
import { MessageInflater } from './message-inflater';

/** Bytes of a payload, of one frame or of a message in fragments, that are looked at. */
export const LONGEST_PAYLOAD = 65_535;

export const WebsocketEvent = {
  SKIP_END_OF_PAYLOAD: 'websocket.skip_end_of_payload',
  REASSEMBLY_LIMIT_REACHED: 'websocket.reassembly_limit_reached',
} as const;

/** Bytes of the longest frame header. */
const HEADER = 14;
const MASKED = 0x80;
const { TO_SERVER, TO_CLIENT } = Directions;
const B = WebsocketBuffer;

/** A message in fragments, of one direction. */
class Message {
  readonly payload: PooledBytes;
  compressed = false;
  open = false;

  constructor(pool: BufferPool) {
    this.payload = new PooledBytes(pool, LONGEST_PAYLOAD);
  }

  clear(): void {
    this.payload.clear();
    this.open = false;
  }
}

/** The header that was read last. */
const header = { size: 0, length: 0, masked: false };

/** @returns false where more bytes are needed */
function readHeader(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < 2) return false;
  const short = bytes[start + 1] & 0x7f;
  const extended = short === 126 ? 2 : short === 127 ? 8 : 0;
  header.masked = (bytes[start + 1] & MASKED) !== 0;
  header.size = 2 + extended + (header.masked ? 4 : 0);
  if (end - start < header.size) return false;
  header.length = short;
  if (extended > 0) {
    header.length = 0;
    for (let i = 0; i < extended; i++) header.length = header.length * 256 + bytes[start + 2 + i];
  }
  return true;
}

export class WebsocketParser implements ProtocolParser, RecordSink {
  readonly protocol = 'websocket';
  private readonly readers: readonly [RecordReader, RecordReader];
  private readonly messages: readonly [Message, Message];
  private readonly inflaters: [MessageInflater | null, MessageInflater | null] = [null, null];
  private nextId = 0;

  constructor(
    private readonly pool: BufferPool,
    private readonly frames: Frames,
    private readonly listener: TransactionListener,
  ) {
    const reader = (direction: Direction) =>
      new RecordReader(pool, this, direction, HEADER, HEADER + LONGEST_PAYLOAD);
    this.readers = [reader(TO_SERVER), reader(TO_CLIENT)];
    this.messages = [new Message(pool), new Message(pool)];
  }

  feed(direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    this.readers[direction].feed(bytes, start, end);
  }

  gap(direction: Direction, length: number): void {
    this.readers[direction].gap(length);
  }

  close(direction: Direction): void {
    this.readers[direction].clear();
    this.messages[direction].clear();
    this.inflaters[direction] = null;
  }

  heldBytes(): number {
    let held = 0;
    for (const direction of [TO_SERVER, TO_CLIENT] as const) {
      held += this.readers[direction].heldBytes() + this.messages[direction].payload.bytes.length;
      held += this.inflaters[direction]?.heldBytes() ?? 0;
    }
    return held;
  }

  reset(): void {
    for (const direction of [TO_SERVER, TO_CLIENT] as const) {
      this.close(direction);
      this.readers[direction].reset();
    }
    this.nextId = 0;
  }

  measure(direction: Direction, bytes: Uint8Array, start: number, end: number): number {
    if (!readHeader(bytes, start, end)) return 0;
    if (header.length > Number.MAX_SAFE_INTEGER - HEADER) return -1;
    this.readers[direction].window = header.size + Math.min(header.length, LONGEST_PAYLOAD);
    return header.size + header.length;
  }

  record(direction: Direction, bytes: Uint8Array, start: number, end: number, length: number): void {
    readHeader(bytes, start, end);
    const { size, masked } = header;
    const { frames, listener } = this;
    if (frames.wanted !== 0) {
      frames.show(listener, direction, WebsocketFrame.HEADER, bytes, start, Math.min(end, start + size));
      frames.show(listener, direction, WebsocketFrame.PDU, bytes, start, end, end - start === length);
    }
    const first = bytes[start];
    const opcode = first & 15;
    const tx = new HeldTransaction(this.nextId++);
    tx.direction = direction;
    tx.putNumber(direction, B.OPCODE, opcode, 1);
    tx.putNumber(direction, B.FLAGS, first & 0xf0, 1);
    let payload = bytes;
    let from = start + size;
    let to = end;
    if (masked) {
      const key = from - 4;
      tx.putNumber(
        direction,
        B.MASK,
        bytes[key] * 0x1000000 + ((bytes[key + 1] << 16) | (bytes[key + 2] << 8) | bytes[key + 3]),
        4,
      );
      payload = unmasked(bytes, from, end, key);
      from = 0;
      to = payload.length;
    }
    if (start + length > end) this.listener.onEvent(tx, direction, WebsocketEvent.SKIP_END_OF_PAYLOAD);

    const message = this.messages[direction];
    const fin = (first & Flag.FIN) !== 0;
    let compressed = (first & Flag.COMPRESSED) !== 0;
    // Control frames may stand between the fragments of a message.
    if (opcode < Opcode.CLOSE && (!fin || message.open)) {
      if (!message.open) message.compressed = compressed;
      message.open = true;
      if (message.payload.append(payload, from, to) < to - from)
        this.listener.onEvent(tx, direction, WebsocketEvent.REASSEMBLY_LIMIT_REACHED);
      compressed = fin && message.compressed;
      if (fin) {
        payload = message.payload.bytes;
        from = 0;
        to = message.payload.end;
      }
    }
    if (compressed && fin && opcode < Opcode.CLOSE) {
      const inflated = this.inflater(direction).inflate(payload, from, to);
      // What cannot be decoded is looked at as it is.
      if (inflated.length > 0) {
        payload = inflated;
        from = 0;
        to = inflated.length;
      }
    }
    if (to > from) tx.put(direction, B.PAYLOAD, payload, from, to);
    // The other direction has no part in it.
    tx.reach(TO_SERVER, WEBSOCKET_FRAME);
    tx.reach(TO_CLIENT, WEBSOCKET_FRAME);
    this.listener.onProgress(tx, direction);
    this.listener.onTransactionEnd(tx);
    if (fin && opcode < Opcode.CLOSE) message.clear();
  }

  rest(): void {}

  missing(): void {}

  lost(direction: Direction): void {
    this.messages[direction].clear();
  }

  resume(): number {
    // Nothing marks the beginning of a frame.
    return -1;
  }

  private inflater(direction: Direction): MessageInflater {
    const known = this.inflaters[direction];
    if (known !== null) return known;
    const inflater = new MessageInflater(this.pool, LONGEST_PAYLOAD);
    this.inflaters[direction] = inflater;
    return inflater;
  }
}

/** @param key place of the masking key */
function unmasked(bytes: Uint8Array, start: number, end: number, key: number): Uint8Array {
  if (end <= start) return NO_BYTES;
  const out = new Uint8Array(end - start);
  const k0 = bytes[key];
  const k1 = bytes[key + 1];
  const k2 = bytes[key + 2];
  const k3 = bytes[key + 3];
  const whole = out.length - (out.length & 3);
  for (let i = 0, from = start; i < whole; i += 4, from += 4) {
    out[i] = bytes[from] ^ k0;
    out[i + 1] = bytes[from + 1] ^ k1;
    out[i + 2] = bytes[from + 2] ^ k2;
    out[i + 3] = bytes[from + 3] ^ k3;
  }
  for (let i = whole; i < out.length; i++) out[i] = bytes[start + i] ^ bytes[key + (i & 3)];
  return out;
}
