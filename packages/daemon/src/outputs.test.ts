import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfiguration } from '@portcullis/configuration';
import type { FanOutSink } from '@portcullis/events';
import { eveTimestamp } from '@portcullis/events';
import { waitUntil } from '@portcullis/testkit';
import { openOutputs } from './outputs';

let directory: string;
let sink: FanOutSink | null = null;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'outputs-'));
});
afterEach(async () => {
  await sink?.close();
  sink = null;
  rmSync(directory, { recursive: true });
});

const said: string[] = [];
const log = {
  info: (message: string) => said.push(message),
  warn: (message: string) => said.push(message),
  error: (message: string) => said.push(message),
};
const configuration = (...overrides: string[]) =>
  loadConfiguration({
    file: null,
    overrides: [`state-dir=${directory}`, `log-dir=${directory}`, ...overrides],
  });
const open = async (...overrides: string[]) => {
  sink = await openOutputs(configuration(...overrides), { log, version: '1' });
  return sink;
};

test('without more being said there is the EVE file alone', async () => {
  const { outlets } = await open();
  expect(outlets.map(({ name }) => name)).toEqual(['eve']);
  expect(existsSync(join(directory, 'spool'))).toBe(false);
});

test('every output there is, receivers away, each with its spool; the EVE file is written all the same', async () => {
  const opened = await open(
    'outputs.socket=/run/nobody.sock',
    'outputs.syslog={transport: tcp, address: "127.0.0.1:9", events: [ban]}',
    'outputs.webhook={url: "https://127.0.0.1:9/", events: [alert, engine]}',
  );
  expect(opened.outlets.map(({ name, events }) => [name, events])).toEqual([
    ['eve', ['alert', 'ban', 'engine']],
    ['socket', ['alert', 'ban', 'engine']],
    ['syslog', ['ban']],
    ['webhook', ['alert', 'engine']],
  ]);
  opened.write({ timestamp: eveTimestamp(1), event_type: 'ban', ban: { action: 'added' } });
  await opened.flush();
  expect(readFileSync(join(directory, 'eve.json'), 'utf8')).toContain('"action":"added"');
  const backlog = Object.fromEntries(
    opened.outlets.map(({ name, sink: { statistics } }) => [name, statistics.backlog]),
  );
  expect(backlog.eve).toBe(0);
  expect(backlog.socket).toBeGreaterThan(0);
  expect(backlog.syslog).toBeGreaterThan(0);
  expect(backlog.webhook).toBe(0);
});

test('a spool that is full gives up its oldest part, counts it, and says so once in the other outputs', async () => {
  const opened = await open('outputs.webhook={url: "https://127.0.0.1:9/"}', 'outputs.spool.size=4mb');
  const statistics = () => opened.outlets.find(({ name }) => name === 'webhook')?.sink.statistics;
  const message = 'x'.repeat(64 * 1024);
  for (let count = 0; count < 100; count++) {
    opened.write({ timestamp: eveTimestamp(count), event_type: 'engine', engine: { message } });
    await opened.flush();
  }
  const lost = statistics()?.lost ?? 0;
  expect(lost).toBeGreaterThan(30);
  expect(statistics()?.backlog).toBeLessThanOrEqual(4 * 1024 * 1024);
  const told = readFileSync(join(directory, 'eve.json'), 'utf8')
    .split('\n')
    .filter((line) => line.includes('SPOOL_FULL'));
  expect(told).toHaveLength(1);
  expect(told[0]).toMatch(/the spool for webhook https:\/\/127\.0\.0\.1:9 is full/);
  expect(said.join('\n')).toMatch(/is full \(4194304 bytes\): the oldest events go/);
});

test('events go to the socket that the configuration names', async () => {
  const path = join(directory, 'siem.sock');
  let received = '';
  const sockets: Socket[] = [];
  const server: Server = createServer((socket) => {
    sockets.push(socket);
    socket.on('data', (bytes) => {
      received += bytes;
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const opened = await open(`outputs.socket={path: ${path}, events: [engine]}`);
  opened.write({ timestamp: eveTimestamp(1), event_type: 'ban', ban: { action: 'added' } });
  opened.write({ timestamp: eveTimestamp(2), event_type: 'engine', engine: { message: 'm' } });
  await waitUntil(() => received.endsWith('\n'), { what: 'the event' });
  expect(JSON.parse(received).event_type).toBe('engine');
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

test('a file that is named and cannot be used is told before anything runs', async () => {
  const secret = join(directory, 'secret');
  writeFileSync(secret, ' \n');
  await expect(open(`outputs.webhook={url: "https://a.b/", secret-file: ${secret}}`)).rejects.toThrow(
    /outputs\.webhook\.secret-file: .* is empty/,
  );
  await expect(open('outputs.syslog={transport: tls, address: "a:1", ca: /nowhere/ca.pem}')).rejects.toThrow(
    /outputs\.syslog\.ca: ENOENT/,
  );
});

test.each([
  ['outputs.webhook.url=http://a.b/', /outputs\.webhook\.url: is not an https URL/],
  ['outputs.webhook={url: "https://a.b", batsh: 1}', /batsh: is not a key; did you mean 'batch'/],
  ['outputs.webhook={batch: 1}', /outputs\.webhook\.url: /],
  ['outputs.syslog={transport: tcp}', /outputs\.syslog\.address: is needed with tcp/],
  ['outputs.syslog={transport: local, address: "a:1"}', /outputs\.syslog\.address: goes with/],
  ['outputs.syslog={address: "a:99999"}', /address: has a port above/],
  ['outputs.syslog={address: "a:1", facility: local9}', /facility: /],
  ['outputs.socket=relative', /outputs\.socket(\.path)?: is not an absolute path/],
  ['outputs.socket={path: /a, events: [flow]}', /events\.0: .*alert/],
  ['outputs.spool.size=1mb', /outputs\.spool\.size: .* outside/],
])('%s is refused', (override, want) => expect(() => configuration(override)).toThrow(want));

test('off takes away what another source asked for', () => {
  const { outputs } = configuration('outputs.socket=off', 'outputs.syslog=off', 'outputs.webhook=off');
  expect([outputs.socket, outputs.syslog, outputs.webhook]).toEqual([undefined, undefined, undefined]);
});
