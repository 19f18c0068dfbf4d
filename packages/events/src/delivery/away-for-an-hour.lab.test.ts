/**
 * A receiver that is away for an hour, and an engine that is started anew meanwhile: a real rsyslog and a real HTTPS
 * server. The hour is lived two thousand times as fast, with as many attempts and as many events as it has.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Rsyslog, waitUntil } from '@portcullis/testkit';
import { certificate, HttpsReceiver } from '../../testing/https-receiver';
import { freePort, SYSLOG_FORMAT } from '../../testing/receivers';
import { alert, numbers } from '../../testing/records';
import { Spool } from '../spool/spool';
import { syslogStreamTransport } from '../syslog/stream';
import { WebhookTransport } from '../webhook/webhook';
import { BackOff } from './back-off';
import { SpooledSink } from './spooled-sink';
import type { Transport } from './transport';

const HOUR = 3_600_000;
const SPEED = 2000;
/** The usual ones, at that speed. */
const RETRY = { first: 500 / SPEED, most: 30_000 / SPEED };
/** Ten a second. */
const EVENTS = 36_000;
/** Before it goes away, so that a connection breaks and is not only refused. */
const BEFORE = 200;
const MEGABYTE = 1024 * 1024;

/** Attempts that a sink makes in an hour with the usual pauses; jitter only makes them more. */
function attemptsOfAnHour(): number {
  const pauses = new BackOff({}, () => 1);
  let attempts = 0;
  for (let passed = 0; passed < HOUR; passed += pauses.next()) attempts++;
  return attempts;
}

let directory: string;
let sink: SpooledSink | null = null;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'away-'));
});
afterEach(async () => {
  await sink?.close();
  sink = null;
  rmSync(directory, { recursive: true, force: true });
});

interface Outage {
  /** For each run of the engine. */
  readonly transport: (run: number) => Transport;
  /** What happens to the receiver, in order, each for the same part of the hour. */
  readonly stages: readonly (() => Promise<void> | void)[];
}

/** @returns how many events were written; the receiver is still away, and has the first of them */
async function liveThrough({ transport, stages }: Outage): Promise<number> {
  let written = 0;
  const open = async (run: number) => {
    const spool = await Spool.open({ directory: join(directory, 'spool'), size: 64 * MEGABYTE });
    return new SpooledSink(spool, transport(run), { batch: 100, retry: RETRY, graceMilliseconds: 0 });
  };
  const write = async (to: SpooledSink, until: number) => {
    while (written < until) to.write(alert(written++));
    await to.flush();
  };
  sink = await open(0);
  await write(sink, BEFORE);
  // What the receiver's kernel has acknowledged counts a second later, and then no more comes twice.
  await waitUntil(() => sink?.statistics.written === BEFORE, { what: 'the first events' });

  const attempts = attemptsOfAnHour();
  const ahead = [...stages];
  for (let made = 0; made < attempts; made++) {
    if (made >= ((stages.length - ahead.length) * attempts) / stages.length) await ahead.shift()?.();
    if (made === Math.ceil(attempts / 2)) {
      expect(sink.statistics).toMatchObject({ lost: 0, written: BEFORE });
      await sink.close();
      sink = await open(1);
    }
    const { failures } = sink.statistics;
    await write(sink, BEFORE + Math.ceil(((made + 1) * EVENTS) / attempts));
    await waitUntil(() => (sink as SpooledSink).statistics.failures > failures, { what: 'an attempt' });
  }
  expect(sink.statistics).toMatchObject({ lost: 0, written: 0 });
  return written;
}

test('an HTTPS server that hangs, is gone and has trouble gets every event once and in order', async () => {
  const receiver = new HttpsReceiver();
  await receiver.start();
  const options = {
    url: `https://127.0.0.1:${receiver.port}/events`,
    ca: certificate.cert,
    verify: true,
    key: null,
    headers: {},
    format: 'json' as const,
    // Of the receiver that answers: it may take its time on a busy machine.
    timeoutMilliseconds: 10_000,
  };
  try {
    const written = await liveThrough({
      transport: () => new WebhookTransport(options),
      stages: [
        () => {
          receiver.silent = true;
          options.timeoutMilliseconds = 30;
        },
        () => receiver.stop(),
        () => {
          receiver.silent = false;
          receiver.status = 503;
          options.timeoutMilliseconds = 10_000;
          return receiver.start();
        },
      ],
    });
    const answers = new Set(receiver.requests.map(({ answer }) => answer));
    expect(answers).toEqual(new Set([200, null, 503]));
    receiver.status = 200;
    await waitUntil(() => sink?.statistics.backlog === 0, { what: 'delivery', timeout: 60_000 });
    expect(receiver.accepted).toEqual(numbers(0, written));
  } finally {
    await receiver.stop();
  }
});

const missing = Rsyslog.missing();
(missing === null ? test : test.skip)(
  `an rsyslog that is gone gets every event once and in order${missing === null ? '' : ` (${missing})`}`,
  async () => {
    const port = await freePort();
    const rsyslog = new Rsyslog(directory, port);
    await rsyslog.start();
    try {
      const written = await liveThrough({
        transport: () => syslogStreamTransport({ host: '127.0.0.1', port }, null, SYSLOG_FORMAT),
        stages: [() => rsyslog.stop()],
      });
      await rsyslog.start();
      await waitUntil(() => sink?.statistics.backlog === 0, { what: 'delivery', timeout: 60_000 });
      await waitUntil(() => rsyslog.rows.length >= written, { what: 'the file', timeout: 60_000 });
      const rows = rsyslog.rows.map(({ message, structuredData }) => [
        JSON.parse(message).flow_id,
        structuredData,
      ]);
      expect(rows).toEqual(numbers(0, written).map((n) => [n, `[meta sequenceId="${n + 1}"]`]));
    } finally {
      await rsyslog.stop();
    }
  },
);
