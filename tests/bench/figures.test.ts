import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { banTimes } from './ban-time';
import { median, medianRatio, percentile } from './figures';
import { limitRules } from './modes';
import { parseOptions, UsageError } from './options';
import { makePayload, nearMatches, PAYLOAD_BYTES, payloadNames } from './payloads';
import { aligned, BEGIN_MARK, betweenMarks, END_MARK, figure } from './report';
import { idleShare, readProcessorTicks, stolenShare } from './stolen-time';
import { type Measurement, summarize } from './summary';
import { readIperf, readWrk } from './workloads';

test('median and percentiles', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(median([])).toBeNaN();
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect([percentile(hundred, 0.5), percentile(hundred, 0.99), percentile([7], 0.99)]).toEqual([50, 99, 7]);
});

test('a ratio is that of the rounds', () => {
  const mine = new Map([
    [0, 9],
    [1, 4],
    [2, 9],
  ]);
  const others = new Map([
    [0, 10],
    [1, 5],
    [3, 1],
  ]);
  expect(medianRatio(mine, others)).toBeCloseTo(0.85);
  expect(medianRatio(mine, new Map())).toBeNaN();
});

test('what the host takes away is a share of all processor time', () => {
  const before = readProcessorTicks('cpu  100 10 20 300 5 0 5 60 40 3\ncpu0 1 2 3 4 5 6 7 8 9 10\n');
  expect(before).toEqual({ total: 500, stolen: 60, idle: 300 });
  const after = readProcessorTicks('cpu  160 10 40 300 5 0 5 80 90 3\n');
  expect(stolenShare(before, after)).toBeCloseTo(0.2);
  expect(stolenShare(before, before)).toBe(0);
  expect(idleShare(before, readProcessorTicks('cpu  130 10 20 350 5 0 5 80 90 3\n'))).toBeCloseTo(0.5);
});

test('figures have three digits', () => {
  expect([1234567, 36712, 21.93, 0.04567, 0, Number.NaN].map(figure)).toEqual([
    '1 234 567',
    '36 712',
    '21.9',
    '0.0457',
    '0',
    '–',
  ]);
});

const wrk = `Running 3s test @ http://10.77.2.2:80/
  1 threads and 32 connections
  Latency Distribution
     50%  812.00us
     75%    1.20ms
     90%    1.90ms
     99%    1.10s
  90123 requests in 3.00s, 20.01MB read
  Socket errors: connect 1, read 2, write 0, timeout 3
  Non-2xx or 3xx responses: 4
Requests/sec:  30041.00
Transfer/sec:      6.67MB
`;

test('what wrk and iperf3 print is understood', () => {
  expect(readWrk(wrk)).toEqual({ rate: 30041, amount: 90.123, p50: 0.812, p99: 1100, errors: 10 });
  expect(() => readWrk('unable to connect')).toThrow(/unable to connect/);
  const iperf = JSON.stringify({ end: { sum_received: { bits_per_second: 2e10, bytes: 7.5e9 } } });
  expect(readIperf(iperf)).toEqual({ rate: 20, amount: 7.5, errors: 0 });
  expect(() => readIperf('{"error":"no route"}')).toThrow(/no route/);
});

test('rows hold medians, ratios and goals', () => {
  const one = (mode: Measurement['mode'], round: number, rate: number): Measurement => ({
    mode,
    round,
    rate,
    workload: 'keepalive',
    amount: 10,
    p50: 1,
    p99: round,
    errors: 1,
    consumer: 5,
    bystanders: 0,
    stolen: 0,
    attackStopped: null,
  });
  const rows = summarize([
    one('engine', 0, 90),
    one('limit', 0, 100),
    one('engine', 1, 40),
    one('limit', 1, 50),
    one('engine', 2, 88),
    one('limit', 2, 100),
  ]);
  expect(rows.map((row) => row.mode)).toEqual(['limit', 'engine']);
  expect(rows[1]).toMatchObject({ rate: 88, ofLimit: 0.88, p99: 1, consumer: 0.5, errors: 3, reached: true });
  expect(rows[1]?.ofNone).toBeNaN();
  expect(rows[0]?.goal).toBeNull();
});

test('half load has a goal of its own, and so have payloads; planted attacks are counted', () => {
  const one = (
    workload: Measurement['workload'],
    mode: Measurement['mode'],
    round: number,
    figures: Partial<Measurement>,
  ): Measurement => ({
    workload,
    mode,
    round,
    rate: 1,
    amount: 1,
    errors: 0,
    consumer: 0,
    bystanders: 0,
    stolen: 0,
    attackStopped: mode === 'engine' ? round !== 1 : null,
    ...figures,
  });
  const rows = summarize([
    one('half', 'none', 0, { p99: 1 }),
    one('half', 'none', 1, { p99: 5 }),
    one('half', 'engine', 0, { p99: 1.5 }),
    one('half', 'engine', 1, { p99: 6.5 }),
    one('text', 'engine', 0, { rate: 4 }),
    one('zeros', 'engine', 0, { rate: 1 }),
    one('near', 'engine', 0, { rate: 2 }),
    one('near', 'engine', 1, { rate: 0 }),
  ]);
  const row = (workload: string, mode: string) =>
    rows.find((other) => other.workload === workload && other.mode === mode);
  expect(row('half', 'engine')).toMatchObject({
    added: 1,
    reached: true,
    attacks: { planted: 2, stopped: 1 },
  });
  expect(row('half', 'none')).toMatchObject({ goal: null, attacks: { planted: 0, stopped: 0 } });
  expect(row('text', 'engine')?.goal).toBeNull();
  expect(row('zeros', 'engine')).toMatchObject({ ofPayload: 0.25, reached: false });
  expect(row('near', 'engine')).toMatchObject({ ofPayload: 0.5, reached: true });
});

test('payloads have one size, and near matches end in another letter', () => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-payloads-'));
  try {
    const rules = join(folder, 'some.rules');
    writeFileSync(
      rules,
      'alert tcp any any -> any any (content:"abcdef"; content:"|00|"; content:"/login.php";)',
    );
    expect(nearMatches(rules)).toEqual(['abcde~', '/login.ph~']);
    for (const name of payloadNames) expect(makePayload(name, rules)).toHaveLength(PAYLOAD_BYTES);
    expect(makePayload('near', rules).includes('abcdef')).toBe(false);
    expect(makePayload('near', rules).includes('abcde~')).toBe(true);
    expect(makePayload('text', null).includes(' the ')).toBe(true);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('the ban takes effect between the last datagram that arrived and the next', () => {
  const attacks = [
    { sent: [0, 100, 200, 300], counts: true },
    { sent: [0, 100, 200, 300], counts: true },
    { sent: [0, 100], counts: true },
    { sent: [0, 5000], counts: false },
    { sent: [0, 5000], counts: false },
  ];
  expect(banTimes(attacks, { 0: 100, 1: -1, 2: 100, 3: 0, 4: 5000 })).toEqual({
    attacks: 3,
    unbanned: 2,
    p50: 0,
    p90: 0.2,
    p99: 0.2,
    longest: 0.2,
  });
  expect(() => banTimes(attacks, {})).toThrow(/attack 0/);
});

test('options are read, and wrong ones refused', () => {
  expect(
    parseOptions(['--modes', 'engine,limit', '--workloads', 'keepalive', '--rounds', '7']),
  ).toMatchObject({
    modes: ['limit', 'engine'],
    workloads: ['keepalive'],
    rounds: 7,
    extras: ['memory', 'ban'],
  });
  expect(parseOptions(['--extras', '-'])).toMatchObject({ extras: [] });
  for (const wrong of [['--modes', 'fast'], ['--rounds', '0'], ['--seconds', '1.5'], ['--speed'], ['x']])
    expect(() => parseOptions(wrong)).toThrow(UsageError);
});

test('the limit spreads connections evenly', () => {
  const rules = limitRules(3).map((rule) => rule.join(' '));
  expect(rules.map((rule) => /--probability (\S+)/.exec(rule)?.[1])).toEqual([
    '0.33333333',
    '0.50000000',
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  expect(rules.filter((rule) => rule.includes('NFQUEUE'))).toHaveLength(4);
  expect(limitRules(1)).toHaveLength(1);
});

test('tables are aligned, and put between their marks', () => {
  expect(
    aligned([
      ['', 'a'],
      ['xyz', '10'],
    ]),
  ).toBe('        a\n  xyz  10');
  expect(betweenMarks(`head\n${BEGIN_MARK}\nold\n${END_MARK}\ntail`, 'new')).toBe(
    `head\n${BEGIN_MARK}\n\nnew\n\n${END_MARK}\ntail`,
  );
  expect(() => betweenMarks('nothing', 'new')).toThrow(/no/);
});
