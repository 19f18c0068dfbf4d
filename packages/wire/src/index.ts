export { addressBytes, formatAddress, isIpv4, parseAddress } from './address';
export { AddressPrefixes } from './address-prefixes';
export {
  internetChecksum,
  pseudoHeaderSum,
  verifyHeaderChecksum,
  verifyTransportChecksum,
  writeChecksums,
} from './checksum';
export { type CommunityIdTuple, communityId } from './community-id';
export {
  DecodeEvent,
  type DecodeEventName,
  DecodeEventNames,
  DecodeEvents,
  decodeEventNumber,
} from './decode-events/decode-event';
export { findDecodeEvents } from './decode-events/packet-events';
export { DecodeStatus, DecodeStatusNames } from './decode-status';
export { flowHash } from './flow-hash';
export { Icmp } from './icmp';
export { IpProtocol } from './ip-protocol';
export { Ipv4 } from './ipv4';
export { Ipv6, Ipv6Extension } from './ipv6';
export { LinkStatus, LinkStatusNames, LinkType, LinkView } from './link';
export { PacketView } from './packet-view';
export {
  sequenceAdd,
  sequenceAfter,
  sequenceBefore,
  sequenceDifference,
  sequenceWithin,
} from './sequence';
export { Tcp, TcpFlag, TcpOption } from './tcp';
export { STANDARD_TUNNEL_PORTS, type TunnelPorts, TunnelView } from './tunnels/tunnel-view';
export { Udp } from './udp';
