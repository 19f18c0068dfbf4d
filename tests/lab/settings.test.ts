/** Settings, exclusions, policy and mode, as an administrator uses them, on the real kernel. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Lab, type LabServer, waitUntil } from '@portcullis/testkit';
import { ATTACK_PATH, describeLab, LabEngine } from './engine';

const PORT = 80;

describeLab('an administrator', () => {
  let lab: Lab;
  let server: LabServer;
  let engine: LabEngine;
  beforeAll(async () => {
    lab = new Lab('pcst', { bystander: true });
    server = await lab.httpServer('server', PORT);
  });
  afterAll(() => lab?.destroy());
  afterEach(async () => {
    if (engine?.process?.running) await engine.stop();
    // Bans outlive the engine.
    for (const set of ['portcullis_ban4', 'portcullis_ban6'])
      await lab.exec('gateway', ['ipset', 'flush', set]);
    engine?.remove();
  });

  const get = (path: string, family: 4 | 6 = 4) =>
    lab.httpGet('attacker', path, { host: lab.target(family), port: PORT, ...engine.patience() });
  const arrived = async (path: string) => (await server.received()).toString().includes(path);

  test('excludes devices from being blocked, then from inspection, over IPv4 and IPv6', async () => {
    engine = await new LabEngine(lab).start();
    const addresses = ([4, 6] as const).map((family) => lab.address('attacker', family));
    const kept: object[] = [];
    for (const family of [4, 6] as const) {
      const address = lab.address('attacker', family);
      expect(await get(`${ATTACK_PATH}-first-${family}`, family)).toMatchObject({ complete: false });
      expect(await engine.bans()).toEqual([address]);

      // Excluding a banned device lets it in; it is told from then on, and not stopped.
      expect(await engine.ask('exclude', 'add', '--src', address)).toMatchObject({ code: 0 });
      expect(await engine.bans()).toEqual([]);
      expect(await get(`${ATTACK_PATH}-told-${family}`, family)).toMatchObject({ complete: true });
      const told = await waitUntil(
        () =>
          engine
            .events('alert')
            .find(({ alert, src_ip }) => alert?.action === 'allowed' && src_ip === address),
        { what: 'the alert' },
      );
      expect(told).toMatchObject({ portcullis: { enforced: false } });

      const excluded = ['--src', address, '--port', '80', '--rule', 'do-not-scan', '--at', '1'];
      expect(await engine.ask('exclude', 'add', ...excluded)).toMatchObject({ code: 0 });
      const alerts = engine.events('alert').length;
      const received = await engine.queued();
      expect(await get(`${ATTACK_PATH}-unseen-${family}`, family)).toMatchObject({ complete: true });
      expect(await engine.queued()).toBe(received);
      expect(engine.events('alert')).toHaveLength(alerts);
      const src = `${address}/${family === 4 ? 32 : 128}`;
      kept.unshift({ src, port: { first: 80, last: 80 }, rule: 'do-not-scan' });
      kept.push({ src, rule: 'do-not-block' });
    }

    // Kept over a restart, in their order.
    await engine.kill();
    await engine.start();
    expect(await engine.json('exclude', 'list')).toEqual({ exclusions: kept });
    for (const family of [4, 6] as const)
      expect(await get(`${ATTACK_PATH}-unseen-again-${family}`, family)).toMatchObject({ complete: true });

    for (const _ of kept) expect((await engine.ask('exclude', 'remove', '1')).code).toBe(0);
    expect((await engine.ask('exclude', 'remove', '1')).code).toBe(1);
    for (const family of [4, 6] as const) {
      const stopped = `${ATTACK_PATH}-stopped-${family}`;
      expect(await get(stopped, family)).toMatchObject({ complete: false });
      expect(await arrived(stopped)).toBe(false);
    }
    expect((await engine.bans()).sort()).toEqual([...addresses].sort());
  });

  test('changes settings while the engine runs; what is wrong changes nothing', async () => {
    engine = await new LabEngine(lab).start();
    const change = (...argv: string[]) => engine.ask('config', ...argv);
    expect(await change('set', 'block-duration=2m')).toMatchObject({ code: 0 });
    await get(`${ATTACK_PATH}-short`);
    const [ban] = (await engine.json<{ bans: { remaining_s: number }[] }>('bans', 'list')).bans;
    expect(ban?.remaining_s).toBeLessThanOrEqual(120);
    await engine.ask('bans', 'remove', '--all');

    for (const [assignment, reason] of [
      ['block-duration=40000m', /block-duration: .* is outside/],
      ['protect.networks=[10.0.0.0/33]', /protect\.networks\.0: .*above 32/],
      ['exclusions=[{ rule: do-not-scan }]', /covers everything/],
      ['nonsense=1', /nonsense: is not a key/],
    ] as const) {
      const { code, stderr } = await change('set', assignment);
      expect([assignment, code]).toEqual([assignment, 2]);
      expect(stderr).toMatch(reason);
    }
    expect((await change('get', 'block-duration')).stdout.trim()).toBe('120');

    expect((await change('set', 'action-on-detect=notify')).stdout).toMatch(/in force/);
    expect(await get(`${ATTACK_PATH}-notified`)).toMatchObject({ complete: true });
    expect((await change('unset', 'action-on-detect')).code).toBe(0);
    expect((await change('show')).stdout).toMatch(/block-duration\s+120\s+settings/);
    expect((await engine.ask('status', '--effective')).stdout).toMatch(/mark\.mask\s+15728640\s+default/);
    const exported = (await change('export')).stdout;
    expect(exported).toContain('block-duration: 2m');
    await engine.stop();
    // Without an engine the same command takes effect with its next start.
    expect((await change('set', 'block-duration=3m')).stdout).toMatch(/when the engine starts/);
    await engine.start();
    expect((await change('get', 'block-duration')).stdout.trim()).toBe('180');
  });

  test('has a policy: it turns protection on, wins, and locks', async () => {
    engine = new LabEngine(lab, {
      enable: false,
      policy: 'action-on-detect: notify\nlocked: [block-duration]\n',
    });
    await engine.start();
    expect(engine.process.stdout).toMatch(/protecting:/);
    expect(await get(`${ATTACK_PATH}-under-policy`)).toMatchObject({ complete: true });
    for (const assignment of ['action-on-detect=block', 'block-duration=2m']) {
      const { code, stderr } = await engine.ask('config', 'set', assignment);
      expect(code).toBe(2);
      expect(stderr).toMatch(/is set by the policy/);
    }
    expect((await engine.ask('config', 'set', 'ban-without-handshake=true')).code).toBe(0);
    // What an administrator switched off stays off.
    await engine.ask('disable');
    await engine.stop();
    await engine.start();
    expect((await engine.status()).state).toBe('disabled');
  });

  test('registers a mode, which stays: Monitoring tells and changes nothing', async () => {
    engine = new LabEngine(lab);
    expect((await engine.ask('service', 'register', '--mode', 'monitoring')).code).toBe(0);
    const again = await engine.ask('service', 'register', '--mode', 'standard');
    expect(again).toMatchObject({ code: 1, stderr: expect.stringMatching(/cannot be changed/) });
    await engine.start();
    expect(await engine.status()).toMatchObject({ state: 'monitoring', mode: 'monitoring' });
    for (const family of [4, 6] as const) {
      const path = `${ATTACK_PATH}-monitored-${family}`;
      expect(await get(path, family)).toMatchObject({ complete: true });
      expect(await arrived(path)).toBe(true);
    }
    await waitUntil(() => engine.events('alert').length >= 2, { what: 'the alerts' });
    for (const record of engine.events('alert'))
      expect(record).toMatchObject({
        alert: { action: 'allowed' },
        portcullis: { event: 'network_attack_detected', mode: 'monitoring', enforced: false },
      });
    expect((await engine.rules()).filter((rule) => / DROP/.test(rule))).toEqual([]);
    expect((await engine.ask('bans', 'add', '203.0.113.1')).stderr).toMatch(/nothing is blocked/);
    expect((await engine.ask('service', 'unregister')).stderr).toMatch(/another engine is running/);

    await engine.kill();
    await engine.start();
    expect((await engine.status()).mode).toBe('monitoring');
    await engine.stop();
    const file = join(engine.directory, 'state', 'registration.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace('monitoring', 'standard'));
    await expect(engine.start()).rejects.toThrow(/changed by hand/);

    expect((await engine.ask('service', 'unregister', '--purge')).code).toBe(0);
    expect(await engine.rules()).toEqual([]);
    expect((await engine.ask('service', 'register', '--mode', 'standard')).code).toBe(0);
    await engine.start();
    expect(await get(`${ATTACK_PATH}-standard`)).toMatchObject({ complete: false });
  });
});

describeLab('the direction of a connection', () => {
  let lab: Lab;
  let servers: Record<'server' | 'attacker', LabServer>;
  let engine: LabEngine;
  beforeAll(async () => {
    lab = new Lab('pcin');
    servers = {
      server: await lab.httpServer('server', PORT),
      attacker: await lab.httpServer('attacker', PORT),
    };
    engine = await new LabEngine(lab).start();
  });
  afterAll(async () => {
    if (engine?.process?.running) await engine.stop();
    lab?.destroy();
    engine?.remove();
  });

  const get = (from: 'server' | 'attacker', path: string, family: 4 | 6) =>
    lab.httpGet(from, path, {
      host: from === 'attacker' ? lab.target(family) : lab.address('attacker', family),
      port: PORT,
      ...engine.patience(),
    });

  test.each([4, 6] as const)(
    'inbound: only what is made towards the protected side is inspected, in both directions, over IPv%d',
    async (family) => {
      const before = await engine.queued();
      expect(await get('server', `${ATTACK_PATH}-outward-${family}`, family)).toMatchObject({
        complete: true,
      });
      expect(await engine.queued()).toBe(before);
      expect(await get('attacker', `/inward-${family}`, family)).toMatchObject({ complete: true });
      // SYN, SYN-ACK, ACK, request, response at least: replies are seen too.
      expect(await engine.queued()).toBeGreaterThanOrEqual(before + 5);
      expect((await servers.attacker.received()).toString()).toContain(`-outward-${family}`);
    },
  );

  test('both: what the protected side does is inspected; what a rule drops is dropped, and nobody banned', async () => {
    expect((await engine.ask('config', 'set', 'scan.direction=both')).stdout).toMatch(/in force/);
    for (const family of [4, 6] as const) {
      expect(await get('server', `/ordinary-${family}`, family)).toMatchObject({ complete: true });
      expect(await get('server', `${ATTACK_PATH}-stopped-${family}`, family)).toMatchObject({
        complete: false,
      });
      const address = lab.address('server', family);
      const alert = await waitUntil(
        () => engine.events('alert').find((record) => record.src_ip === address),
        { what: 'the alert' },
      );
      expect(alert).toMatchObject({
        alert: { action: 'blocked' },
        portcullis: { event: 'network_activity_detected', enforced: true },
      });
      expect(await engine.bans()).toEqual([]);
    }
  });
});
