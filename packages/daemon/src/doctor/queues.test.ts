import { statusAnswer } from '../../../control/testing/status-answer';
import {
  circumstances,
  defaultConfiguration,
  engineFacts,
  firewallFacts,
  NO_ENGINE,
  NOTHING_STANDS,
  QUEUE_LINES,
} from '../../testing/fake-host';
import type { Circumstances } from './circumstances';
import { checkQueueDrops, checkQueues, checkWorkers } from './queues';

const FILE = '/proc/net/netfilter/nfnetlink_queue';

/** The finding about queue 0. */
function first(changes: Partial<Circumstances>, lines: string | null = QUEUE_LINES) {
  const here = circumstances(changes);
  if (lines === null) here.host.texts.delete(FILE);
  else here.host.texts.set(FILE, lines);
  return checkQueues(here)[0];
}
const rows = (change: object) =>
  engineFacts({ queues: statusAnswer().queues.map((row) => ({ ...row, ...change })) });
const LINE = '0 4711 0 2 65531 0 0 10 1\n';

describe('a queue', () => {
  test('is bound with its flags', () => {
    expect(checkQueues(circumstances())).toEqual([
      {
        name: 'queue 0',
        state: 'ok',
        seen: 'bound, fail-open on, GSO on, length 8192, 0 waiting',
        mend: null,
      },
      {
        name: 'queue 1',
        state: 'ok',
        seen: 'bound, fail-open on, GSO on, length 8192, 0 waiting',
        mend: null,
      },
    ]);
  });

  test('that nobody has bound', () => {
    expect(first({}, '')).toMatchObject({
      state: 'failed',
      seen: 'nobody is bound, its traffic passes uninspected',
    });
    const configuration = defaultConfiguration('nfqueue.fail-open=false');
    expect(first({ configuration }, '')?.seen).toBe('nobody is bound, its traffic is dropped');
    expect(first({}, null)?.state).toBe('unknown');
  });

  test.each([
    ['fail-open not granted', rows({ fail_open: false }), LINE, 'failed', /not granted fail-open on/],
    ['no GSO', rows({ gso: false }), LINE, 'warning', /GSO off.*configured on/],
    ['another length', rows({ max_length: 1024 }), LINE, 'warning', /length 1024: configured is 8192/],
    ['packets not copied', engineFacts(), '0 4711 0 1 65531 0 0 10 1\n', 'failed', /copy mode 1/],
    ['a backlog', engineFacts(), '0 4711 7000 2 65531 0 0 10 1\n', 'warning', /7000 packets wait/],
    ['a stranger', engineFacts({ queues: [] }), LINE, 'failed', /none of the engine's workers has it/],
  ] as const)('with %s', (_, engine, lines, state, seen) => {
    expect(first({ engine }, lines)).toMatchObject({ state, seen: expect.stringMatching(seen) });
  });

  test('without an engine', () => {
    expect(first({ engine: NO_ENGINE }, '')).toMatchObject({
      state: 'failed',
      seen: expect.stringMatching(/rules of a dead engine lead to it/),
    });
    expect(first({ engine: NO_ENGINE, firewall: firewallFacts(NOTHING_STANDS) }, '')?.state).toBe('unknown');
    expect(first({ engine: NO_ENGINE })?.seen).toBe('another program has it (netlink port 4711)');
    const silent = { status: null, problem: 'no answer', code: 'SILENT' } as const;
    expect(first({ engine: silent })).toMatchObject({ state: 'unknown', seen: 'bound by netlink port 4711' });
  });

  test('with protection off', () => {
    expect(first({ engine: engineFacts({ state: 'disabled', queues: [] }) }, '')?.state).toBe('unknown');
  });
});

describe('drops', () => {
  test('none, or none that could be seen', () => {
    expect(checkQueueDrops(circumstances()).state).toBe('ok');
    const here = circumstances();
    here.host.texts.set(FILE, '');
    expect(checkQueueDrops(here).state).toBe('unknown');
  });

  test.each([
    ['of the queue', '0 4711 0 2 65531 7 0 10 1\n', '', engineFacts(), '7 at its full length, 0 at'],
    ['of the socket', '0 4711 0 2 65531 0 5 10 1\n', '', engineFacts(), '0 at its full length, 5 at'],
    [
      'that only the socket tells',
      LINE,
      'sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode\n00aa 12  4711 00000000 0 0 0 2 9 77\n00ab 4  4711 00000000 0 0 0 2 3 78\n',
      engineFacts(),
      '0 at its full length, 9 at',
    ],
    ['that the worker has counted', LINE, '', rows({ overruns: 2 }), '0 at its full length, 2 at'],
  ] as const)('%s', (_, lines, sockets, engine, seen) => {
    const here = circumstances({ engine });
    here.host.texts.set(FILE, lines).set('/proc/net/netlink', sockets);
    expect(checkQueueDrops(here)).toMatchObject({
      state: 'warning',
      seen: `since the queue was bound, queue 0: ${seen} the full socket buffer`,
    });
  });
});

test('every queue has a worker, or not', () => {
  expect(checkWorkers(circumstances())).toMatchObject({ state: 'ok', seen: '2 of 2 at work' });
  const one = engineFacts({ queues: statusAnswer().queues.slice(0, 1) });
  expect(checkWorkers(circumstances({ engine: one }))).toMatchObject({
    state: 'failed',
    seen: 'no worker on queue 1',
  });
  for (const engine of [NO_ENGINE, engineFacts({ state: 'disabled', queues: [] })])
    expect(checkWorkers(circumstances({ engine })).state).toBe('unknown');
});
