/** Headers of QUIC packets (RFC 8999, RFC 9000 section 17, RFC 9369; Google's before that). */

import { isGoogle, QuicVersion } from './versions';

export const PacketType = {
  INITIAL: 0,
  ZERO_RTT: 1,
  HANDSHAKE: 2,
  RETRY: 3,
  NEGOTIATION: 4,
  SHORT: 5,
} as const;

const LONG = 0x80;
/** Flags of the public header before Q044. */
const PublicFlag = { VERSION: 0x01, NONCE: 0x04, CONNECTION: 0x08, MULTIPATH: 0x40 } as const;
const GOOGLE_HASH = 12;
const NONCE_BYTES = 32;
const CONNECTION_BYTES = 8;
const LONGEST_CONNECTION = 20;

/** Numbers of variable length (RFC 9000 section 16). */
export class VariableNumber {
  value = 0;

  /** @returns place behind the number, -1 where it does not fit; numbers above 2^53 are read as infinite */
  read(bytes: Uint8Array, at: number, end: number): number {
    if (at >= end) return -1;
    const size = 1 << (bytes[at] >> 6);
    if (size > end - at) return -1;
    let value = bytes[at] & 0x3f;
    for (let i = 1; i < size; i++) value = value * 256 + bytes[at + i];
    this.value = value <= Number.MAX_SAFE_INTEGER ? value : Number.POSITIVE_INFINITY;
    return at + size;
  }
}

const number = new VariableNumber();

export class QuicHeader {
  long = false;
  type: number = PacketType.SHORT;
  version = 0;
  /** Where the version stands; -1: nowhere. */
  versionAt = -1;
  connectionStart = 0;
  connectionEnd = 0;
  /** End of the header, without the packet number of IETF's. */
  end = 0;
  /** End of the packet. */
  packetEnd = 0;

  /** @returns whether a packet begins here */
  read(bytes: Uint8Array, start: number, end: number): boolean {
    if (start >= end) return false;
    const first = bytes[start];
    this.long = (first & LONG) !== 0;
    this.version = 0;
    this.versionAt = -1;
    this.connectionStart = start;
    this.connectionEnd = start;
    this.packetEnd = end;
    if (this.long) return this.readLong(bytes, start, end, first);
    if ((first & PublicFlag.MULTIPATH) === 0) return this.readPublic(bytes, start, end, first);
    this.type = PacketType.SHORT;
    this.end = start + 1;
    return true;
  }

  private readPublic(bytes: Uint8Array, start: number, end: number, first: number): boolean {
    let i = start + 1;
    if ((first & PublicFlag.CONNECTION) !== 0) {
      this.connectionStart = i;
      i += CONNECTION_BYTES;
      this.connectionEnd = i;
    } else if ((first & PublicFlag.NONCE) !== 0) i += NONCE_BYTES;
    this.type = PacketType.SHORT;
    if ((first & PublicFlag.VERSION) !== 0) {
      if (end - i < 4) return false;
      this.version = wordAt(bytes, i);
      i += 4;
      this.type = PacketType.INITIAL;
    }
    i += 1 + ((first & 0x30) >> 4);
    if ((first & PublicFlag.CONNECTION) !== 0) i += GOOGLE_HASH;
    this.end = i;
    return i <= end;
  }

  private readLong(bytes: Uint8Array, start: number, end: number, first: number): boolean {
    if (end - start < 6) return false;
    const version = wordAt(bytes, start + 1);
    this.version = version;
    this.versionAt = start + 1;
    const type = longType(version, first);
    if (type < 0) return false;
    this.type = type;
    let i = this.readConnections(bytes, start + 5, end, version);
    if (i < 0) return false;
    if (type === PacketType.INITIAL && isGoogle(version)) i += 4 + GOOGLE_HASH;
    else if (type === PacketType.INITIAL) {
      // The token.
      i = number.read(bytes, i, end);
      if (i < 0 || number.value > end - i) return false;
      i += number.value;
    }
    this.end = i;
    if (isGoogle(version) || type > PacketType.HANDSHAKE) return i <= end;
    // Another packet may follow in the datagram, also behind one that nobody can read yet (RFC 9000 section 12.2).
    i = number.read(bytes, i, end);
    if (i < 0 || number.value > end - i) return false;
    this.end = i;
    this.packetEnd = i + number.value;
    return true;
  }

  /** @returns place behind the identifiers of the connection, -1 where they do not fit */
  private readConnections(bytes: Uint8Array, start: number, end: number, version: number): number {
    let i = start + 1;
    if (isGoogle(version)) {
      const to = bytes[start] >> 4;
      const from = bytes[start] & 15;
      this.connectionStart = i;
      this.connectionEnd = i + (to === 0 ? 0 : to + 3);
      i = this.connectionEnd + (from === 0 ? 0 : from + 3);
      return i <= end ? i : -1;
    }
    this.connectionStart = i;
    i += bytes[start];
    this.connectionEnd = i;
    if (i >= end) return -1;
    i += 1 + bytes[i];
    return i <= end ? i : -1;
  }

  /** Whether the identifiers have the lengths they may have in versions 1 and 2. */
  get plausibleConnection(): boolean {
    return this.connectionEnd - this.connectionStart <= LONGEST_CONNECTION;
  }
}

function longType(version: number, first: number): number {
  if (version === QuicVersion.NEGOTIATION) return PacketType.NEGOTIATION;
  if (isGoogle(version) && version !== QuicVersion.Q046) {
    switch (first & 0x7f) {
      case 0x7f:
        return PacketType.INITIAL;
      case 0x7e:
        return PacketType.RETRY;
      case 0x7d:
        return PacketType.HANDSHAKE;
      case 0x7c:
        return PacketType.ZERO_RTT;
      default:
        return -1;
    }
  }
  const type = (first & 0x30) >> 4;
  // Version 2 numbers them anew: Retry 0, Initial 1, 0-RTT 2, Handshake 3.
  return version === QuicVersion.V2 ? (type + 3) & 3 : type;
}

function wordAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}
