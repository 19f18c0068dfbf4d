export type { BackOffOptions } from './delivery/back-off';
export { SpooledSink, type SpooledSinkOptions } from './delivery/spooled-sink';
export { BatchRefused, type Transport } from './delivery/transport';
export { unixSocketTransport } from './delivery/unix-socket';
export { eveJson } from './eve-json';
export { type EventType, eventTypes, FanOutSink, type Outlet } from './fan-out-sink';
export { FileSink, type FileSinkOptions } from './file-sink';
export { eveFiles, fileLines } from './reader/eve-files';
export { FileFollower, type FollowOptions } from './reader/follow';
export { type EventFilter, eventMatcher, eventTime, parseRecord, queryEvents } from './reader/query';
export { lastLines } from './reader/tail';
export {
  type AlertFacts,
  type BanFacts,
  type EventKind,
  type EveRecord,
  eveTimestamp,
  type PartyFacts,
  type PortcullisFacts,
  protocolName,
} from './record';
export { type EventSink, MemorySink, type SinkStatistics } from './sink';
export { type Batch, Spool, type SpoolOptions } from './spool/spool';
export { StreamSink } from './stream-sink';
export { DatagramSyslogSink } from './syslog/datagram-sink';
export { LocalSyslogSink } from './syslog/local-sink';
export { type SyslogFacility, type SyslogFormat, syslogFacilities } from './syslog/message';
export { type SyslogServer, syslogStreamTransport, type TlsTrust } from './syslog/stream';
export { webhookKey } from './webhook/signature';
export { type WebhookOptions, WebhookTransport } from './webhook/webhook';
