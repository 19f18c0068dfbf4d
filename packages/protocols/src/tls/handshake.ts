/** Handshake messages (RFC 8446 section 4, RFC 5246 section 7.4), put together from records. */

import { type Direction, Direction as Directions } from '../transaction';
import { TlsProgress, TlsSeen } from './buffers';
import { Certificate } from './certificate';
import { CertificateChain } from './certificate-chain';
import { TlsConnection } from './connection';
import { TlsEvent } from './events';
import { Hello, HelloFlag, u16 } from './hello';
import { MESSAGE_BYTES } from './limits';
import { type Pending, type Side, SideFlag } from './side';
import type { TlsTransaction } from './tls-transaction';

const { TO_SERVER, TO_CLIENT } = Directions;

const MessageType = {
  HELLO_REQUEST: 0,
  CLIENT_HELLO: 1,
  SERVER_HELLO: 2,
  NEW_SESSION_TICKET: 4,
  CERTIFICATE: 11,
  SERVER_KEY_EXCHANGE: 12,
  CERTIFICATE_REQUEST: 13,
  SERVER_HELLO_DONE: 14,
  CERTIFICATE_VERIFY: 15,
  CLIENT_KEY_EXCHANGE: 16,
  FINISHED: 20,
  CERTIFICATE_URL: 21,
  CERTIFICATE_STATUS: 22,
} as const;

const KNOWN_MESSAGES: ReadonlySet<number> = new Set(Object.values(MessageType));

const MESSAGE_HEADER = 4;

/** What is known of the handshake of a connection. */
export abstract class TlsHandshake extends TlsConnection {
  protected earlyData = false;
  private needsClientCertificate = false;
  /** Session id that the client would resume, until the server has answered. */
  private sessionId = '';

  override reset(): void {
    super.reset();
    this.earlyData = false;
    this.needsClientCertificate = false;
    this.sessionId = '';
  }

  /** The certificates are all that rules wait for: once they are there, the handshake counts as done on both sides. */
  protected finishHandshake(): void {
    if (this.stopped || !this.sides[this.needsClientCertificate ? TO_SERVER : TO_CLIENT].has(SideFlag.LEAF))
      return;
    this.reach(TO_SERVER, TlsProgress.HANDSHAKE_DONE);
    this.reach(TO_CLIENT, TlsProgress.HANDSHAKE_DONE);
  }

  /** The contents of a record. Messages begin and end anywhere in it, their headers too. */
  protected handshake(direction: Direction, side: Side, bytes: Uint8Array, start: number, end: number): void {
    if (end - start < MESSAGE_HEADER && (side.pending === null || side.pending.isBetweenMessages))
      this.event(TlsEvent.INVALID_SSL_RECORD);
    let i = start;
    while (i < end && !this.stopped) {
      const { pending } = side;
      if (pending !== null && pending.messageLeft > 0) {
        i = this.continueMessage(direction, side, pending, bytes, i, end);
      } else if ((pending !== null && pending.begunLength > 0) || end - i < MESSAGE_HEADER) {
        const held = side.hold();
        while (held.begunLength < MESSAGE_HEADER && i < end) held.begun[held.begunLength++] = bytes[i++];
        if (held.begunLength < MESSAGE_HEADER) return;
        held.begunLength = 0;
        i = this.beginMessage(direction, side, held.begun, 0, bytes, i, end);
      } else i = this.beginMessage(direction, side, bytes, i, bytes, i + MESSAGE_HEADER, end);
    }
  }

  /**
   * Reads the header of a message at `headAt` of `head`; the message begins at `start` of `bytes`.
   * @returns index of the first byte that was not taken
   */
  private beginMessage(
    direction: Direction,
    side: Side,
    head: Uint8Array,
    headAt: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): number {
    const type = head[headAt];
    const size = (head[headAt + 1] << 16) | u16(head, headAt + 2);
    if (!KNOWN_MESSAGES.has(type)) {
      if (!side.has(SideFlag.CHANGED_CIPHER)) this.event(TlsEvent.INVALID_HANDSHAKE_MESSAGE);
      return start + Math.min(size, end - start);
    }
    if (size <= end - start) {
      this.message(direction, side, type, bytes, start, start + size);
      return start + size;
    }
    const held = side.hold();
    held.messageType = type;
    held.messageSize = size;
    held.messageLeft = size;
    return start;
  }

  private continueMessage(
    direction: Direction,
    side: Side,
    held: Pending,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): number {
    const count = Math.min(held.messageLeft, end - start);
    const fits = held.messageSize <= MESSAGE_BYTES;
    if (fits) held.message.append(bytes, start, start + count);
    held.messageLeft -= count;
    if (held.messageLeft > 0) return start + count;
    if (fits) this.message(direction, side, held.messageType, held.message.bytes, 0, held.message.end);
    else this.event(TlsEvent.INVALID_HANDSHAKE_MESSAGE);
    this.giveBack(held.message);
    return start + count;
  }

  private message(
    direction: Direction,
    side: Side,
    type: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    switch (type) {
      case MessageType.CLIENT_HELLO:
      case MessageType.SERVER_HELLO:
        this.hello(direction, side, type === MessageType.CLIENT_HELLO, bytes, start, end);
        return;
      case MessageType.CERTIFICATE:
        if (!side.has(SideFlag.CERTIFICATES)) this.certificates(side, bytes, start, end);
        this.reach(direction, TlsProgress.CERTIFICATE);
        return;
      case MessageType.CERTIFICATE_REQUEST:
        if (direction === TO_CLIENT) this.needsClientCertificate = true;
        return;
      case MessageType.CLIENT_KEY_EXCHANGE:
        this.see(TlsSeen.CLIENT_KEY_EXCHANGE);
        return;
      case MessageType.SERVER_KEY_EXCHANGE:
        this.see(TlsSeen.SERVER_KEY_EXCHANGE);
        return;
      default:
    }
  }

  private hello(
    direction: Direction,
    side: Side,
    client: boolean,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const tx = this.tx as TlsTransaction;
    const hello = new Hello();
    const whole = hello.read(bytes, start, end, client, this);
    if (end - start >= 2) side.version = hello.version;
    if (hello.serverNameStart >= 0) {
      // The second hello after a retry counts too.
      if (side.has(SideFlag.NAMED)) this.event(TlsEvent.MULTIPLE_SNI_EXTENSIONS);
      else {
        side.flags |= SideFlag.NAMED;
        tx.serverName = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString(
          'latin1',
          hello.serverNameStart,
          hello.serverNameEnd,
        );
      }
    }
    if (client) {
      if ((hello.flags & HelloFlag.EARLY_DATA) !== 0) this.earlyData = true;
      if ((hello.flags & HelloFlag.SESSION_TICKET) !== 0) tx.resumed = true;
    }
    this.compareSession(tx, hello);
    // What was not looked at yet is what counts.
    side.hello ??= hello;
    this.see(client ? TlsSeen.CLIENT_HELLO : TlsSeen.SERVER_HELLO);
    if (whole) this.reach(direction, TlsProgress.HELLO);
  }

  private compareSession(tx: TlsTransaction, hello: Hello): void {
    const { bytes, sessionStart, sessionEnd } = hello;
    if (!hello.client && this.sessionId === '') return;
    const id = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString(
      'latin1',
      sessionStart,
      sessionEnd,
    );
    if (hello.client) this.sessionId = id;
    else {
      if (id === this.sessionId) tx.resumed = true;
      this.sessionId = '';
    }
  }

  /** The certificates of RFC 5246 section 7.4.2; those of TLS 1.3 are encrypted. */
  private certificates(side: Side, bytes: Uint8Array, start: number, end: number): void {
    if (end - start < 3) return;
    const stop = start + 3 + ((bytes[start] << 16) | u16(bytes, start + 1));
    if (stop > end) return;
    const chain = new CertificateChain();
    const certificate = new Certificate();
    chain.bytes = bytes;
    chain.start = start + 3;
    chain.end = stop;
    side.flags |= SideFlag.CERTIFICATES;
    side.chain = chain;
    let i = start + 3;
    while (i < stop) {
      const size = stop - i < 3 ? stop : (bytes[i] << 16) | u16(bytes, i + 1);
      if (size > stop - i - 3) {
        this.event(TlsEvent.INVALID_CERTIFICATE);
        return;
      }
      i += 3;
      if (this.leaf(chain, certificate, side, bytes, i, i + size)) chain.add(i, i + size);
      i += size;
    }
  }

  /** @returns false where the certificate is the first one that should be readable, and is not */
  private leaf(
    chain: CertificateChain,
    certificate: Certificate,
    side: Side,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): boolean {
    if (side.has(SideFlag.LEAF)) return true;
    const wrong = certificate.read(bytes, start, end);
    if (wrong !== '') {
      this.event(wrong);
      return false;
    }
    side.flags |= SideFlag.LEAF;
    chain.leaf = certificate;
    return true;
  }
}
