export { selfMadeCertificate } from './certificate';
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
  HpackForm,
  HTTP2_PREFACE,
  Http2Flag,
  Http2Type,
  hpackField,
  hpackInteger,
  hpackReference,
  hpackSizeUpdate,
  hpackText,
  http2Frame,
  http2Padded,
} from './http2-frames';
export { Aftermath } from './lab/aftermath';
export { type ConnectionState, type Reading, type ReceivedConnection, reads } from './lab/agent-protocol';
export type { ReplayOptions, ReplayResult } from './lab/capture-replay';
export type { IptablesBackend } from './lab/iptables-backend';
export { Lab, type LabOptions, type RequestChunk, type RequestOptions, type RequestResult } from './lab/lab';
export { LabAgentError } from './lab/lab-agent';
export { LabConnection } from './lab/lab-connection';
export { type ExecOptions, type ExecResult, LabProcess, type SpawnOptions } from './lab/lab-process';
export { LabServer, LabUdpServer } from './lab/lab-server';
export { PATIENCE } from './lab/patience';
export type { RawEnd } from './lab/raw-end';
export { type EndRole, endHardware, gatewayHardware, type Role } from './lab/topology';
export { type WaitOptions, waitUntil } from './lab/wait-until';
export { bytesOfEach, collectGarbage } from './memory';
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
export { type Launch, Rsyslog, type SyslogRow } from './rsyslog';
export { SeededRandom } from './seeded-random';
export {
  type SegmentOptions,
  type SendOptions,
  TcpConversation,
  type TcpConversationOptions,
} from './tcp-conversation';
export { UdpConversation } from './udp-conversation';
