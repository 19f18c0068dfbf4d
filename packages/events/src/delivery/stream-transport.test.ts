import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitUntil } from '@portcullis/testkit';
import { alerts, flowIds, numbers } from '../../testing/records';
import { StreamReceiver } from '../../testing/stream-receiver';
import { Spool } from '../spool/spool';
import { acknowledgedByPeer, unacknowledgedBytes } from './send-queue';
import { SpooledSink } from './spooled-sink';
import { unixSocketTransport } from './unix-socket';

let directory: string;
let path: string;
let receiver: StreamReceiver;
let sink: SpooledSink;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'stream-'));
  path = join(directory, 'receiver.sock');
  receiver = new StreamReceiver({ path });
  sink = await openSink();
});
afterEach(async () => {
  await sink.close();
  await receiver.stop();
  rmSync(directory, { recursive: true });
});

async function openSink(): Promise<SpooledSink> {
  const spool = await Spool.open({ directory: join(directory, 'spool'), size: 1024 * 1024 });
  return new SpooledSink(spool, unixSocketTransport(path), {
    retry: { first: 1, most: 5 },
    graceMilliseconds: 0,
  });
}

describe('over a UNIX socket', () => {
  test('each event is a JSON line', async () => {
    await receiver.start();
    const records = alerts(0, 100);
    for (const record of records) sink.write(record);
    await waitUntil(() => receiver.lines.length === 100, { what: 'the events' });
    expect(receiver.lines.map((line) => JSON.parse(line))).toEqual(records);
  });

  test('a receiver that comes later, goes and comes back misses nothing', async () => {
    for (const record of alerts(0, 10)) sink.write(record);
    await waitUntil(() => sink.statistics.failures > 0, { what: 'a failure' });
    await receiver.start();
    await waitUntil(() => receiver.lines.length === 10, { what: 'the first events' });
    await receiver.stop();
    rmSync(path, { force: true });
    await waitUntil(() => sink.statistics.backlog > 0, { what: 'taking back what did not settle' });
    for (const record of alerts(10, 10)) sink.write(record);
    await receiver.start();
    // The first ten were written less than a second before the receiver went: they come again.
    await waitUntil(() => receiver.lines.length >= 30, { what: 'the other events' });
    expect(flowIds(receiver.lines)).toEqual([...numbers(0, 10), ...numbers(0, 20)]);
    expect(sink.statistics.lost).toBe(0);
  });

  test('what a run could not deliver is delivered by the next one', async () => {
    for (const record of alerts(0, 10)) sink.write(record);
    await sink.close();
    sink = await openSink();
    await receiver.start();
    sink.write(alerts(10, 1)[0] as never);
    await waitUntil(() => receiver.lines.length === 11, { what: 'the events' });
    expect(flowIds(receiver.lines)).toEqual(numbers(0, 11));
  });

  test('a receiver that hangs is waited for', async () => {
    await receiver.start();
    sink.write(alerts(0, 1)[0] as never);
    await waitUntil(() => receiver.lines.length === 1, { what: 'the first event' });
    receiver.hang();
    for (let round = 0; round < 10; round++) {
      for (const record of alerts(1 + round * 200, 200)) sink.write(record);
      await sink.flush();
    }
    expect(receiver.lines.length).toBe(1);
    expect(sink.statistics).toMatchObject({ lost: 0, failures: 0 });
    expect(sink.statistics.backlog).toBeGreaterThan(100_000);
  });
});

(existsSync('/proc/self/net/tcp') ? test : test.skip)(
  'the kernel tells what the other end of a TCP connection has not acknowledged',
  async () => {
    let accepted: Socket | undefined;
    const server = createServer((socket) => {
      accepted = socket.pause();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const socket = connect((server.address() as { port: number }).port, '127.0.0.1');
    await waitUntil(() => accepted && !socket.connecting, { what: 'the connection' });
    socket.write('some bytes');
    await acknowledgedByPeer(socket);
    expect(await unacknowledgedBytes(socket)).toBe(0);
    // More than both ends hold: the rest waits in the sender's queue until somebody reads.
    socket.write(Buffer.alloc(32 * 1024 * 1024));
    await waitUntil(async () => (await unacknowledgedBytes(socket)) > 0, { what: 'a full window' });
    let settled = false;
    const all = acknowledgedByPeer(socket).then(() => {
      settled = true;
    });
    await waitUntil(async () => (await unacknowledgedBytes(socket)) > 0, { what: 'a second look' });
    expect(settled).toBe(false);
    accepted?.resume();
    await all;
    socket.destroy();
    accepted?.destroy();
    await new Promise((resolve) => server.close(resolve));
  },
);
