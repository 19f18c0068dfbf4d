import { QueueCounter } from '@portcullis/nfqueue-binding';
import { DropReasonNames, StreamCounter } from '@portcullis/reassembly';
import { InspectCounter } from '../inspect-counters';
import { type LostKind, LostKinds } from './detection-outbox';

/** Counters of the queue that are published, by the name they get. */
const fromQueue = {
  queue_received: QueueCounter.RECEIVED,
  queue_bytes: QueueCounter.BYTES,
  queue_accepted: QueueCounter.ACCEPTED,
  queue_dropped: QueueCounter.DROPPED,
  queue_overruns: QueueCounter.OVERRUNS,
  queue_missed: QueueCounter.MISSED,
  queue_malformed: QueueCounter.MALFORMED,
  queue_truncated: QueueCounter.TRUNCATED,
  queue_send_errors: QueueCounter.SEND_ERRORS,
} as const;

const fromInspection = {
  rule_drops: InspectCounter.RULE_DROPS,
  decode_errors: InspectCounter.DECODE_ERRORS,
  decode_drops: InspectCounter.DECODE_DROPS,
  bad_checksum: InspectCounter.BAD_CHECKSUM,
  blocked_source: InspectCounter.BLOCKED_SOURCE,
  offloaded: InspectCounter.OFFLOADED,
  alerts: InspectCounter.ALERTS,
  attacks_blocked: InspectCounter.ATTACKS_BLOCKED,
  addresses_blocked: InspectCounter.ADDRESSES_BLOCKED,
  resets_sent: InspectCounter.RESETS_SENT,
  earlier_reset: InspectCounter.EARLIER_RESET,
  parsers_passed: InspectCounter.PARSERS_PASSED,
  parsers_dropped: InspectCounter.PARSERS_DROPPED,
  left_out: InspectCounter.LEFT_OUT,
} as const;

const fromStream = {
  flows_total: StreamCounter.FLOWS,
  handshakes: StreamCounter.HANDSHAKES,
  midstream_flows: StreamCounter.MIDSTREAM_FLOWS,
  one_sided_flows: StreamCounter.ONE_SIDED_FLOWS,
  gaps: StreamCounter.GAPS,
  gap_bytes: StreamCounter.GAP_BYTES,
  midstream_packets: StreamCounter.MIDSTREAM_PACKETS,
  unheld_segments: StreamCounter.UNHELD_SEGMENTS,
  unkept_segments: StreamCounter.UNKEPT_SEGMENTS,
  uncompared_segments: StreamCounter.UNCOMPARED_SEGMENTS,
  reclaimed_flows: StreamCounter.RECLAIMED_FLOWS,
  flow_table_full: StreamCounter.FLOW_TABLE_FULL,
  flows_evicted: StreamCounter.FLOWS_EVICTED,
  no_header: StreamCounter.NO_HEADER,
} as const;

/** Reasons of reassembly, with the name of the counter each is published under. */
const streamDrops = DropReasonNames.map((reason, number) => ({
  reason,
  number,
  counter: `drop_${reason.replaceAll('-', '_')}` as const,
})).filter(({ reason }) => reason !== 'none');

/** The counter of what is lost on its way from a worker to the main thread. */
export function lostCounter(kind: LostKind): `lost_${string}` {
  return `lost_${kind.replaceAll('-', '_')}`;
}

type Simple = keyof typeof fromQueue | keyof typeof fromInspection | keyof typeof fromStream;
export type WorkerCounterName =
  | Simple
  | `drop_${string}`
  | 'flows_active'
  | 'held_bytes'
  | 'parser_bytes'
  | 'raw_tails_missing'
  | 'expressions_skipped'
  | 'rules_left_out'
  /** Packets that may wait in the queue now. */
  | 'queue_length'
  /** Time in which the worker did not wait for packets. */
  | 'busy_seconds'
  /** Detections that were not told, by kind. */
  | `lost_${string}`;

/** Names of what one worker publishes, in the order of the shared block. */
export const WorkerCounterNames: readonly WorkerCounterName[] = [
  ...(Object.keys(fromQueue) as Simple[]),
  ...(Object.keys(fromInspection) as Simple[]),
  ...(Object.keys(fromStream) as Simple[]),
  ...streamDrops.map(({ counter }) => counter),
  'flows_active',
  'held_bytes',
  'parser_bytes',
  'raw_tails_missing',
  'expressions_skipped',
  'rules_left_out',
  'busy_seconds',
  'queue_length',
  ...LostKinds.map(lostCounter),
];

/** Every reason for which a packet is dropped, and the counter that holds how often. */
export const DropCounterNames: readonly (readonly [string, WorkerCounterName])[] = [
  ['rules', 'rule_drops'],
  ['decode', 'decode_drops'],
  ['checksum', 'bad_checksum'],
  ['blocked-source', 'blocked_source'],
  ['earlier-connection', 'earlier_reset'],
  ...streamDrops.map(({ reason, counter }) => [`stream-${reason}`, counter] as const),
];

/** Copies what the parts of a worker have counted into the block that the supervisor reads. */
export function publishCounters(
  into: Float64Array,
  parts: { queue: Float64Array; inspection: Float64Array; stream: Float64Array },
  moment: {
    flows: number;
    heldBytes: number;
    parserBytes: number;
    rawTailsMissing: number;
    expressionsSkipped: number;
    rulesLeftOut: number;
    busySeconds: number;
    queueLength: number;
    lost: Float64Array;
  },
): void {
  let at = 0;
  for (const index of Object.values(fromQueue)) into[at++] = parts.queue[index] as number;
  for (const index of Object.values(fromInspection)) into[at++] = parts.inspection[index] as number;
  for (const index of Object.values(fromStream)) into[at++] = parts.stream[index] as number;
  for (const { number } of streamDrops) into[at++] = parts.stream[StreamCounter.DROP + number] as number;
  into[at++] = moment.flows;
  into[at++] = moment.heldBytes;
  into[at++] = moment.parserBytes;
  into[at++] = moment.rawTailsMissing;
  into[at++] = moment.expressionsSkipped;
  into[at++] = moment.rulesLeftOut;
  into[at++] = moment.busySeconds;
  into[at++] = moment.queueLength;
  into.set(moment.lost, at);
}
