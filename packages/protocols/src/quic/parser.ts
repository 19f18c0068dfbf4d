/**
 * QUIC of one flow, as far as it can be read without being part of it: headers of long form, and the hellos in initial
 * packets. Every packet is a transaction; behind the hello of a direction nothing is looked at but whether another
 * connection begins: both ends pass over what they cannot read, and tell connections by their identifiers.
 */

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
  /** A packet was opened with the keys: they are those of the connection. */
  private proven = false;
  private readonly streams: readonly [CryptoStream, CryptoStream] = [new CryptoStream(), new CryptoStream()];
  /** Directions whose hello was seen. */
  private readonly greeted: [boolean, boolean] = [false, false];
  private retried = false;
  /** Something was wrong: that is told once. */
  private complained = false;
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
      if (!header.read(bytes, i, stop) || header.type === PacketType.SHORT) return;
      if (!this.greeted[direction] || (direction === Directions.TO_SERVER && this.isOther(bytes, i)))
        i = this.packet(direction, bytes, i);
      else i = header.packetEnd;
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
    this.complained = false;
    this.forget();
  }

  /** What comes next is of another connection. */
  private forget(): void {
    this.keys = null;
    this.proven = false;
    this.retried = false;
    for (const side of [0, 1] as const) {
      this.streams[side].clear();
      this.greeted[side] = false;
    }
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
      if (!this.complained) this.listener.onEvent(tx, direction, wrong);
      this.complained = true;
      // A packet that is not of the connection ends nothing; an end that cannot make sense of one closes it.
      if (wrong === QuicEvent.ERROR_ON_DATA) this.forget();
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
    this.proven = false;
    this.greeted[Directions.TO_SERVER] = false;
    this.streams[Directions.TO_SERVER].clear();
  }

  /** @returns '' or the event that tells what is wrong */
  private initial(direction: Direction, bytes: Uint8Array, start: number): string {
    const { end, packetEnd } = header;
    this.keys ??= keysOf(bytes);
    const { tx } = this;
    let payload: Uint8Array = bytes;
    let from = end;
    let to = packetEnd;
    if (this.keys !== null && packetEnd > end) {
      const opened =
        this.keys.open(direction, bytes, start, end, packetEnd) ?? this.openOther(direction, bytes, start);
      if (opened === null) {
        if (!this.proven) this.keys = null;
        return QuicEvent.FAILED_DECRYPT;
      }
      this.proven = true;
      payload = opened;
      from = 0;
      to = payload.length;
    }
    tx.payload = payload;
    return readFrames(payload, from, to, this) ? '' : QuicEvent.ERROR_ON_DATA;
  }

  /** Whether the initial packet of a client is of another connection than the one whose hello was seen. */
  private isOther(bytes: Uint8Array, start: number): boolean {
    const { type, end, packetEnd } = header;
    if (type !== PacketType.INITIAL || packetEnd <= end) return false;
    if (this.keys?.open(Directions.TO_SERVER, bytes, start, end, packetEnd)) return false;
    return this.openOther(Directions.TO_SERVER, bytes, start) !== null;
  }

  /** Opens the first packet of another connection, which is the one that is looked at from here on. */
  private openOther(direction: Direction, bytes: Uint8Array, start: number): Buffer | null {
    const { end, packetEnd } = header;
    if (direction !== Directions.TO_SERVER) return null;
    const keys = keysOf(bytes);
    const opened = keys?.open(direction, bytes, start, end, packetEnd) ?? null;
    if (opened === null) return null;
    this.forget();
    this.keys = keys;
    return opened;
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

/** By the identifier in the packet whose header was read, which a client has chosen if it is its first. */
function keysOf(bytes: Uint8Array): InitialKeys | null {
  const { version, connectionStart, connectionEnd } = header;
  return InitialKeys.of(version, bytes.subarray(connectionStart, connectionEnd));
}
