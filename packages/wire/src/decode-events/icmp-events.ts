import { Icmp } from '../icmp';
import { DecodeEvent, type DecodeEvents } from './decode-event';

const UNKNOWN_CODE = DecodeEvent['icmpv4.unknown_code'];
const UNKNOWN_CODE6 = DecodeEvent['icmpv6.unknown_code'];
const IPV4_LENGTH = 20;
const IPV6_LENGTH = 40;

function word16(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 8) | bytes[at + 1];
}

/** Highest code of each ICMP type that is in use (IANA "ICMP Parameters"); -1: the type is not known. */
function highestCode(type: number): number {
  switch (type) {
    case 0:
    case 4:
    case 8:
    case 12:
    case 13:
    case 14:
    case 15:
    case 16:
    case 17:
    case 18:
      return 0;
    case 3:
      return 15;
    case 5:
      return 3;
    case 11:
      return 1;
    default:
      return -1;
  }
}

/** Types whose messages carry the beginning of the packet that they are about. */
const ABOUT_PACKET: ReadonlySet<number> = new Set([3, 4, 5, 11, 12]);

export function icmpEvents(bytes: Uint8Array, start: number, end: number, events: DecodeEvents): void {
  if (end - start < Icmp.LENGTH) {
    events.add(DecodeEvent['icmpv4.pkt_too_small']);
    return;
  }
  const type = bytes[start + Icmp.TYPE];
  const highest = highestCode(type);
  if (highest < 0) {
    events.add(DecodeEvent['icmpv4.unknown_type']);
    return;
  }
  if (bytes[start + Icmp.CODE] > highest) {
    events.add(UNKNOWN_CODE);
    return;
  }
  const packet = start + Icmp.LENGTH;
  if (!ABOUT_PACKET.has(type) || packet === end) return;
  if (end - packet < IPV4_LENGTH) events.add(DecodeEvent['icmpv4.ipv4_trunc_pkt']);
  else if (bytes[packet] >> 4 !== 4) events.add(DecodeEvent['icmpv4.ipv4_unknown_ver']);
}

const LISTENER_QUERY = 130;
const LISTENER_DONE = 132;
const LISTENER_REPORT_V2 = 143;

/** Highest code of each ICMPv6 type in use (IANA "ICMPv6 Parameters"); -1: none is known. */
function highestCode6(type: number): number {
  if (type === 1) return 8;
  if (type === 3) return 1;
  if (type === 4) return 10;
  if (type === 138) return 255;
  if (type === 139 || type === 140) return 2;
  if (type === 157 || type === 158) return 255;
  return type === 2 || (type >= 128 && type <= 155) ? 0 : -1;
}

/** Ranges of types that are not given away, or are free for experiments. */
function unknownType6(type: number): number {
  if (type === 100 || type === 101 || type === 200 || type === 201)
    return DecodeEvent['icmpv6.experimentation_type'];
  const unassigned = (type > 4 && type < 127) || type >= 160;
  return DecodeEvent[unassigned ? 'icmpv6.unassigned_type' : 'icmpv6.unknown_type'];
}

/** @param hopLimit of the IPv6 header */
export function icmpv6Events(
  bytes: Uint8Array,
  start: number,
  end: number,
  events: DecodeEvents,
  hopLimit: number,
): void {
  if (end - start < Icmp.LENGTH) {
    events.add(DecodeEvent['icmpv6.pkt_too_small']);
    return;
  }
  const type = bytes[start + Icmp.TYPE];
  const highest = highestCode6(type);
  if (highest < 0) {
    events.add(unknownType6(type));
    return;
  }
  if (bytes[start + Icmp.CODE] > highest) {
    events.add(UNKNOWN_CODE6);
    return;
  }
  const isListener = (type >= LISTENER_QUERY && type <= LISTENER_DONE) || type === LISTENER_REPORT_V2;
  // RFC 2710 §3: these messages never leave their link.
  if (isListener && hopLimit !== 1) events.add(DecodeEvent['icmpv6.mld_message_with_invalid_hl']);
  if (type < 1 || type > 4) return;
  const packet = start + Icmp.LENGTH;
  if (end - packet < IPV6_LENGTH) events.add(DecodeEvent['icmpv6.ipv6_trunc_pkt']);
  else if (bytes[packet] >> 4 !== 6) events.add(DecodeEvent['icmpv6.ipv6_unknown_version']);
}

/** RFC 2236 and RFC 3376. */
const Igmp = {
  LENGTH: 8,
  QUERY: 0x11,
  REPORT_V3: 0x22,
  QUERY_V3_LENGTH: 12,
  SOURCES: 10,
  RECORDS: 6,
  RECORD_LENGTH: 8,
  RECORD_AUXILIARY: 1,
  RECORD_SOURCES: 2,
  ADDRESS: 4,
} as const;

export function igmpEvents(bytes: Uint8Array, start: number, end: number, events: DecodeEvents): void {
  const length = end - start;
  if (length < Igmp.LENGTH) {
    events.add(DecodeEvent['igmp.pkt_too_small']);
    return;
  }
  const type = bytes[start];
  if (type === Igmp.QUERY && length >= Igmp.QUERY_V3_LENGTH) {
    const sources = word16(bytes, start + Igmp.SOURCES) * Igmp.ADDRESS;
    // More than a datagram can hold, beside an IP header with one option.
    if (sources > 65_535 - 36) events.add(DecodeEvent['igmp.malformed']);
    else if (length < Igmp.QUERY_V3_LENGTH + sources) events.add(DecodeEvent['igmp.v3_pkt_too_small']);
  } else if (type === Igmp.REPORT_V3) {
    recordEvents(bytes, start, end, events);
  }
}

function recordEvents(bytes: Uint8Array, start: number, end: number, events: DecodeEvents): void {
  const records = word16(bytes, start + Igmp.RECORDS);
  let at = start + Igmp.LENGTH;
  for (let record = 0; record < records; record++) {
    if (end - at < Igmp.RECORD_LENGTH) {
      events.add(DecodeEvent['igmp.v3_pkt_too_small']);
      return;
    }
    const auxiliary = bytes[at + Igmp.RECORD_AUXILIARY] * Igmp.ADDRESS;
    const sources = word16(bytes, at + Igmp.RECORD_SOURCES) * Igmp.ADDRESS;
    at += Igmp.RECORD_LENGTH + auxiliary + sources;
    if (at > end) {
      events.add(DecodeEvent['igmp.malformed']);
      return;
    }
  }
}
