/**
 * RDP of one flow up to its encryption (MS-RDPBCGR section 1.3.1.1): the connection request and its answer in X.224, the
 * settings in MCS, and the certificate where TLS follows. Then nothing more is looked at.
 */

import { MessageParser, MessageTransaction } from '../framing/message-parser';
import {
  type BufferView,
  type Direction,
  Direction as Directions,
  type TransactionListener,
  Transport,
} from '../transaction';

/** Bytes of a TPKT or of a TLS record. */
const MESSAGE_BYTES = 1 << 16;
const TPKT = 3;
const TPKT_HEADER = 4;
const TLS_HEADER = 5;
const TlsRecord = { CHANGE_CIPHER_SPEC: 20, ALERT: 21, HANDSHAKE: 22, APPLICATION: 23 } as const;
const CERTIFICATE = 11;

export const RdpMessage = {
  INITIAL_REQUEST: 'initial_request',
  INITIAL_RESPONSE: 'initial_response',
  CONNECT_REQUEST: 'connect_request',
  CONNECT_RESPONSE: 'connect_response',
  TLS_HANDSHAKE: 'tls_handshake',
} as const;
export type RdpMessage = (typeof RdpMessage)[keyof typeof RdpMessage];

const LONGEST_COOKIE = 256;
const COOKIE = 'Cookie: mstshash=';

/** One message. It is over when it was shown, so the parsers of a worker share one. There are no buffers. */
export class RdpTransaction extends MessageTransaction {
  message: RdpMessage = RdpMessage.INITIAL_REQUEST;
  cookie = '';

  buffer(_id: number, _index: number, _out: BufferView): boolean {
    return false;
  }
}

export class RdpParser extends MessageParser {
  readonly protocol = 'rdp';
  private encrypted = false;

  /** @param tx shared by all parsers of a worker */
  constructor(
    private readonly tx: RdpTransaction,
    listener: TransactionListener,
  ) {
    super(listener, Transport.TCP, MESSAGE_BYTES);
  }

  protected messageLength(bytes: Uint8Array, start: number, end: number): number {
    if (bytes[start] === TPKT && !this.encrypted) {
      if (end - start < TPKT_HEADER) return 0;
      const length = (bytes[start + 2] << 8) | bytes[start + 3];
      return length > TPKT_HEADER ? length : -1;
    }
    if (bytes[start] < TlsRecord.CHANGE_CIPHER_SPEC || bytes[start] > TlsRecord.APPLICATION) return -1;
    if (end - start < TLS_HEADER) return 0;
    return TLS_HEADER + ((bytes[start + 3] << 8) | bytes[start + 4]);
  }

  protected message(direction: Direction, bytes: Uint8Array, start: number, end: number): boolean {
    if (bytes[start] !== TPKT || this.encrypted) return this.tlsRecord(direction, bytes, start, end);
    const client = direction === Directions.TO_SERVER;
    if (end - start < TPKT_HEADER + 2) return true;
    const kind = bytes[start + TPKT_HEADER + 1] & 0xf0;
    if (kind === 0xe0 && client) this.tell(direction, RdpMessage.INITIAL_REQUEST, bytes, start, end);
    else if (kind === 0xd0 && !client) this.tell(direction, RdpMessage.INITIAL_RESPONSE, bytes, start, end);
    else if (kind === 0xf0) return this.data(direction, bytes, start + TPKT_HEADER + 3, end);
    return true;
  }

  /** Connect-Initial and Connect-Response of MCS (ITU-T T.125 section 7) in an X.224 data message. */
  private data(direction: Direction, bytes: Uint8Array, start: number, end: number): boolean {
    const client = direction === Directions.TO_SERVER;
    if (end - start < 2 || bytes[start] !== 0x7f) return true;
    if (client && bytes[start + 1] === 0x65)
      this.tell(direction, RdpMessage.CONNECT_REQUEST, bytes, start, end);
    if (client || bytes[start + 1] !== 0x66) return true;
    this.tell(direction, RdpMessage.CONNECT_RESPONSE, bytes, start, end);
    return false;
  }

  private tlsRecord(direction: Direction, bytes: Uint8Array, start: number, end: number): boolean {
    this.encrypted = true;
    if (bytes[start] === TlsRecord.APPLICATION) return false;
    if (direction === Directions.TO_SERVER || bytes[start] !== TlsRecord.HANDSHAKE) return true;
    let i = start + TLS_HEADER;
    while (end - i >= 4) {
      if (bytes[i] === CERTIFICATE) {
        this.tell(direction, RdpMessage.TLS_HANDSHAKE, bytes, i, end);
        return false;
      }
      i += 4 + ((bytes[i + 1] << 16) | (bytes[i + 2] << 8) | bytes[i + 3]);
    }
    return true;
  }

  private tell(
    direction: Direction,
    message: RdpMessage,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const { tx } = this;
    tx.id = this.transactions++;
    tx.matchState = null;
    tx.direction = direction;
    tx.message = message;
    tx.cookie = '';
    if (message === RdpMessage.INITIAL_REQUEST) {
      const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, Math.min(end - start, LONGEST_COOKIE));
      const at = text.indexOf(COOKIE, 0, 'latin1');
      const stop = at < 0 ? -1 : text.indexOf('\r\n', at, 'latin1');
      if (stop > 0) tx.cookie = text.toString('latin1', at + COOKIE.length, stop);
    }
    this.announce(tx);
  }

  override reset(): void {
    super.reset();
    this.encrypted = false;
  }
}
