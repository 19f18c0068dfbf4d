/**
 * QUIC of one flow, as far as it can be read without being part of it: headers of long form, and the hellos in initial
 * packets. Every packet is a transaction; behind the hello of a direction nothing is looked at.
 */

import { NO_BYTES } from '../buffer-pool';
import { Hello } from '../tls/hello';
import {
  type Direction,
  Direction as Directions,
  type ProtocolParser,
  type TransactionListener,
} from '../transaction';
import { QuicEvent } from './buffers';
import { CryptoStream } from './crypto-stream';
import { type FrameSink, readFrames } from './frames';
import type { TagMessage } from './google-tags';
import { PacketType, QuicHeader } from './header';
import { InitialKeys } from './keys';
import { PACKETS } from './limits';
import type { QuicTransaction } from './quic-transaction';

const MESSAGE_HEADER = 4;
const CLIENT_HELLO = 1;
const SERVER_HELLO = 2;

const header = new QuicHeader();
const ignored = { fault() {} };

export class QuicParser implements ProtocolParser, FrameSink {
  readonly protocol = 'quic';
  private transactions = 0;
  private keys: InitialKeys | null = null;
  private readonly streams: readonly [CryptoStream, CryptoStream] = [new CryptoStream(), new CryptoStream()];
  /** Directions whose hello was seen. */
  private readonly greeted: [boolean, boolean] = [false, false];
  private retried = false;
  private stopped = false;
  private direction: Direction = Directions.TO_SERVER;
  private tooLong = false;

  /** @param tx shared by all parsers of a worker */
  constructor(
    private readonly tx: QuicTransaction,
    private readonly listener: TransactionListener,
  ) {}

  get tags(): TagMessage[] {
    return this.tx.tags;
  }

  feed(direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    this.direction = direction;
    const stop = Math.min(end, bytes.length);
    let i = Math.max(0, start);
    for (let count = 0; count < PACKETS && i < stop; count++) {
      if (this.stopped || this.greeted[direction]) return;
      if (!header.read(bytes, i, stop)) {
        this.stop();
        return;
      }
      if (header.type === PacketType.SHORT) return;
      i = this.packet(direction, bytes, i);
    }
  }

  gap(): void {}

  close(direction: Direction): void {
    this.streams[direction].clear();
  }

  heldBytes(): number {
    return this.streams[0].heldBytes() + this.streams[1].heldBytes();
  }

  reset(): void {
    this.transactions = 0;
    this.keys = null;
    this.streams[0].clear();
    this.streams[1].clear();
    this.greeted[0] = false;
    this.greeted[1] = false;
    this.retried = false;
    this.stopped = false;
  }

  private stop(): void {
    this.stopped = true;
    this.keys = null;
    this.streams[0].clear();
    this.streams[1].clear();
  }

  /** Takes the packet whose header was read. @returns place behind it */
  private packet(direction: Direction, bytes: Uint8Array, start: number): number {
    const { tx } = this;
    const { version, packetEnd } = header;
    tx.direction = direction;
    tx.begin(this.transactions++, version, bytes, header.versionAt);
    let wrong = '';
    if (header.type === PacketType.INITIAL) wrong = this.initial(direction, bytes, start);
    else if (header.type === PacketType.RETRY && direction === Directions.TO_CLIENT) this.retry();
    if (wrong !== '') {
      tx.hello = null;
      tx.tags.length = 0;
      this.listener.onEvent(tx, direction, wrong);
      this.stop();
    }
    if (this.tooLong) this.listener.onEvent(tx, direction, QuicEvent.CRYPTO_FRAG_TOO_LONG);
    this.tooLong = false;
    this.listener.onProgress(tx, direction);
    this.listener.onTransactionEnd(tx);
    tx.matchState = null;
    tx.end();
    if (this.greeted[direction]) this.streams[direction].clear();
    return packetEnd;
  }

  /** The server wants the hello again, with another identifier of the connection (RFC 9000 section 17.2.5). */
  private retry(): void {
    if (this.keys === null || this.retried) return;
    this.retried = true;
    this.keys = null;
    this.greeted[Directions.TO_SERVER] = false;
    this.streams[Directions.TO_SERVER].clear();
  }

  /** @returns '' or the event that tells what is wrong */
  private initial(direction: Direction, bytes: Uint8Array, start: number): string {
    const { version, end, packetEnd, connectionStart, connectionEnd } = header;
    this.keys ??= InitialKeys.of(version, bytes.subarray(connectionStart, connectionEnd));
    const { tx } = this;
    let payload: Uint8Array = bytes;
    let from = end;
    let to = packetEnd;
    if (this.keys !== null && packetEnd > end) {
      payload = this.keys.open(direction, bytes, start, end, packetEnd) ?? NO_BYTES;
      if (payload === NO_BYTES) return QuicEvent.FAILED_DECRYPT;
      from = 0;
      to = payload.length;
    }
    tx.payload = payload;
    return readFrames(payload, from, to, this) ? '' : QuicEvent.ERROR_ON_DATA;
  }

  crypto(offset: number, bytes: Uint8Array, start: number, end: number): boolean {
    const { direction } = this;
    if (this.greeted[direction]) return true;
    const stream = this.streams[direction];
    if (!stream.add(offset, bytes, start, end)) {
      this.tooLong = true;
      return true;
    }
    const { length } = stream;
    if (length < MESSAGE_HEADER) return true;
    const message = stream.bytes;
    if (message[0] !== CLIENT_HELLO && message[0] !== SERVER_HELLO) return false;
    const size = MESSAGE_HEADER + ((message[1] << 16) | (message[2] << 8) | message[3]);
    if (length < size) return true;
    const hello = new Hello();
    if (!hello.read(message, MESSAGE_HEADER, size, message[0] === CLIENT_HELLO, ignored)) return false;
    this.greeted[direction] = true;
    this.tx.hello = hello;
    return true;
  }
}
