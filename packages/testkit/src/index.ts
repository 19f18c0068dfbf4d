export {
  type ConversationPacket,
  DEFAULT_CLIENT,
  DEFAULT_CLIENT_IPV6,
  DEFAULT_SERVER,
  DEFAULT_SERVER_IPV6,
  type Endpoints,
  interleave,
  type Side,
} from './conversation';
export { fragmentPacket } from './fragmenter';
export {
  buildIcmp,
  buildIp,
  buildTcp,
  buildUdp,
  type ExtensionHeader,
  type IcmpFields,
  type IpFields,
  type IpPacketFields,
  type Payload,
  type TcpFields,
  type TcpOptionFields,
  type UdpFields,
} from './packet-builder';
export { type CapturedPacket, ethernetFrame, PcapWriter, type PcapWriterOptions } from './pcap-writer';
export { SeededRandom } from './seeded-random';
export {
  type SegmentOptions,
  type SendOptions,
  TcpConversation,
  type TcpConversationOptions,
} from './tcp-conversation';
export { UdpConversation } from './udp-conversation';
