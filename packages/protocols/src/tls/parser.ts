/**
 * TLS of one flow: records (RFC 8446 section 5.1) and, while they can be read, the handshake messages in them. From
 * encrypted records only the headers are looked at.
 *
 * Invariants:
 * - a record is acted on when it is whole; until then it is held, application data excepted;
 * - what was shown to the rules is let go of: at rest a connection holds its transaction and nothing else;
 * - each turn of the feed loop takes a byte.
 */

import type { PooledBytes } from '../buffer-pool';
import {
  type Direction,
  Direction as Directions,
  type ProtocolParser,
  type TransactionListener,
} from '../transaction';
import { TlsProgress, TlsSeen } from './buffers';
import { Certificate } from './certificate';
import { TlsEvent } from './events';
import { Heartbeats } from './heartbeat';
import { Hello, HelloFlag, u16 } from './hello';
import { MESSAGE_BYTES, RECORD_BYTES } from './limits';
import { Side } from './side';
import { Ssl2Message, Ssl2Record } from './ssl2';
import { CertificateChain, TlsTransaction } from './tls-transaction';
import { isKnownVersion, TlsVersion } from './versions';

const { TO_SERVER, TO_CLIENT } = Directions;

const RecordType = {
  CHANGE_CIPHER_SPEC: 20,
  ALERT: 21,
  HANDSHAKE: 22,
  APPLICATION: 23,
  HEARTBEAT: 24,
} as const;

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

const HEADER = 5;
const MESSAGE_HEADER = 4;
const FATAL = 2;

const ssl2 = new Ssl2Record();

export class TlsParser implements ProtocolParser {
  readonly protocol = 'tls';
  private readonly sides: readonly [Side, Side] = [new Side(), new Side()];
  private tx: TlsTransaction | null = null;
  private heartbeats: Heartbeats | null = null;
  /** The framing is lost, or nothing that can be read will come. */
  private stopped = false;
  private applicationData = false;
  private earlyData = false;
  private needsClientCertificate = false;
  /** SSL 2: the hellos were seen; what the client's said of the session. */
  private ssl2Hellos = 0;
  private ssl2Resumes = false;
  private ssl2MasterKey = false;
  /** Session id that the client would resume, until the server has answered. */
  private sessionId = '';
  private readonly fault = (event: string) => this.event(event);

  constructor(private readonly listener: TransactionListener) {}

  /** From here on the connection carries encrypted data: its bytes tell rules nothing. */
  get opaque(): boolean {
    return this.applicationData;
  }

  feed(direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    const stop = Math.min(end, bytes.length);
    let i = Math.max(0, start);
    const side = this.sides[direction];
    if (i >= stop || side.closed) return;
    if (this.tx === null) this.tx = new TlsTransaction();
    this.tx.current = direction;
    while (i < stop && !this.stopped) i = this.step(direction, side, bytes, i, stop);
    this.finishHandshake();
    if (side.dirty) this.notify(direction, side);
    this.tx.own();
  }

  gap(direction: Direction, length: number): void {
    const side = this.sides[direction];
    if (!(length > 0) || this.stopped || side.closed) return;
    if (this.tx !== null && side.skip >= length) side.skip -= length;
    else this.stop();
  }

  close(direction: Direction): void {
    const side = this.sides[direction];
    if (side.closed) return;
    side.closed = true;
    side.drop();
    const { tx } = this;
    if (tx === null) return;
    tx.current = direction;
    this.reach(direction, TlsProgress.FINISHED);
    if (side.dirty) this.notify(direction, side);
    if (this.sides[0].closed && this.sides[1].closed) this.end();
  }

  heldBytes(): number {
    if (this.tx === null) return 0;
    return this.sides[0].heldBytes() + this.sides[1].heldBytes() + this.tx.heldBytes();
  }

  reset(): void {
    this.end();
    this.sides[0].reset();
    this.sides[1].reset();
    this.heartbeats = null;
    this.stopped = false;
    this.applicationData = false;
    this.earlyData = false;
    this.needsClientCertificate = false;
    this.ssl2Hellos = 0;
    this.ssl2Resumes = false;
    this.ssl2MasterKey = false;
    this.sessionId = '';
  }

  private end(): void {
    const { tx } = this;
    if (tx === null) return;
    this.tx = null;
    tx.release(TO_SERVER);
    tx.release(TO_CLIENT);
    this.listener.onTransactionEnd(tx);
    tx.matchState = null;
  }

  private event(name: string): void {
    const tx = this.tx as TlsTransaction;
    this.listener.onEvent(tx, tx.current, name);
  }

  /** What is wrong cannot be mended: nothing more is looked at. */
  private fail(event: string): void {
    this.event(event);
    this.stop();
  }

  private stop(): void {
    this.stopped = true;
    this.sides[0].drop();
    this.sides[1].drop();
    if (this.tx === null) return;
    this.reach(TO_SERVER, TlsProgress.FINISHED);
    this.reach(TO_CLIENT, TlsProgress.FINISHED);
  }

  private reach(direction: Direction, progress: number): void {
    const tx = this.tx as TlsTransaction;
    if (tx.progressOf[direction] >= progress) return;
    tx.progressOf[direction] = progress;
    this.sides[direction].dirty = true;
  }

  private see(what: number): void {
    const tx = this.tx as TlsTransaction;
    if ((tx.seen & what) === what) return;
    tx.see(what);
    this.sides[0].dirty = true;
    this.sides[1].dirty = true;
  }

  /** The certificates are all that rules wait for: once they are there, the handshake counts as done on both sides. */
  private finishHandshake(): void {
    if (this.stopped || !this.sides[this.needsClientCertificate ? TO_SERVER : TO_CLIENT].leaf) return;
    this.reach(TO_SERVER, TlsProgress.HANDSHAKE_DONE);
    this.reach(TO_CLIENT, TlsProgress.HANDSHAKE_DONE);
  }

  private notify(direction: Direction, side: Side): void {
    const tx = this.tx as TlsTransaction;
    side.dirty = false;
    this.listener.onProgress(tx, direction);
    tx.shown(direction);
    if (tx.progressOf[direction] >= TlsProgress.HELLO) tx.release(direction);
  }

  // --- records ---

  private step(direction: Direction, side: Side, bytes: Uint8Array, start: number, end: number): number {
    if (side.skip > 0) {
      const count = Math.min(side.skip, end - start);
      side.skip -= count;
      return start + count;
    }
    if (side.recordLeft > 0) {
      const count = Math.min(side.recordLeft, end - start);
      side.record.append(bytes, start, start + count);
      side.recordLeft -= count;
      if (side.recordLeft === 0) {
        const { record } = side;
        this.record(direction, side, side.recordType, record.bytes, 0, record.end);
        this.giveBack(record);
      }
      return start + count;
    }
    const first = side.headerLength > 0 ? side.header[0] : bytes[start];
    if ((first & 0xc0) !== 0) return this.ssl2Step(direction, side, bytes, start, end);
    if (side.headerLength === 0 && end - start >= HEADER) {
      return this.header(direction, side, bytes, start, bytes, start + HEADER, end);
    }
    const count = Math.min(HEADER - side.headerLength, end - start);
    for (let i = 0; i < count; i++) side.header[side.headerLength++] = bytes[start + i];
    if (side.headerLength < HEADER) return start + count;
    side.headerLength = 0;
    return this.header(direction, side, side.header, 0, bytes, start + count, end);
  }

  /** What was held is given back; where the transaction shows bytes of it, they are copied. */
  private giveBack(held: PooledBytes): void {
    const tx = this.tx as TlsTransaction;
    if (tx.borrows(held.bytes)) tx.own();
    held.clear();
  }

  /**
   * Reads a header at `headAt` of `head`; its record begins at `start` of `bytes`.
   * @returns index of the first byte that was not taken
   */
  private header(
    direction: Direction,
    side: Side,
    head: Uint8Array,
    headAt: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): number {
    const tx = this.tx as TlsTransaction;
    const type = head[headAt];
    const length = u16(head, headAt + 3);
    if (tx.version[direction] === TlsVersion.SSL_2) tx.version[direction] = TlsVersion.UNKNOWN;
    const before = tx.version[direction];
    const ownHello = direction === TO_SERVER ? TlsSeen.CLIENT_HELLO : TlsSeen.SERVER_HELLO;
    if ((tx.seen & ownHello) === 0 || before === TlsVersion.UNKNOWN) {
      tx.version[direction] = u16(head, headAt + 1);
    }
    if (type < RecordType.CHANGE_CIPHER_SPEC || type > RecordType.HEARTBEAT) {
      if (before !== TlsVersion.TLS_1_0 && before !== TlsVersion.TLS_1_1) {
        this.fail(TlsEvent.INVALID_RECORD_TYPE);
        return end;
      }
      // These versions say that unknown types are to be passed over; where the next record begins is not known.
      this.event(TlsEvent.INVALID_RECORD_TYPE);
      tx.version[direction] = before;
      return end;
    }
    if (length === 0) this.fail(TlsEvent.INVALID_RECORD_LENGTH);
    else if (!isKnownVersion(tx.version[direction])) this.fail(TlsEvent.INVALID_RECORD_VERSION);
    else if (length > RECORD_BYTES) this.fail(TlsEvent.INVALID_RECORD_LENGTH);
    if (this.stopped) return end;
    if (type === RecordType.APPLICATION) {
      this.application(direction);
      side.skip = length;
      return start;
    }
    if (type === RecordType.HANDSHAKE && this.isEncrypted()) {
      side.skip = length;
      return start;
    }
    if (end - start >= length) {
      this.record(direction, side, type, bytes, start, start + length);
      return start + length;
    }
    side.recordType = type;
    side.recordLeft = length;
    return start;
  }

  private application(direction: Direction): void {
    const tx = this.tx as TlsTransaction;
    // Early data comes before the handshake is done (RFC 8446 section 2.3).
    if (this.earlyData && (tx.seen & TlsSeen.SERVER_HELLO) === 0) return;
    this.applicationData = true;
    this.reach(direction, TlsProgress.HANDSHAKE_DONE);
  }

  /** Whether handshake messages can no longer be read. */
  private isEncrypted(): boolean {
    if (!this.sides[0].changedCipher && !this.sides[1].changedCipher) return false;
    // TLS 1.3 sends the message for the sake of boxes in the middle only (RFC 8446 appendix D.4).
    const { seen, version } = this.tx as TlsTransaction;
    const hellos = TlsSeen.CLIENT_HELLO | TlsSeen.SERVER_HELLO;
    return (seen & hellos) !== TlsSeen.CLIENT_HELLO || version[TO_SERVER] <= TlsVersion.TLS_1_2;
  }

  /** A whole record. */
  private record(
    direction: Direction,
    side: Side,
    type: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    switch (type) {
      case RecordType.CHANGE_CIPHER_SPEC:
        side.changedCipher = true;
        if (direction === TO_SERVER) this.reach(TO_SERVER, TlsProgress.HANDSHAKE_DONE);
        return;
      case RecordType.ALERT:
        if (end - start < 2) this.fail(TlsEvent.INVALID_ALERT_MESSAGE);
        else if (end - start === 2 && bytes[start] === FATAL) {
          // Longer ones are encrypted.
          this.reach(TO_SERVER, TlsProgress.FINISHED);
          this.reach(TO_CLIENT, TlsProgress.FINISHED);
        }
        return;
      case RecordType.HANDSHAKE:
        this.handshake(direction, side, bytes, start, end);
        return;
      default: {
        this.heartbeats ??= new Heartbeats();
        const changed = this.sides[0].changedCipher || this.sides[1].changedCipher;
        const wrong = this.heartbeats.read(direction, bytes, start, end, changed);
        if (wrong !== '') this.fail(wrong);
      }
    }
  }

  // --- handshake messages ---

  private handshake(direction: Direction, side: Side, bytes: Uint8Array, start: number, end: number): void {
    if (end - start < MESSAGE_HEADER) {
      this.fail(TlsEvent.INVALID_SSL_RECORD);
      return;
    }
    let i = start;
    while (i < end && !this.stopped) {
      if (side.messageLeft > 0) {
        i = this.continueMessage(direction, side, bytes, i, end);
        continue;
      }
      if (end - i < MESSAGE_HEADER) {
        this.event(TlsEvent.INVALID_SSL_RECORD);
        this.fail(TlsEvent.INVALID_HANDSHAKE_MESSAGE);
        return;
      }
      const type = bytes[i];
      const size = (bytes[i + 1] << 16) | u16(bytes, i + 2);
      i += MESSAGE_HEADER;
      if (!KNOWN_MESSAGES.has(type)) {
        if (!side.changedCipher) this.event(TlsEvent.INVALID_HANDSHAKE_MESSAGE);
        i += Math.min(size, end - i);
      } else if (size <= end - i) {
        this.message(direction, side, type, bytes, i, i + size);
        i += size;
      } else {
        side.messageType = type;
        side.messageSize = size;
        side.messageLeft = size;
      }
    }
  }

  private continueMessage(
    direction: Direction,
    side: Side,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): number {
    const count = Math.min(side.messageLeft, end - start);
    // Too long to be held, or of no interest: only its end matters.
    const wanted = side.messageSize <= MESSAGE_BYTES;
    if (wanted) side.message.append(bytes, start, start + count);
    side.messageLeft -= count;
    if (side.messageLeft > 0) return start + count;
    if (wanted) {
      const { message } = side;
      this.message(direction, side, side.messageType, message.bytes, 0, message.end);
    } else this.event(TlsEvent.INVALID_HANDSHAKE_MESSAGE);
    this.giveBack(side.message);
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
        if (!side.certificates) this.certificates(direction, side, bytes, start, end);
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
    const whole = hello.read(bytes, start, end, client, this.fault);
    if (end - start >= 2) tx.version[direction] = hello.version;
    if (hello.serverNameStart >= 0) {
      // The second hello after a retry counts too.
      if (side.named) this.event(TlsEvent.MULTIPLE_SNI_EXTENSIONS);
      else {
        side.named = true;
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
    tx.hellos[direction] ??= hello;
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
  private certificates(
    direction: Direction,
    side: Side,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    if (end - start < 3) return;
    const stop = start + 3 + ((bytes[start] << 16) | u16(bytes, start + 1));
    if (stop > end) return;
    const tx = this.tx as TlsTransaction;
    const chain = new CertificateChain();
    chain.bytes = bytes;
    chain.start = start + 3;
    chain.end = stop;
    side.certificates = true;
    tx.chains[direction] = chain;
    let i = start + 3;
    while (i < stop) {
      const size = stop - i < 3 ? stop : (bytes[i] << 16) | u16(bytes, i + 1);
      if (size > stop - i - 3) {
        this.event(TlsEvent.INVALID_CERTIFICATE);
        return;
      }
      i += 3;
      if (this.leaf(chain, side, bytes, i, i + size)) chain.add(i, i + size);
      i += size;
    }
  }

  /** @returns false where the certificate is the first one that should be readable, and is not */
  private leaf(chain: CertificateChain, side: Side, bytes: Uint8Array, start: number, end: number): boolean {
    if (side.leaf) return true;
    const certificate = new Certificate();
    const wrong = certificate.read(bytes, start, end);
    if (wrong !== '') {
      this.event(wrong);
      return false;
    }
    side.leaf = true;
    chain.leaf = certificate;
    return true;
  }

  // --- SSL 2 ---

  private ssl2Step(direction: Direction, side: Side, bytes: Uint8Array, start: number, end: number): number {
    const { header } = side;
    let i = start;
    const tx = this.tx as TlsTransaction;
    for (;;) {
      const wanted = ssl2.wanted(header, side.headerLength);
      if (side.headerLength >= wanted) break;
      if (i >= end) return i;
      header[side.headerLength++] = bytes[i++];
    }
    const length = side.headerLength;
    side.headerLength = 0;
    tx.version[direction] = TlsVersion.SSL_2;
    if (!ssl2.read(header, length)) {
      this.event(TlsEvent.INVALID_SSLV2_HEADER);
      this.fail(TlsEvent.INVALID_SSL_RECORD);
      return end;
    }
    side.skip = ssl2.rest;
    this.ssl2Message(direction, side);
    return this.stopped ? end : i;
  }

  private ssl2Message(direction: Direction, side: Side): void {
    const tx = this.tx as TlsTransaction;
    switch (ssl2.type) {
      case Ssl2Message.ERROR:
        this.event(TlsEvent.ERROR_MESSAGE_ENCOUNTERED);
        return;
      case Ssl2Message.CLIENT_HELLO:
        if (ssl2.version < 0) {
          this.fail(TlsEvent.INVALID_SSL_RECORD);
          return;
        }
        tx.version[direction] = ssl2.version;
        this.ssl2Hellos |= 1;
        this.ssl2Resumes = ssl2.sessionLength > 0;
        this.see(TlsSeen.CLIENT_HELLO);
        this.reach(TO_SERVER, TlsProgress.HELLO);
        return;
      case Ssl2Message.SERVER_HELLO:
        this.ssl2Hellos |= 2;
        this.see(TlsSeen.SERVER_HELLO);
        this.reach(TO_CLIENT, TlsProgress.HELLO);
        return;
      case Ssl2Message.CLIENT_MASTER_KEY:
        this.ssl2MasterKey = true;
        return;
      case Ssl2Message.CLIENT_CERTIFICATE:
        if (direction === TO_SERVER) this.see(TlsSeen.CLIENT_KEY_EXCHANGE);
        this.reach(TO_CLIENT, TlsProgress.CERTIFICATE);
        break;
      case Ssl2Message.CLIENT_FINISHED:
      case Ssl2Message.SERVER_VERIFY:
      case Ssl2Message.SERVER_FINISHED:
      case Ssl2Message.REQUEST_CERTIFICATE:
        break;
      default:
        return;
    }
    if (this.ssl2Hellos !== 3) return;
    if (direction === TO_CLIENT || !this.ssl2Resumes || this.ssl2MasterKey) side.encrypted = true;
    if (!this.sides[0].encrypted || !this.sides[1].encrypted) return;
    this.applicationData = true;
    this.stop();
  }
}
