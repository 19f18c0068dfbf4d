/** Settings, exclusions, policy and mode, as an administrator uses them, on the real kernel. */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BanListAnswer } from '@portcullis/control';
import { Lab, type LabServer, waitUntil } from '@portcullis/testkit';
import { ATTACK_PATH, describeLab, LabEngine } from './engine';

const PORT = 80;
const OTHER_PORT = 8080;
const VLAN = 5;
/** On the link of the bystander, as its own addresses are. */
const VLAN_NETWORKS = { 4: '10.77.5.', 6: 'fd00:77:5::' } as const;

/** Gives the bystander's link a VLAN. @returns false, and says so, where the kernel has none and may have none */
async function addVlan(lab: Lab): Promise<boolean> {
  for (const [role, device, host] of [
    ['gateway', 'bystander0', 1],
    ['bystander', 'eth0', 2],
  ] as const) {
    const ip = (...argv: string[]) => lab.exec(role, ['ip', ...argv]);
    const name = `${device}.${VLAN}`;
    const added = await ip('link', 'add', 'link', device, 'name', name, 'type', 'vlan', 'id', `${VLAN}`);
    if (added.code !== 0) {
      const missing = `no VLAN (8021q): ${added.stderr}`;
      if (process.env.PORTCULLIS_WHOLE_KERNEL) throw new Error(missing);
      process.stderr.write(`skipped in part ('npm run test:machine' has it): ${missing}`);
      return false;
    }
    await ip('addr', 'add', `${VLAN_NETWORKS[4]}${host}/24`, 'dev', name);
    await ip('addr', 'add', `${VLAN_NETWORKS[6]}${host}/64`, 'dev', name, 'nodad');
    await ip('link', 'set', name, 'up');
  }
  return true;
}

describeLab('an administrator', () => {
  let lab: Lab;
  let server: LabServer;
  let otherServer: LabServer;
  let engine: LabEngine;
  beforeAll(async () => {
    lab = new Lab('pcst', { bystander: true });
    server = await lab.httpServer('server', PORT);
    otherServer = await lab.httpServer('server', OTHER_PORT);
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

  /** Without `enforced` it was told only. */
  const told = (address: string) =>
    waitUntil(
      () =>
        engine.events('alert').find(({ alert, src_ip }) => alert?.action === 'allowed' && src_ip === address),
      { what: `the alert about ${address}` },
    );

  test('excludes by interface, VLAN and port, from the configuration: some are told of, some not looked at', async () => {
    const vlan = await addVlan(lab);
    engine = new LabEngine(lab);
    const exclusions = [
      { vlan: VLAN, rule: 'do-not-block' },
      { iface: 'bystander0', rule: 'do-not-block' },
      { port: OTHER_PORT, rule: 'do-not-scan' },
    ];
    appendFileSync(engine.configuration, `exclusions: ${JSON.stringify(exclusions)}\n`);
    await engine.start();
    const request = (role: 'attacker' | 'bystander', port: number, path: string, family: 4 | 6) =>
      lab.httpGet(role, path, { host: lab.target(family), port, ...engine.patience() });
    for (const family of [4, 6] as const) {
      const through = `${ATTACK_PATH}-through-${family}`;
      expect(await request('bystander', PORT, through, family)).toMatchObject({ complete: true });
      expect(await arrived(through)).toBe(true);
      expect(await told(lab.address('bystander', family))).toMatchObject({
        in_iface: 'bystander0',
        portcullis: { event: 'network_attack_detected', enforced: false },
      });
      if (vlan) {
        const localAddress = `${VLAN_NETWORKS[family]}2`;
        const tagged = { host: `${VLAN_NETWORKS[family]}1`, port: PORT, localAddress };
        const route = [`${lab.target(family)}`, 'via', tagged.host, 'src', localAddress];
        await lab.run('bystander', ['ip', 'route', 'replace', ...route]);
        const path = `${ATTACK_PATH}-tagged-${family}`;
        const options = { ...tagged, host: lab.target(family), ...engine.patience() };
        expect(await lab.httpGet('bystander', path, options)).toMatchObject({ complete: true });
        expect(await told(localAddress)).toMatchObject({ vlan: [VLAN], portcullis: { enforced: false } });
        await lab.run('bystander', ['ip', 'route', 'del', ...route]);
      }

      const [before, alerts] = [await engine.settled(), engine.events('alert').length];
      const unseen = `${ATTACK_PATH}-unseen-${family}`;
      expect(await request('attacker', OTHER_PORT, unseen, family)).toMatchObject({ complete: true });
      expect((await otherServer.received()).toString()).toContain(unseen);
      expect(await engine.queued()).toBe(before);
      expect(engine.events('alert')).toHaveLength(alerts);
      expect(await engine.bans()).toEqual([]);

      expect(await request('attacker', PORT, ATTACK_PATH, family)).toMatchObject({ complete: false });
      await waitUntil(async () => (await engine.bans()).includes(lab.address('attacker', family)), {
        what: 'the ban of whom no exclusion is about',
      });
      await engine.letAllIn();
    }
    // What the command line adds comes to those of the file.
    expect(await engine.ask('exclude', 'add', '--iface', 'attacker0')).toMatchObject({ code: 0 });
    for (const family of [4, 6] as const)
      expect(await request('attacker', PORT, ATTACK_PATH, family)).toMatchObject({ complete: true });
    expect(await engine.bans()).toEqual([]);
    const { exclusions: all } = await engine.json<{ exclusions: object[] }>('exclude', 'list');
    const [, , port] = exclusions;
    expect(all).toEqual([
      ...exclusions.slice(0, 2),
      { ...port, port: { first: OTHER_PORT, last: OTHER_PORT } },
      { iface: 'attacker0', rule: 'do-not-block' },
    ]);
  });

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
      expect(await told(address)).toMatchObject({ portcullis: { enforced: false } });

      const excluded = ['--src', address, '--port', '80', '--rule', 'do-not-scan', '--at', '1'];
      expect(await engine.ask('exclude', 'add', ...excluded)).toMatchObject({ code: 0 });
      const alerts = engine.events('alert').length;
      const received = await engine.settled();
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

    expect((await engine.ask('exclude', 'remove', '5')).code).toBe(1);
    expect((await engine.ask('exclude', 'remove', '4')).code).toBe(0);
    expect(await engine.json('exclude', 'list')).toEqual({ exclusions: kept.slice(0, -1) });
    await engine.unset('exclusions');
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
    const { bans } = (await engine.command('bans.list', {})) as BanListAnswer;
    expect(bans[0]?.remaining_s).toBeLessThanOrEqual(120);
    await engine.letAllIn();

    const inForce = () => engine.command('config.show', {});
    const before = await inForce();
    const wrong = [
      ['block-duration=40000m', /block-duration: .* is outside/],
      ['block-duration=59s', /block-duration: 59 is outside/],
      ['escalation={ max: 0s }', /escalation/],
      ['protect.networks=[10.0.0.0/33]', /protect\.networks\.0: .*above 32/],
      ['protect.networks=["fd00::/129"]', /protect\.networks\.0: .*above 128/],
      ['exclusions=[{ src: 10.0.0.300, rule: do-not-scan }]', /exclusions\.0\.src: .* is not an address/],
      ['exclusions=[{ rule: do-not-scan }]', /exclusions\.0: covers everything/],
      ['exclusions=[{ src: 0.0.0.0/0, rule: do-not-scan }]', /exclusions\.0: covers everything/],
      ['exclusions=[{ dst: "::/0", rule: do-not-block }]', /exclusions\.0: covers everything/],
      [
        'exclusions=[{ src: "::/1", rule: do-not-scan }, { src: "8000::/1", rule: do-not-block }]',
        /exclusions: together cover everything of IPv6/,
      ],
      ['never-block=[self, 0.0.0.0/1, 128.0.0.0/1]', /never-block: covers everything/],
      ['nonsense=1', /nonsense: is not a key/],
    ] as const;
    for (const [assignment, reason] of wrong) await expect(engine.set(assignment)).rejects.toThrow(reason);
    const { code, stderr } = await change('set', wrong[0][0]);
    expect([code, stderr]).toEqual([2, expect.stringMatching(wrong[0][1])]);
    // The same in the file, at a reload.
    const file = readFileSync(engine.configuration, 'utf8');
    writeFileSync(engine.configuration, `${file}exclusions: [{ src: 0.0.0.0/0, rule: do-not-scan }]\n`);
    await expect(engine.command('reload', {})).rejects.toThrow(/portcullis\.yaml:\d+: exclusions\.0: covers/);
    writeFileSync(engine.configuration, file);
    expect(await inForce()).toEqual(before);
    for (const family of [4, 6] as const)
      expect(await get(`${ATTACK_PATH}-as-ever-${family}`, family)).toMatchObject({ complete: false });
    await engine.letAllIn();

    expect((await change('set', 'action-on-detect=notify')).stdout).toMatch(/in force/);
    expect(await get(`${ATTACK_PATH}-notified`)).toMatchObject({ complete: true });
    await engine.unset('action-on-detect');
    expect((await change('show')).stdout).toMatch(/block-duration\s+120\s+settings/);
    expect((await engine.ask('status', '--effective')).stdout).toMatch(/mark\.mask\s+15728640\s+default/);
    const exported = (await change('export')).stdout;
    expect(exported).toContain('block-duration: 2m');
    await engine.stop();
    // Without an engine the same command takes effect with its next start.
    expect((await change('set', 'block-duration=3m')).stdout).toMatch(/when the engine starts/);
    // The file of the settings, edited by hand: what is wrong is not believed, what is not counts, and is told.
    const settings = join(engine.directory, 'state', 'settings.yaml');
    const edit = (from: string, to: string) =>
      writeFileSync(settings, readFileSync(settings, 'utf8').replace(from, to));
    edit('block-duration: 3m', 'block-duration: 5s');
    expect(await engine.ask('run', '--enable')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/settings\.yaml:\d+: block-duration: 5 is outside/),
    });
    edit('block-duration: 5s', 'block-duration: 4m');
    await engine.start();
    expect(`${engine.process.stdout}${engine.process.stderr}`).toMatch(
      /settings\.yaml is not as .* wrote it/,
    );
    expect((await change('get', 'block-duration')).stdout.trim()).toBe('240');
  });

  test('has a policy: it turns protection on, wins, and locks', async () => {
    const policy = 'action-on-detect: notify\nlocked: [block-duration]\n';
    const wrongPolicy = policy.replace('detect', 'detekt');
    engine = new LabEngine(lab, { enable: false, policy: wrongPolicy });
    const reason = /policy\.yaml:1: action-on-detekt: is not a key; did you mean 'action-on-detect'/;
    expect(await engine.ask('run')).toMatchObject({ code: 2, stderr: expect.stringMatching(reason) });
    engine.remove();
    engine = new LabEngine(lab, { enable: false, policy });
    await engine.start();
    expect(engine.process.stdout).toMatch(/protecting:/);
    writeFileSync(join(engine.directory, 'policy.yaml'), wrongPolicy);
    await expect(engine.command('reload', {})).rejects.toThrow(reason);
    for (const family of [4, 6] as const)
      expect(await get(`${ATTACK_PATH}-under-policy-${family}`, family)).toMatchObject({ complete: true });
    expect(await engine.bans()).toEqual([]);
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
    // Edited by hand so that it does not say: on, as a policy wants it.
    await engine.stop();
    const file = join(engine.directory, 'state', 'state.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace('false', '"no"'));
    await engine.start();
    expect((await engine.status()).state).toBe('protecting');
    expect(`${engine.process.stdout}${engine.process.stderr}`).toMatch(/state\.json is damaged/);
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
    expect(existsSync(join(engine.directory, 'state'))).toBe(false);
    expect((await engine.ask('service', 'register', '--mode', 'standard')).code).toBe(0);
    await engine.start();
    for (const family of [4, 6] as const)
      expect(await get(`${ATTACK_PATH}-standard-${family}`, family)).toMatchObject({ complete: false });
    const attackers = [lab.address('attacker', 4), lab.address('attacker', 6)];
    await waitUntil(async () => (await engine.bans()).length === 2, { what: 'the bans' });
    await engine.stop();
    // Bans leave the kernel and stay in the ledger; who is not registered is Standard.
    expect((await engine.ask('service', 'unregister')).code).toBe(0);
    expect(await engine.rules()).toEqual([]);
    expect(await lab.run('gateway', ['ipset', 'list', '-n'])).toBe('');
    await engine.start();
    expect(await engine.status()).toMatchObject({ state: 'protecting', mode: 'standard' });
    expect((await engine.bans()).sort()).toEqual(attackers);
  });

  test('knows an interface by its name, also one that comes later', async () => {
    engine = await new LabEngine(lab).start();
    expect(await engine.ask('exclude', 'add', '--iface', 'later0')).toMatchObject({ code: 0 });
    const device = lab.gatewayInterface('attacker');
    const rename = async (from: string, to: string) => {
      for (const words of [
        [from, 'down'],
        [from, 'name', to],
        [to, 'up'],
      ])
        await lab.run('gateway', ['ip', 'link', 'set', ...words]);
    };
    await rename(device, 'later0');
    try {
      const address = lab.address('attacker', 4);
      const actions = () =>
        engine.events('alert').flatMap(({ alert, src_ip }) => (src_ip === address ? [alert?.action] : []));
      await waitUntil(
        async () => {
          const { length } = actions();
          await get(`${ATTACK_PATH}-later`);
          await waitUntil(() => actions().length > length, { what: 'the alert' });
          if (actions().at(-1) === 'allowed') return true;
          await waitUntil(async () => (await engine.bans()).length > 0, { what: 'the ban' });
          expect(await engine.ask('bans', 'remove', address)).toMatchObject({ code: 0 });
          return false;
        },
        { timeout: 20_000, what: 'the interface to be known' },
      );
    } finally {
      await rename('later0', device);
      await lab.run('gateway', [
        'ip',
        'addr',
        'replace',
        `${lab.address('gateway', 6)}/64`,
        'dev',
        device,
        'nodad',
      ]);
    }
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
      const before = await engine.settled();
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

  /** What it did was told as its own activity and dropped; nobody is banned for it. */
  const expectStopped = async (address: string) => {
    const alert = await waitUntil(() => engine.events('alert').find((record) => record.src_ip === address), {
      what: 'the alert',
    });
    expect(alert).toMatchObject({
      alert: { action: 'blocked' },
      portcullis: { event: 'network_activity_detected', enforced: true },
    });
    expect(await engine.bans()).toEqual([]);
  };

  test('both: what the protected side does is inspected; what a rule drops is dropped, and nobody banned', async () => {
    expect((await engine.ask('config', 'set', 'scan.direction=both')).stdout).toMatch(/in force/);
    for (const family of [4, 6] as const) {
      expect(await get('server', `/ordinary-${family}`, family)).toMatchObject({ complete: true });
      expect(await get('server', `${ATTACK_PATH}-stopped-${family}`, family)).toMatchObject({
        complete: false,
      });
      await expectStopped(lab.address('server', family));
    }
  });

  test('both: what the host does is its own, also from an address that it has just got', async () => {
    for (const family of [4, 6] as const) {
      const address = family === 4 ? '198.51.100.77' : '2001:db8:1::77';
      const added = [`${address}/${family === 4 ? 24 : 64}`, 'dev', lab.gatewayInterface('server')];
      await lab.run('gateway', ['ip', 'addr', 'add', ...added, ...(family === 6 ? ['nodad'] : [])]);
      await lab.run('server', ['ip', 'route', 'add', address, 'via', lab.gatewayAddress('server', family)]);
      const to = { host: lab.address('server', family), port: PORT, localAddress: address };
      expect(await lab.httpGet('gateway', `${ATTACK_PATH}-own`, to)).toMatchObject({ complete: false });
      await expectStopped(address);
    }
  });
});
