/** Bans as an administrator meets them, on the real kernel: what they cut off, how they are lifted. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BansRemovedAnswer } from '@portcullis/control';
import { Lab, waitUntil } from '@portcullis/testkit';
import { ATTACK_PATH, describeLab, LabEngine } from './engine';
import { ThreadHolder } from './held-thread';

const PORT = 80;
/** Nothing listens to what goes here but an echo. */
const ECHO_PORT = 7777;

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
    engine = await new LabEngine(lab).start({ 'scan.ports': `[${PORT}]` });
  });
  afterAll(() => {
    holder.remove();
    lab?.destroy();
    engine?.remove();
  });
  afterEach(async () => {
    await holder.release();
    await engine.ask('bans', 'remove', '--all');
  }, 60_000);

  const attacker = (family: 4 | 6) => lab.address('attacker', family);
  const attack = (family: 4 | 6) =>
    lab.httpGet('attacker', `${ATTACK_PATH}-${family}`, {
      host: lab.target(family),
      port: PORT,
      ...engine.patience(),
    });
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
      expect((await engine.ask('bans', 'add', prefix, '--for', '10m')).code).toBe(0);
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
    expect((await engine.ask('config', 'set', 'unblock-grace=1h')).code).toBe(0);
    expect((await engine.ask('bans', 'remove', attacker(4))).code).toBe(0);
    const refusals = () =>
      engine.events('ban').filter(({ ban }) => /grace-after-unblocking/.test(ban?.reason ?? '')).length;
    const before = refusals();
    // Stopped all the same.
    expect(await attack(4)).toMatchObject({ complete: false });
    await waitUntil(() => refusals() > before, { timeout: 10_000, what: 'the refusal' });
    expect(await isBanned(4)).toBe(false);
    expect((await engine.ask('config', 'set', 'unblock-grace=0s')).code).toBe(0);
    await attack(4);
    await banned(4);
  });

  const refusedBecause = (family: 4 | 6, reason: RegExp) =>
    engine.events('alert').filter(({ src_ip, portcullis }) => {
      const { refused = '' } = (portcullis?.ban ?? {}) as { refused?: string };
      return src_ip === attacker(family) && reason.test(refused);
    }).length;

  test.each([4, 6] as const)(
    'who is never to be blocked is stopped and not banned, over IPv%d',
    async (family) => {
      expect((await engine.ask('config', 'set', `never-block=[self, "${attacker(family)}"]`)).code).toBe(0);
      expect(await attack(family)).toMatchObject({ complete: false });
      await waitUntil(() => refusedBecause(family, /never blocked/) > 0, { what: 'the refusal' });
      expect(await inKernel(family)).toBe(false);
      expect((await engine.ask('config', 'unset', 'never-block')).code).toBe(0);
    },
  );

  test('more bans than the cap are refused, with an alarm', async () => {
    expect((await engine.ask('config', 'set', 'max-bans-per-minute=1')).code).toBe(0);
    // Those of the tests before may count already.
    for (const family of [4, 6] as const) expect(await attack(family)).toMatchObject({ complete: false });
    const refused = () => ([4, 6] as const).filter((family) => refusedBecause(family, /within a minute/) > 0);
    await waitUntil(() => refused().length > 0, { what: 'the refusal' });
    for (const family of refused()) expect(await inKernel(family)).toBe(false);
    const alarms = engine
      .events('engine')
      .filter(({ engine: what }) => JSON.stringify(what).includes('BAN_FLOOD'));
    expect(alarms.length).toBeGreaterThan(0);
    expect((await engine.ask('config', 'unset', 'max-bans-per-minute')).code).toBe(0);
  });

  test('a ban lasts from one minute to 32 768 minutes', async () => {
    for (const wrong of ['59s', '32769m', 'long'])
      expect((await engine.ask('config', 'set', `block-duration=${wrong}`)).code).toBe(2);
    expect((await engine.ask('config', 'set', 'block-duration=32768m')).code).toBe(0);
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
    expect((await engine.ask('config', 'unset', 'block-duration')).code).toBe(0);
  });
});
