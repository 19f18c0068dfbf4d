/**
 * QUIC of one flow, as far as it can be read without being part of it: headers of long form, and the hellos in initial
 * packets. Every packet is a transaction. Behind the hellos of a direction nothing is looked at but whether another
 * connection begins; what cannot be read ends nothing, since both ends pass over that.
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
import { QuicConnection, QuicConnections } from './connections';
import { type FrameSink, readFrames } from './frames';
import type { TagMessage } from './google-tags';
import { PacketType, QuicHeader } from './header';
import { PACKETS } from './limits';
import type { QuicTransaction } from './quic-transaction';
import { saltOf } from './versions';

const MESSAGE_HEADER = 4;
const CLIENT_HELLO = 1;
const SERVER_HELLO = 2;

const header = new QuicHeader();
const ignored = { fault() {} };

export class QuicParser implements ProtocolParser, FrameSink {
  readonly protocol = 'quic';
  private transactions = 0;
  private readonly connections = new QuicConnections();
  /** Of versions that protect nothing, or in ways that are not known. */
  private readonly open = new QuicConnection(null);
  /** Whose frames are being read. */
  private connection = this.open;
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
      this.packet(direction, bytes, i);
      i = header.packetEnd;
    }
  }

  gap(): void {}

  close(direction: Direction): void {
    this.connections.close(direction);
    this.open.clear(direction);
  }

  heldBytes(): number {
    const { streams } = this.open;
    return this.connections.heldBytes() + streams[0].heldBytes() + streams[1].heldBytes();
  }

  reset(): void {
    this.transactions = 0;
    this.complained = false;
    this.connections.clear();
    for (const side of [0, 1] as const) {
      this.open.clear(side);
      this.open.greeted[side] = false;
    }
  }

  /** Takes the packet whose header was read: a transaction, unless there is nothing to learn from it. */
  private packet(direction: Direction, bytes: Uint8Array, start: number): void {
    const { type, version, end, packetEnd } = header;
    const settled = this.connections.settled(direction);
    // A client may begin another connection at any time.
    if (settled && (type !== PacketType.INITIAL || direction === Directions.TO_CLIENT)) return;
    const isProtected = type === PacketType.INITIAL && packetEnd > end && saltOf(version) !== '';
    let whose: QuicConnection | null = this.open;
    if (isProtected) {
      whose = this.connections.open(direction, bytes, start, header);
      if (whose === null ? settled : whose.greeted[direction]) return;
    }

    const { tx, connections } = this;
    tx.direction = direction;
    tx.begin(this.transactions++, version, bytes, header.versionAt);
    let wrong = '';
    if (whose === null) wrong = QuicEvent.FAILED_DECRYPT;
    else if (type === PacketType.INITIAL) {
      this.connection = whose;
      const payload = isProtected ? connections.payload : bytes;
      tx.payload = payload;
      if (!readFrames(payload, isProtected ? 0 : end, isProtected ? payload.length : packetEnd, this)) {
        wrong = QuicEvent.ERROR_ON_DATA;
        tx.hello = null;
        tx.tags.length = 0;
        // An end that cannot make sense of a packet of a connection closes that.
        connections.forget(whose);
      }
      if (whose.greeted[direction]) whose.clear(direction);
    }
    this.tell(direction, wrong);
    this.listener.onProgress(tx, direction);
    this.listener.onTransactionEnd(tx);
    tx.matchState = null;
    tx.end();
    connections.payload = NO_BYTES;
  }

  /** @param wrong an event, or '' */
  private tell(direction: Direction, wrong: string): void {
    const { tx, listener, connections } = this;
    if (wrong !== '' && !this.complained) {
      listener.onEvent(tx, direction, wrong);
      this.complained = true;
    }
    if (this.tooLong) listener.onEvent(tx, direction, QuicEvent.CRYPTO_FRAG_TOO_LONG);
    if (connections.overflow) listener.onEvent(tx, direction, QuicEvent.TOO_MANY_CONNECTIONS);
    this.tooLong = false;
    connections.overflow = false;
  }

  crypto(offset: number, bytes: Uint8Array, start: number, end: number): boolean {
    const { direction, connection } = this;
    if (connection.greeted[direction]) return true;
    const stream = connection.streams[direction];
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
    connection.greeted[direction] = true;
    this.tx.hello = hello;
    return true;
  }
}
