export { ByteTransfer } from './byte-transfer';
export { FlowTable, type FlowTableOptions, MAX_FLOWS } from './flow-table';
export { defaultTimeouts, emergencyTimeouts, type FlowTimeouts, TimeoutClass } from './flow-timeouts';
export {
  DEFAULT_FRAGMENT_OPTIONS,
  type FragmentOptions,
  FragmentReassembler,
} from './fragments/fragment-reassembler';
export type { OverlapPolicy } from './fragments/overlap-policy';
export { DropReason, DropReasonNames, SegmentResult } from './segment-result';
export { StreamCounter, StreamCounterNames } from './stream-counters';
export {
  defaultStreamOptions,
  type ExceptionPolicy,
  type StreamOptions,
  streamOptions,
} from './stream-options';
export { FlowEndReason, FlowEndReasonNames, StreamAction, type StreamSink } from './stream-sink';
export { TcpReassembler } from './tcp-reassembler';
