/**
 * SIP of one flow (RFC 3261): over UDP a datagram is a message, over TCP the head and its Content-Length tell where one
 * ends. Every message is a transaction that is over at once, so nothing is held but a message that is not yet whole.
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
  Transport,
} from '../transaction';
import { SIP_MESSAGE, SipFrame } from './buffers';
import { contentLength, endOfHead, messageParts, readMessage, readStartLine, StartLine } from './message';

/** Bytes of a message head over TCP; one that is longer is not read. */
export const LONGEST_SIP_HEAD = 32_768;
/** Bytes of a message over TCP that are looked at; what follows is passed over. */
const LONGEST_SIP_MESSAGE = 65_536;

export const SipEvent = { INCOMPLETE_DATA: 'sip.incomplete_data', INVALID_DATA: 'sip.invalid_data' } as const;

const { TO_SERVER, TO_CLIENT } = Directions;
const CR = 0x0d;
const LF = 0x0a;

export class SipParser implements ProtocolParser, RecordSink {
  readonly protocol = 'sip';
  private nextId = 0;
  private readonly readers: readonly [RecordReader, RecordReader];
  /** By direction: how far from its start the present message was searched for the end of its head. */
  private readonly searched: [number, number] = [0, 0];

  constructor(
    pool: BufferPool,
    private readonly frames: Frames,
    private readonly listener: TransactionListener,
    private readonly transport: Transport,
  ) {
    const reader = (direction: Direction) =>
      new RecordReader(pool, this, direction, LONGEST_SIP_HEAD, LONGEST_SIP_MESSAGE);
    this.readers = [reader(TO_SERVER), reader(TO_CLIENT)];
  }

  feed(direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    if (this.transport === Transport.TCP) this.readers[direction].feed(bytes, start, end);
    else if (start < end) this.datagram(direction, bytes, start, end);
  }

  gap(direction: Direction, length: number): void {
    this.searched[direction] = 0;
    this.readers[direction].gap(length);
  }

  close(direction: Direction): void {
    const reader = this.readers[direction];
    if (!reader.atBoundary) this.listener.onEvent(null, direction, SipEvent.INCOMPLETE_DATA);
    reader.clear();
  }

  heldBytes(): number {
    return this.readers[0].heldBytes() + this.readers[1].heldBytes();
  }

  reset(): void {
    for (const reader of this.readers) reader.reset();
    this.searched.fill(0);
    this.nextId = 0;
  }

  measure(direction: Direction, bytes: Uint8Array, start: number, end: number): number {
    // Blank lines between messages keep the connection open (RFC 5626 section 3.5.1).
    if (bytes[start] === CR || bytes[start] === LF) return 1;
    const searched = this.searched[direction];
    if (searched === 0 && readStartLine(bytes, start, end) === StartLine.INVALID) return -1;
    const body = endOfHead(bytes, start, end, start + searched - 3);
    if (body < 0) {
      this.searched[direction] = end - start;
      return 0;
    }
    this.searched[direction] = 0;
    return body - start + Math.max(0, contentLength(bytes, start, body));
  }

  record(direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    if (bytes[start] !== CR && bytes[start] !== LF) this.message(direction, bytes, start, end);
  }

  rest(): void {}

  missing(): void {}

  lost(direction: Direction): void {
    this.searched[direction] = 0;
    this.listener.onEvent(null, direction, SipEvent.INVALID_DATA);
  }

  resume(_direction: Direction, bytes: Uint8Array, start: number, end: number): number {
    return readStartLine(bytes, start, end) > 0 ? start : -1;
  }

  private datagram(direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    let i = start;
    while (i < end && (bytes[i] === CR || bytes[i] === LF || bytes[i] === 0)) i++;
    if (i < end) this.message(direction, bytes, i, end);
  }

  private message(direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    const kind = readStartLine(bytes, start, end);
    if (kind <= 0) {
      this.listener.onEvent(null, direction, kind === 0 ? SipEvent.INCOMPLETE_DATA : SipEvent.INVALID_DATA);
      return;
    }
    const tx = new HeldTransaction(this.nextId++);
    tx.direction = direction;
    const valid = readMessage(tx, direction, kind, bytes, start, end);
    if (this.frames.wanted !== 0) this.showFrames(direction, kind, bytes, start, end);
    // The other direction has no part in it.
    tx.reach(TO_SERVER, SIP_MESSAGE);
    tx.reach(TO_CLIENT, SIP_MESSAGE);
    if (!valid) this.listener.onEvent(tx, direction, SipEvent.INVALID_DATA);
    this.listener.onProgress(tx, direction);
    this.listener.onTransactionEnd(tx);
  }

  /** Of the message that was read last. */
  private showFrames(
    direction: Direction,
    kind: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const { frames, listener } = this;
    const { headers, headersEnd, body } = messageParts;
    const first = kind === StartLine.REQUEST ? SipFrame.REQUEST_LINE : SipFrame.RESPONSE_LINE;
    frames.show(listener, direction, SipFrame.PDU, bytes, start, end);
    frames.show(listener, direction, first, bytes, start, headers);
    if (headers < headersEnd) frames.show(listener, direction, first + 1, bytes, headers, headersEnd);
    if (body < end) frames.show(listener, direction, first + 2, bytes, body, end);
  }
}
