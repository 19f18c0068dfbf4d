import type { MirrorRow, RulesAnswer } from '@portcullis/control';
import { DropCounterNames, LostKinds, lostCounter, type WorkerCounterName } from '@portcullis/engine';
import type { Outlet, SinkStatistics } from '@portcullis/events';
import type { FirewallBackend } from '@portcullis/firewall';
import { createRegistry, type MetricDefinition } from '@portcullis/metrics';
import { readQueueStatistics } from '@portcullis/nfqueue-binding';
import type { Bans } from './bans';
import { exceptionRows } from './exceptions';
import { type Incidents, incidentKinds } from './incidents';
import type { WorkerCounts } from './traffic';
import type { AttendedQueue } from './workers/supervisor';
import { threadSchedule } from './workers/thread-schedule';

export interface MetricSources {
  threads(): readonly AttendedQueue[];
  mirrors(): readonly MirrorRow[];
  totals(): WorkerCounts;
  byQueue(): ReadonlyMap<number, WorkerCounts>;
  rules(): RulesAnswer & { loadedAt: Date | null };
  bans(): Bans;
  firewall: FirewallBackend;
  protecting(): boolean;
  sink(): SinkStatistics;
  outlets(): readonly Outlet[];
  incidents: Incidents;
  /** Queues that are to be attended, and what one worker may hold. */
  limits(): { queues: number; flows: number; streamBytes: number; parserBytes: number };
}

type WorkerMetric = readonly [WorkerCounterName, name: string, help: string];

/** Worker counters that are told as they are, of each queue. */
const queueMetrics: readonly WorkerMetric[] = [
  ['queue_received', 'packets_received_total', 'Packets taken from the queues.'],
  ['queue_bytes', 'bytes_received_total', 'Bytes on the wire of the packets taken from the queues.'],
  ['queue_accepted', 'packets_accepted_total', 'Packets given back to the kernel to go on.'],
  ['queue_dropped', 'packets_dropped_total', 'Packets the engine had the kernel drop.'],
  ['queue_overruns', 'queue_overruns_total', 'Times the receive buffer of a queue was full.'],
  ['queue_missed', 'packets_missed_total', 'Packets that did not fit into a receive buffer.'],
  ['queue_truncated', 'packets_truncated_total', 'Packets whose tail was not seen.'],
  ['queue_send_errors', 'verdict_errors_total', 'Verdicts the kernel could not be told.'],
  ['offloaded', 'flows_offloaded_total', 'Packets that carried the offload mark back to the kernel.'],
];

/** Worker counters that are summed over the workers: which of them has a flow says nothing. */
const workerMetrics: readonly WorkerMetric[] = [
  ['alerts', 'alerts_allowed_total', 'Rule matches that were only told.'],
  ['attacks_blocked', 'alerts_blocked_total', 'Rule matches for which a packet was dropped.'],
  ['gaps', 'stream_gaps_total', 'Places of a stream that were never seen.'],
  ['gap_bytes', 'stream_gap_bytes_total', 'Bytes of streams that were never seen.'],
  ['one_sided_flows', 'flows_one_sided_total', 'TCP connections of which only one side was seen.'],
  ['flows_evicted', 'flows_evicted_total', 'Flows taken out of a full table for new ones.'],
  ['reclaimed_flows', 'stream_reclaimed_flows_total', 'Silent flows whose copies were given up for others.'],
  ['left_out', 'packets_left_out_total', 'Copies from watched interfaces that an exclusion leaves out.'],
  [
    'expressions_skipped',
    'expressions_skipped_total',
    'Searches for regular expressions left out because slow ones had used up their part of the time.',
  ],
  [
    'rules_left_out',
    'rules_left_out_total',
    'Rules not looked at to their end, or alerts not told, because a packet called for more than its share of work.',
  ],
];

/** The Prometheus registry of a running engine. */
export function daemonRegistry(sources: MetricSources) {
  const metrics: MetricDefinition[] = workerMetrics.map(([counter, name, help]) => ({
    name,
    help,
    type: 'counter',
    read: () => sources.totals()[counter],
  }));
  for (const [counter, name, help] of queueMetrics)
    metrics.push({
      name,
      help,
      type: 'counter',
      read: () =>
        [...sources.byQueue()].map(([queue, counts]) => ({
          value: counts[counter],
          labels: { queue: String(queue) },
        })),
    });
  metrics.push(
    {
      name: 'protecting',
      help: '1 while traffic is inspected.',
      type: 'gauge',
      read: () => Number(sources.protecting()),
    },
    {
      name: 'drops_total',
      help: 'Packets dropped by the engine, by reason.',
      type: 'counter',
      read: () => {
        const totals = sources.totals();
        return DropCounterNames.map(([reason, counter]) => ({ value: totals[counter], labels: { reason } }));
      },
    },
    {
      name: 'exceptions_total',
      help: 'Packets that could not be inspected as they should, by cause and what its exception policy did.',
      type: 'counter',
      read: () =>
        Object.entries(exceptionRows(sources.totals())).flatMap(([cause, { passed, dropped }]) => [
          { value: passed, labels: { cause, action: 'passed' } },
          { value: dropped, labels: { cause, action: 'dropped' } },
        ]),
    },
    {
      name: 'flows',
      help: 'Flows in the tables.',
      type: 'gauge',
      read: () => sources.totals().flows_active,
    },
    {
      name: 'stream_memory_bytes',
      help: 'Bytes of traffic held for reassembly and inspection.',
      type: 'gauge',
      read: () => sources.totals().held_bytes,
    },
    {
      name: 'stream_memory_limit_bytes',
      help: 'stream.memcap of all workers together.',
      type: 'gauge',
      read: () => sources.limits().streamBytes * sources.threads().length,
    },
    {
      name: 'app_layer_memory_bytes',
      help: 'Bytes that protocol parsers hold.',
      type: 'gauge',
      read: () => sources.totals().parser_bytes,
    },
    {
      name: 'app_layer_memory_limit_bytes',
      help: 'app-layer.memcap of all workers together.',
      type: 'gauge',
      read: () => sources.limits().parserBytes * sources.threads().length,
    },
    {
      name: 'flows_limit',
      help: 'flow.max-flows of all workers together.',
      type: 'gauge',
      read: () => sources.limits().flows * sources.threads().length,
    },
    {
      name: 'queues_configured',
      help: 'Queues that are to have a worker while traffic is inspected.',
      type: 'gauge',
      read: () => sources.limits().queues,
    },
    {
      name: 'queues_attended',
      help: 'Queues that have a worker.',
      type: 'gauge',
      read: () => sources.threads().length,
    },
    {
      name: 'packets_queued_total',
      help: 'Packets that the firewall rules handed to the queues; what is not received of them passed uninspected or was dropped.',
      type: 'counter',
      read: () =>
        answer(async () => {
          const { ipv4, ipv6 } = await sources.firewall.queueRulePackets();
          return ipv4 + ipv6;
        }),
    },
    {
      name: 'ban_dropped_packets_total',
      help: 'Packets from and towards banned addresses that the kernel dropped.',
      type: 'counter',
      read: () => answer(async () => (await sources.firewall.dropCounters()).packets),
    },
    {
      name: 'alerts_total',
      help: 'Alerts written, by class of the rule, severity and what was done.',
      type: 'counter',
      read: () => sources.incidents.alertCounts(),
    },
    {
      name: 'incidents_total',
      help: 'What went wrong and was dealt with, by kind.',
      type: 'counter',
      read: () => incidentKinds.map((kind) => ({ value: sources.incidents.counts[kind], labels: { kind } })),
    },
    {
      name: 'queue_waiting_packets',
      help: 'Packets that wait for a verdict, as the kernel counts them.',
      type: 'gauge',
      read: () =>
        ownQueues(sources).map((line) => ({ value: line.waiting, labels: { queue: String(line.queue) } })),
    },
    {
      name: 'queue_kernel_dropped_total',
      help: "The kernel's own drop counters of the queues.",
      type: 'counter',
      read: () =>
        ownQueues(sources).flatMap((line) => [
          { value: line.dropped, labels: { queue: String(line.queue), at: 'queue' } },
          { value: line.userDropped, labels: { queue: String(line.queue), at: 'socket' } },
        ]),
    },
    {
      name: 'mirror_captured_frames_total',
      help: 'Frames copied from the interfaces that are watched.',
      type: 'counter',
      read: () =>
        sources.mirrors().map((row) => ({ value: row.captured, labels: { interface: row.interface } })),
    },
    {
      name: 'mirror_lost_frames_total',
      help: 'Frames of watched interfaces that no worker had room for.',
      type: 'counter',
      read: () => sources.mirrors().map((row) => ({ value: row.lost, labels: { interface: row.interface } })),
    },
    {
      name: 'queue_fail_open',
      help: '1 where the kernel passes packets of a full queue.',
      type: 'gauge',
      read: () =>
        sources
          .threads()
          .map(({ queue, facts }) => ({ value: Number(facts.failOpen), labels: { queue: String(queue) } })),
    },
    { name: 'rules_loaded', help: 'Rules in force.', type: 'gauge', read: () => sources.rules().loaded },
    {
      name: 'rules_failed',
      help: 'Rules that could not be loaded.',
      type: 'gauge',
      read: () => sources.rules().failed,
    },
    {
      name: 'rules_loaded_timestamp_seconds',
      help: 'When the rules were last loaded.',
      type: 'gauge',
      read: () => (sources.rules().loadedAt?.getTime() ?? 0) / 1000,
    },
    {
      name: 'bans_active',
      help: 'Bans in force, by who wanted them and IP version.',
      type: 'gauge',
      read: () =>
        [...sources.bans().active()].map(({ origin, family, value }) => ({
          value,
          labels: { origin, family },
        })),
    },
    {
      name: 'bans_total',
      help: 'What happened to bans, by who wanted them and IP version.',
      type: 'counter',
      read: () =>
        [...sources.bans().happened()].map(({ event, origin, family, value }) => ({
          value,
          labels: { event, origin, family },
        })),
    },
    {
      name: 'thread_cpu_seconds_total',
      help: 'Processor time of a thread: main, or the worker of a queue.',
      type: 'counter',
      read: () =>
        threadsOf(sources).flatMap(({ thread, id }) => {
          const seconds = threadSchedule(id)?.ran ?? null;
          return seconds === null ? [] : { value: seconds, labels: { thread } };
        }),
    },
    {
      name: 'thread_busy_seconds_total',
      help: 'Time in which a thread did not wait for packets or events; its increase a second is the share of its loop that is used.',
      type: 'counter',
      read: () => threadsOf(sources).map(({ thread, busy }) => ({ value: busy, labels: { thread } })),
    },
    {
      name: 'events_written_total',
      help: 'Event records written.',
      type: 'counter',
      read: () => sources.sink().written,
    },
    {
      name: 'events_lost_total',
      help: 'Events that could not be told, or not be written.',
      type: 'counter',
      read: () => lostEvents(sources).reduce((sum, { value }) => sum + value, 0),
    },
    {
      name: 'events_lost_by_kind_total',
      help: 'The same: at the worker, by kind of detection, or at eve.json, by event_type.',
      type: 'counter',
      read: () => lostEvents(sources),
    },
    {
      name: 'events_backlog_bytes',
      help: 'Event records that wait for the disk.',
      type: 'gauge',
      read: () => sources.sink().backlog,
    },
    outputMetric(
      sources,
      'written_total',
      'Event records an output took.',
      'counter',
      ({ written }) => written,
    ),
    outputMetric(
      sources,
      'dropped_total',
      'Event records an output could not be given.',
      'counter',
      ({ lost }) => lost,
    ),
    outputMetric(
      sources,
      'failures_total',
      'Attempts to reach an output that failed.',
      'counter',
      ({ failures }) => failures,
    ),
    outputMetric(
      sources,
      'backlog_bytes',
      'Event records that wait for an output, in memory and on disk.',
      'gauge',
      ({ backlog }) => backlog,
    ),
  );
  return createRegistry(metrics, [
    {
      name: 'verdict_seconds',
      help: 'Time from taking a batch from the queue to giving its verdicts back, counted per packet.',
      read: () =>
        sources
          .threads()
          .map(({ queue, thread }) => ({ labels: { queue: String(queue) }, histogram: thread.latency })),
    },
    {
      name: 'ban_seconds',
      help: "Time from taking the attack's packet from the queue (by hand: from the wish) to the ban in the kernel.",
      read: () => [{ histogram: sources.bans().latency }],
    },
  ]);
}

function threadsOf(sources: MetricSources): { thread: string; id: number; busy: number }[] {
  return [
    { thread: 'main', id: process.pid, busy: performance.eventLoopUtilization().active / 1000 },
    ...sources.threads().map(({ queue, thread }) => ({
      thread: `queue-${queue}`,
      id: thread.threadId,
      busy: thread.counters.get('busy_seconds'),
    })),
  ];
}

/** Where the kernel's tools do not answer, one number is missing and not the whole page. */
async function answer(ask: () => Promise<number>): Promise<number | readonly []> {
  try {
    return await ask();
  } catch {
    return [];
  }
}

function outputMetric(
  sources: MetricSources,
  name: string,
  help: string,
  type: 'counter' | 'gauge',
  value: (statistics: SinkStatistics) => number,
): MetricDefinition {
  const read = () =>
    sources
      .outlets()
      .map(({ name: output, sink }) => ({ value: value(sink.statistics), labels: { output } }));
  return { name: `output_${name}`, help, type, read };
}

function ownQueues(sources: MetricSources) {
  const own = new Set(sources.threads().map(({ queue }) => queue));
  return readQueueStatistics().filter((line) => own.has(line.queue));
}

/** What was lost between detection and file, by place and kind. */
function lostEvents({ totals, sink }: MetricSources) {
  const counted = totals();
  const { lost, lostByKind = { alert: lost } } = sink();
  const atWorkers = LostKinds.map((kind) => ({
    value: counted[lostCounter(kind)],
    labels: { at: 'worker', kind: kind as string },
  }));
  const atFile = Object.entries(lostByKind).map(([kind, value]) => ({ value, labels: { at: 'eve', kind } }));
  return [...atWorkers, ...atFile];
}
