import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitUntil } from '@portcullis/testkit';
import { alert, alerts, flowIds, numbers } from '../../testing/records';
import { type Batch, Spool } from '../spool/spool';
import { BackOff } from './back-off';
import { SpooledSink } from './spooled-sink';
import { BatchRefused, type Transport } from './transport';

/** A receiver in memory: takes, fails or hangs as the test says. */
class FakeTransport implements Transport {
  readonly name = 'fake';
  onBroken: (() => void) | null = null;
  readonly batches: Batch[] = [];
  answer: (batch: Batch) => Error | null = () => null;
  /** While set, nothing is answered. */
  hanging: Promise<void> | null = null;
  private end: ((error: Error) => void) | null = null;

  constructor(readonly settleMilliseconds = 0) {}

  async send(batch: Batch): Promise<void> {
    const closed = new Promise<void>((_, reject) => {
      this.end = reject;
    });
    closed.catch(() => undefined);
    if (this.hanging) await Promise.race([this.hanging, closed]);
    const error = this.answer(batch);
    if (error) throw error;
    this.batches.push(batch);
  }
  close(): void {
    this.end?.(new Error('closed'));
  }
  get ids(): number[] {
    return this.batches.flatMap(({ lines }) => flowIds(lines));
  }
}

let directory: string;
const sinks: SpooledSink[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'spooled-'));
});
afterEach(async () => {
  for (const sink of sinks.splice(0)) await sink.close();
  rmSync(directory, { recursive: true });
});

const retry = { first: 1, most: 2 };
async function open(transport: Transport, options: ConstructorParameters<typeof SpooledSink>[2] = {}) {
  const spool = await Spool.open({ directory, size: 1024 * 1024 });
  const sink = new SpooledSink(spool, transport, { retry, graceMilliseconds: 0, ...options });
  sinks.push(sink);
  return sink;
}

test('delivers in order, in batches no larger than asked for', async () => {
  const transport = new FakeTransport();
  const sink = await open(transport, { batch: 7 });
  for (const record of alerts(0, 100)) sink.write(record);
  await waitUntil(() => transport.ids.length === 100, { what: 'delivery' });
  expect(transport.ids).toEqual(numbers(0, 100));
  expect(Math.max(...transport.batches.map(({ lines }) => lines.length))).toBe(7);
  await waitUntil(() => sink.statistics.backlog === 0, { what: 'acknowledgement' });
  expect(sink.statistics).toMatchObject({ written: 100, lost: 0, failures: 0, lastError: null });
});

test('a receiver that is away and comes back gets everything, and both are told once', async () => {
  const states: string[] = [];
  const transport = new FakeTransport();
  transport.answer = () => new Error('away');
  const sink = await open(transport, { onState: (failed, message) => states.push(`${failed} ${message}`) });
  for (const record of alerts(0, 50)) sink.write(record);
  await waitUntil(() => sink.statistics.failures >= 3, { what: 'retries' });
  expect(sink.statistics).toMatchObject({ written: 0, lost: 0, lastError: 'away' });
  expect(sink.statistics.backlog).toBeGreaterThan(0);
  transport.answer = () => null;
  await waitUntil(() => transport.ids.length === 50, { what: 'delivery' });
  expect(transport.ids).toEqual(numbers(0, 50));
  expect(states).toEqual(['true fake takes no events: away', 'false fake takes events again']);
});

test('a receiver that hangs costs no time and a bounded amount of memory', async () => {
  const transport = new FakeTransport();
  transport.hanging = new Promise(() => undefined);
  const sink = await open(transport);
  for (let round = 0; round < 20; round++) {
    for (const record of alerts(round * 50, 50)) sink.write(record);
    await sink.flush();
  }
  expect(sink.statistics.written).toBe(0);
  expect(sink.statistics.lost).toBe(0);
  const before = performance.now();
  await sink.close();
  expect(performance.now() - before).toBeLessThan(1000);
});

test('what was not delivered is delivered by the next run, after an orderly end', async () => {
  const first = new FakeTransport();
  first.answer = () => new Error('away');
  const before = await open(first);
  for (const record of alerts(0, 30)) before.write(record);
  await waitUntil(() => before.statistics.failures > 0, { what: 'a failure' });
  await before.close();
  const second = new FakeTransport();
  const after = await open(second);
  for (const record of alerts(30, 10)) after.write(record);
  await waitUntil(() => second.ids.length === 40, { what: 'delivery' });
  expect(second.ids).toEqual(numbers(0, 40));
});

test('a batch that failed comes again as the same, marked', async () => {
  const transport = new FakeTransport();
  const tried: Batch[] = [];
  transport.answer = (batch) => {
    tried.push(batch);
    return tried.length === 1 ? new Error('the answer was lost') : null;
  };
  const sink = await open(transport, { batch: 3 });
  for (const record of alerts(0, 3)) sink.write(record);
  await waitUntil(() => transport.batches.length === 1, { what: 'delivery' });
  expect(tried.map(({ id }) => id)).toEqual([tried[0]?.id, tried[0]?.id]);
  expect(tried.map(({ redelivered }) => redelivered)).toEqual([false, true]);
});

test('one record that the receiver refuses does not hold up the others', async () => {
  const transport = new FakeTransport();
  transport.answer = ({ lines }) => (flowIds(lines).includes(13) ? new BatchRefused('400') : null);
  const sink = await open(transport, { batch: 16 });
  for (const record of alerts(0, 40)) sink.write(record);
  await waitUntil(() => transport.ids.length === 39, { what: 'delivery' });
  expect(transport.ids).toEqual(numbers(0, 40).filter((n) => n !== 13));
  expect(sink.statistics.lost).toBe(1);
});

test('what was sent just before a connection broke is sent again', async () => {
  const transport = new FakeTransport(60_000);
  const sink = await open(transport);
  sink.write(alert(1));
  await waitUntil(() => transport.ids.length === 1, { what: 'delivery' });
  sink.write(alert(2));
  await waitUntil(() => transport.ids.length === 2, { what: 'delivery' });
  expect(sink.statistics.written).toBe(0);
  transport.onBroken?.();
  await waitUntil(() => transport.ids.length === 4, { what: 'delivery again' });
  expect(transport.ids).toEqual([1, 2, 1, 2]);
  expect(transport.batches.at(-1)?.redelivered).toBe(true);
  await sink.close();
  expect(sink.statistics).toMatchObject({ written: 2, backlog: 0 });
});

test('what a connection has outlived is not sent again', async () => {
  const transport = new FakeTransport(1);
  const sink = await open(transport);
  sink.write(alert(1));
  await waitUntil(() => sink.statistics.written === 1, { what: 'settling' });
  transport.onBroken?.();
  sink.write(alert(2));
  await waitUntil(() => sink.statistics.written === 2, { what: 'settling' });
  expect(transport.ids).toEqual([1, 2]);
});

test('an end waits a moment for a receiver that is there', async () => {
  let go = () => {};
  const transport = new FakeTransport();
  transport.hanging = new Promise((resolve) => {
    go = resolve;
  });
  const sink = await open(transport, { graceMilliseconds: 60_000 });
  for (const record of alerts(0, 5)) sink.write(record);
  const closing = sink.close();
  go();
  await closing;
  expect(transport.ids).toEqual(numbers(0, 5));
  expect(sink.statistics.backlog).toBe(0);
});

test('waits grow twofold up to a limit, with jitter, and begin anew after a success', () => {
  const backOff = new BackOff({ first: 100, most: 1000 }, () => 1);
  expect(Array.from({ length: 6 }, () => backOff.next())).toEqual([100, 200, 400, 800, 1000, 1000]);
  backOff.reset();
  expect(backOff.next()).toBe(100);
  const least = new BackOff({ first: 100, most: 1000 }, () => 0);
  expect(least.next()).toBe(50);
});
