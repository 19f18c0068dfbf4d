import { IpProtocol } from '../ip-protocol';
import { Ipv4 } from '../ipv4';
import { DecodeEvent, type DecodeEvents } from './decode-event';
import { icmpEvents, icmpv6Events, igmpEvents } from './icmp-events';
import { ipv4OptionEvents } from './ipv4-option-events';
import { ipv6Events } from './ipv6-events';
import { greEvents, tcpEvents, udpEvents } from './transport-events';

const { ICMP, TCP, UDP, GRE, ICMPV6, SCTP, ESP, IGMP } = IpProtocol;

function word16(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 8) | bytes[at + 1];
}

/**
 * Walks the headers of the IP packet in `bytes[start, end)` for whoever has rules that ask what is wrong with it:
 * apart from `PacketView.decode`, which most packets need to be fast. Adds to `events`.
 */
export function findDecodeEvents(bytes: Uint8Array, start: number, end: number, events: DecodeEvents): void {
  if (end <= start) return;
  const version = bytes[start] >> 4;
  if (version === 4) ipv4Events(bytes, start, end, events);
  else if (version === 6) ipv6Events(bytes, start, end, events, transportEvents);
  else events.add(DecodeEvent['ipraw.invalid_ip_version']);
}

function ipv4Events(bytes: Uint8Array, start: number, end: number, events: DecodeEvents): void {
  const captured = end - start;
  if (captured < Ipv4.MIN_LENGTH) {
    events.add(DecodeEvent['ipv4.pkt_too_small']);
    return;
  }
  const headerLength = (bytes[start + Ipv4.VERSION_IHL] & 0x0f) << 2;
  const totalLength = word16(bytes, start + Ipv4.TOTAL_LENGTH);
  if (headerLength < Ipv4.MIN_LENGTH) {
    events.add(DecodeEvent['ipv4.hlen_too_small']);
    return;
  }
  if (totalLength < headerLength) {
    events.add(DecodeEvent['ipv4.iplen_smaller_than_hlen']);
    return;
  }
  if (totalLength > captured) {
    events.add(DecodeEvent['ipv4.trunc_pkt']);
    return;
  }
  const transport = start + headerLength;
  const packetEnd = start + totalLength;
  ipv4OptionEvents(bytes, start + Ipv4.MIN_LENGTH, transport, events);
  const fragment = word16(bytes, start + Ipv4.FRAGMENT);
  if ((fragment & (Ipv4.MORE_FRAGMENTS | Ipv4.OFFSET_MASK)) !== 0) {
    const last = Ipv4.MIN_LENGTH + ((fragment & Ipv4.OFFSET_MASK) << 3) + packetEnd - transport;
    if (last > Ipv4.MAX_LENGTH) events.add(DecodeEvent['ipv4.frag_pkt_too_large']);
    return;
  }
  const protocol = bytes[start + Ipv4.PROTOCOL];
  if (protocol === ICMP) icmpEvents(bytes, transport, packetEnd, events);
  else if (protocol === ICMPV6) events.add(DecodeEvent['ipv4.icmpv6']);
  else transportEvents(protocol, bytes, transport, packetEnd, events, 0);
}

/** @param hopLimit of the IPv6 header; 0 for IPv4 */
function transportEvents(
  protocol: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  events: DecodeEvents,
  hopLimit: number,
): void {
  switch (protocol) {
    case TCP:
      tcpEvents(bytes, start, end, events);
      break;
    case UDP:
      udpEvents(bytes, start, end, events);
      break;
    case GRE:
      greEvents(bytes, start, end, events);
      break;
    case SCTP:
      if (end - start < 12) events.add(DecodeEvent['sctp.pkt_too_small']);
      break;
    case ESP:
      if (end - start < 8) events.add(DecodeEvent['esp.pkt_too_small']);
      break;
    case IGMP:
      igmpEvents(bytes, start, end, events);
      break;
    case ICMPV6:
      icmpv6Events(bytes, start, end, events, hopLimit);
      break;
    default:
      break;
  }
}

export type TransportEvents = typeof transportEvents;
