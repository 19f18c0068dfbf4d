import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { waitUntil } from '@portcullis/testkit';
import { BanService } from './ban-service';
import type { FirewallError } from './errors';
import type { IptablesVariant } from './iptables';
import { KernelFirewall, type KernelFirewallOptions } from './kernel-firewall';
import { MarkLayout } from './marks';
import type { InstallPlan } from './plan';

/**
 * client ── gateway ── server, each a network namespace; the firewall stands on the gateway. Nothing is bound to the
 * queues and --queue-bypass lets packets pass, so the counters of the queue rules tell what an engine would be given.
 */
const NAME = `pcf-${process.pid}`;
const GATEWAY = `${NAME}-g`;
const SERVER = { 4: '10.9.2.2', 6: 'fd09:2::2' } as const;
const CLIENT = { 4: '10.9.1.2', 6: 'fd09:1::2' } as const;
const FAMILIES = [4, 6] as const;
const GATEWAY_NAMESPACE = `/run/netns/${GATEWAY}`;

jest.setTimeout(30_000);

function sh(script: string, namespace = GATEWAY): string {
  return execFileSync('nsenter', [`--net=/run/netns/${namespace}`, 'sh', '-ec', script], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

function whyNot(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root';
  for (const program of ['ip', 'nsenter', 'ipset', 'iptables-nft', 'iptables-legacy']) {
    if (spawnSync(program, ['--version']).error) return `needs ${program}`;
  }
  if (spawnSync('ip', ['netns', 'add', `${NAME}-p`]).status !== 0) return 'needs network namespaces';
  const probe = spawnSync('ip', [
    ...['netns', 'exec', `${NAME}-p`, 'sh', '-ec'],
    'ipset create x hash:net; iptables-nft -A INPUT -m set --match-set x src -j NFQUEUE; iptables-legacy -t raw -S',
  ]);
  spawnSync('ip', ['netns', 'del', `${NAME}-p`]);
  return probe.status === 0 ? undefined : 'needs a kernel with ipset, NFQUEUE, nf_tables and ip_tables';
}

/** A process in a namespace that listens, connects and echoes when told to. */
const AGENT = `
const net = require('node:net');
const sockets = new Map();
let next = 0;
const operations = {
  listen: ({ port }, done) => net.createServer((s) => { s.on('error', () => {}); s.pipe(s); }).listen(port, '::', () => done(0)),
  connect: ({ host, port, wait }, done) => {
    const socket = net.connect({ host, port });
    socket.setTimeout(wait, () => { socket.destroy(); done(-1); });
    socket.on('error', () => done(-1));
    socket.on('connect', () => { socket.setTimeout(0); socket.setNoDelay(true); sockets.set(++next, socket); done(next); });
  },
  echo: ({ id, text, wait }, done) => {
    const socket = sockets.get(id);
    const timer = setTimeout(() => done(-1), wait);
    let got = 0;
    const onData = (data) => { got += data.length; if (got >= text.length) { clearTimeout(timer); socket.off('data', onData); done(0); } };
    socket.on('data', onData);
    socket.write(text);
  },
  close: ({ id }, done) => { sockets.get(id).destroy(); sockets.delete(id); done(0); },
};
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { call, operation, ...options } = JSON.parse(line);
  let answered = false;
  operations[operation](options, (result) => {
    if (answered) return;
    answered = true;
    process.stdout.write(JSON.stringify({ call, result }) + '\\n');
  });
}).on('close', () => process.exit());
`;

class Agent {
  private readonly process: ChildProcess;
  private readonly calls = new Map<number, (result: number) => void>();
  private next = 0;

  constructor(namespace: string) {
    this.process = spawn('nsenter', [`--net=/run/netns/${namespace}`, process.execPath, '-e', AGENT], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    createInterface({ input: this.process.stdout! }).on('line', (line) => {
      const { call, result } = JSON.parse(line) as { call: number; result: number };
      this.calls.get(call)?.(result);
      this.calls.delete(call);
    });
  }

  private call(operation: string, options: object): Promise<number> {
    const call = ++this.next;
    this.process.stdin?.write(`${JSON.stringify({ call, operation, wait: 3000, ...options })}\n`);
    return new Promise((resolve) => this.calls.set(call, resolve));
  }

  listen = (port: number) => this.call('listen', { port });
  /** -1: no connection. */
  connect = (host: string, port: number, wait = 3000) => this.call('connect', { host, port, wait });
  /** 0: it came back; -1: it did not. */
  echo = (id: number, text = 'hello', wait = 3000) => this.call('echo', { id, text, wait });
  close = (id: number) => this.call('close', { id });

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.process.once('close', () => resolve());
      this.process.stdin?.end();
    });
  }
}

const PLAN: InstallPlan = {
  queues: { first: 40, last: 41 },
  failOpen: true,
  markMask: 0x00f00000,
  generation: 0,
  hooks: { forward: true, input: true, output: true },
  ports: [{ first: 80, last: 80 }],
  excludedInterfaces: [],
  monitoring: false,
};

const reason = whyNot();
const inKernel = reason === undefined ? describe : describe.skip;

inKernel(`the kernel's firewall${reason ? ` (${reason})` : ''}`, () => {
  let client: Agent;
  let server: Agent;
  let gateway: Agent;
  let directory: string;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'portcullis-kernel-'));
    for (const letter of ['c', 'g', 's']) execFileSync('ip', ['netns', 'add', `${NAME}-${letter}`]);
    const links = [
      ['c', 1],
      ['s', 2],
    ] as const;
    for (const [letter, number] of links) {
      const peer = `${NAME}-${letter}`;
      sh(`ip link add v${letter} type veth peer name eth0 netns ${peer}
          ip link set v${letter} up
          ip addr add 10.9.${number}.1/24 dev v${letter}
          ip addr add fd09:${number}::1/64 dev v${letter} nodad`);
      sh(
        `ip link set lo up
         ip link set eth0 up
         ip addr add 10.9.${number}.2/24 dev eth0
         ip addr add fd09:${number}::2/64 dev eth0 nodad
         ip route add default via 10.9.${number}.1
         ip -6 route add default via fd09:${number}::1`,
        peer,
      );
    }
    sh(
      'ip link set lo up; echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding',
    );
    [client, gateway, server] = ['c', 'g', 's'].map((letter) => new Agent(`${NAME}-${letter}`));
    for (const port of [80, 81, 443]) await server.listen(port);
    await gateway.listen(80);
    await client.listen(8000);
  }, 20_000);

  afterAll(async () => {
    await Promise.all([client, gateway, server].map((agent) => agent?.stop()));
    for (const letter of ['c', 'g', 's']) spawnSync('ip', ['netns', 'del', `${NAME}-${letter}`]);
    rmSync(directory, { recursive: true, force: true });
  });

  describe.each(['nft', 'legacy'] as const)('iptables-%s', (variant) => {
    /** Serves most tests, one after the other: each of its installs finds what the one before left. */
    let shared: KernelFirewall;
    let firewalls: KernelFirewall[];

    const opened = async (options: KernelFirewallOptions = {}): Promise<KernelFirewall> => {
      const base = { backend: variant, networkNamespace: GATEWAY_NAMESPACE };
      const firewall = await KernelFirewall.open({ ...base, ...options });
      firewalls.push(firewall);
      return firewall;
    };
    const installed = async (plan: Partial<InstallPlan> = {}): Promise<KernelFirewall> => {
      await shared.install({ ...PLAN, ...plan });
      return shared;
    };
    const iptables = (family: 4 | 6): string => `${family === 4 ? 'iptables' : 'ip6tables'}-${variant}`;
    /** Rules and chains, without counters; what is built in is the same whether a table is there or not. */
    const saved = (): string =>
      FAMILIES.flatMap((family) =>
        sh(`${iptables(family)}-save`)
          .split('\n')
          .filter((line) => line.startsWith('-A') || /^:\S+ - /.test(line))
          .map((line) => `${family} ${line.replace(/\[\d+:\d+\]/, '')}`),
      )
        .sort()
        .join('\n');
    const rules = (family: 4 | 6, table: string, chain: string): string[] =>
      sh(`${iptables(family)} -t ${table} -S ${chain}`)
        .split('\n')
        .filter((line) => line.startsWith('-A'))
        .map((line) => line.replace(`-A ${chain} `, ''));
    const queuedBy = async (firewall: KernelFirewall, work: () => Promise<unknown>) => {
      const before = await firewall.queueRulePackets();
      await work();
      const after = await firewall.queueRulePackets();
      return { 4: after.ipv4 - before.ipv4, 6: after.ipv6 - before.ipv6 };
    };
    const talk = async (family: 4 | 6, port = 80): Promise<void> => {
      const id = await client.connect(SERVER[family], port);
      expect(await client.echo(id)).toBe(0);
      await client.close(id);
    };

    beforeAll(async () => {
      shared = await KernelFirewall.open({ backend: variant, networkNamespace: GATEWAY_NAMESPACE });
    });
    afterAll(() => shared?.close());
    beforeEach(() => {
      firewalls = [];
    });
    afterEach(async () => {
      for (const firewall of firewalls) await firewall.close();
      const tables = ['filter', 'nat', 'raw', 'mangle'].map((table) => `*${table}\\nCOMMIT\\n`).join('');
      sh(`${FAMILIES.map((family) => `printf '${tables}' | ${iptables(family)}-restore`).join('\n')}
          ipset destroy`);
    });

    test('installed twice is installed once; others keep their rules; nothing is left after the purge', async () => {
      for (const family of FAMILIES) {
        sh(`${iptables(family)} -t mangle -A FORWARD -m mark --mark 0x5 -j RETURN
            ${iptables(family)} -t raw -A PREROUTING -p udp --dport 9 -j DROP
            ${iptables(family)} -A INPUT -p udp --dport 9 -j DROP`);
      }
      const before = saved();
      const firewall = await installed();
      const once = saved();
      await firewall.install(PLAN);
      expect(saved()).toBe(once);
      expect(await firewall.verify()).toEqual([]);
      for (const line of before.split('\n')) expect(once).toContain(line);
      for (const family of FAMILIES) {
        const original = '-m conntrack --ctdir ORIGINAL';
        const queueing = [`${original} -j portcullis_enter`, '-j portcullis_bypass', '-j portcullis'];
        const banned = (end: string) =>
          `-m set --match-set portcullis_ban${family} ${end} ! --update-counters`;
        const towards = `${banned('dst')} -j portcullis_ban`;
        expect(rules(family, 'mangle', 'FORWARD').slice(0, 4)).toEqual([towards, ...queueing]);
        for (const hook of ['INPUT', 'OUTPUT']) expect(rules(family, 'mangle', hook)).toEqual(queueing);
        expect(rules(family, 'raw', 'PREROUTING')[0]).toBe('-j portcullis');
        expect(rules(family, 'raw', 'OUTPUT')[0]).toBe('-j portcullis_out');
        expect(rules(family, 'mangle', 'POSTROUTING')[0]).toBe(
          '-m mark ! --mark 0x0/0xf00000 -j portcullis_save',
        );
      }
      expect(await firewall.remove()).toEqual({ bansLeft: 0, bypassKept: false });
      expect(saved()).toBe(before);
      expect(sh('ipset list -name')).toBe('');
    });

    test('only connections to the selected ports are queued, both directions, and the ports can be swapped', async () => {
      const firewall = await installed({ queues: { first: 40, last: 40 } });
      for (const family of FAMILIES) {
        const queued = await queuedBy(firewall, () => talk(family));
        // SYN, SYN-ACK, ACK, data and echo at least.
        expect(queued[family]).toBeGreaterThanOrEqual(5);
        expect(queued[family === 4 ? 6 : 4]).toBe(0);
        expect((await queuedBy(firewall, () => talk(family, 81)))[family]).toBe(0);
      }
      await firewall.setPorts([{ first: 81, last: 90 }]);
      expect((await queuedBy(firewall, () => talk(4)))[4]).toBe(0);
      expect((await queuedBy(firewall, () => talk(4, 81)))[4]).toBeGreaterThanOrEqual(5);
      await firewall.setPorts('any');
      expect((await queuedBy(firewall, () => talk(4, 443)))[4]).toBeGreaterThanOrEqual(5);
      expect(await firewall.verify()).toEqual([]);
      expect(sh('ipset list -name')).not.toContain('_next');
    });

    test('ports can be swapped under a connection that has its queue', async () => {
      const firewall = await installed();
      for (const family of FAMILIES) {
        const id = await client.connect(SERVER[family], 80);
        const exchange = () => queuedBy(firewall, async () => expect(await client.echo(id)).toBe(0));
        expect((await exchange())[family]).toBeGreaterThanOrEqual(2);
        await firewall.setPorts([{ first: 81, last: 81 }]);
        // The reply to the packet before may still be acknowledged.
        await exchange();
        expect((await exchange())[family]).toBe(0);
        await firewall.setPorts([{ first: 80, last: 80 }]);
        expect((await exchange())[family]).toBeGreaterThanOrEqual(2);
        await client.close(id);
      }
    });

    test('the direction counts: a client port that is selected does not make its connection queued', async () => {
      const firewall = await installed({ ports: [{ first: 1024, last: 65535 }] });
      expect((await queuedBy(firewall, () => talk(4)))[4]).toBe(0);
      await firewall.install({ ...PLAN, ports: [{ first: 1024, last: 65535 }], eitherPort: true });
      expect((await queuedBy(firewall, () => talk(4)))[4]).toBeGreaterThanOrEqual(5);
    });

    test('what conntrack does not know is queued if either port is selected', async () => {
      const firewall = await installed();
      for (const family of FAMILIES) {
        sh(`${iptables(family)} -t raw -A PREROUTING -p tcp -j CT --notrack`);
        expect((await queuedBy(firewall, () => talk(family)))[family]).toBeGreaterThanOrEqual(5);
        expect((await queuedBy(firewall, () => talk(family, 81)))[family]).toBe(0);
      }
    });

    test('local services, and the ones behind DNAT and MASQUERADE', async () => {
      const firewall = await installed();
      sh(`${iptables(4)} -t nat -A PREROUTING -p tcp --dport 8080 -j DNAT --to-destination ${SERVER[4]}:80
          ${iptables(4)} -t nat -A POSTROUTING -o vs -j MASQUERADE`);
      for (const [host, port] of [
        ['10.9.1.1', 80],
        ['10.9.1.1', 8080],
        [SERVER[4], 80],
      ] as const) {
        const queued = await queuedBy(firewall, async () => {
          const id = await client.connect(host, port);
          expect(await client.echo(id)).toBe(0);
          await client.close(id);
        });
        expect(queued[4]).toBeGreaterThanOrEqual(5);
      }
    });

    test('long replies can be left out; what may be a bare ACK cannot', async () => {
      const firewall = await installed();
      const exchange = async (): Promise<void> => {
        const id = await client.connect(SERVER[4], 80);
        for (let round = 0; round < 20; round++) expect(await client.echo(id, 'x'.repeat(1000))).toBe(0);
        await client.close(id);
      };
      const all = (await queuedBy(firewall, exchange))[4];
      await firewall.install({ ...PLAN, replyPayload: false });
      const fewer = (await queuedBy(firewall, exchange))[4];
      expect(all).toBeGreaterThanOrEqual(43);
      expect(fewer).toBeGreaterThanOrEqual(23);
      expect(fewer).toBeLessThan(all - 15);
    });

    test('an exclusion in the bypass chain takes out both directions at once, and only as long as it stands', async () => {
      const firewall = await installed();
      for (const family of FAMILIES) {
        const rule = 'portcullis_bypass -p tcp --dport 80 -j ACCEPT';
        const existing = await client.connect(SERVER[family], 80);
        const local = await client.connect(family === 4 ? '10.9.1.1' : 'fd09:1::1', 80);
        const both = async (): Promise<void> => {
          expect(await client.echo(existing)).toBe(0);
          expect(await client.echo(local)).toBe(0);
        };
        const exchange = () => queuedBy(firewall, both);
        expect((await exchange())[family]).toBeGreaterThanOrEqual(4);
        sh(`${iptables(family)} -t mangle -I ${rule}`);
        // The reply to the packet before may still be acknowledged.
        await both();
        expect((await exchange())[family]).toBe(0);
        expect((await queuedBy(firewall, () => talk(family)))[family]).toBe(0);
        // Installing anew keeps the administrator's rules.
        await firewall.install({ ...PLAN, generation: 1 });
        expect((await exchange())[family]).toBe(0);
        sh(`${iptables(family)} -t mangle -D ${rule}`);
        expect((await exchange())[family]).toBeGreaterThanOrEqual(4);
        await client.close(existing);
        await client.close(local);
      }
    });

    test('an offloaded connection passes by the queue in its generation only', async () => {
      const layout = MarkLayout.from(PLAN.markMask, 1);
      const firewall = await installed();
      const mark = `-j MARK --set-xmark ${layout.offloadMark(0)}/${PLAN.markMask}`;
      const connections = await Promise.all(
        FAMILIES.flatMap((family) => [
          client.connect(SERVER[family], 80),
          client.connect(family === 4 ? '10.9.1.1' : 'fd09:1::1', 80),
        ]),
      );
      const exchange = async (): Promise<void> => {
        for (const id of connections) expect(await client.echo(id)).toBe(0);
      };
      const places = FAMILIES.flatMap((family) =>
        ['--dport', '--sport'].map((side) => [
          `${iptables(family)} -t mangle`,
          `POSTROUTING -p tcp ${side} 80 ${mark}`,
        ]),
      );
      // In the place of an engine's verdict: after the queue, before the save chain.
      sh(places.map(([table, rule]) => `${table} -I ${rule}`).join('\n'));
      await exchange();
      sh(places.map(([table, rule]) => `${table} -D ${rule}`).join('\n'));
      await exchange();
      expect(await queuedBy(firewall, exchange)).toEqual({ 4: 0, 6: 0 });
      // Another generation; and once seen in another generation, the old mark is gone for good.
      for (const generation of [1, 3]) {
        await firewall.install({ ...PLAN, generation });
        const queued = await queuedBy(firewall, exchange);
        for (const family of FAMILIES) expect(queued[family]).toBeGreaterThanOrEqual(4);
      }
      for (const id of connections) await client.close(id);
    });

    test('what is queued while rules are written anew is counted as well', async () => {
      const firewall = await installed();
      // Each forwarded packet comes by once, and is queued once.
      sh(`${iptables(4)} -t raw -A PREROUTING -p tcp`);
      const seen = () =>
        Number(/-c (\d+)/.exec(sh(`${iptables(4)} -t raw -v -S PREROUTING | tail -n 1`))?.[1]);
      const before = (await firewall.queueRulePackets()).ipv4;
      let installing = true;
      const queued = await queuedBy(firewall, async () => {
        const talking = (async () => {
          while (installing) await talk(4);
        })();
        for (let generation = 1; generation <= 3; generation++)
          await firewall.install({
            ...PLAN,
            generation,
            protocols: generation === 2 ? ['tcp', 'udp'] : ['tcp'],
          });
        installing = false;
        await talking;
      });
      expect(queued[4]).toBeGreaterThan(10);
      await waitUntil(async () => seen() === (await firewall.queueRulePackets()).ipv4 - before, {
        what: 'as many as have come by',
      });
    });

    test('several queues: a connection stays on one, and they are all used', async () => {
      const firewall = await installed({ queues: { first: 40, last: 43 } });
      const perQueue = (): number[] =>
        [40, 41, 42, 43].map((queue) =>
          sh(`${iptables(4)} -t mangle -v -S`)
            .split('\n')
            .filter((line) => line.includes(`--queue-num ${queue} `))
            .reduce((sum, line) => sum + Number(/-c (\d+)/.exec(line)?.[1]), 0),
        );
      const used = new Set<number>();
      let before = perQueue();
      for (let connection = 0; connection < 60 && used.size < 4; connection++) {
        await talk(4);
        const after = perQueue();
        const moved = after.flatMap((count, index) => (count > before[index] ? [index] : []));
        expect(moved).toHaveLength(1);
        used.add(moved[0]);
        before = after;
      }
      expect(used.size).toBe(4);
      expect(await firewall.verify()).toEqual([]);
    });

    test('the marks of others stay as they are', async () => {
      const theirs = '0xca0c0001/0xff0fffff';
      for (const family of FAMILIES) {
        sh(`${iptables(family)} -t mangle -A PREROUTING -j CONNMARK --set-xmark ${theirs}
            ${iptables(family)} -t mangle -A PREROUTING -j MARK --set-xmark ${theirs}`);
      }
      await installed({ queues: { first: 40, last: 43 } });
      for (const family of FAMILIES) {
        const foreign = `-t mangle -A POSTROUTING -p tcp -m mark ! --mark ${theirs} -j RETURN`;
        const conn = `-t mangle -A POSTROUTING -p tcp -m connmark ! --mark ${theirs} -j RETURN`;
        sh(`${iptables(family)} -t mangle -I portcullis_bypass -p tcp --dport 81 -j ACCEPT
            ${iptables(family)} ${foreign}
            ${iptables(family)} ${conn}`);
        await talk(family);
        await talk(family, 81);
        const counted = sh(`${iptables(family)} -t mangle -v -S POSTROUTING`)
          .split('\n')
          .slice(-3, -1);
        expect(counted).toHaveLength(2);
        for (const line of counted) expect(line).toContain('-c 0 0');
      }
    });

    test('fail-closed rules have no bypass, monitoring has no drop', async () => {
      const firewall = await installed({ failOpen: false });
      for (const family of FAMILIES) {
        const queueing = rules(family, 'mangle', 'portcullis').filter((rule) => rule.includes('NFQUEUE'));
        expect(queueing).toHaveLength(2);
        for (const rule of queueing) expect(rule).toMatch(/ --queue-num 4[01]$/);
      }
      expect(await client.connect(SERVER[4], 80, 150)).toBe(-1);
      await firewall.install({ ...PLAN, monitoring: true });
      expect(saved()).not.toContain('DROP');
      expect(await firewall.verify()).toEqual([]);
      await talk(4);
      // Bans of an earlier standard mode are not put into force by stopping.
      await firewall.ban(CLIENT[4], 60);
      expect(await firewall.remove()).toEqual({ bansLeft: 0, bypassKept: false });
      expect(saved()).not.toContain('DROP');
    });

    test('a banned device is cut off, in both directions and in established connections, until the time is up', async () => {
      const firewall = await installed();
      const pairs = await Promise.all(
        FAMILIES.map(async (family) => ({
          family,
          established: await client.connect(SERVER[family], 81),
          service: await server.connect(CLIENT[family], 8000),
        })),
      );
      for (const { family } of pairs) await firewall.ban(CLIENT[family], 600);
      const attempts = pairs.flatMap(({ family, established, service }) => [
        client.echo(established, 'x', 100),
        server.echo(service, 'x', 100),
        client.connect(SERVER[family], 80, 100),
        gateway.connect(CLIENT[family], 8000, 100),
      ]);
      for (const attempt of await Promise.all(attempts)) expect(attempt).toBe(-1);
      const bans = await firewall.listBans();
      expect(bans.map(({ prefix }) => prefix)).toEqual([CLIENT[4], CLIENT[6]]);
      for (const ban of bans) expect(ban.packets).toBeGreaterThan(0);
      for (const { family, established } of pairs) {
        await firewall.unban(CLIENT[family]);
        expect(await client.echo(established, 'x')).toBe(0);
      }
      for (const { family } of pairs) await firewall.ban(CLIENT[family], 1);
      await Promise.all(FAMILIES.map((family) => talk(family)));
      expect(await firewall.listBans()).toEqual([]);
      const drops = await firewall.dropCounters();
      expect(drops.packets).toBeGreaterThanOrEqual(8);
    });

    test('prefixes, exceptions, refusals', async () => {
      const firewall = await installed();
      await firewall.ban('10.9.1.0/24', 60);
      await firewall.ban('10.9.1.2', 60);
      expect(await client.connect(SERVER[4], 81, 100)).toBe(-1);
      await firewall.except('10.9.1.2', 60);
      await talk(4, 81);
      await firewall.ban('10.9.1.2', 60);
      expect(await client.connect(SERVER[4], 81, 100)).toBe(-1);
      await firewall.unban('10.9.0.0/16');
      expect(await firewall.banCount()).toBe(0);
      await talk(4, 81);
      await expect(firewall.ban('0.0.0.0/0', 60)).rejects.toMatchObject({ code: 'BAN_REFUSED' });
      await expect(firewall.ban('ff02::1', 60)).rejects.toMatchObject({ reason: 'multicast' });
      await expect(firewall.ban('192.0.2.1', 3e9)).rejects.toMatchObject({ code: 'DURATION_INVALID' });
      await firewall.ban('192.0.2.1', 2_147_483);
      expect((await firewall.listBans())[0].remaining).toBeGreaterThan(2_147_400);
    });

    test('stopping keeps bans and a bypass chain with rules; starting again takes both over', async () => {
      const firewall = await installed();
      await firewall.ban(CLIENT[4], 600);
      sh(`${iptables(6)} -t mangle -A portcullis_bypass -p tcp --dport 81 -j ACCEPT`);
      expect(await firewall.remove()).toEqual({ bansLeft: 1, bypassKept: true });
      expect(saved()).not.toContain('NFQUEUE');
      expect(rules(6, 'mangle', 'portcullis_bypass')).toHaveLength(1);
      expect(rules(6, 'mangle', 'FORWARD')).toEqual([
        expect.stringMatching(/ -j portcullis_ban$/),
        '-j portcullis_bypass',
      ]);
      expect(sh(`${iptables(4)} -t mangle -S`)).not.toContain('portcullis_bypass');
      expect(await client.connect(SERVER[4], 81, 100)).toBe(-1);
      await talk(6, 81);
      const next = await installed();
      expect(await next.banCount()).toBe(1);
      expect(rules(6, 'mangle', 'portcullis_bypass')).toHaveLength(1);
      await next.unbanAll();
      expect(await next.remove()).toEqual({ bansLeft: 0, bypassKept: true });
      expect(sh('ipset list -name')).toBe('');
      await next.remove({ purge: true });
      expect(saved()).not.toContain('portcullis');
    });

    test('what a killed engine left is replaced, whatever its plan and however damaged', async () => {
      await installed({
        queues: { first: 1, last: 4 },
        hooks: { forward: true, input: false, output: true },
      });
      for (const family of FAMILIES) {
        sh(`${iptables(family)} -t mangle -A FORWARD -j portcullis
            ${iptables(family)} -t mangle -F portcullis_enter
            ${iptables(family)} -t raw -D PREROUTING 1
            ${iptables(family)} -t mangle -A portcullis_bypass -p tcp --dport 99 -j ACCEPT`);
      }
      sh(
        'ipset create portcullis_ban4_next hash:net; ipset create portcullis_ports_next bitmap:port range 0-65535',
      );
      const next = await opened();
      await next.install(PLAN);
      expect(await next.verify()).toEqual([]);
      for (const family of FAMILIES) {
        expect(rules(family, 'mangle', 'FORWARD')).toHaveLength(4);
        expect(rules(family, 'mangle', 'portcullis_bypass')).toHaveLength(1);
        expect((await queuedBy(next, () => talk(family)))[family]).toBeGreaterThanOrEqual(5);
      }
      expect(sh('ipset list -name')).not.toContain('_next');
    });

    describe('set-up that fails is undone', () => {
      /** A firewall for which one program does something else. */
      const broken = (program: string, script: string): Promise<KernelFirewall> => {
        const bin = mkdtempSync(join(directory, 'bin-'));
        const file = join(bin, program);
        writeFileSync(file, `#!/bin/sh\n${script}\n`);
        chmodSync(file, 0o755);
        const path = `PATH=${bin}:${process.env.PATH}`;
        return opened({ commandPrefix: ['env', path] });
      };

      const refuse = 'cat >/dev/null; echo "line 3 failed" >&2; exit 1';
      const real = (program: string): string => `$(PATH=/usr/sbin:/sbin command -v ${program})`;
      const restore = `ip6tables-${variant}-restore`;
      const cases = [
        ['only the last table is refused', restore, `sed 's/-j NFQUEUE/-j NOSUCH/' | ${real(restore)} "$@"`],
        ['the rules of the second family are refused', restore, refuse],
        ['the rules of the first family are refused', `iptables-${variant}-restore`, refuse],
        [
          'sets cannot be made',
          'ipset',
          `case "$1" in restore) echo "Kernel error" >&2; exit 1;; esac; exec ${real('ipset')} "$@"`,
        ],
      ];
      // Undoing is the same code for both; the first case is where the kernel's answer differs.
      test.each(variant === 'nft' ? cases : cases.slice(0, 1))('%s', async (_, program, script) => {
        const failing = await broken(program, script);
        const untouched = saved();
        await expect(failing.install(PLAN)).rejects.toMatchObject({
          code: 'INSTALL_FAILED',
          command: expect.stringContaining(program),
        });
        expect(saved()).toBe(untouched);
        expect(sh('ipset list -name')).toBe('');
        // And with an engine's rules in place, they stay in place.
        const working = await installed();
        await working.ban('192.0.2.1', 600);
        const before = saved();
        await expect(failing.install({ ...PLAN, generation: 2, ports: 'any' })).rejects.toMatchObject({
          code: 'INSTALL_FAILED',
        });
        expect(saved()).toBe(before);
        expect(await working.verify()).toEqual([]);
        expect(await working.banCount()).toBe(1);
      });

      test('a program that is missing is named', async () => {
        const firewall = await broken(
          'ipset',
          'echo \'exec of "ipset" failed: No such file or directory\' >&2; exit 255',
        );
        await expect(firewall.install(PLAN)).rejects.toMatchObject({
          code: 'INSTALL_FAILED',
          message: expect.stringContaining('apt-get install ipset'),
        });
        expect(saved()).not.toContain('portcullis');
      });

      test('a set of that name which is not ours', async () => {
        sh('ipset create portcullis_ban4 hash:ip');
        const firewall = await opened();
        await expect(firewall.install(PLAN)).rejects.toMatchObject({
          code: 'INSTALL_FAILED',
          message: expect.stringContaining('ipset destroy portcullis_ban4'),
        });
        expect(saved()).not.toContain('portcullis');
        expect(sh('ipset list -name')).toBe('portcullis_ban4\n');
      });
    });

    test('drift is told: a flushed chain, a missing jump, an order, one family, a set', async () => {
      const firewall = await installed();
      sh(`${iptables(4)} -t mangle -F portcullis
          ${iptables(6)} -t mangle -D portcullis 3
          ${iptables(6)} -t mangle -D FORWARD -j portcullis
          ${iptables(4)} -t mangle -I FORWARD -j portcullis
          ${iptables(4)} -t raw -F
          ${iptables(6)} -t raw -F portcullis
          ${iptables(4)} -t mangle -I INPUT -p tcp -j ACCEPT
          ipset add portcullis_ports 81`);
      const found = await firewall.verify();
      for (const expected of [
        /^iptables-\w+ mangle: chain portcullis was changed/,
        /^ip6tables-\w+ mangle: chain portcullis was changed/,
        /^ip6tables-\w+ mangle: FORWARD jumps to/,
        /^iptables-\w+ mangle: FORWARD jumps to/,
        /^iptables-\w+ raw: PREROUTING jumps to none/,
        /^ip6tables-\w+ raw: chain portcullis was changed/,
        /^iptables-\w+ mangle: rules of others stand before or between ours in INPUT/,
        /set portcullis_ports was changed/,
      ]) {
        expect(found).toContainEqual(expect.stringMatching(expected));
      }
      expect(await firewall.repair()).toEqual(found);
      expect(await firewall.verify()).toEqual([]);
      expect(await firewall.repair()).toEqual([]);
    });

    test('what is put back are the tables that differ, also where nothing else does', async () => {
      const firewall = await installed();
      await firewall.verify();
      expect(firewall.mayHaveChanged()).toBe(false);
      const before = saved();
      sh(`${iptables(6)} -t mangle -F portcullis
          ${iptables(6)} -t raw -D PREROUTING -j portcullis`);
      expect(firewall.mayHaveChanged()).toBe(variant === 'nft');
      expect(await firewall.repair()).toHaveLength(2);
      expect(saved()).toBe(before);
      expect(await firewall.verify()).toEqual([]);
      await firewall.remove();
      expect(firewall.mayHaveChanged()).toBe(false);
    });

    test('leftovers in the other variant are named, and purged', async () => {
      const other: IptablesVariant = variant === 'nft' ? 'legacy' : 'nft';
      const stale = await opened({ backend: other });
      await stale.install(PLAN);
      const firewall = await opened();
      expect(await firewall.leftovers()).toContain(`iptables-${other} mangle: chain portcullis`);
      await firewall.remove({ purge: true });
      expect(await firewall.leftovers()).toEqual([]);
      expect(sh(`iptables-${other}-save`)).not.toContain('portcullis');
    });

    // What follows has nothing to do with the variant.
    const once = variant === 'nft' ? test : test.skip;

    once('sets grow before they are full, whatever is banned, unbanned and listed meanwhile', async () => {
      const failures: FirewallError[] = [];
      const firewall = await opened({
        banSets: {
          capacity: 64,
          largestCapacity: 1024,
          onGrowthFailure: (error) => failures.push(error),
        },
      });
      await firewall.install(PLAN);
      const address = (n: number): string => `10.${n >> 8}.${n & 255}.1`;
      const bans: Promise<unknown>[] = [];
      for (let n = 0; n < 1000; n++) {
        bans.push(firewall.ban(address(n), 600));
        if (n % 3 === 0) bans.push(firewall.unban(address(n)));
        if (n % 100 === 0) bans.push(firewall.listBans());
        if (n % 50 === 0) await bans[bans.length - 1];
      }
      await Promise.all(bans);
      const found = new Set((await firewall.listBans()).map(({ prefix }) => prefix));
      for (let n = 0; n < 1000; n++) expect([n, found.has(address(n))]).toEqual([n, n % 3 !== 0]);
      for (const ban of await firewall.listBans()) expect(ban.remaining).toBeGreaterThan(500);
      expect(failures).toEqual([]);
      await expect(
        Promise.all(Array.from({ length: 600 }, (_, n) => firewall.ban(`11.${n >> 8}.${n & 255}.1`, 600))),
      ).rejects.toMatchObject({ code: 'SET_FULL' });
      expect(await firewall.verify()).toEqual([]);
      await firewall.unbanAll();
      expect(await firewall.banCount()).toBe(0);
      expect(sh('ipset list -name')).not.toContain('_next');
    });

    once('what is banned while many are unbanned stays banned', async () => {
      const firewall = await installed();
      const prefixes = Array.from({ length: 20_000 }, (_, n) => `10.${n >> 8}.${n & 255}.1`);
      await firewall.restoreBans(
        prefixes.map((prefix) => ({ prefix, remaining: 600 })),
        prefixes.length,
      );
      expect(await firewall.banCount()).toBe(prefixes.length);
      const removal = firewall.unbanEach(prefixes);
      const again = [0, 1023, 1024, 12_000, 19_999].map((n) => prefixes[n] as string);
      for (const prefix of again) {
        await firewall.ban(prefix, 600);
        await new Promise((resolve) => setImmediate(resolve));
      }
      await removal;
      expect((await firewall.listBans()).map(({ prefix }) => prefix).sort()).toEqual(again.sort());
      expect(await firewall.holdsAll(again)).toBe(true);
      expect(await firewall.holdsAll([prefixes[1] as string])).toBe(false);
    });

    once('very many are unbanned at once, and the set that they were in is emptied afterwards', async () => {
      const firewall = await installed();
      const prefixes = Array.from({ length: 12_000 }, (_, n) => `10.${n >> 8}.${n & 255}.1`);
      await firewall.restoreBans(
        prefixes.map((prefix) => ({ prefix, remaining: 600 })),
        prefixes.length,
      );
      await firewall.unbanAll(prefixes);
      expect(sh('ipset list -name')).toContain('_next');
      const again = [prefixes[0] as string, prefixes[11_999] as string];
      for (const prefix of again) await firewall.ban(prefix, 600);
      // The set that is being emptied is in the way of another one: this one is emptied in its place.
      await firewall.unbanAll(prefixes);
      for (const prefix of again) await firewall.ban(prefix, 600);
      await waitUntil(() => !sh('ipset list -name').includes('_next'), {
        timeout: 20_000,
        what: 'the old set has gone',
      });
      expect((await firewall.listBans()).map(({ prefix }) => prefix).sort()).toEqual(again.sort());
    });

    once('a service started after a crash and a reboot of the sets finds its bans', async () => {
      let firewall = await installed();
      const state = join(directory, `state-${variant}`);
      let service = new BanService({ backend: firewall, directory: state });
      await service.start();
      await service.ban({ prefix: CLIENT[4], seconds: 600, reason: 'test' });
      await service.ban({ prefix: '2001:db8::1:0:0:1', seconds: 600, reason: 'test' });
      await service.ban({ prefix: '2001:db8:0:1:1:1:1:1', seconds: 600, reason: 'test' });
      await expect(service.ban({ prefix: '127.0.0.1', seconds: 600, reason: 'test' })).rejects.toMatchObject({
        code: 'BAN_REFUSED',
      });
      expect(await service.reconcile()).toEqual({ restored: 0, adopted: 0, lifted: 0 });
      await service.stop();
      await firewall.remove({ purge: true });
      firewall = await installed();
      service = new BanService({ backend: firewall, directory: state });
      expect(await service.start()).toMatchObject({ restored: 3, adopted: 0 });
      expect(await client.connect(SERVER[4], 81, 100)).toBe(-1);
      await service.remove('all');
      await talk(4, 81);
      await service.stop();
    });
  });
});
