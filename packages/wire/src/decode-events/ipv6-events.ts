import { IpProtocol } from '../ip-protocol';
import { Ipv6 } from '../ipv6';
import { DecodeEvent, type DecodeEvents } from './decode-event';
import type { TransportEvents } from './packet-events';

const P = IpProtocol;
const TRUNCATED = DecodeEvent['ipv6.trunc_exthdr'];
const INVALID_OPTION_LENGTH = DecodeEvent['ipv6.exthdr_invalid_optlen'];

/** Options of hop-by-hop and destination headers (IANA "Destination Options and Hop-by-Hop Options"). */
const Option = { PAD1: 0, PADN: 1, ROUTER_ALERT: 5, JUMBO: 0xc2, HOME_ADDRESS: 0xc9 } as const;
const ROUTER_ALERT_LENGTH = 2;
const JUMBO_LENGTH = 4;
const HOME_ADDRESS_LENGTH = 16;

const FRAGMENT_LENGTH = 8;
/** Fixed part of an authentication header. */
const AUTHENTICATION_LENGTH = 12;
const MAX_DESTINATION_HEADERS = 2;
/** Length of the largest datagram that fragments may add up to. */
const MAX_DATAGRAM = Ipv6.MAX_PAYLOAD;

function word16(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 8) | bytes[at + 1];
}

export function ipv6Events(
  bytes: Uint8Array,
  start: number,
  end: number,
  events: DecodeEvents,
  transport: TransportEvents,
): void {
  if (end - start < Ipv6.LENGTH) {
    events.add(DecodeEvent['ipv6.pkt_too_small']);
    return;
  }
  const length = word16(bytes, start + Ipv6.PAYLOAD_LENGTH);
  const first = start + Ipv6.LENGTH;
  if (length > end - first) {
    events.add(DecodeEvent['ipv6.trunc_pkt']);
    return;
  }
  const hopLimit = bytes[start + Ipv6.HOP_LIMIT];
  extensionEvents(bytes, first, first + length, bytes[start + Ipv6.NEXT_HEADER], hopLimit, events, transport);
}

/** Walks the chain of extension headers; each is eight bytes at least, so the packet's end bounds the walk. */
function extensionEvents(
  bytes: Uint8Array,
  first: number,
  end: number,
  firstHeader: number,
  hopLimit: number,
  events: DecodeEvents,
  transport: TransportEvents,
): void {
  let at = first;
  let header = firstHeader;
  let fragments = 0;
  let routing = 0;
  let hopByHop = 0;
  let destination = 0;
  let authentication = 0;
  for (;;) {
    if (header === P.NO_NEXT_HEADER) {
      if (end > at) events.add(DecodeEvent['ipv6.data_after_none_header']);
      return;
    }
    const isLast = !isExtension(header);
    if (end - at < 2 && (at > first || !isLast)) {
      events.add(TRUNCATED);
      return;
    }
    if (isLast) {
      upperLayerEvents(header, bytes, at, end, hopLimit, events, transport, at > first);
      return;
    }
    const length = extensionLength(header, bytes[at + 1]);
    if (length > end - at) {
      events.add(TRUNCATED);
      return;
    }
    switch (header) {
      case P.ROUTING:
        if (routing++ > 0) events.add(DecodeEvent['ipv6.exthdr_dupl_rh']);
        else if (bytes[at + 2] === 0) events.add(DecodeEvent['ipv6.rh_type_0']);
        break;
      case P.HOP_BY_HOP:
        if (hopByHop++ > 0) events.add(DecodeEvent['ipv6.exthdr_dupl_hh']);
        else optionEvents(bytes, at + 2, at + length, true, events);
        break;
      case P.DESTINATION_OPTIONS:
        if (destination++ >= MAX_DESTINATION_HEADERS) events.add(DecodeEvent['ipv6.exthdr_dupl_dh']);
        else optionEvents(bytes, at + 2, at + length, false, events);
        break;
      case P.AH:
        if (word16(bytes, at + 2) !== 0) events.add(DecodeEvent['ipv6.exthdr_ah_res_not_null']);
        if (authentication++ > 0) events.add(DecodeEvent['ipv6.exthdr_dupl_ah']);
        break;
      case P.FRAGMENT:
        if (bytes[at + 1] !== 0) events.add(DecodeEvent['ipv6.fh_non_zero_reserved_field']);
        if (fragments++ > 0) events.add(DecodeEvent['ipv6.exthdr_dupl_fh']);
        else if (fragmentEvents(bytes, at, end, events)) return;
        break;
      default:
        break;
    }
    header = bytes[at];
    at += length;
  }
}

function isExtension(header: number): boolean {
  switch (header) {
    case P.HOP_BY_HOP:
    case P.ROUTING:
    case P.FRAGMENT:
    case P.AH:
    case P.DESTINATION_OPTIONS:
    case P.MOBILITY:
    case P.HIP:
    case P.SHIM6:
      return true;
    default:
      return false;
  }
}

/** @param second byte of the header */
function extensionLength(header: number, second: number): number {
  if (header === P.FRAGMENT) return FRAGMENT_LENGTH;
  if (header === P.AH) return AUTHENTICATION_LENGTH + (second > 0 ? (second - 1) * 4 : 0);
  return (second + 1) * 8;
}

/** @returns whether what follows is parsed when the datagram is whole only */
function fragmentEvents(bytes: Uint8Array, at: number, end: number, events: DecodeEvents): boolean {
  const field = word16(bytes, at + 2);
  const offset = field & 0xfff8;
  const more = (field & 1) !== 0;
  if (offset === 0 && !more) {
    events.add(DecodeEvent['ipv6.exthdr_useless_fh']);
    return false;
  }
  const length = end - at - FRAGMENT_LENGTH;
  // RFC 8200 §4.5: only the last fragment's length may be any.
  if (more && length % 8 !== 0) events.add(DecodeEvent['ipv6.frag_invalid_length']);
  if (offset + length > MAX_DATAGRAM) events.add(DecodeEvent['ipv6.frag_pkt_too_large']);
  return true;
}

/** @param behindExtensions where some tunnels are not looked for */
function upperLayerEvents(
  header: number,
  bytes: Uint8Array,
  at: number,
  end: number,
  hopLimit: number,
  events: DecodeEvents,
  transport: TransportEvents,
  behindExtensions: boolean,
): void {
  switch (header) {
    case P.TCP:
    case P.UDP:
    case P.ICMPV6:
    case P.SCTP:
    case P.ESP:
      transport(header, bytes, at, end, events, hopLimit);
      break;
    case P.GRE:
      if (behindExtensions) events.add(DecodeEvent['ipv6.unknown_next_header']);
      else transport(header, bytes, at, end, events, hopLimit);
      break;
    case P.IPV4:
      if (end - at < 20) events.add(DecodeEvent['ipv6.ipv4_in_ipv6_too_small']);
      else if (bytes[at] >> 4 !== 4) events.add(DecodeEvent['ipv6.ipv4_in_ipv6_wrong_version']);
      break;
    case P.IPV6:
      if (behindExtensions) events.add(DecodeEvent['ipv6.unknown_next_header']);
      else if (end - at < Ipv6.LENGTH) events.add(DecodeEvent['ipv6.ipv6_in_ipv6_too_small']);
      else if (bytes[at] >> 4 !== 6) events.add(DecodeEvent['ipv6.ipv6_in_ipv6_wrong_version']);
      break;
    case P.ICMP:
      events.add(DecodeEvent['ipv6.icmpv4']);
      break;
    default:
      events.add(DecodeEvent['ipv6.unknown_next_header']);
      break;
  }
}

/** Options from `first` to `end`: type, length, value; padding alone is odd. */
function optionEvents(
  bytes: Uint8Array,
  first: number,
  end: number,
  hopByHop: boolean,
  events: DecodeEvents,
): void {
  let padding = 0;
  let others = 0;
  let at = first;
  while (at < end) {
    const type = bytes[at];
    if (type === Option.PAD1) {
      padding++;
      at++;
      continue;
    }
    const length = end - at < 2 ? Number.MAX_SAFE_INTEGER : bytes[at + 1];
    if (length + 2 > end - at) {
      events.add(INVALID_OPTION_LENGTH);
      break;
    }
    if (type === Option.PADN) {
      padding++;
      if (length === 0) events.add(DecodeEvent['ipv6.zero_len_padn']);
    } else if (type !== Option.JUMBO) {
      others++;
      if (type !== Option.ROUTER_ALERT && type !== Option.HOME_ADDRESS)
        events.add(DecodeEvent[hopByHop ? 'ipv6.hopopts_unknown_opt' : 'ipv6.dstopts_unknown_opt']);
    }
    if (length < leastLength(type)) {
      events.add(INVALID_OPTION_LENGTH);
      break;
    }
    at += length + 2;
  }
  if (padding > 0 && others === 0)
    events.add(DecodeEvent[hopByHop ? 'ipv6.hopopts_only_padding' : 'ipv6.dstopts_only_padding']);
}

function leastLength(type: number): number {
  if (type === Option.ROUTER_ALERT) return ROUTER_ALERT_LENGTH;
  if (type === Option.JUMBO) return JUMBO_LENGTH;
  return type === Option.HOME_ADDRESS ? HOME_ADDRESS_LENGTH : 0;
}
