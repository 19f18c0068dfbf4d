import { DecodeEvent } from '../decode-events/decode-event';

/** Bits of the first two bytes (RFC 1701, RFC 2784, RFC 2890; version 1: RFC 2637 §4.1). */
const CHECKSUM = 0x80;
const ROUTING = 0x40;
const KEY = 0x20;
const SEQUENCE = 0x10;
const STRICT_SOURCE_ROUTE = 0x08;
const RECURSION = 0x07;
/** In the second byte. */
const ACKNOWLEDGMENT = 0x80;
const RESERVED_FLAGS = 0x78;
const VERSION = 0x07;

const HEADER = 4;
const WORD = 4;
/** Address family, offset and length of a source route entry. */
const ROUTE_ENTRY = 4;

export const GreProtocol = {
  IPV4: 0x0800,
  ARP: 0x0806,
  ETHERNET: 0x6558,
  VLAN: 0x8100,
  IPV6: 0x86dd,
  PPP: 0x880b,
  ERSPAN: 0x88be,
} as const;

function word16(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 8) | bytes[at + 1];
}

/** The header of generic routing encapsulation. Reused for every packet. */
export class GreView {
  /** What the payload is: a number of `GreProtocol`, or another. */
  protocol = 0;
  /** Index of the first byte behind the header. */
  payload = 0;
  /** Says that there is a sequence number. */
  hasSequence = false;
  /** Point-to-point tunnelling (version 1) says the length of its payload; 0: nothing follows. -1: version 0. */
  payloadLength = -1;

  /** @returns -1, or the `DecodeEvent` that says why the header in `bytes[start, end)` makes no sense. */
  decode(bytes: Uint8Array, start: number, end: number): number {
    if (end - start < HEADER) return DecodeEvent['gre.pkt_too_small'];
    const flags = bytes[start];
    const version = bytes[start + 1] & VERSION;
    this.protocol = word16(bytes, start + 2);
    this.hasSequence = (flags & SEQUENCE) !== 0;
    this.payloadLength = -1;
    if (version === 0) return this.version0(bytes, start, end, flags);
    if (version === 1) return this.version1(bytes, start, end, flags);
    return DecodeEvent['gre.wrong_version'];
  }

  private version0(bytes: Uint8Array, start: number, end: number, flags: number): number {
    if ((flags & RECURSION) !== 0) return DecodeEvent['gre.version0_recur'];
    if ((bytes[start + 1] & RESERVED_FLAGS) !== 0) return DecodeEvent['gre.version0_flags'];
    let at = start + HEADER;
    if ((flags & KEY) !== 0) at += WORD;
    if ((flags & SEQUENCE) !== 0) at += WORD;
    if ((flags & (CHECKSUM | ROUTING)) !== 0) at += WORD;
    if (at > end) return DecodeEvent['gre.version0_hdr_too_big'];
    if ((flags & ROUTING) !== 0) {
      // Each entry takes four bytes at least, so the packet's end bounds the walk.
      for (;;) {
        if (end - at < ROUTE_ENTRY) return DecodeEvent['gre.version0_malformed_sre_hdr'];
        const family = word16(bytes, at);
        const length = bytes[at + 3];
        at += ROUTE_ENTRY;
        if (family === 0 && length === 0) break;
        at += length;
        if (at > end) return DecodeEvent['gre.version0_malformed_sre_hdr'];
      }
    }
    this.payload = at;
    return -1;
  }

  private version1(bytes: Uint8Array, start: number, end: number, flags: number): number {
    if ((flags & CHECKSUM) !== 0) return DecodeEvent['gre.version1_chksum'];
    if ((flags & ROUTING) !== 0) return DecodeEvent['gre.version1_route'];
    if ((flags & STRICT_SOURCE_ROUTE) !== 0) return DecodeEvent['gre.version1_ssr'];
    if ((flags & RECURSION) !== 0) return DecodeEvent['gre.version1_recur'];
    if ((bytes[start + 1] & RESERVED_FLAGS) !== 0) return DecodeEvent['gre.version1_flags'];
    if (this.protocol !== GreProtocol.PPP) return DecodeEvent['gre.version1_wrong_protocol'];
    if ((flags & KEY) === 0) return DecodeEvent['gre.version1_no_key'];
    let at = start + HEADER + WORD;
    if ((flags & SEQUENCE) !== 0) at += WORD;
    if ((bytes[start + 1] & ACKNOWLEDGMENT) !== 0) at += WORD;
    if (at > end) return DecodeEvent['gre.version1_hdr_too_big'];
    this.payloadLength = word16(bytes, start + HEADER);
    this.payload = at;
    return -1;
  }
}
