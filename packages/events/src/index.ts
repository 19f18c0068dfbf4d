export { FileSink, type FileSinkOptions } from './file-sink';
export {
  type AlertFacts,
  type BanFacts,
  type EventKind,
  type EveRecord,
  eveTimestamp,
  protocolName,
} from './record';
export { type EventSink, MemorySink, type SinkStatistics } from './sink';
export { StreamSink } from './stream-sink';
