/** Bans as an administrator meets them, on the real kernel: what they cut off, how they are lifted. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BanListAnswer, BansRemovedAnswer } from '@portcullis/control';
import { Lab, waitUntil } from '@portcullis/testkit';
import { ATTACK_PATH, describeLab, LabEngine } from './engine';
import { ThreadHolder } from './held-thread';

const PORT = 80;
/** Nothing listens to what goes here but an echo. */
const ECHO_PORT = 7777;
const SSH_PORT = 22;
/** Networks behind the attacker, which has two addresses in one of them. */
const BEHIND = 'fd00:77:9::';
const ANOTHER = 'fd00:77:10::';
/** Other addresses of the attacker. */
const NEIGHBOUR = '10.77.1.3';
const FIRST = `${BEHIND}2`;
const SECOND = `${BEHIND}3`;
const ELSEWHERE = `${ANOTHER}2`;
/** ban-attacker.ts: detections within this are one offence. Milliseconds. */
const SAME_OFFENCE = 5000;

describeLab('bans', () => {
  let lab: Lab;
  let engine: LabEngine;
  let holder: ThreadHolder;
  beforeAll(async () => {
    holder = new ThreadHolder();
    lab = new Lab('pcban', { bystander: true });
    await lab.httpServer('server', PORT);
    await lab.tcpServer('server', ECHO_PORT);
    await lab.tcpServer('gateway', ECHO_PORT);
    await lab.tcpServer('gateway', SSH_PORT);
    for (const address of [`${NEIGHBOUR}/24`, `${FIRST}/64`, `${SECOND}/64`, `${ELSEWHERE}/64`])
      await lab.run('attacker', ['ip', 'addr', 'add', address, 'dev', 'eth0', 'nodad']);
    for (const network of [BEHIND, ANOTHER])
      await lab.run('gateway', ['ip', '-6', 'route', 'add', `${network}/64`, 'dev', 'attacker0']);
    engine = new LabEngine(lab, { nameServers: [attacker(4), attacker(6)] });
    await engine.start({ 'scan.ports': `[${PORT}]` });
  });
  afterAll(() => {
    holder.remove();
    lab?.destroy();
    engine?.remove();
  });
  afterEach(async () => {
    await holder.release();
    await engine.letAllIn();
  }, 60_000);

  const attacker = (family: 4 | 6) => lab.address('attacker', family);
  const get = (family: 4 | 6, path: string, localAddress?: string, timeout?: number) =>
    lab.httpGet('attacker', path, {
      host: lab.target(family),
      port: PORT,
      ...(localAddress === undefined ? {} : { localAddress }),
      ...engine.patience(timeout),
    });
  const attack = (family: 4 | 6, localAddress?: string) =>
    get(family, `${ATTACK_PATH}-${family}`, localAddress);
  const isBanned = async (family: 4 | 6) => (await engine.bans()).includes(attacker(family));
  const banned = (family: 4 | 6) => waitUntil(() => isBanned(family), { timeout: 10_000, what: 'the ban' });

  test.each([4, 6] as const)(
    'existing connections of the attacker die, forwarded and local, over IPv%d',
    async (family) => {
      const open = await Promise.all(
        [lab.target(family), lab.gatewayAddress('attacker', family)].map((host) =>
          lab.connect('attacker', { host, port: ECHO_PORT }),
        ),
      );
      const arrived = async (text: string) =>
        Promise.all(
          open.map(async (connection) =>
            Buffer.from((await connection.state()).received)
              .toString('latin1')
              .includes(text),
          ),
        );
      for (const connection of open) await connection.write('before');
      await waitUntil(async () => (await arrived('before')).every(Boolean), { what: 'the echo' });

      await attack(family);
      await banned(family);
      for (const connection of open) await connection.write('after');
      const dropped = async () => (await engine.status()).bans.dropped_packets;
      const before = await dropped();
      await waitUntil(async () => (await dropped()) >= before + 2, {
        timeout: 15_000,
        what: 'retransmissions that are dropped',
      });
      expect(await arrived('after')).toEqual([false, false]);
      for (const connection of open) await connection.reset();
    },
  );

  const inKernel = async (family: 4 | 6) =>
    (await lab.run('gateway', ['ipset', 'save'])).includes(` ${attacker(family)} `);
  const pid = () => engine.process.pid as number;

  test.each([4, 6] as const)(
    'are in the kernel also while the main thread stands still, over IPv%d',
    async (family) => {
      if (!holder.usable) return;
      const connection = await lab.connect('attacker', { host: lab.target(family), port: PORT });
      await holder.hold(lab, pid(), 'main');
      await connection.write(`GET ${ATTACK_PATH} HTTP/1.1\r\nHost: a\r\n\r\n`);
      await waitUntil(() => inKernel(family), { what: 'the entry' });
      await holder.release();
      await banned(family);
      expect((await engine.status()).bans.active).toBe(1);
      await connection.reset();
    },
  );

  test.each([4, 6] as const)(
    'a device unblocked by hand is not banned again for a packet it sent before, over IPv%d',
    async (family) => {
      if (!holder.usable) return;
      const lost = () => engine.process.stdout.split('is lost').length;
      // Of the engine's network namespace; the third column is what waits (nfnetlink_queue.c, seq_show).
      const queue = `/proc/${pid()}/net/netfilter/nfnetlink_queue`;
      const waiting = () => Number(readFileSync(queue, 'latin1').trim().split(/\s+/)[2]);
      const refusals = () =>
        engine.events('ban').filter(({ ban }) => /unblocked-since/.test(ban?.reason ?? '')).length;
      let refused = false;
      // A worker that is held for too long is replaced, and the packet is lost with it.
      for (let attempt = 0; attempt < 5 && !refused; attempt++) {
        await engine.command('bans.remove', { all: true });
        const [before, replaced] = [refusals(), lost()];
        const connection = await lab.connect('attacker', { host: lab.target(family), port: PORT });
        await holder.hold(lab, pid(), 'worker');
        await connection.write(`GET ${ATTACK_PATH} HTTP/1.1\r\nHost: a\r\n\r\n`);
        await waitUntil(() => waiting() > 0 || lost() > replaced, { what: 'the packet in the queue' });
        await engine.command('bans.add', { address: attacker(family) });
        await engine.command('bans.remove', { addresses: [attacker(family)] });
        await holder.release();
        await waitUntil(() => refusals() > before || lost() > replaced, { what: 'the refusal' });
        refused = refusals() > before && lost() === replaced;
        await connection.reset();
      }
      expect(refused).toBe(true);
      expect(await isBanned(family)).toBe(false);
      expect(await inKernel(family)).toBe(false);
    },
  );

  test('removing a prefix lifts the bans inside it, and no others', async () => {
    const inside = ['198.51.100.1', '198.51.100.128/25', '2001:db8:7::1'];
    for (const prefix of [...inside, '198.51.101.1', '2001:db8:8::/48'])
      await engine.command('bans.add', { address: prefix, for: '10m' });
    const answer = await engine.json<BansRemovedAnswer>(
      ...['bans', 'remove', '198.51.100.0/24', '2001:db8:7::/48', '192.0.2.0/24'],
    );
    expect(answer).toMatchObject({ count: 3, not_banned: ['192.0.2.0/24'] });
    expect([...answer.removed].sort()).toEqual(inside);
    expect((await engine.bans()).sort()).toEqual(['198.51.101.1', '2001:db8:8::/48']);
    const saved = await lab.run('gateway', ['ipset', 'save']);
    for (const prefix of inside) expect(saved).not.toContain(` ${prefix} `);
  });

  test('the addresses of a file are banned together, and what cannot be is named', async () => {
    const file = join(engine.directory, 'list.txt');
    const good = ['198.51.100.1', '198.51.102.0/24', '2001:db8:7::1', '2001:db8:8::/48'];
    writeFileSync(
      file,
      ['# a list', ...good.map((each) => `${each} ; remark`), 'nonsense', '127.0.0.1'].join('\n'),
    );
    const answer = await engine.ask('bans', 'add', '--file', file, '--for', '10m', '--reason', 'listed');
    expect(answer.code).toBe(1);
    expect(answer.stdout).toMatch(/^4 devices are blocked/);
    expect(answer.stderr).toMatch(/nonsense is not blocked: .*\n.*127\.0\.0\.1 is not blocked: loopback/);
    expect((await engine.bans()).sort()).toEqual(good);
    const saved = await lab.run('gateway', ['ipset', 'save']);
    for (const prefix of good) expect(saved).toContain(` ${prefix} timeout `);
    expect(await engine.json('bans', 'add', '--file', file)).toMatchObject({ banned: 4, refused: 2 });
    for (const wrong of [
      ['--file', '/nowhere'],
      ['--file', engine.directory],
      ['--file', file, '192.0.2.1'],
      ['--file', file, '--for', '9000d'],
      [],
    ])
      expect((await engine.ask('bans', 'add', ...wrong)).code).not.toBe(0);
  });

  test('after an unblocking by hand there can be a time of grace', async () => {
    await attack(4);
    await banned(4);
    await engine.set('unblock-grace=1h');
    await engine.command('bans.remove', { addresses: [attacker(4)] });
    const refusals = () =>
      engine.events('ban').filter(({ ban }) => /grace-after-unblocking/.test(ban?.reason ?? '')).length;
    const before = refusals();
    // Stopped all the same.
    expect(await attack(4)).toMatchObject({ complete: false });
    await waitUntil(() => refusals() > before, { timeout: 10_000, what: 'the refusal' });
    expect(await isBanned(4)).toBe(false);
    await engine.set('unblock-grace=0s');
    await attack(4);
    await banned(4);
  });

  const refusedBecause = (address: string, reason: RegExp) =>
    engine.events('alert').some(({ src_ip, portcullis }) => {
      const { refused = '' } = (portcullis?.ban ?? {}) as { refused?: string };
      return src_ip === address && reason.test(refused);
    });

  const bothFamilies = <Result>(each: (family: 4 | 6) => Promise<Result>) => Promise.all([each(4), each(6)]);
  const refusedBans = (prefix: string) =>
    engine.events('ban').filter(({ ban }) => ban?.action === 'refused' && ban.prefix === prefix);

  test('a gateway, a name server, an administrator and whoever is named are stopped and not banned', async () => {
    await lab.run('gateway', ['ip', 'route', 'replace', '198.51.100.0/24', 'via', attacker(4)]);
    await lab.run('gateway', ['ip', '-6', 'route', 'replace', '2001:db8:99::/48', 'via', attacker(6)]);
    const sessions = await bothFamilies((family) =>
      lab.connect('attacker', { host: lab.gatewayAddress('attacker', family), port: SSH_PORT }),
    );
    for (const [spared, reason] of [
      ['gateway', /it is a gateway of this host/],
      ['dns', /it is a name server of this host/],
      ['admin-sessions', /an administrator is logged in from it/],
      [`"${attacker(4)}", "${attacker(6)}"`, /never blocked/],
    ] as const) {
      await engine.set(`never-block=[self, ${spared}]`);
      await bothFamilies(async (family) => {
        expect(await attack(family)).toMatchObject({ complete: false });
        await waitUntil(() => refusedBecause(attacker(family), reason), { what: `the refusal: ${reason}` });
        expect(refusedBans(attacker(family)).at(-1)?.ban?.reason).toMatch(reason);
        expect(await inKernel(family)).toBe(false);
      });
    }
    await engine.unset('never-block');
    await bothFamilies(async (family) => {
      await attack(family);
      await banned(family);
    });
    for (const session of sessions) await session.reset();
  });

  test('nobody can ban the host itself, nor a network that it is in', async () => {
    for (const prefix of ([4, 6] as const).flatMap((family) => [
      lab.gatewayAddress('server', family),
      `${lab.gatewayAddress('bystander', family)}/${family === 4 ? 24 : 64}`,
    ])) {
      await expect(engine.command('bans.add', { address: prefix })).rejects.toThrow(/is not banned: it/);
      const network = prefix.replace(/1\/24$/, '0/24').replace(/1\/64$/, '/64');
      await waitUntil(() => refusedBans(network).length > 0, { what: `the refusal of ${network}` });
    }
    expect(await engine.bans()).toEqual([]);
  });

  test('whoever attacks again is banned for longer, over IPv6 with all of its /64', async () => {
    await engine.set('ipv6-prefix=64', 'escalation={ factor: 3 }', 'block-duration=2m');
    /** Attacks over both families. @returns the bans, with their seconds */
    const attackFrom = async (address6: string) => {
      await attack(4);
      await attack(6, address6);
      const { bans } = await waitUntil(
        async () => {
          const answer = (await engine.command('bans.list', {})) as BanListAnswer;
          return answer.total === 2 && answer;
        },
        { what: 'both bans' },
      );
      const seconds = (ban: { since: string; until: string }) =>
        (Date.parse(ban.until) - Date.parse(ban.since)) / 1000;
      return bans.map((ban) => [ban.prefix, seconds(ban)] as const).sort();
    };

    const first = await attackFrom(FIRST);
    const offended = performance.now();
    expect(first.map(([prefix]) => prefix)).toEqual([attacker(4), `${BEHIND}/64`]);
    const outcomes = await Promise.all([
      get(6, '/same', SECOND, 800),
      get(6, '/another', ELSEWHERE),
      get(4, '/neighbour', NEIGHBOUR),
    ]);
    expect(outcomes.map(({ complete }) => complete)).toEqual([false, true, true]);

    await engine.letAllIn();
    expect(await get(6, '/again', SECOND)).toMatchObject({ complete: true });
    await waitUntil(() => performance.now() - offended > SAME_OFFENCE, { what: 'another offence' });
    expect(await attackFrom(SECOND)).toEqual(first.map(([prefix, seconds]) => [prefix, seconds * 3]));
    // In the network of the gateway itself its /64 cannot be banned: an attacker there is banned alone.
    await attack(6);
    await banned(6);
    await engine.unset('ipv6-prefix', 'escalation', 'block-duration');
  });

  test('more bans than the cap are refused, with an alarm', async () => {
    await engine.set('max-bans-per-minute=1');
    // Those of the tests before may count already.
    const flood = [
      [4, NEIGHBOUR],
      [6, ELSEWHERE],
    ] as const;
    for (const [family, address] of flood)
      expect(await attack(family, address)).toMatchObject({ complete: false });
    const refused = () => flood.filter(([, address]) => refusedBecause(address, /within a minute/));
    await waitUntil(() => refused().length > 0, { what: 'the refusal' });
    const saved = await lab.run('gateway', ['ipset', 'save']);
    for (const [, address] of refused()) expect(saved).not.toContain(` ${address} `);
    const alarms = engine
      .events('engine')
      .filter(({ engine: what }) => JSON.stringify(what).includes('BAN_FLOOD'));
    expect(alarms.length).toBeGreaterThan(0);
    await engine.unset('max-bans-per-minute');
  });

  test('a ban lasts from one minute to 32 768 minutes', async () => {
    for (const wrong of ['59s', '32769m', 'long'])
      await expect(engine.set(`block-duration=${wrong}`)).rejects.toThrow(/block-duration/);
    await engine.set('block-duration=32768m');
    await attack(4);
    await banned(4);
    const [ban] = engine
      .events('ban')
      .filter((record) => record.src_ip === attacker(4))
      .slice(-1);
    expect(ban?.ban).toMatchObject({ action: 'added', duration_s: 32_768 * 60 });
    const until = Date.parse(ban?.ban?.until ?? '');
    expect(Math.abs(until - Date.now() - 32_768 * 60_000)).toBeLessThan(60_000);
    expect(await lab.run('gateway', ['ipset', 'save'])).toMatch(/ timeout 19660\d\d /);
    await engine.unset('block-duration');
  });
});
