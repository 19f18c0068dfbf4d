export { BUFFERS_PER_PROTOCOL, FIRST_BUFFER } from './buffer-ranges';
export { type ByteSink, Inflater, Wrapper } from './content-coding/inflate';
export { createDcerpc } from './dcerpc/definition';
export { createDnp3 } from './dnp3/definition';
export { createEnip } from './enip/definition';
export { FileBuffer, FileTracker, fileBuffers } from './files/file-tracker';
export { DEFAULT_FILE_POLICY, FileHash, type FilePolicy } from './files/policy';
export { HTTP1_BUFFERS, Http1Buffer } from './http1/buffers';
export { createHttp1, type Http1Definition, type Http1Settings } from './http1/definition';
export { HTTP1_EVENTS, Http1Event } from './http1/events';
export { DEFAULT_LIMITS, type Http1Limits, LimitError } from './http1/limits';
export { Http1Parser } from './http1/parser';
export { Http1Progress } from './http1/progress';
export { DEFAULT_URI_NORMALIZATION, type UriNormalization } from './http1/uri';
export { createHttp2 } from './http2/definition';
export { createIke } from './ike/definition';
export { createKrb5 } from './krb5/definition';
export { ENCRYPTION_TYPES, isWeakEncryption } from './krb5/encryption';
export { ModbusLayout } from './modbus/buffers';
export { createModbus } from './modbus/definition';
export { ACCESS_TARGETS, ModbusAccess, ModbusCategory } from './modbus/functions';
export { createMqtt } from './mqtt/definition';
export { createNfs } from './nfs/definition';
export { createQuic } from './quic/definition';
export { createRdp } from './rdp/definition';
export { allBuffers, createProtocols, type ProtocolSettings } from './registry';
export { createRfb } from './rfb/definition';
export { createSip } from './sip/definition';
export { createSmb } from './smb/definition';
export { createSsh } from './ssh/definition';
export { createTls } from './tls/definition';
export {
  type BufferDefinition,
  type BufferView,
  Direction,
  type EarlyData,
  type ExpectedFlow,
  type IntegerBuffer,
  type MatchState,
  type ProbedFlow,
  type ProtocolDefinition,
  type ProtocolParser,
  type Transaction,
  type TransactionListener,
  Transport,
} from './transaction';
export { createWebsocket } from './websocket/definition';
