/** A real rsyslog receives RFC 5424 over TCP, goes away and comes back. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitUntil } from '@portcullis/testkit';
import { alerts, numbers } from '../../testing/records';
import { SpooledSink } from '../delivery/spooled-sink';
import type { EveRecord } from '../record';
import { Spool } from '../spool/spool';
import { syslogStreamTransport } from './stream';

const RSYSLOGD = '/usr/sbin/rsyslogd';
const installed = existsSync(RSYSLOGD);

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** rsyslog with one TCP input and one file, from a configuration of its own. */
class Rsyslog {
  private child: ChildProcess | null = null;
  readonly output: string;

  constructor(
    private readonly directory: string,
    port: number,
  ) {
    this.output = join(directory, 'received');
    writeFileSync(
      join(directory, 'rsyslog.conf'),
      `global(workDirectory="${directory}")
module(load="imtcp")
input(type="imtcp" port="${port}" address="127.0.0.1")
template(name="fields" type="list") {
  property(name="hostname") constant(value="\\t")
  property(name="app-name") constant(value="\\t")
  property(name="msgid") constant(value="\\t")
  property(name="syslogfacility-text") constant(value=".") property(name="syslogseverity-text")
  constant(value="\\t") property(name="timestamp" dateFormat="rfc3339" date.inUTC="on")
  constant(value="\\t") property(name="structured-data")
  constant(value="\\t") property(name="msg") constant(value="\\n")
}
action(type="omfile" file="${this.output}" template="fields")
`,
    );
  }

  async start(): Promise<void> {
    const pid = join(this.directory, 'pid');
    const args = ['-n', '-f', join(this.directory, 'rsyslog.conf'), '-i', pid];
    this.child = spawn(RSYSLOGD, args, { stdio: 'ignore' });
    await waitUntil(() => existsSync(pid), { what: 'rsyslog' });
  }

  async stop(): Promise<void> {
    const { child } = this;
    this.child = null;
    if (!child || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill();
    await ended;
  }

  get rows(): string[][] {
    if (!existsSync(this.output)) return [];
    return readFileSync(this.output, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((row) => row.split('\t'));
  }
}

(installed ? describe : describe.skip)(`rsyslog ${installed ? '' : `(${RSYSLOGD} is not installed)`}`, () => {
  let directory: string;
  let rsyslog: Rsyslog;
  let sink: SpooledSink;
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'rsyslog-'));
    const port = await freePort();
    rsyslog = new Rsyslog(directory, port);
    const format = {
      format: 'json' as const,
      facility: 'local3' as const,
      appName: 'portcullis',
      hostname: 'gateway',
      version: '1',
      longest: 8192,
    };
    sink = new SpooledSink(
      await Spool.open({ directory: join(directory, 'spool'), size: 4 * 1024 * 1024 }),
      syslogStreamTransport({ host: '127.0.0.1', port }, null, format),
      { batch: 50, retry: { first: 10, most: 50 } },
    );
  });
  afterEach(async () => {
    await sink.close();
    await rsyslog.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const ids = () => rsyslog.rows.map((row) => (JSON.parse(row[6] as string) as EveRecord).flow_id as number);

  test('reads every field of the header and the message as it was sent', async () => {
    await rsyslog.start();
    const records = alerts(0, 200);
    for (const record of records) sink.write(record);
    await waitUntil(() => rsyslog.rows.length === 200, { what: 'the messages', timeout: 20_000 });
    expect(rsyslog.rows[7]?.slice(0, 6)).toEqual([
      'gateway',
      'portcullis',
      'alert',
      'local3.crit',
      '2023-11-14T22:13:20.000007+00:00',
      '[meta sequenceId="8"]',
    ]);
    expect(rsyslog.rows.map((row) => JSON.parse(row[6] as string))).toEqual(records);
  });

  test('away and back: nothing is lost, and what comes twice has the same number', async () => {
    await rsyslog.start();
    for (const record of alerts(0, 500)) sink.write(record);
    await waitUntil(() => rsyslog.rows.length > 0, { what: 'the first messages', timeout: 20_000 });
    await rsyslog.stop();
    for (const record of alerts(500, 500)) sink.write(record);
    await waitUntil(() => sink.statistics.failures > 0, { what: 'failures', timeout: 20_000 });
    await rsyslog.start();
    await waitUntil(() => new Set(ids()).size === 1000, { what: 'all messages', timeout: 20_000 });
    expect([...new Set(ids())].sort((a, b) => a - b)).toEqual(numbers(0, 1000));
    const sequence = new Map<number, string>();
    for (const row of rsyslog.rows) {
      const { flow_id } = JSON.parse(row[6] as string) as { flow_id: number };
      expect(sequence.get(flow_id) ?? row[5]).toBe(row[5]);
      sequence.set(flow_id, row[5] as string);
    }
  });
});
