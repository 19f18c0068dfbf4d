import {
  type Agent,
  type AgentContext,
  buildPackage,
  describeInLab,
  NamespaceLab,
} from '../testing/namespace-lab';
import { QueueCounter } from './index';

/* TCP through a real queue, with every offload that veth has: super-segments and unfinished checksums. */
// Processes are started; a busy machine takes its time.
jest.setTimeout(30_000);

const families = [
  { family: 'IPv4', host: '10.77.2.2' },
  { family: 'IPv6', host: 'fd77:2::2' },
];

/** Counts the bytes of each value that arrive on a TCP connection. */
async function listenTcp({ require, state }: AgentContext) {
  const net = require('node:net') as typeof import('node:net');
  const counts = new Array<number>(256).fill(0);
  const listener = net.createServer({ allowHalfOpen: true });
  state.counts = new Promise<number[]>((resolve) => {
    listener.on('connection', (socket) => {
      socket.on('data', (data) => {
        for (const byte of data) counts[byte]++;
      });
      socket.on('end', () => {
        socket.end();
        listener.close();
        resolve(counts);
      });
    });
  });
  await new Promise<void>((resolve) => listener.listen(9001, '::', resolve));
}

async function sendTcp({ require }: AgentContext, { host, megabytes }: { host: string; megabytes: number }) {
  const net = require('node:net') as typeof import('node:net');
  await new Promise((resolve, reject) => {
    const socket = net.connect(9001, host, () => {
      for (let i = 0; i < megabytes; i++) socket.write(Buffer.alloc(1 << 20, 'a'));
      socket.end();
    });
    socket.on('error', reject);
    socket.on('close', resolve);
    socket.resume();
  });
}

/** Changes every `a` of the forward direction's payload to `b` where `replace`; else accepts. */
async function inspect({ nfqueue, state, tick }: AgentContext, { replace }: { replace: boolean }) {
  const { queue } = state;
  const { batch } = queue;
  const { PacketInfo, Verdict } = nfqueue;
  const seen = { superSegments: 0, notReady: 0, longest: 0, wrongChecksums: 0, verified: 0 };
  state.stop = false;
  while (!state.stop) {
    const count = queue.receive(5);
    for (let i = 0; i < count; i++) {
      const start = batch.offset[i];
      const end = start + batch.length[i];
      const ipHeader = batch.bytes[start] >> 4 === 4 ? (batch.bytes[start] & 15) * 4 : 40;
      const payload = start + ipHeader + (batch.bytes[start + ipHeader + 12] >> 4) * 4;
      if (batch.info[i] & PacketInfo.GSO) seen.superSegments++;
      if (batch.info[i] & PacketInfo.CHECKSUM_NOT_READY) seen.notReady++;
      else seen.verified++;
      if (!queue.verifyChecksum(i)) seen.wrongChecksums++;
      seen.longest = Math.max(seen.longest, batch.length[i]);
      if (replace && payload < end) {
        batch.bytes.fill(98, payload, end);
        batch.verdict[i] = Verdict.ACCEPT | Verdict.REPLACE;
      }
    }
    queue.finalize();
    await tick();
  }
  queue.close();
  return { counters: [...queue.counters], seen };
}

describeInLab('with a real kernel queue: TCP', () => {
  let lab: NamespaceLab;
  let client: Agent;
  let server: Agent;
  let gateway: Agent;

  beforeAll(() => {
    buildPackage();
    lab = new NamespaceLab('t');
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

  const cases = families.flatMap((family) =>
    [true, false].flatMap((gso) => [true, false].map((replace) => ({ ...family, gso, replace }))),
  );
  test.each(cases)(
    '$family, gso $gso, replace $replace: every byte arrives',
    async ({ host, gso, replace }) => {
      const megabytes = 2;
      await server.run(listenTcp);
      // Bound before the rule stands, or the first SYN would be lost.
      await gateway.run(({ nfqueue, state }, gso: boolean) => {
        state.queue = nfqueue.NfQueue.open({ queue: 6, gso });
      }, gso);
      const inspecting = gateway.run(inspect, { replace });
      lab.rule('-p', 'tcp', '-j', 'NFQUEUE', '--queue-num', '6');
      await client.run(sendTcp, { host, megabytes });
      const counts = await server.run(({ state }) => state.counts as Promise<number[]>);
      await gateway.run(({ state }) => {
        state.stop = true;
      });
      const { counters, seen } = await inspecting;
      expect(counts[replace ? 98 : 97]).toBe(megabytes << 20);
      expect(counts[replace ? 97 : 98]).toBe(0);
      expect(seen.wrongChecksums).toBe(0);
      expect(counters[QueueCounter.UNREPLACEABLE]).toBe(0);
      expect(counters[QueueCounter.VERDICT_ERRORS]).toBe(0);
      expect(counters[QueueCounter.SEND_ERRORS]).toBe(0);
      if (replace) expect(counters[QueueCounter.REPLACED]).toBeGreaterThan(20);
      else expect(counters[QueueCounter.REPLACED]).toBe(0);
      if (gso) {
        expect(seen.superSegments).toBeGreaterThan(10);
        expect(seen.notReady).toBeGreaterThan(10);
        expect(seen.longest).toBeGreaterThan(9000);
      } else {
        expect(seen.superSegments).toBe(0);
        expect(seen.longest).toBeLessThanOrEqual(1500);
        expect(seen.verified).toBeGreaterThan(1000);
      }
    },
  );
});
