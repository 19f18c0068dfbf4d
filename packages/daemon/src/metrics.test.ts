import {
  DropCounterNames,
  LostKinds,
  lostCounter,
  type WorkerCounterName,
  WorkerCounterNames,
} from '@portcullis/engine';
import type { EventSink, EveRecord } from '@portcullis/events';
import { type FirewallBackend, MemoryFirewall } from '@portcullis/firewall';
import { SharedHistogram } from '@portcullis/metrics';
import type { Bans } from './bans';
import { Incidents } from './incidents';
import { daemonRegistry, type MetricSources } from './metrics';
import type { WorkerCounts } from './traffic';
import type { AttendedQueue } from './workers/supervisor';

const firewall = new MemoryFirewall() as FirewallBackend;
firewall.queueRulePackets = async () => ({ ipv4: 20, ipv6: 1 });
firewall.dropCounters = async () => ({ packets: 22, bytes: 23 });
const incidents = new Incidents();
incidents.count('worker-lost');
incidents.countAlert('trojan-activity', {
  timestamp: '',
  event_type: 'alert',
  alert: { severity: 1, action: 'blocked' },
} as EveRecord);
const latency = new SharedHistogram();
latency.observe(50, 3);
const facts = { queue: 3, fd: 1, portId: 1, failOpen: true, gso: true, maxLength: 1, receiveBuffer: 1 };
const counts = (first: number) =>
  Object.fromEntries(WorkerCounterNames.map((name, index) => [name, first + index])) as WorkerCounts;
const sources: MetricSources = {
  threads: () => [
    {
      queue: 3,
      thread: { latency, threadId: process.pid, counters: { get: () => 7.5 } },
      facts,
    } as unknown as AttendedQueue,
  ],
  mirrors: () => [{ interface: 'mirror0', captured: 21, lost: 22 }],
  // Every counter its own number, so that a mix-up shows.
  totals: () => counts(1000),
  byQueue: () => new Map([[3, counts(2000)]]),
  rules: () => ({ loaded: 199, failed: 2, loaded_at: null, loadedAt: new Date(1_700_000_000_000) }),
  bans: () =>
    ({
      latency,
      service: { size: 4 },
      active: () => [{ origin: 'attack', family: 'ipv6', value: 4 }],
      happened: () => [{ event: 'added', origin: 'manual', family: 'ipv4', value: 1 }],
    }) as unknown as Bans,
  firewall,
  incidents,
  limits: () => ({ queues: 2, flows: 100, streamBytes: 200, parserBytes: 300 }),
  protecting: () => true,
  sink: () => ({ written: 11, lost: 12, backlog: 13 }) as ReturnType<MetricSources['sink']>,
  outlets: () => [
    {
      name: 'webhook',
      events: ['alert'],
      sink: {
        statistics: { written: 14, lost: 15, backlog: 16, failures: 17, lastError: null },
      } as unknown as EventSink,
    },
  ],
};
const counter = (name: WorkerCounterName) => counts(1000)[name];
const ofQueue = (name: WorkerCounterName) => counts(2000)[name];

let text: string;
beforeAll(async () => {
  text = await daemonRegistry(sources).metrics();
});

test.each([
  ['packets_received_total{queue="3"}', ofQueue('queue_received')],
  ['bytes_received_total{queue="3"}', ofQueue('queue_bytes')],
  ['packets_accepted_total{queue="3"}', ofQueue('queue_accepted')],
  ['packets_dropped_total{queue="3"}', ofQueue('queue_dropped')],
  ['queue_overruns_total{queue="3"}', ofQueue('queue_overruns')],
  ['packets_missed_total{queue="3"}', ofQueue('queue_missed')],
  ['packets_truncated_total{queue="3"}', ofQueue('queue_truncated')],
  ['verdict_errors_total{queue="3"}', ofQueue('queue_send_errors')],
  ['alerts_allowed_total', counter('alerts')],
  ['alerts_blocked_total', counter('attacks_blocked')],
  ['flows_offloaded_total{queue="3"}', ofQueue('offloaded')],
  ['protecting', 1],
  ['stream_gaps_total', counter('gaps')],
  ['stream_gap_bytes_total', counter('gap_bytes')],
  ['stream_memory_limit_bytes', 200],
  ['flows_limit', 100],
  ['queues_configured', 2],
  ['queues_attended', 1],
  ['mirror_captured_frames_total{interface="mirror0"}', 21],
  ['mirror_lost_frames_total{interface="mirror0"}', 22],
  ['flows_evicted_total', counter('flows_evicted')],
  ['stream_reclaimed_flows_total', counter('reclaimed_flows')],
  ['expressions_skipped_total', counter('expressions_skipped')],
  ['rules_left_out_total', counter('rules_left_out')],
  ['exceptions_total{cause="memcap",action="dropped"}', counter('drop_memcap') + counter('drop_not_kept')],
  [
    'exceptions_total{cause="memcap",action="passed"}',
    counter('unheld_segments') +
      counter('unkept_segments') +
      counter('uncompared_segments') +
      counter('raw_tails_missing'),
  ],
  ['exceptions_total{cause="flow-table",action="dropped"}', counter('drop_flow_table')],
  ['exceptions_total{cause="app-layer-memcap",action="passed"}', counter('parsers_passed')],
  ['exceptions_total{cause="gap",action="passed"}', counter('gaps')],
  ['flows_one_sided_total', counter('one_sided_flows')],
  ['packets_queued_total', 21],
  ['ban_dropped_packets_total', 22],
  ['alerts_total{class="trojan-activity",severity="1",action="blocked"}', 1],
  ['incidents_total{kind="worker-lost"}', 1],
  ['incidents_total{kind="reload-failed"}', 0],
  ['flows', counter('flows_active')],
  ['stream_memory_bytes', counter('held_bytes')],
  ['app_layer_memory_bytes', counter('parser_bytes')],
  ['queue_fail_open{queue="3"}', 1],
  ['rules_loaded', 199],
  ['rules_failed', 2],
  ['rules_loaded_timestamp_seconds', 1_700_000_000],
  ['bans_active{origin="attack",family="ipv6"}', 4],
  ['bans_total{event="added",origin="manual",family="ipv4"}', 1],
  ['thread_busy_seconds_total{thread="queue-3"}', 7.5],
  ['events_written_total', 11],
  ['events_lost_total', 12 + LostKinds.reduce((sum, kind) => sum + counter(lostCounter(kind)), 0)],
  ['events_lost_by_kind_total{at="worker",kind="attack"}', counter('lost_attack')],
  ['events_lost_by_kind_total{at="eve",kind="alert"}', 12],
  ['events_backlog_bytes', 13],
  ['output_written_total{output="webhook"}', 14],
  ['output_dropped_total{output="webhook"}', 15],
  ['output_backlog_bytes{output="webhook"}', 16],
  ['output_failures_total{output="webhook"}', 17],
  ['verdict_seconds_count{queue="3"}', 3],
  ['ban_seconds_count', 3],
] as const)('%s is %d', (name, value) => {
  expect(text.split('\n')).toContain(`portcullis_${name} ${value}`);
});

test.each(DropCounterNames)('drops for %s have a line of their own', (reason, name) => {
  expect(text).toContain(`portcullis_drops_total{reason="${reason}"} ${counter(name)}\n`);
});

test('a kernel that does not answer costs its own numbers only', async () => {
  const silent = Object.assign(new MemoryFirewall() as FirewallBackend, {
    queueRulePackets: () => Promise.reject(new Error('no iptables')),
  });
  const page = await daemonRegistry({ ...sources, firewall: silent }).metrics();
  expect(page).toContain('# TYPE portcullis_packets_queued_total counter\n');
  expect(page).not.toMatch(/^portcullis_packets_queued_total /m);
  expect(page).toMatch(/^portcullis_protecting 1$/m);
});

test('every metric is explained, counters end in _total, and no label holds an address', () => {
  const names = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)];
  expect(names.length).toBeGreaterThan(20);
  for (const [, name, type] of names) {
    expect(name).toMatch(/^portcullis_/);
    expect(text).toMatch(new RegExp(`^# HELP ${name} \\S`, 'm'));
    if (type === 'counter') expect(name).toMatch(/_total$/);
  }
  for (const [, label] of text.matchAll(/="([^"]*)"/g))
    expect(label).not.toMatch(/\d+\.\d+\.\d+\.\d+|[0-9a-f]*:[0-9a-f]*:/);
});
