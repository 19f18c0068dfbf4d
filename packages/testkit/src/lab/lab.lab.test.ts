import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PcapWriter } from '../pcap-writer';
import { TcpConversation } from '../tcp-conversation';
import { UdpConversation } from '../udp-conversation';
import { Lab } from './lab';
import { listNamespaces } from './namespaces';
import { waitUntil } from './wait-until';

const agent = join(__dirname, '..', '..', 'dist', 'lab', 'agent.js');
const reason = Lab.available() ?? (existsSync(agent) ? null : 'the testkit is not built');
const inLab = reason === null ? describe : describe.skip;
const PREFIX = 'pctest';

/** Namespaces of this process. */
function own(): string[] {
  return listNamespaces().filter((name) => name.startsWith(`${PREFIX}-${process.pid}-`));
}

test('waitUntil gives what came, or says what did not', async () => {
  let calls = 0;
  expect(await waitUntil(() => ++calls >= 3 && calls, { what: 'three calls' })).toBe(3);
  await expect(waitUntil(() => false, { timeout: 20, what: 'the impossible' })).rejects.toThrow(
    'waited 20 ms in vain for the impossible',
  );
  const failing = () => {
    throw new Error('not yet');
  };
  await expect(waitUntil(failing, { timeout: 20, what: 'it' })).rejects.toThrow('for it: not yet');
});

inLab(`the lab (${reason ?? 'available'})`, () => {
  afterEach(() => expect(own()).toEqual([]));

  test('requests reach the server over IPv4 and IPv6, from both clients', async () => {
    const lab = new Lab(PREFIX, { bystander: true });
    try {
      const server = await lab.httpServer('server', 80);
      for (const client of ['attacker', 'bystander'] as const) {
        for (const family of [4, 6] as const) {
          const answer = await lab.httpGet(client, `/${client}${family}`, {
            port: 80,
            host: lab.target(family),
          });
          expect(answer).toMatchObject({ connected: true, complete: true });
          expect(answer.response.toString()).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
        }
      }
      const seen = (await server.connections()).map(({ remoteAddress, bytes }) => [
        remoteAddress,
        Buffer.from(bytes).toString().split(' ')[1],
      ]);
      expect(seen).toEqual([
        [lab.address('attacker', 4), '/attacker4'],
        [lab.address('attacker', 6), '/attacker6'],
        [lab.address('bystander', 4), '/bystander4'],
        [lab.address('bystander', 6), '/bystander6'],
      ]);
      expect(await lab.httpGet('attacker', '/', { port: 81 })).toMatchObject({
        connected: false,
        state: 'ECONNREFUSED',
      });
      expect(own()).toHaveLength(4);
    } finally {
      lab.destroy();
    }
  });

  test('connections byte by byte, greetings, datagrams, programs', async () => {
    const lab = new Lab(PREFIX);
    try {
      const server = await lab.tcpServer('server', 21, { kind: 'sink', greeting: '220 ready\r\n' });
      const connection = await lab.connect('attacker', { port: 21 });
      await connection.receive(/^220 /);
      for (const letter of 'USER') await connection.write(letter);
      await waitUntil(async () => (await server.received()).toString() === 'USER', { what: 'the letters' });
      await connection.reset();
      await waitUntil(async () => (await server.connections())[0].state === 'ECONNRESET', {
        what: 'the reset',
      });
      await lab.tcpServer('server', 7);
      const answer = await lab.request('attacker', {
        port: 7,
        bytes: [{ bytes: 'ab' }, { bytes: 'cd', delay: 5 }],
        until: /abcd/,
      });
      expect(answer).toMatchObject({ connected: true, complete: true });
      const udp = await lab.udpServer('server', 53);
      expect(
        Buffer.from((await lab.udpRequest('attacker', { port: 53, payload: 'query' })) ?? []).toString(),
      ).toBe('query');
      expect(await udp.received()).toHaveLength(1);

      expect(await lab.run('gateway', ['cat'], { input: 'through' })).toBe('through');
      await expect(lab.run('gateway', ['sh', '-c', 'echo no >&2; exit 3'])).rejects.toThrow(
        'ended with 3: no',
      );
      expect(await lab.exec('gateway', ['sleep', '60'], { timeout: 20 })).toMatchObject({ timedOut: true });
      const program = lab.spawn('gateway', ['sh', '-c', 'echo ready; exec sleep 60']);
      await program.waitFor(/ready/);
      expect((await program.stop()).signal).toBe('SIGTERM');
      await expect(lab.spawn('gateway', ['true']).waitFor(/never/)).rejects.toThrow('ended before');
    } finally {
      lab.destroy();
    }
    lab.destroy();
    expect(() => lab.spawn('gateway', ['true'])).toThrow('destroyed');
  });

  const backends = (['nft', 'legacy'] as const).filter((backend) => Lab.hasBackend(backend));
  test.each(backends)('MASQUERADE and DNAT with the %s backend', async (backend) => {
    const lab = new Lab(PREFIX, { backend, masquerade: true, dnat: [80], rpFilter: 1 });
    try {
      const version = await lab.run('gateway', ['iptables', '-V']);
      expect(version).toContain(backend === 'nft' ? 'nf_tables' : 'legacy');
      const server = await lab.httpServer('server', 80);
      for (const family of [4, 6] as const) {
        expect(lab.target(family)).toBe(lab.address('gateway', family));
        const answer = await lab.httpGet('attacker', '/', { port: 80, host: lab.target(family) });
        expect(answer.complete).toBe(true);
      }
      const sources = (await server.connections()).map(({ remoteAddress }) => remoteAddress);
      expect(sources).toEqual([lab.gatewayAddress('server', 4), lab.gatewayAddress('server', 6)]);
    } finally {
      lab.destroy();
    }
  });

  test('a capture is played from both sides', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'portcullis-lab-test-'));
    const lab = new Lab(PREFIX, { replay: true });
    try {
      const writer = new PcapWriter();
      // Hop limit 1 would end at the gateway, loopback addresses too.
      const endpoints = [
        { ttl: 1 },
        { client: '2001:db8::1', server: '2001:db8::2' },
        { client: '127.0.0.1', server: '127.0.0.2' },
        { clientPort: 1 },
      ];
      for (const options of endpoints) {
        const conversation = new TcpConversation(options)
          .handshake()
          .client('GET /')
          .server('x'.repeat(20_000));
        writer.addAll(conversation.close().packets);
      }
      writer.addAll(new UdpConversation({ server: '224.0.0.1' }).client('to all').packets);
      const file = join(directory, 'both.pcap');
      writer.writeFile(file);
      const counted = await lab.spawn('gateway', ['sh', '-c', 'iptables -A FORWARD -j ACCEPT; echo done'])
        .exited;
      expect(counted.stdout).toContain('done');
      // Patience beyond any load of the machine: every packet is awaited.
      const first = await lab.replayBothWays(file, { patience: 5000 });
      expect(first).toMatchObject({ notForwardable: { multicast: 1 }, repaired: 0 });
      expect(first.delivered).toBe(first.packets - 1);
      const counters = await lab.run('gateway', ['iptables', '-nvxL', 'FORWARD']);
      const forwarded = Number(/^\s*(\d+)\s+\d+\s+ACCEPT/m.exec(counters)?.[1]);
      const ipv6 = new TcpConversation(endpoints[1])
        .handshake()
        .client('GET /')
        .server('x'.repeat(20_000))
        .close();
      expect(forwarded).toBe(first.sent - ipv6.packets.length);
      expect(await lab.replayBothWays(file, { patience: 5000, limit: 3 })).toMatchObject({
        packets: 3,
        delivered: 3,
      });
    } finally {
      lab.destroy();
      rmSync(directory, { recursive: true, force: true });
    }
  });

  test('what a dead process left is removed', () => {
    // The shell's own number: it has ended when the namespace is looked at.
    const made = spawnSync(
      'sh',
      ['-c', `ip netns add ${PREFIX}-$$-1-attacker && echo ${PREFIX}-$$-1-attacker`],
      {
        encoding: 'utf8',
      },
    ).stdout.trim();
    expect(listNamespaces()).toContain(made);
    const lab = new Lab(PREFIX);
    expect(Lab.cleanStale(PREFIX)).toContain(made);
    expect(listNamespaces()).not.toContain(made);
    expect(own()).toHaveLength(3);
    lab.destroy();
  });

  test('what a lab has made is gone when its process is killed', async () => {
    const program = join(__dirname, '..', '..', 'dist', 'index.js');
    const text = `const { Lab } = require(${JSON.stringify(program)});
      const lab = new Lab('${PREFIX}', { backend: ${Lab.hasBackend('nft') ? "'nft'" : 'undefined'} });
      lab.spawn('server', ['sleep', '600']);
      console.log(Object.values(lab.namespaces).join(' '));
      setInterval(() => {}, 1000);`;
    const killed = spawn(process.execPath, ['-e', text], { stdio: ['ignore', 'pipe', 'inherit'] });
    const directories = () => readdirSync(tmpdir()).filter((name) => name.includes(`-${killed.pid}-`));
    let printed = '';
    killed.stdout.setEncoding('utf8').on('data', (piece: string) => {
      printed += piece;
    });
    try {
      await waitUntil(() => printed.includes('\n'), { timeout: 20_000, what: 'a lab' });
      const names = printed.trim().split(' ');
      expect(names).toHaveLength(3);
      expect(listNamespaces()).toEqual(expect.arrayContaining(names));
      expect(directories()).toHaveLength(Number(Lab.hasBackend('nft')));
      killed.kill('SIGKILL');
      const left = () => [...names.filter((name) => listNamespaces().includes(name)), ...directories()];
      await waitUntil(() => left().length === 0, { timeout: 20_000, what: 'the end of its namespaces' });
    } finally {
      killed.kill('SIGKILL');
    }
  }, 60_000);

  test('a prefix that would reach other namespaces is refused', () => {
    expect(() => new Lab('no-good')).toThrow(TypeError);
    expect(() => new Lab('')).toThrow(TypeError);
  });
});
