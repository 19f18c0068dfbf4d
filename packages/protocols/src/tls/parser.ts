/**
 * TLS of one flow: records (RFC 8446 section 5.1) and, while they can be read, the handshake messages in them. From
 * encrypted records only the headers are looked at.
 *
 * Invariants:
 * - a record is acted on when it is whole; until then it is held, application data excepted;
 * - what was shown to the rules is let go of: at rest a connection holds its transaction and nothing else;
 * - each turn of the feed loop takes a byte.
 */

import type { BufferPool } from '../buffer-pool';
import type { Frames } from '../frames/frames';
import {
  type Direction,
  Direction as Directions,
  type ProtocolParser,
  type TransactionListener,
} from '../transaction';
import { TlsProgress, TlsSeen } from './buffers';
import { TlsEvent } from './events';
import { TlsHandshake } from './handshake';
import { Heartbeats } from './heartbeat';
import { u16 } from './hello';
import { RECORD_BYTES } from './limits';
import { TlsRecordFrames } from './record-frames';
import { type Side, SideFlag } from './side';
import { Ssl2Message, Ssl2Record } from './ssl2';
import { TlsTransaction } from './tls-transaction';
import { isKnownVersion, TlsVersion } from './versions';

const { TO_SERVER, TO_CLIENT } = Directions;

const RecordType = {
  CHANGE_CIPHER_SPEC: 20,
  ALERT: 21,
  HANDSHAKE: 22,
  APPLICATION: 23,
  HEARTBEAT: 24,
} as const;

const HEADER = 5;
/** Of all versions but SSL 2. */
const MAJOR = 3;
const FATAL = 2;
const CLIENT_HELLO = 1;

const ssl2 = new Ssl2Record();

export class TlsParser extends TlsHandshake implements ProtocolParser {
  readonly protocol = 'tls';
  private heartbeats: Heartbeats | null = null;
  private applicationData = false;
  /** Only where a rule looks at frames. */
  private records: TlsRecordFrames | null = null;

  constructor(
    private readonly pool: BufferPool,
    private readonly frames: Frames,
    listener: TransactionListener,
  ) {
    super(listener);
  }
  /** SSL 2: the hellos were seen; what the client's said of the session. */
  private ssl2Hellos = 0;
  private ssl2Resumes = false;
  private ssl2MasterKey = false;

  /** From here on the connection carries encrypted data: its bytes tell rules nothing. */
  get opaque(): boolean {
    return this.applicationData && this.records === null;
  }

  feed(direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    const stop = Math.min(end, bytes.length);
    let i = Math.max(0, start);
    const side = this.sides[direction];
    if (i >= stop || side.has(SideFlag.CLOSED)) return;
    // From the first byte on, or nothing tells where a record begins.
    if (this.frames.wanted !== 0 && this.tx === null)
      this.records ??= new TlsRecordFrames(this.pool, this.frames, this.listener);
    this.records?.feed(direction, bytes, i, stop);
    // The inside of a long record of data: nothing else can follow from it.
    if (side.skip >= stop - i && !side.has(SideFlag.DIRTY)) {
      side.skip -= stop - i;
      return;
    }
    if (this.stopped && !side.has(SideFlag.DIRTY)) return;
    if (this.tx === null) this.tx = new TlsTransaction(this.sides);
    this.tx.current = direction;
    while (i < stop && !this.stopped) i = this.step(direction, side, bytes, i, stop);
    this.finishHandshake();
    if (side.has(SideFlag.DIRTY)) this.notify(direction, side);
    this.tx.own();
    side.settle();
  }

  gap(direction: Direction, length: number): void {
    this.records?.gap(direction, length);
    const side = this.sides[direction];
    if (!(length > 0) || this.stopped || side.has(SideFlag.CLOSED)) return;
    if (this.tx !== null && side.skip >= length) side.skip -= length;
    else this.stop();
  }

  close(direction: Direction): void {
    const side = this.sides[direction];
    if (side.has(SideFlag.CLOSED)) return;
    side.flags |= SideFlag.CLOSED;
    side.drop();
    this.records?.close(direction);
    const { tx } = this;
    if (tx === null) return;
    tx.current = direction;
    this.reach(direction, TlsProgress.FINISHED);
    if (side.has(SideFlag.DIRTY)) this.notify(direction, side);
    if (this.sides[0].has(SideFlag.CLOSED) && this.sides[1].has(SideFlag.CLOSED)) this.end();
  }

  heldBytes(): number {
    const held = this.records?.heldBytes() ?? 0;
    return this.tx === null ? held : held + this.sides[0].heldBytes() + this.sides[1].heldBytes();
  }

  override reset(): void {
    super.reset();
    this.records?.close(TO_SERVER);
    this.records?.close(TO_CLIENT);
    this.records = null;
    this.heartbeats = null;
    this.applicationData = false;
    this.ssl2Hellos = 0;
    this.ssl2Resumes = false;
    this.ssl2MasterKey = false;
  }

  private step(direction: Direction, side: Side, bytes: Uint8Array, start: number, end: number): number {
    if (side.skip > 0) {
      const count = Math.min(side.skip, end - start);
      side.skip -= count;
      return start + count;
    }
    const { pending } = side;
    if (pending !== null && pending.recordLeft > 0) {
      const { record } = pending;
      const count = Math.min(pending.recordLeft, end - start);
      record.append(bytes, start, start + count);
      pending.recordLeft -= count;
      if (pending.recordLeft === 0) {
        this.record(direction, side, pending.recordType, record.bytes, 0, record.end);
        this.giveBack(record);
      }
      return start + count;
    }
    const begun = pending === null ? 0 : pending.headerLength;
    const first = pending !== null && begun > 0 ? pending.header[0] : bytes[start];
    if ((first & 0xc0) !== 0) return this.ssl2Step(direction, side, bytes, start, end);
    if (begun === 0 && end - start >= HEADER) {
      return this.header(direction, side, bytes, start, bytes, start + HEADER, end);
    }
    const held = side.hold();
    const count = Math.min(HEADER - begun, end - start);
    for (let i = 0; i < count; i++) held.header[held.headerLength++] = bytes[start + i];
    if (held.headerLength < HEADER) return start + count;
    held.headerLength = 0;
    return this.header(direction, side, held.header, 0, bytes, start + count, end);
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
    if (side.version === TlsVersion.SSL_2) side.version = TlsVersion.UNKNOWN;
    const before = side.version;
    const ownHello = direction === TO_SERVER ? TlsSeen.CLIENT_HELLO : TlsSeen.SERVER_HELLO;
    if ((tx.seen & ownHello) === 0 || before === TlsVersion.UNKNOWN) {
      side.version = u16(head, headAt + 1);
    }
    if (type < RecordType.CHANGE_CIPHER_SPEC || type > RecordType.HEARTBEAT) {
      if (before !== TlsVersion.TLS_1_0 && before !== TlsVersion.TLS_1_1) {
        this.fail(TlsEvent.INVALID_RECORD_TYPE);
        return end;
      }
      // These versions say that unknown types are to be passed over; where the next record begins is not known.
      this.event(TlsEvent.INVALID_RECORD_TYPE);
      side.version = before;
      return end;
    }
    if (length > RECORD_BYTES) this.fail(TlsEvent.INVALID_RECORD_LENGTH);
    else if (!isKnownVersion(side.version)) {
      // Servers look at the first of the two numbers only, and some at none before the hello.
      if (side.version >> 8 === MAJOR || this.isBeforeHello(direction))
        this.event(TlsEvent.INVALID_RECORD_VERSION);
      else this.fail(TlsEvent.INVALID_RECORD_VERSION);
    }
    if (this.stopped) return end;
    if (length === 0) {
      // Servers pass over a number of them.
      this.event(TlsEvent.INVALID_RECORD_LENGTH);
      return start;
    }
    if (type === RecordType.APPLICATION) {
      this.application(direction);
      side.skip = length;
      return start;
    }
    if (type === RecordType.HANDSHAKE && this.isEncrypted() && !this.isBeforeHello(direction)) {
      side.skip = length;
      return start;
    }
    if (end - start >= length) {
      this.record(direction, side, type, bytes, start, start + length);
      return start + length;
    }
    const held = side.hold();
    held.recordType = type;
    held.recordLeft = length;
    return start;
  }

  private application(direction: Direction): void {
    const tx = this.tx as TlsTransaction;
    // Early data comes before the handshake is done (RFC 8446 section 2.3).
    if (this.earlyData && (tx.seen & TlsSeen.SERVER_HELLO) === 0) return;
    this.applicationData = true;
    this.reach(direction, TlsProgress.HANDSHAKE_DONE);
  }

  /** Whether it is the client that speaks, and neither its hello nor anything of the server was seen. */
  private isBeforeHello(direction: Direction): boolean {
    const { seen } = this.tx as TlsTransaction;
    const unheard = this.sides[TO_CLIENT].version === TlsVersion.UNKNOWN;
    return direction === TO_SERVER && (seen & TlsSeen.CLIENT_HELLO) === 0 && unheard;
  }

  /** Whether handshake messages can no longer be read. */
  private isEncrypted(): boolean {
    if (!this.cipherChanged()) return false;
    // TLS 1.3 sends the message for the sake of boxes in the middle only (RFC 8446 appendix D.4).
    const { seen } = this.tx as TlsTransaction;
    const hellos = TlsSeen.CLIENT_HELLO | TlsSeen.SERVER_HELLO;
    return (seen & hellos) !== TlsSeen.CLIENT_HELLO || this.sides[TO_SERVER].version <= TlsVersion.TLS_1_2;
  }

  private cipherChanged(): boolean {
    return ((this.sides[0].flags | this.sides[1].flags) & SideFlag.CHANGED_CIPHER) !== 0;
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
        side.flags |= SideFlag.CHANGED_CIPHER;
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
        if (side.has(SideFlag.CHANGED_CIPHER) && this.isBeforeHello(direction)) {
          // Some servers pass over what seemed to say that all is encrypted from here on.
          const begins = side.pending === null || side.pending.isBetweenMessages;
          if (begins && bytes[start] !== CLIENT_HELLO) return;
          side.flags &= ~SideFlag.CHANGED_CIPHER;
        }
        this.handshake(direction, side, bytes, start, end);
        return;
      default: {
        this.heartbeats ??= new Heartbeats();
        const wrong = this.heartbeats.read(direction, bytes, start, end, this.cipherChanged());
        if (wrong !== '') this.fail(wrong);
      }
    }
  }

  private ssl2Step(direction: Direction, side: Side, bytes: Uint8Array, start: number, end: number): number {
    const held = side.hold();
    const { header } = held;
    let i = start;
    for (;;) {
      const wanted = ssl2.wanted(header, held.headerLength);
      if (held.headerLength >= wanted) break;
      if (i >= end) return i;
      header[held.headerLength++] = bytes[i++];
    }
    const length = held.headerLength;
    held.headerLength = 0;
    side.version = TlsVersion.SSL_2;
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
    switch (ssl2.type) {
      case Ssl2Message.ERROR:
        this.event(TlsEvent.ERROR_MESSAGE_ENCOUNTERED);
        return;
      case Ssl2Message.CLIENT_HELLO:
        if (ssl2.version < 0) {
          this.fail(TlsEvent.INVALID_SSL_RECORD);
          return;
        }
        side.version = ssl2.version;
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
    if (direction === TO_CLIENT || !this.ssl2Resumes || this.ssl2MasterKey) side.flags |= SideFlag.ENCRYPTED;
    if (!this.sides[0].has(SideFlag.ENCRYPTED) || !this.sides[1].has(SideFlag.ENCRYPTED)) return;
    this.applicationData = true;
    this.stop();
  }
}
