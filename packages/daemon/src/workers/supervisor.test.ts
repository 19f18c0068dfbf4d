/** Workers that die, stall, or cannot be had — with threads that speak the messages and inspect nothing. */
import { join } from 'node:path';
import type { PreparedRules } from '@portcullis/engine';
import { waitUntil } from '@portcullis/testkit';
import { Supervisor } from './supervisor';
import { WorkerThread } from './worker-thread';

// Some tests are about a second of time, which other programs may take from them.
jest.retryTimes(2, { logErrorsBeforeRetry: true, retryImmediately: true });

const script = join(__dirname, '..', '..', 'testing', 'fake-worker.js');
const EXIT = 1;
const THROW = 2;
const STALL = 3;
const DETECT = 4;
const GIVE_UP = 5;
const COLLECT = 6;

/** Rules that stand for how the threads are to behave. */
const rules = (text: string): PreparedRules => ({
  packed: packed(text),
  classification: null,
  addressGroups: {},
  portGroups: {},
  cacheDirectory: null,
});

function packed(text: string): Uint8Array<SharedArrayBuffer> {
  const bytes = new Uint8Array(new SharedArrayBuffer(text.length));
  bytes.set(Buffer.from(text));
  return bytes;
}

let supervisor: Supervisor;
let events: [string, Record<string, unknown>][];

async function started(text = 'ok', last = 1): Promise<Supervisor> {
  events = [];
  supervisor = new Supervisor({
    sources: new Map(
      Array.from({ length: last + 1 }, (_, queue) => [
        queue,
        {
          from: 'queue',
          queue,
          maxLength: 1024,
          batchSize: 64,
          receiveBuffer: 1 << 20,
          failOpen: true,
          gso: true,
          injectedMark: 1,
        },
      ]),
    ),
    thread: {
      inline: true,
      stream: {},
      appLayer: { memcap: 1 << 20, policy: 'open' },
      protocols: {},
      decodePolicy: 'open',
      holdBlockedMicros: 0,
    },
    script,
  });
  for (const name of ['detection', 'lost', 'replaced', 'unattended'] as const)
    supervisor.on(name, (...[event]: unknown[]) => events.push([name, event as Record<string, unknown>]));
  await supervisor.start(async () => rules(text), null);
  return supervisor;
}

afterEach(() => supervisor?.stop());

const misbehave = (thread: WorkerThread | undefined, mark: number) =>
  thread?.send({ type: 'offload', offload: { mask: 0xff, mark } });
const of = (queue: number) => supervisor.attended.find((one) => one.queue === queue)?.thread;
const told = (name: string) => events.filter(([kind]) => kind === name).map(([, event]) => event);
const happens = (name: string, count = 1, timeout = 5000) =>
  waitUntil(() => told(name).length >= count, { timeout, what: `${count} × ${name}` });
const loaded = () =>
  Promise.all(supervisor.attended.map(({ thread }) => Buffer.from(thread.rules?.packed ?? []).toString()));

test('starts one worker for each queue, with flow ids of its own, and stops', async () => {
  await started();
  expect(supervisor.attended.map(({ queue }) => queue)).toEqual([0, 1]);
  for (const { thread } of supervisor.attended) misbehave(thread, DETECT);
  await happens('detection', 2);
  const ids = told('detection').map((detection) => (detection.rule as { sid: number }).sid);
  expect(new Set(ids).size).toBe(2);
  for (const id of ids) expect(Number.isSafeInteger(id)).toBe(true);
  // A worker that is not told that its detections were taken would fall silent.
  misbehave(of(0), DETECT);
  await happens('detection', 3);
  expect(told('detection').map(({ rule }) => (rule as { rev: number }).rev)).toEqual([0, 0, 1]);
  await supervisor.stop();
  expect(supervisor.attended).toEqual([]);
  expect(events.filter(([name]) => name !== 'detection')).toEqual([]);
});

test('counters are those of now, or of a moment ago where a worker hangs', async () => {
  await started();
  const asked = jest.spyOn(WorkerThread.prototype, 'askForCounters');
  try {
    await supervisor.freshCounters();
    expect(asked.mock.contexts).toEqual(supervisor.threads);
    expect(supervisor.threads.map((thread) => thread.countersAreFresh)).toEqual([true, true]);
  } finally {
    asked.mockRestore();
  }
  await supervisor.stop();
  await started('secretive');
  await supervisor.freshCounters();
  expect(supervisor.threads.map((thread) => thread.countersAreFresh)).toEqual([false, false]);
});

test.each([
  ['exits', EXIT, /ended by itself \(code 3\)/],
  ['throws', THROW, /a bug/],
  ['gives up', GIVE_UP, /it gives up/],
  ['stalls', STALL, /not moved for \d+ ms/],
])(
  'a worker that %s is replaced within a second',
  async (_, mark, reason) => {
    await started();
    const before = of(1);
    const other = of(0);
    const since = performance.now();
    misbehave(before, mark);
    await happens('replaced');
    expect(performance.now() - since).toBeLessThan(1500);
    expect(told('lost')).toMatchObject([{ queue: 1, reason: expect.stringMatching(reason), thread: before }]);
    expect(told('replaced')).toMatchObject([{ queue: 1, milliseconds: expect.any(Number) }]);
    expect(told('replaced')[0]?.milliseconds).toBeLessThan(1000);
    expect(of(1)).not.toBe(before);
    expect(of(0)).toBe(other);
    // Another stands by again.
    misbehave(of(1), mark);
    await happens('replaced', 2);
  },
  15_000,
);

test('a worker that collects its garbage may stand still for longer', async () => {
  await started('ok', 0);
  const worker = of(0);
  misbehave(worker, COLLECT);
  await happens('detection');
  expect(told('lost')).toEqual([]);
  expect(of(0)).toBe(worker);
  // Not for longer than it says.
  misbehave(worker, STALL);
  await happens('replaced');
}, 15_000);

test('rules that cannot be prepared keep it from starting', async () => {
  await started();
  await supervisor.stop();
  const failure = new Error('no such rules');
  await expect(supervisor.start(() => Promise.reject(failure), null)).rejects.toBe(failure);
  expect(supervisor.attended).toEqual([]);
});

test('two lost at once: the second queue waits for the next worker', async () => {
  await started();
  for (const { thread } of supervisor.attended) misbehave(thread, EXIT);
  await happens('replaced', 2);
  expect(supervisor.attended.map(({ queue }) => queue).sort()).toEqual([0, 1]);
  expect(told('unattended').length).toBeGreaterThanOrEqual(0);
}, 15_000);

test('where no worker can be had, it is told and tried again', async () => {
  await started('ok', 0);
  // Whatever is started from now on fails.
  const given = (supervisor as unknown as { rules: PreparedRules }).rules;
  const good = given.packed;
  given.packed = packed('bad');
  misbehave(of(0), EXIT);
  await happens('replaced');
  misbehave(of(0), EXIT);
  await happens('unattended', 2);
  expect(told('unattended')[0]).toMatchObject({ queue: 0, reason: expect.any(String) });
  expect(supervisor.attended).toEqual([]);
  given.packed = good;
  await happens('replaced', 2);
  expect(supervisor.attended).toHaveLength(1);
}, 15_000);

describe('start', () => {
  test('fails with the reason of the worker, and leaves none', async () => {
    await expect(started('bad')).rejects.toThrow('the rules are bad');
    expect(supervisor.attended).toEqual([]);
  });
  test('fails where a queue cannot be had', async () => {
    await expect(started('taken')).rejects.toThrow('the queue is taken');
    expect(supervisor.attended).toEqual([]);
  });
});

describe('reload', () => {
  test('tries the rules out, then changes every worker over', async () => {
    await started();
    const threads = [...supervisor.threads];
    const broughtAbout: number[] = [];
    await supervisor.reload(
      async () => rules('better'),
      async (summary) => void broughtAbout.push(summary.loaded),
    );
    expect(broughtAbout).toEqual([6]);
    expect(await loaded()).toEqual(['better', 'better']);
    expect(supervisor.threads).toEqual(threads);
    // The one that stands by has them too.
    misbehave(of(0), EXIT);
    await happens('replaced');
    expect(await loaded()).toEqual(['better', 'better']);
    expect(events.map(([name]) => name)).toEqual(['lost', 'replaced']);
  });

  test('that fails keeps the old rules, here and in workers to come', async () => {
    await started();
    await expect(supervisor.reload(async () => rules('bad'))).rejects.toThrow('the rules are bad');
    expect(await loaded()).toEqual(['ok', 'ok']);
    misbehave(of(0), EXIT);
    await happens('replaced');
    expect(await loaded()).toEqual(['ok', 'ok']);
    await supervisor.reload(async () => rules('fine'));
    expect(await loaded()).toEqual(['fine', 'fine']);
  });

  test('whose surroundings cannot be brought about puts the old rules back, here and in workers to come', async () => {
    await started();
    const seen: string[][] = [];
    const refused = async () => {
      seen.push(await loaded());
      throw new Error('no firewall');
    };
    await expect(supervisor.reload(async () => rules('better'), refused)).rejects.toThrow('no firewall');
    expect(seen).toEqual([['better', 'better']]);
    expect(await loaded()).toEqual(['ok', 'ok']);
    misbehave(of(0), EXIT);
    await happens('replaced');
    expect(await loaded()).toEqual(['ok', 'ok']);
  });

  test('comes to its end when workers stall over the new rules; they are replaced', async () => {
    await started();
    await supervisor.reload(async () => rules('stuck'));
    await happens('replaced', 2, 8000);
    expect(await loaded()).toEqual(['stuck', 'stuck']);
  }, 15_000);

  test('while a worker is lost: its successor has the new rules in the end', async () => {
    await started();
    misbehave(of(0), EXIT);
    await happens('lost');
    await supervisor.reload(async () => rules('newest'));
    await happens('replaced');
    await waitUntil(async () => (await loaded()).join() === 'newest,newest', {
      what: 'the new rules in both',
    });
  }, 15_000);
});

describe('stop', () => {
  test('waits for a worker that does not drain no longer than a few seconds', async () => {
    await started('deaf');
    const since = performance.now();
    await supervisor.stop();
    expect(performance.now() - since).toBeLessThan(6000);
    expect(supervisor.attended).toEqual([]);
    expect(events).toEqual([]);
  }, 15_000);

  test('ends a worker that is stalled, and one that is on its way', async () => {
    await started('ok', 0);
    (supervisor as unknown as { rules: PreparedRules }).rules.packed = packed('slow');
    misbehave(of(0), EXIT);
    await happens('replaced');
    // From now on nobody comes to be ready.
    misbehave(of(0), STALL);
    await happens('lost', 2);
    await supervisor.stop();
    expect(supervisor.attended).toEqual([]);
    expect(told('replaced')).toHaveLength(1);
  }, 15_000);

  test('while loading goes on ends that too', async () => {
    events = [];
    await started();
    const reload = supervisor.reload(async () => rules('slow')).catch((error: Error) => error);
    await supervisor.stop();
    await expect(reload).resolves.toBeInstanceOf(Error);
  });
});
