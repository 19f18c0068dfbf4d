import {
  type Agent,
  type AgentContext,
  buildPackage,
  describeInLab,
  NamespaceLab,
} from '../testing/namespace-lab';
import { Random } from '../testing/random';
import { type NfQueueOptions, QueueCounter, Verdict } from './index';

/*
 * Against the real kernel, in namespaces. The functions passed to `run` are evaluated in another process: they
 * see their context and argument only.
 */
// Processes are started; a busy machine takes its time.
jest.setTimeout(30_000);

const families = [
  { family: 'IPv4', host: '10.77.2.2', udp: 'udp4' as const },
  { family: 'IPv6', host: 'fd77:2::2', udp: 'udp6' as const },
];

type Policy = { verdicts: Record<string, number>; mark?: number; replaceWith?: string };

function openQueue({ nfqueue, state }: AgentContext, options: NfQueueOptions) {
  state.queue = nfqueue.NfQueue.open(options);
  state.stop = false;
  return state.queue.effective;
}

/**
 * Judges each packet by its last byte, a letter, until `stop`. Returns the counters and, for each letter, what
 * was known about the packet.
 */
async function serve({ nfqueue, state, tick }: AgentContext, policy: Policy) {
  const { batch } = state.queue;
  const seen: Record<string, Record<string, number>> = {};
  state.seen = seen;
  while (!state.stop) {
    const count = state.queue.receive(5);
    for (let i = 0; i < count; i++) {
      const end = batch.offset[i] + batch.length[i];
      const letter = String.fromCharCode(batch.bytes[end - 1]);
      batch.verdict[i] = policy.verdicts[letter] ?? nfqueue.Verdict.ACCEPT;
      if (batch.verdict[i] & nfqueue.Verdict.MARK) batch.verdictMark[i] = policy.mark ?? 0;
      if (batch.verdict[i] & nfqueue.Verdict.REPLACE)
        batch.bytes[end - 1] = (policy.replaceWith ?? '?').charCodeAt(0);
      seen[letter] = {
        id: batch.packetId[i],
        info: batch.info[i],
        length: batch.length[i],
        wireLength: batch.wireLength[i],
        mark: batch.mark[i],
        inInterface: batch.inInterface[i],
        outInterface: batch.outInterface[i],
        hook: batch.hook[i],
        hardwareProtocol: batch.hardwareProtocol[i],
        hardwareLength: batch.hardwareLength[i],
        right: Number(state.queue.verifyChecksum(i)),
      };
    }
    state.queue.finalize();
    await tick();
  }
  return { counters: [...state.queue.counters], seen };
}

/** Ends `serve` and closes. */
function stop({ state }: AgentContext) {
  state.stop = true;
}

function close({ state }: AgentContext) {
  state.queue.close();
}

/** Collects UDP datagrams on `port` into `state[port]`; the sender's burst ends with "end". */
async function listenUdp(
  { require, state }: AgentContext,
  { udp, port }: { udp: 'udp4' | 'udp6'; port: number },
) {
  const dgram = require('node:dgram') as typeof import('node:dgram');
  state.socket?.close();
  const socket = dgram.createSocket(udp);
  const received: string[] = [];
  state.socket = socket;
  state.received = received;
  state.ended = new Promise<string[]>((resolve) => {
    socket.on('message', (message) => {
      if (message.toString() === 'end') resolve(received);
      else received.push(message.toString());
    });
  });
  await new Promise<void>((resolve) => socket.bind(port, resolve));
}

async function sendUdp(
  { require }: AgentContext,
  { udp, host, port, datagrams }: { udp: 'udp4' | 'udp6'; host: string; port: number; datagrams: string[] },
) {
  const dgram = require('node:dgram') as typeof import('node:dgram');
  const socket = dgram.createSocket(udp);
  for (const datagram of datagrams) {
    await new Promise((resolve) => socket.send(datagram, port, host, resolve));
  }
  await new Promise<void>((resolve) => socket.close(resolve));
}

describeInLab('with a real kernel queue: verdicts', () => {
  let lab: NamespaceLab;
  let client: Agent;
  let server: Agent;
  let gateway: Agent;

  beforeAll(async () => {
    buildPackage();
    lab = new NamespaceLab('v');
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

  /** Sends datagrams through a queue served with `policy`; "end" is always accepted. */
  async function throughQueue(
    family: (typeof families)[number],
    policy: Policy,
    datagrams: string[],
    options: Partial<NfQueueOptions> = {},
  ) {
    await server.run(listenUdp, { udp: family.udp, port: 9000 });
    const effective = await gateway.run(openQueue, { queue: 5, ...options });
    lab.rule('-p', 'udp', '--dport', '9000', '-j', 'NFQUEUE', '--queue-num', '5');
    const serving = gateway.run(serve, policy);
    await client.run(sendUdp, {
      udp: family.udp,
      host: family.host,
      port: 9000,
      datagrams: [...datagrams, 'end'],
    });
    const received = await server.run(({ state }) => state.ended as Promise<string[]>);
    await gateway.run(stop);
    const { counters, seen } = await serving;
    await gateway.run(close);
    return { received, counters, seen, effective };
  }

  test.each(families)('$family: accepts and drops, in order', async (family) => {
    const datagrams = [...'aaaXaaaaXXaaaXa'].map((letter, i) => `${i}-${letter}`);
    const { received, counters, seen, effective } = await throughQueue(
      family,
      { verdicts: { X: Verdict.DROP } },
      datagrams,
    );
    expect(received).toEqual(datagrams.filter((datagram) => !datagram.endsWith('X')));
    expect(counters[QueueCounter.RECEIVED]).toBe(16);
    expect(counters[QueueCounter.ACCEPTED]).toBe(12);
    expect(counters[QueueCounter.DROPPED]).toBe(4);
    expect(counters[QueueCounter.VERDICT_ERRORS]).toBe(0);
    expect(effective).toMatchObject({ failOpen: true, gso: true, maxLength: 8192, copyRange: 65531 });
    expect(seen.a).toMatchObject({
      hook: 2,
      hardwareLength: 6,
      hardwareProtocol: family.family === 'IPv4' ? 0x0800 : 0x86dd,
    });
    expect(seen.a.inInterface).toBeGreaterThan(0);
    expect(seen.a.outInterface).toBeGreaterThan(0);
    expect(seen.a.length).toBe(seen.a.wireLength);
  });

  test.each(families)('$family: sets the whole mark, which later rules see', async (family) => {
    lab.rule('-p', 'udp', '--dport', '9000', '-j', 'MARK', '--set-mark', '0xca6c0001');
    const postrouting = ['-t', 'mangle', '-A', 'POSTROUTING', '-p', 'udp', '--dport', '9000'];
    const iptables = family.family === 'IPv4' ? 'iptables' : 'ip6tables';
    lab.inGateway(iptables, '-w', ...postrouting, '-m', 'mark', '--mark', '0xca7c0001', '-j', 'DROP');
    const datagrams = ['1-a', '2-M', '3-M', '4-a', '5-M'];
    const { received, counters, seen } = await throughQueue(
      family,
      { verdicts: { M: Verdict.ACCEPT | Verdict.MARK }, mark: 0xca7c0001 },
      datagrams,
    );
    expect(received).toEqual(['1-a', '4-a']);
    expect(seen.a.mark).toBe(0xca6c0001);
    expect(counters[QueueCounter.MARKED]).toBe(3);
    expect(counters[QueueCounter.ACCEPTED]).toBe(6);
  });

  test.each(families)('$family: replaces bytes of a datagram, even and odd lengths', async (family) => {
    const { received, counters } = await throughQueue(
      family,
      { verdicts: { R: Verdict.ACCEPT | Verdict.REPLACE }, replaceWith: 'Z' },
      ['even-R', 'odd-R', 'a', 'bR', 'b'],
    );
    expect(received).toEqual(['even-Z', 'odd-Z', 'a', 'bZ', 'b']);
    expect(counters[QueueCounter.REPLACED]).toBe(3);
    expect(counters[QueueCounter.UNREPLACEABLE]).toBe(0);
  });

  test('a cut packet is told, is never replaced, and passes uncut', async () => {
    const long = (letter: string) => 'x'.repeat(600) + letter;
    // The last byte seen is an x of the datagram; a short one ends within the copy range.
    const { received, counters, seen } = await throughQueue(
      families[0],
      { verdicts: {} },
      [long('a'), 'short'],
      {
        copyRange: 128,
      },
    );
    expect(received).toEqual([long('a'), 'short']);
    expect(seen.x).toMatchObject({ length: 128, wireLength: 629, info: expect.any(Number) });
    expect(seen.x.info & 8).toBe(8);
    expect(seen.t.info & 8).toBe(0);
    expect(counters[QueueCounter.TRUNCATED]).toBe(1);

    lab.clearRules();
    const again = await throughQueue(
      families[0],
      { verdicts: { x: Verdict.ACCEPT | Verdict.REPLACE } },
      [long('a'), 'short'],
      { copyRange: 128 },
    );
    expect(again.received).toEqual(['short']);
    expect(again.counters[QueueCounter.UNREPLACEABLE]).toBe(1);
    expect(again.counters[QueueCounter.DROPPED]).toBe(1);
  });

  test('a held packet waits while later ones pass, and takes any verdict afterwards', async () => {
    const family = families[0];
    await server.run(listenUdp, { udp: family.udp, port: 9000 });
    await gateway.run(openQueue, { queue: 5 });
    lab.rule('-p', 'udp', '--dport', '9000', '-j', 'NFQUEUE', '--queue-num', '5');
    const serving = gateway.run(serve, {
      verdicts: { H: Verdict.HELD, J: Verdict.HELD, K: Verdict.HELD, X: Verdict.DROP },
    });
    const send = (...datagrams: string[]) =>
      client.run(sendUdp, { udp: family.udp, host: family.host, port: 9000, datagrams });
    await send('1-a', '2-H', '3-a', '4-a', '5-J', '6-X', '7-a', '8-K', 'end');
    expect(await server.run(({ state }) => state.ended as Promise<string[]>)).toEqual([
      '1-a',
      '3-a',
      '4-a',
      '7-a',
    ]);
    expect(await gateway.run(({ state }) => state.queue.held)).toBe(3);

    await server.run(listenUdp, { udp: family.udp, port: 9000 });
    const payloadErrors = await gateway.run(({ state, nfqueue }) => {
      const { queue, seen } = state;
      const codes: string[] = [];
      const attempt = (action: () => void) => {
        try {
          action();
        } catch (error) {
          codes.push((error as { code: string }).code);
        }
      };
      attempt(() => queue.decide(seen.a.id, nfqueue.Verdict.ACCEPT));
      attempt(() => queue.decide(seen.J.id, nfqueue.Verdict.HELD));
      attempt(() =>
        queue.decide(seen.J.id, nfqueue.Verdict.ACCEPT | nfqueue.Verdict.REPLACE, 0, new Uint8Array(3)),
      );
      queue.decide(seen.K.id, nfqueue.Verdict.ACCEPT);
      queue.decide(seen.H.id, nfqueue.Verdict.ACCEPT | nfqueue.Verdict.MARK, 7);
      queue.decide(seen.J.id, nfqueue.Verdict.DROP);
      attempt(() => queue.decide(seen.H.id, nfqueue.Verdict.ACCEPT));
      return codes;
    });
    expect(payloadErrors).toEqual([
      'NFQUEUE_NOT_HELD',
      'NFQUEUE_OPTION',
      'NFQUEUE_OPTION',
      'NFQUEUE_NOT_HELD',
    ]);
    await send('9-a', 'end');
    expect(await server.run(({ state }) => state.ended as Promise<string[]>)).toEqual(['8-K', '2-H', '9-a']);
    await gateway.run(stop);
    const { counters } = await serving;
    expect(counters[QueueCounter.VERDICT_ERRORS]).toBe(0);
    expect(counters[QueueCounter.HELD]).toBe(3);
  });

  test('holds beyond maxHeld get the fail-open verdict', async () => {
    const { received, counters } = await throughQueue(
      families[0],
      { verdicts: { H: Verdict.HELD } },
      ['1-H', '2-H'],
      {
        maxHeld: 1,
      },
    );
    expect(received).toEqual(['2-H']);
    expect(counters[QueueCounter.HOLDS_REFUSED]).toBe(1);
  });

  test('receive before finalize, unknown verdicts and a closed queue are told', async () => {
    const family = families[0];
    await server.run(listenUdp, { udp: family.udp, port: 9000 });
    await gateway.run(openQueue, { queue: 5 });
    lab.rule('-p', 'udp', '--dport', '9000', '-j', 'NFQUEUE', '--queue-num', '5');
    await client.run(sendUdp, { udp: family.udp, host: family.host, port: 9000, datagrams: ['1', '2'] });
    const outcome = await gateway.run(({ state }) => {
      const codes: string[] = [];
      const attempt = (action: () => unknown) => {
        try {
          action();
        } catch (error) {
          codes.push((error as { code: string }).code);
        }
      };
      const { queue } = state;
      while (queue.receive(1000) === 0);
      attempt(() => queue.receive(0));
      queue.batch.verdict[0] = 9;
      queue.finalize();
      attempt(() => queue.setMaxLength(0));
      queue.setMaxLength(77);
      queue.receive(0);
      const { maxLength } = queue.effective;
      queue.close();
      queue.close();
      attempt(() => queue.receive(0));
      attempt(() => queue.setMaxLength(5));
      return { codes, maxLength, counters: [...queue.counters] };
    });
    expect(outcome.codes).toEqual([
      'NFQUEUE_NOT_FINALIZED',
      'NFQUEUE_OPTION',
      'NFQUEUE_CLOSED',
      'NFQUEUE_CLOSED',
    ]);
    expect(outcome.maxLength).toBe(77);
    expect(outcome.counters[QueueCounter.INVALID_VERDICTS]).toBe(1);
  });

  test('random verdicts: what is delivered, and in which order, is what was decided', async () => {
    const random = new Random();
    const family = random.pick(families);
    const verdicts = {
      X: Verdict.DROP,
      H: Verdict.HELD,
      M: Verdict.ACCEPT | Verdict.MARK,
      R: Verdict.ACCEPT | Verdict.REPLACE,
    };
    const datagrams = Array.from(
      { length: 600 },
      (_, i) => `${i}-${random.pick(i < 300 ? 'aaaaaXMMMR' : 'aaaaaXXMRH')}`,
    );
    const { received, counters } = await throughQueue(
      family,
      { verdicts, mark: 9, replaceWith: 'a' },
      datagrams,
      { batchSize: 1 + random.below(64) },
    );
    const expected = datagrams
      .filter((datagram) => !/[XH]$/.test(datagram))
      .map((datagram) => datagram.replace('R', 'a'));
    try {
      expect(received).toEqual(expected);
      expect(counters[QueueCounter.VERDICT_ERRORS]).toBe(0);
      expect(counters[QueueCounter.BATCH_VERDICTS]).toBeGreaterThan(0);
    } catch (error) {
      throw new Error(`PORTCULLIS_SEED=${random.seed}: ${(error as Error).message}`);
    }
  });

  test('bytes that no longer lie in the arena are not sent', async () => {
    const family = families[0];
    await gateway.run(openQueue, { queue: 5 });
    lab.rule('-p', 'udp', '--dport', '9000', '-j', 'NFQUEUE', '--queue-num', '5');
    await client.run(sendUdp, { udp: family.udp, host: family.host, port: 9000, datagrams: ['1'] });
    const counters = await gateway.run(({ nfqueue, state: { queue } }) => {
      while (queue.receive(1000) === 0);
      queue.batch.offset[0] = 0xffffff00;
      queue.batch.verdict[0] = nfqueue.Verdict.ACCEPT | nfqueue.Verdict.REPLACE;
      const right = queue.verifyChecksum(0);
      queue.finalize();
      queue.close();
      return [...queue.counters, right];
    });
    expect(counters[QueueCounter.UNREPLACEABLE]).toBe(1);
    expect(counters[QueueCounter.DROPPED]).toBe(1);
  });
});
