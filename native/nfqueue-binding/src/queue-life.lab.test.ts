import { execFileSync, spawn } from 'node:child_process';
import {
  type Agent,
  type AgentContext,
  buildPackage,
  describeInLab,
  NamespaceLab,
} from '../testing/namespace-lab';
import { loadAddon } from './addon';
import { acceptAllPath, QueueCounter, SendStatus } from './index';

/* Opening, losing, abandoning and releasing queues, and sending packets of our own, with the real kernel. */
// Processes are started; a busy machine takes its time.
jest.setTimeout(30_000);

/** Opens a queue; returns the code and message of the error, if any. */
function tryOpen({ nfqueue, state }: AgentContext, queue: number) {
  try {
    state.queue = nfqueue.NfQueue.open({ queue });
    return { code: 'OPEN', message: '' };
  } catch (error) {
    return { code: (error as { code: string }).code, message: (error as Error).message };
  }
}

function boundQueues({ nfqueue }: AgentContext) {
  return nfqueue.readQueueStatistics().map((line) => line.queue);
}

/** Starts a worker thread with `source`, which sees `nfqueue`, `queue` and `parentPort`; waits for its first message. */
async function startWorker(
  { require, entry, state }: AgentContext,
  { name, queue, source }: { name: string; queue: number; source: string },
) {
  const { Worker } = require('node:worker_threads') as typeof import('node:worker_threads');
  const worker = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads');
     const nfqueue = require(workerData.entry);
     const queue = nfqueue.NfQueue.open({ queue: workerData.queue });
     parentPort.postMessage({ fd: queue.fd, portId: queue.portId, counters: queue.counters });
     ${source}`,
    { eval: true, workerData: { entry, queue } },
  );
  state[name] = worker;
  state[`${name}-exit`] = new Promise((resolve) => worker.once('exit', resolve));
  const identity = await new Promise<{ fd: number; portId: number; counters: Float64Array }>(
    (resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    },
  );
  state[`${name}-identity`] = identity;
  state[`${name}-message`] = new Promise((resolve) => worker.once('message', resolve));
}

async function receiveUdp({ require, state }: AgentContext, { port, last }: { port: number; last: string }) {
  const dgram = require('node:dgram') as typeof import('node:dgram');
  const socket = dgram.createSocket({ type: 'udp6', recvBufferSize: 1 << 20 });
  const received: string[] = [];
  state.datagrams = new Promise<string[]>((resolve) => {
    socket.on('message', (message) => {
      received.push(message.toString());
      if (message.toString() !== last) return;
      socket.close();
      resolve(received);
    });
  });
  await new Promise<void>((resolve) => socket.bind(port, '::', resolve));
}

async function sendUdp(
  { require }: AgentContext,
  { port, datagrams }: { port: number; datagrams: string[] },
) {
  const dgram = require('node:dgram') as typeof import('node:dgram');
  const socket = dgram.createSocket('udp4');
  for (const datagram of datagrams) {
    await new Promise((resolve) => socket.send(datagram, port, '10.77.2.2', resolve));
  }
  socket.close();
}

describeInLab('with a real kernel queue: its life', () => {
  let lab: NamespaceLab;
  let client: Agent;
  let server: Agent;
  let gateway: Agent;

  beforeAll(() => {
    buildPackage();
    lab = new NamespaceLab('l');
    client = lab.agent(lab.clientName);
    server = lab.agent(lab.serverName);
  });
  beforeEach(() => {
    gateway = lab.agent(lab.gatewayName);
  });
  afterEach(async () => {
    await gateway.end();
    lab.clearRules();
  });
  afterAll(async () => lab?.close());

  const queueUdp = (port: number, queue: number) =>
    lab.rule('-p', 'udp', '--dport', String(port), '-j', 'NFQUEUE', '--queue-num', String(queue));

  test('a bound queue is busy, for others and for ourselves', async () => {
    const other = lab.agent(lab.gatewayName);
    expect(await other.run(tryOpen, 1)).toMatchObject({ code: 'OPEN' });
    const refused = await gateway.run(tryOpen, 1);
    expect(refused.code).toBe('NFQUEUE_BUSY');
    expect(refused.message).toContain(`belongs to process ${other.process.pid} (`);
    expect(await other.run(tryOpen, 1)).toMatchObject({ code: 'NFQUEUE_BUSY' });
    expect(await gateway.run(tryOpen, 2)).toMatchObject({ code: 'OPEN' });
    expect(await gateway.run(boundQueues)).toEqual([1, 2]);
    await other.end();
    expect(await gateway.run(boundQueues)).toEqual([2]);
  });

  test('without the capability it says so', async () => {
    const unprivileged = lab.agent(lab.gatewayName, ['setpriv', '--bounding-set=-net_admin,-net_raw']);
    const refused = await unprivileged.run(tryOpen, 1);
    expect(refused.code).toBe('NFQUEUE_PERMISSION');
    expect(refused.message).toContain('CAP_NET_ADMIN');
    const raw = await unprivileged.run(({ nfqueue }) => {
      try {
        nfqueue.RawSender.open({ mark: 1 });
        return 'OPEN';
      } catch (error) {
        return (error as { code: string }).code;
      }
    });
    expect(raw).toBe('NFQUEUE_PERMISSION');
    await unprivileged.end();
  });

  test.each([true, false])('an overrun of the receive buffer is counted, fail-open %s', async (failOpen) => {
    await server.run(receiveUdp, { port: 9000, last: 'end' });
    await gateway.run(({ nfqueue, state }, failOpen: boolean) => {
      state.queue = nfqueue.NfQueue.open({ queue: 3, receiveBuffer: 16384, failOpen });
    }, failOpen);
    queueUdp(9000, 3);
    const datagrams = Array.from({ length: 100 }, (_, i) => `${i}`);
    await client.run(sendUdp, { port: 9000, datagrams });
    const drain = ({ state }: AgentContext) => {
      let received = 0;
      for (;;) {
        const count = state.queue.receive(received === 0 ? 1000 : 0);
        if (count === 0) break;
        received += count;
        state.queue.finalize();
      }
      return { received, counters: [...state.queue.counters] };
    };
    const { received } = await gateway.run(drain);
    await client.run(sendUdp, { port: 9000, datagrams: ['end'] });
    const { counters } = await gateway.run(drain);
    const delivered = await server.run(({ state }) => state.datagrams as Promise<string[]>);
    expect(received).toBeLessThan(100);
    expect(received).toBeGreaterThan(0);
    expect(counters[QueueCounter.OVERRUNS]).toBe(1);
    expect(counters[QueueCounter.MISSED]).toBe(100 - received);
    expect(delivered.length).toBe(failOpen ? 101 : received + 1);
  });

  test('a full queue passes what comes when failing open', async () => {
    await server.run(receiveUdp, { port: 9000, last: 'end' });
    await gateway.run(({ nfqueue, state }) => {
      state.queue = nfqueue.NfQueue.open({ queue: 3, maxLength: 4 });
    });
    queueUdp(9000, 3);
    await client.run(sendUdp, { port: 9000, datagrams: ['0', '1', '2', '3', '4', '5', 'end'] });
    const delivered = await server.run(({ state }) => state.datagrams as Promise<string[]>);
    expect(delivered).toEqual(['4', '5', 'end']);
    const statistics = await gateway.run(({ nfqueue }) => nfqueue.readQueueStatistics());
    expect(statistics).toMatchObject([{ queue: 3, waiting: 4, copyMode: 2, copyRange: 65531, dropped: 0 }]);
  });

  test.each([
    ['stalled in its own code', 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);'],
    ['asleep in receive', ''],
  ])('abandon releases the queue of a thread that is %s', async (_, stall) => {
    await gateway.run(startWorker, {
      name: 'worker',
      queue: 4,
      source: `${stall}
        try { queue.receive(60000); parentPort.postMessage('received'); }
        catch (error) { parentPort.postMessage(error.code); }
        queue.close();`,
    });
    const outcome = await gateway.run(async ({ nfqueue, state }) => {
      const { fd, portId } = state['worker-identity'];
      const wrong = [
        nfqueue.NfQueue.abandon(fd, portId + 1),
        nfqueue.NfQueue.abandon(0),
        nfqueue.NfQueue.abandon(-1),
      ];
      const bound = nfqueue.readQueueStatistics().length;
      const started = performance.now();
      const abandoned = nfqueue.NfQueue.abandon(fd, portId);
      while (nfqueue.readQueueStatistics().length > 0 && performance.now() - started < 2000);
      const milliseconds = performance.now() - started;
      // The queue can be taken over before the stalled thread knows anything.
      const successor = nfqueue.NfQueue.open({ queue: 4 });
      const again = nfqueue.NfQueue.abandon(fd, portId);
      const code = await state['worker-message'];
      const stillBound = nfqueue.readQueueStatistics().length;
      successor.close();
      return { wrong, bound, abandoned, again, milliseconds, code, stillBound };
    });
    expect(outcome).toMatchObject({
      wrong: [false, false, false],
      bound: 1,
      abandoned: true,
      again: false,
      code: 'NFQUEUE_ABANDONED',
      stillBound: 1,
    });
    expect(outcome.milliseconds).toBeLessThan(500);
  });

  test('abandon with the port of a closed queue leaves its successor alone, which has the same descriptor', async () => {
    const outcome = await gateway.run(({ nfqueue }) => {
      const first = nfqueue.NfQueue.open({ queue: 4 });
      first.close();
      const successor = nfqueue.NfQueue.open({ queue: 4 });
      const taken = nfqueue.NfQueue.abandon(first.fd, first.portId);
      const received = successor.receive(0);
      successor.close();
      return { sameDescriptor: first.fd === successor.fd, taken, received };
    });
    expect(outcome).toEqual({ sameDescriptor: true, taken: false, received: 0 });
  });

  test('two threads serve two queues, and a thread that ends releases its queue', async () => {
    const loop = 'for (;;) { queue.receive(20); queue.finalize(); }';
    await gateway.run(startWorker, { name: 'one', queue: 10, source: loop });
    await gateway.run(startWorker, { name: 'two', queue: 11, source: loop });
    queueUdp(9010, 10);
    queueUdp(9011, 11);
    await server.run(receiveUdp, { port: 9010, last: '199' });
    const first = client.run(sendUdp, {
      port: 9010,
      datagrams: Array.from({ length: 200 }, (_, i) => `${i}`),
    });
    await first;
    expect(await server.run(({ state }) => state.datagrams as Promise<string[]>)).toHaveLength(200);
    await server.run(receiveUdp, { port: 9011, last: '99' });
    await client.run(sendUdp, { port: 9011, datagrams: Array.from({ length: 100 }, (_, i) => `${i}`) });
    expect(await server.run(({ state }) => state.datagrams as Promise<string[]>)).toHaveLength(100);
    // The counters are shared: read while the threads block.
    const received = await gateway.run(({ nfqueue, state }) =>
      ['one', 'two'].map((name) => state[`${name}-identity`].counters[nfqueue.QueueCounter.RECEIVED]),
    );
    expect(received).toEqual([200, 100]);
    expect(await gateway.run(boundQueues)).toEqual([10, 11]);
    await gateway.run(async ({ state }) => void (await state.one.terminate()));
    expect(await gateway.run(boundQueues)).toEqual([11]);
    await gateway.run(async ({ state }) => void (await state.two.terminate()));
    expect(await gateway.run(boundQueues)).toEqual([]);
  });

  test.each([
    ['returns', ''],
    ['throws', 'throw new Error("worker failed");'],
    ['exits', 'process.exit(3);'],
  ])('a thread that %s without closing releases its queue', async (_, source) => {
    await gateway.run(startWorker, {
      name: 'worker',
      queue: 12,
      // When told to: an error may overtake the message that says that the queue is open.
      source: `parentPort.once('message', () => { ${source} })`,
    });
    const bound = await gateway.run(async ({ nfqueue, state }) => {
      state.worker.on('error', () => undefined);
      state.worker.postMessage('end');
      await state['worker-exit'];
      return nfqueue.readQueueStatistics();
    });
    expect(bound).toEqual([]);
  });

  test('accept-all accepts all and prints what it counted', async () => {
    const running = spawn(
      'ip',
      ['netns', 'exec', lab.gatewayName, acceptAllPath(), '--queue', '20', '--gso', '1'],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    let output = '';
    running.stdout.setEncoding('utf8');
    running.stdout.on('data', (text: string) => {
      output += text;
    });
    const bound = new Promise((resolve) => running.stdout.once('data', resolve));
    const ended = new Promise((resolve) => running.once('close', resolve));
    await bound;
    queueUdp(9000, 20);
    await server.run(receiveUdp, { port: 9000, last: '49' });
    await client.run(sendUdp, { port: 9000, datagrams: Array.from({ length: 50 }, (_, i) => `${i}`) });
    expect(await server.run(({ state }) => state.datagrams as Promise<string[]>)).toHaveLength(50);
    running.kill('SIGTERM');
    expect(await ended).toBe(0);
    const [opened, counted] = output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(opened).toMatchObject({ queue: 20, failOpen: 1, gso: 1 });
    // Its counters are written in the order of QueueCounter, under the same names.
    const names = Object.keys(QueueCounter).map((name) =>
      name.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
    );
    expect(Object.keys(counted)).toEqual(names);
    expect(counted).toMatchObject({ received: 50, accepted: 50, dropped: 0, malformed: 0 });
  });

  test('an arena that was transferred away is refused, not written to', async () => {
    const outcome = await gateway.run(({ nfqueue }) => {
      const queue = nfqueue.NfQueue.open({ queue: 13, batchSize: 4 });
      structuredClone(queue.batch.bytes.buffer, { transfer: [queue.batch.bytes.buffer as ArrayBuffer] });
      try {
        queue.receive(0);
        return 'received';
      } catch (error) {
        return (error as Error).message;
      } finally {
        queue.close();
      }
    });
    expect(outcome).toContain('transferred');
    expect(await gateway.run(boundQueues)).toEqual([]);
  });

  const ipv4 = (payload: string) => {
    const bytes = Buffer.alloc(28 + payload.length);
    bytes.writeUInt8(0x45, 0);
    bytes.writeUInt16BE(bytes.length, 2);
    bytes.set([64, 17, 0, 0, 10, 77, 1, 2, 10, 77, 2, 2], 8);
    bytes.writeUInt16BE(5000, 20);
    bytes.writeUInt16BE(9000, 22);
    bytes.writeUInt16BE(8 + payload.length, 24);
    bytes.writeUInt16BE(1, 26);
    bytes.write(payload, 28);
    loadAddon().checksum(bytes, true);
    return bytes;
  };
  const ipv6 = (payload: string) => {
    const bytes = Buffer.alloc(48 + payload.length);
    bytes.writeUInt8(0x60, 0);
    bytes.writeUInt16BE(8 + payload.length, 4);
    bytes.set([17, 64], 6);
    bytes.write('fd770001000000000000000000000002fd770002000000000000000000000002', 8, 'hex');
    bytes.writeUInt16BE(5000, 40);
    bytes.writeUInt16BE(9000, 42);
    bytes.writeUInt16BE(8 + payload.length, 44);
    bytes.write(payload, 48);
    loadAddon().checksum(bytes, true);
    return bytes;
  };

  test('complete packets of our own are sent with their mark; their checksums are for us to verify', async () => {
    await server.run(receiveUdp, { port: 9000, last: 'end' });
    const wrong = ipv4('wrong sum');
    wrong[26] ^= 0x55;
    const packets = [ipv4('four'), ipv6('six'), wrong, ipv4('end')].map((bytes) => [...bytes]);
    // Sent by the client, so that they cross the gateway's queue.
    const sender = lab.agent(lab.clientName);
    const clientRule = ['netns', 'exec', lab.clientName, 'iptables', '-w', '-t', 'mangle', '-A', 'OUTPUT'];
    execFileSync('ip', [...clientRule, '-m', 'mark', '!', '--mark', '0x500000', '-p', 'udp', '-j', 'DROP']);
    await gateway.run(tryOpen, 14);
    const judging = gateway.run(async ({ nfqueue, state, tick }) => {
      const { queue } = state;
      const judged: { unverified: boolean; right: boolean }[] = [];
      state.stop = false;
      while (!state.stop) {
        const count = queue.receive(5);
        for (let i = 0; i < count; i++) {
          const unverified = (queue.batch.info[i] & nfqueue.PacketInfo.CHECKSUM_NOT_VERIFIED) !== 0;
          judged.push({ unverified, right: queue.verifyChecksum(i) });
        }
        queue.finalize();
        await tick();
      }
      queue.close();
      return judged;
    });
    queueUdp(9000, 14);
    const statuses = await sender.run(({ nfqueue }, packets: number[][]) => {
      const raw = nfqueue.RawSender.open({ mark: 0x500000 });
      const results: number[] = packets.map((packet) => {
        const padded = new Uint8Array(packet.length + 10);
        padded.set(packet, 7);
        return raw.send(padded, 7, packet.length);
      });
      results.push(raw.send(new Uint8Array(packets[0]), 0, 20));
      results.push(raw.send(new Uint8Array(packets[0]), 20, 500));
      results.push(raw.send(new Uint8Array(60), 0, 60));
      raw.close();
      results.push(raw.send(new Uint8Array(packets[0]), 0, packets[0].length));
      return results;
    }, packets);
    expect(statuses).toEqual([
      ...packets.map(() => SendStatus.SENT),
      SendStatus.MALFORMED,
      SendStatus.MALFORMED,
      SendStatus.MALFORMED,
      SendStatus.CLOSED,
    ]);
    const delivered = await server.run(({ state }) => state.datagrams as Promise<string[]>);
    expect(delivered).toEqual(['four', 'six', 'end']);
    await gateway.run(({ state }) => {
      state.stop = true;
    });
    expect(await judging).toEqual([
      { unverified: true, right: true },
      { unverified: true, right: true },
      { unverified: true, right: false },
      { unverified: true, right: true },
    ]);
    execFileSync('ip', ['netns', 'exec', lab.clientName, 'iptables', '-w', '-t', 'mangle', '-F']);
  });
});
