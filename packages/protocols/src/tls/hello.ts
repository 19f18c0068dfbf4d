/**
 * ClientHello and ServerHello (RFC 8446 section 4.1, RFC 5246 section 7.4.1), without the header of the message. Only
 * places are kept: what is not asked for costs nothing.
 */

import { TlsEvent } from './events';
import { APPLICATION_PROTOCOLS } from './limits';
import { isKnownVersion, TlsVersion } from './versions';

const NO_BYTES = new Uint8Array(0);

export const Extension = {
  SERVER_NAME: 0,
  SUPPORTED_GROUPS: 10,
  POINT_FORMATS: 11,
  SIGNATURE_ALGORITHMS: 13,
  ALPN: 16,
  SESSION_TICKET: 35,
  EARLY_DATA: 42,
  SUPPORTED_VERSIONS: 43,
  QUIC_PARAMETERS: 57,
} as const;

/** Bits of `Hello.flags`. */
export const HelloFlag = {
  EARLY_DATA: 1,
  SESSION_TICKET: 2,
  SUPPORTED_VERSIONS: 4,
} as const;

const RANDOM = 32;
const LONGEST_SERVER_NAME = 255;

/** Values that peers send so that unknown ones stay possible (RFC 8701): 0x0a0a, 0x1a1a … */
export function isGrease(value: number): boolean {
  return (value & 0x0f0f) === 0x0a0a && value >> 8 === (value & 0xff);
}

export function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 8) | bytes[at + 1];
}

/** Told of what is wrong with a hello. */
export interface HelloFaults {
  /** @param event one of `TlsEvent` */
  fault(event: string): void;
}

/** One hello, as places in the bytes that hold it. */
export class Hello {
  bytes: Uint8Array = NO_BYTES;
  start = 0;
  end = 0;
  client = true;
  /** The version field, as it stands there. */
  legacyVersion = 0;
  /** The version that is meant: that of the extension, where there is one. */
  version = 0;
  /** The highest version it names, for JA4. */
  highestVersion = 0;
  /** -1: it ends before. */
  random = -1;
  sessionStart = 0;
  sessionEnd = 0;
  cipherStart = 0;
  cipherEnd = 0;
  extensionsStart = 0;
  /** End of the last extension that could be read. */
  extensionsEnd = 0;
  /** -1: it has none. */
  serverNameStart = -1;
  serverNameEnd = -1;
  alpnStart = 0;
  alpnEnd = 0;
  flags = 0;
  private owned = false;

  /**
   * Reads `bytes[start, end)`, which it keeps.
   * @returns whether it could be read to its end, apart from extensions that are wrong in themselves
   */
  read(bytes: Uint8Array, start: number, end: number, client: boolean, faults: HelloFaults): boolean {
    this.clear();
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.client = client;
    if (end - start < 2) return this.tooShort(faults);
    const legacy = u16(bytes, start);
    this.legacyVersion = legacy;
    this.version = legacy;
    this.highestVersion = isGrease(legacy) ? 0 : legacy;
    const early = legacy === TlsVersion.TLS_1_3 || (legacy >= 0x7f01 && legacy < 0x7f10);
    if (early) this.version = TlsVersion.EARLY_DRAFT;
    // The ServerHello of early drafts has neither session id nor compression.
    const plain13 = !client && (early || legacy >> 8 === 0x7f);
    let i = start + 2;
    if (end - i < RANDOM) return this.tooShort(faults);
    this.random = i;
    i += RANDOM;
    if (!plain13) {
      if (i >= end || bytes[i] > end - i - 1) return this.tooShort(faults);
      this.sessionStart = i + 1;
      this.sessionEnd = i + 1 + bytes[i];
      i = this.sessionEnd;
    }
    if (end - i < 2) return this.tooShort(faults);
    let ciphers = 2;
    if (client) {
      ciphers = u16(bytes, i);
      i += 2;
    }
    if (ciphers > end - i || (ciphers & 1) !== 0) return this.tooShort(faults);
    this.cipherStart = i;
    i += ciphers;
    this.cipherEnd = i;
    if (!plain13) {
      if (i >= end) return this.tooShort(faults);
      if (client) {
        if (bytes[i] > end - i - 1) return this.tooShort(faults);
        i += bytes[i];
      }
      i++;
    }
    return this.readExtensions(i, faults);
  }

  private clear(): void {
    this.owned = false;
    this.random = -1;
    this.sessionStart = 0;
    this.sessionEnd = 0;
    this.cipherStart = 0;
    this.cipherEnd = 0;
    this.extensionsStart = 0;
    this.extensionsEnd = 0;
    this.serverNameStart = -1;
    this.serverNameEnd = -1;
    this.alpnStart = 0;
    this.alpnEnd = 0;
    this.flags = 0;
  }

  private tooShort(faults: HelloFaults): false {
    faults.fault(TlsEvent.HANDSHAKE_INVALID_LENGTH);
    return false;
  }

  private readExtensions(start: number, faults: HelloFaults): boolean {
    const { bytes, end } = this;
    let i = start;
    this.extensionsStart = i;
    this.extensionsEnd = i;
    // Extensions are optional.
    if (end - i < 2) return true;
    const length = u16(bytes, i);
    i += 2;
    this.extensionsStart = i;
    this.extensionsEnd = i;
    if (length > end - i) return this.tooShort(faults);
    const stop = i + length;
    while (i < stop) {
      if (end - i < 4) return this.tooShort(faults);
      const type = u16(bytes, i);
      const size = u16(bytes, i + 2);
      if (size > end - i - 4) return this.tooShort(faults);
      // What is wrong inside one extension ends the list, not the hello.
      if (!this.readExtension(type, i + 4, i + 4 + size, faults)) return true;
      i += 4 + size;
      this.extensionsEnd = i;
    }
    return true;
  }

  private readExtension(type: number, start: number, end: number, faults: HelloFaults): boolean {
    switch (type) {
      case Extension.SERVER_NAME:
        return start === end || this.readServerName(start, end, faults);
      case Extension.SUPPORTED_GROUPS:
        return start === end || this.fits(start, end, 2, 2, faults);
      case Extension.SIGNATURE_ALGORITHMS:
        return start === end || this.fits(start, end, 2, 2, faults);
      case Extension.POINT_FORMATS:
        return start === end || this.fits(start, end, 1, 1, faults);
      case Extension.ALPN:
        return start === end || this.readProtocols(start, end, faults);
      case Extension.SUPPORTED_VERSIONS:
        return start === end || this.readVersions(start, end, faults);
      case Extension.EARLY_DATA:
        if (this.client) this.flags |= HelloFlag.EARLY_DATA;
        return true;
      case Extension.SESSION_TICKET:
        if (this.client) this.flags |= HelloFlag.SESSION_TICKET;
        return true;
      default:
        return true;
    }
  }

  /** A list with its length before it in `width` bytes, of entries of `unit` bytes. */
  private fits(start: number, end: number, width: number, unit: number, faults: HelloFaults): boolean {
    if (end - start < width) return this.tooShort(faults);
    const length = width === 2 ? u16(this.bytes, start) : this.bytes[start];
    return (length <= end - start - width && length % unit === 0) || this.tooShort(faults);
  }

  /** RFC 6066 section 3: a list of names, of which only one of type host name is ever sent. */
  private readServerName(start: number, end: number, faults: HelloFaults): boolean {
    const { bytes } = this;
    if (end - start < 3) return this.tooShort(faults);
    if (bytes[start + 2] !== 0) {
      faults.fault(TlsEvent.INVALID_SNI_TYPE);
      return false;
    }
    if (end - start < 5) return this.tooShort(faults);
    const length = u16(bytes, start + 3);
    if (length === 0 || length > LONGEST_SERVER_NAME || length > end - start - 5) {
      faults.fault(TlsEvent.INVALID_SNI_LENGTH);
      return false;
    }
    if (this.serverNameStart >= 0) {
      faults.fault(TlsEvent.MULTIPLE_SNI_EXTENSIONS);
      return true;
    }
    this.serverNameStart = start + 5;
    this.serverNameEnd = start + 5 + length;
    return true;
  }

  /** RFC 7301 section 3.1. */
  private readProtocols(start: number, end: number, faults: HelloFaults): boolean {
    const { bytes } = this;
    if (!this.fits(start, end, 2, 1, faults)) return false;
    const stop = start + 2 + u16(bytes, start);
    let i = start + 2;
    let whole = i;
    while (i < stop) {
      i += 1 + bytes[i];
      if (i > end) return this.tooShort(faults);
      if (i <= stop) whole = i;
    }
    if (this.alpnStart === 0) {
      this.alpnStart = start + 2;
      this.alpnEnd = whole;
    }
    return true;
  }

  /** RFC 8446 section 4.2.1. */
  private readVersions(start: number, end: number, faults: HelloFaults): boolean {
    const { bytes } = this;
    if (!this.client) {
      if (end - start < 2) return this.tooShort(faults);
      this.version = u16(bytes, start);
      return true;
    }
    const length = bytes[start];
    if (length < 2 || length > end - start - 1) return this.tooShort(faults);
    this.flags |= HelloFlag.SUPPORTED_VERSIONS;
    // The first is the one it prefers; what is not a version is passed over.
    for (let i = start + 1; i + 1 < start + 1 + length; i += 2) {
      const version = u16(bytes, i);
      if (!isKnownVersion(version)) continue;
      this.version = version;
      if (version > this.highestVersion) this.highestVersion = version;
      break;
    }
    return true;
  }

  /** Place of the `index`-th name of the application protocols as `start * 256 + length`; -1 where there is none. */
  applicationProtocol(index: number): number {
    const { bytes, alpnEnd } = this;
    let left = Math.min(index, APPLICATION_PROTOCOLS);
    for (let i = this.alpnStart; i < alpnEnd; i += 1 + bytes[i]) {
      // Empty names are none.
      if (bytes[i] === 0) continue;
      if (left-- === 0) return index < APPLICATION_PROTOCOLS ? (i + 1) * 256 + bytes[i] : -1;
    }
    return -1;
  }

  /** Calls `visit` with type and place of each extension that could be read. */
  eachExtension(visit: (type: number, start: number, end: number) => void): void {
    const { bytes, extensionsEnd } = this;
    for (let i = this.extensionsStart; i + 4 <= extensionsEnd; ) {
      const next = i + 4 + u16(bytes, i + 2);
      visit(u16(bytes, i), i + 4, next);
      i = next;
    }
  }

  heldBytes(): number {
    return this.owned ? this.bytes.length : 0;
  }

  /** Moves on to a copy of its bytes, where they are only borrowed. */
  own(): void {
    if (this.owned) return;
    this.owned = true;
    const { start } = this;
    this.bytes = this.bytes.slice(start, this.end);
    this.start = 0;
    this.end -= start;
    if (this.random >= 0) this.random -= start;
    this.sessionStart -= start;
    this.sessionEnd -= start;
    this.cipherStart -= start;
    this.cipherEnd -= start;
    this.extensionsStart -= start;
    this.extensionsEnd -= start;
    if (this.serverNameStart >= 0) {
      this.serverNameStart -= start;
      this.serverNameEnd -= start;
    }
    this.alpnStart -= start;
    this.alpnEnd -= start;
  }
}
