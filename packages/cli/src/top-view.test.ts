import type { StatusAnswer } from '@portcullis/control';
import { statusAnswer } from '../../control/testing/status-answer';
import { type Scene, topView } from './top-view';

const QUEUE = { fail_open: true, gso: true, max_length: 8192, length: 8192, kernel_dropped: 0, overruns: 0 };
const status = (more: Partial<StatusAnswer> = {}): StatusAnswer =>
  statusAnswer({
    version: '1.2.3',
    uptime_s: 3725,
    bans: { active: 1, dropped_packets: 40, dropped_bytes: 4000 },
    packets: { received: 1000, bytes: 1_000_000, dropped: 5, uninspected: 0 },
    alerts: { allowed: 2, blocked: 3, addresses_blocked: 0 },
    flows: 12,
    held_bytes: 2_500_000,
    queues: [
      { queue: 0, waiting: 7, ...QUEUE },
      { queue: 1, waiting: 1, ...QUEUE },
    ],
    ...more,
  });
const ban = (index: number) => ({
  id: `${index}`,
  prefix: `203.0.113.${index}`,
  reason: 'bad\u001b[31m',
  sid: 1,
  origin: 'attack',
  count: 1,
  since: '',
  until: '',
  remaining_s: 3000,
  packets: 17,
  bytes: 1000,
});
const event = (index: number) => ({
  timestamp: '2026-01-31T12:00:00.000000+0000',
  event_type: 'engine' as const,
  engine: { message: `event ${index} \u001b[2J\u009b31m\u202e` },
});
const sample = (at: number, more: Partial<StatusAnswer> = {}, bans: ReturnType<typeof ban>[] = []) => ({
  at,
  status: status(more),
  bans,
});
const scene = (more: Partial<Scene> = {}): Scene => ({
  now: sample(1_000_000),
  before: null,
  events: [],
  width: 120,
  height: 40,
  ...more,
});

test('the first look has totals and no rates', () => {
  const text = topView(scene()).join('\n');
  expect(text).toMatch(/1\.2\.3: protecting, standard mode, up 1h 2m/);
  expect(text).toMatch(/– packets, –/);
  expect(text).toMatch(/12, 2\.5 MB of streams held; queues 8 of 16 384/);
});

test('rates are what came between two looks', () => {
  const now = sample(1_002_000, {
    packets: { received: 3000, bytes: 2_000_000, dropped: 9, uninspected: 0 },
  });
  const text = topView(scene({ now, before: sample(1_000_000) })).join('\n');
  expect(text).toMatch(/1 000\/s packets, 4\.0 Mbit\/s; dropped 2\/s, uninspected 0\/s/);
});

test('an engine that has begun anew has no rates, not negative ones', () => {
  const now = sample(1_002_000, { packets: { received: 10, bytes: 10, dropped: 0, uninspected: 0 } });
  const text = topView(scene({ now, before: sample(1_000_000) })).join('\n');
  expect(text).toMatch(/– packets, –; dropped –/);
});

test.each([
  [200, 60],
  [80, 24],
  [40, 12],
  [10, 3],
])('nothing is wider or longer than a terminal of %d × %d', (width, height) => {
  const lines = topView(
    scene({
      now: sample(
        1_000_000,
        {},
        Array.from({ length: 50 }, (_, index) => ban(index)),
      ),
      events: Array.from({ length: 100 }, (_, index) => event(index)),
      width,
      height,
    }),
  );
  expect(lines.length).toBeLessThanOrEqual(height);
  for (const line of lines) {
    expect(line.length).toBeLessThanOrEqual(width);
    // What packets have put into reasons and events is only shown.
    expect(line).not.toMatch(/[\p{Cc}\u202e]/u);
  }
  if (height >= 24) {
    expect(lines.join('\n')).toMatch(/BLOCKED\n203\.0\.113\.0 .*bad\\u001b/);
    expect(lines.join('\n')).toMatch(/EVENTS\n.*event 0/);
  }
});
