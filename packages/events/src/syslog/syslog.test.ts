import { createSocket, type Socket } from 'node:dgram';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selfMadeCertificate, waitUntil } from '@portcullis/testkit';
import { alert, alerts, flowIds, numbers } from '../../testing/records';
import { StreamReceiver } from '../../testing/stream-receiver';
import { SpooledSink } from '../delivery/spooled-sink';
import { Spool } from '../spool/spool';
import { DatagramSyslogSink } from './datagram-sink';
import { LocalSyslogSink } from './local-sink';
import type { SyslogFormat } from './message';
import { syslogStreamTransport, type TlsTrust } from './stream';

const format: SyslogFormat = {
  format: 'json',
  facility: 'local0',
  appName: 'portcullis',
  hostname: 'gateway',
  version: '1',
  longest: 8192,
};
const retry = { first: 1, most: 5 };
const contents = (messages: readonly string[]) =>
  messages.map((message) => message.replace(/^.*?sequenceId="\d+"\] /, ''));

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'syslog-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

async function streamSink(port: number, trust: TlsTrust | null): Promise<SpooledSink> {
  const spool = await Spool.open({ directory, size: 1024 * 1024 });
  const transport = syslogStreamTransport({ host: '127.0.0.1', port }, trust, format);
  return new SpooledSink(spool, transport, { retry, graceMilliseconds: 0 });
}

test('over TCP, with octet counting, the receiver away in between', async () => {
  const receiver = new StreamReceiver({ host: '127.0.0.1', port: 0 });
  await receiver.start();
  const sink = await streamSink(receiver.port, null);
  for (const record of alerts(0, 50)) sink.write(record);
  await waitUntil(() => receiver.counted.length === 50, { what: 'the first messages' });
  expect(receiver.counted[49]).toMatch(
    /^<130>1 2023-11-14T22:13:20\.000049Z gateway portcullis \d+ alert \[meta/,
  );
  await receiver.stop();
  await waitUntil(() => sink.statistics.backlog > 0, { what: 'taking back what did not settle' });
  for (const record of alerts(50, 50)) sink.write(record);
  receiver.received.length = 0;
  await receiver.start();
  await waitUntil(() => receiver.counted.length >= 100, { what: 'the other messages' });
  expect(flowIds(contents(receiver.counted))).toEqual(numbers(0, 100));
  await sink.close();
  await receiver.stop();
});

describe('over TLS', () => {
  const certificate = selfMadeCertificate();
  let receiver: StreamReceiver;
  beforeEach(async () => {
    receiver = new StreamReceiver({ host: '127.0.0.1', port: 0 }, certificate);
    await receiver.start();
  });
  afterEach(() => receiver.stop());

  test.each([
    ['verified by its authority', { ca: certificate.cert, verify: true }],
    ['unverified where that is wanted', { ca: null, verify: false }],
  ])('a receiver %s gets everything', async (_, trust) => {
    const sink = await streamSink(receiver.port, trust);
    for (const record of alerts(0, 20)) sink.write(record);
    await waitUntil(() => receiver.counted.length === 20, { what: 'the messages' });
    expect(flowIds(contents(receiver.counted))).toEqual(numbers(0, 20));
    await sink.close();
  });

  test('a receiver nobody vouches for gets nothing', async () => {
    const sink = await streamSink(receiver.port, { ca: null, verify: true });
    sink.write(alert(1));
    await waitUntil(() => sink.statistics.failures > 2, { what: 'refusals' });
    expect(sink.statistics.lastError).toMatch(/self-signed certificate/);
    expect(receiver.received).toEqual([]);
    await sink.close();
  });
});

describe('over UDP', () => {
  let server: Socket;
  const received: string[] = [];
  const listen = (port: number) =>
    new Promise<number>((resolve) => {
      server = createSocket('udp4', (message) => received.push(message.toString()));
      server.bind(port, '127.0.0.1', () => resolve(server.address().port));
    });
  beforeEach(() => {
    received.length = 0;
  });

  test('each event is a datagram', async () => {
    const sink = new DatagramSyslogSink({ host: '127.0.0.1', port: await listen(0) }, format, { retry });
    for (const record of alerts(0, 20)) sink.write(record);
    await sink.flush();
    await waitUntil(() => received.length === 20, { what: 'the datagrams' });
    expect(flowIds(contents(received))).toEqual(numbers(0, 20));
    expect(sink.statistics).toMatchObject({ written: 20, lost: 0, backlog: 0 });
    await sink.close();
    server.close();
  });

  test('where nobody listens that is counted, and a receiver that comes back gets what follows', async () => {
    const port = await listen(0);
    await new Promise<void>((resolve) => server.close(() => resolve()));
    const states: boolean[] = [];
    const sink = new DatagramSyslogSink({ host: '127.0.0.1', port }, format, {
      retry,
      onState: (failed) => states.push(failed),
    });
    let n = 0;
    await waitUntil(
      () => {
        sink.write(alert(n++));
        return sink.statistics.failures > 0;
      },
      { what: 'the refusal' },
    );
    expect(sink.statistics.lastError).toMatch(/ECONNREFUSED/);
    await listen(port);
    await waitUntil(
      () => {
        sink.write(alert(n++));
        return received.length > 0;
      },
      { what: 'the receiver' },
    );
    expect(states.slice(0, 2)).toEqual([true, false]);
    await sink.close();
    server.close();
  });

  test('what cannot wait is lost and counted', async () => {
    const sink = new DatagramSyslogSink({ host: '127.0.0.1', port: 9 }, format, { backlogLimit: 1000 });
    for (const record of alerts(0, 100)) sink.write(record);
    expect(sink.statistics.lost).toBeGreaterThan(90);
    await sink.close();
  });
});

describe('to the local service', () => {
  /** Node.js has no UNIX datagram sockets; a few lines of Python stand for the service. */
  const service = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("ready", flush=True)
while True:
    sys.stdout.buffer.write(s.recv(65536) + b"\\n")
    sys.stdout.flush()
`;
  const tools = ['/usr/bin/logger', '/usr/bin/python3'].filter((path) => !existsSync(path));
  const title = tools.length > 0 ? `(not installed: ${tools.join(', ')})` : '';

  (tools.length > 0 ? test.skip : test)(`each event is a message with its priority ${title}`, async () => {
    const { spawn } = await import('node:child_process');
    const path = join(directory, 'log');
    const child = spawn('python3', ['-c', service, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    await waitUntil(() => said.startsWith('ready'), { what: 'the service' });
    const sink = new LocalSyslogSink(format, { socket: path, retry });
    for (const record of alerts(0, 5)) sink.write(record);
    await waitUntil(() => said.split('\n').length === 7, { what: 'the messages' });
    const messages = said.trim().split('\n').slice(1);
    expect(messages[0]).toMatch(/^<130>\w{3} [ \d]\d \d\d:\d\d:\d\d portcullis: \{/);
    expect(flowIds(messages.map((message) => message.replace(/^.*?: /, '')))).toEqual(numbers(0, 5));
    expect(sink.statistics).toMatchObject({ written: 5, lost: 0, failures: 0 });
    await sink.close();
    child.kill();
    await new Promise((resolve) => child.once('exit', resolve));
  });

  (tools.length > 0 ? test.skip : test)(`where there is none, that is told ${title}`, async () => {
    const states: string[] = [];
    const sink = new LocalSyslogSink(format, {
      socket: join(directory, 'none'),
      retry,
      onState: (_, message) => states.push(message),
    });
    sink.write(alert(1));
    await waitUntil(() => sink.statistics.failures > 0, { what: 'the failure' });
    expect(states[0]).toMatch(/takes no events: .*No such file/);
    await sink.close();
  });
});
