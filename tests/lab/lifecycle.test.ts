/** What stands in the kernel when the engine starts, stops, is killed, is started twice, or cannot start at all. */
import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ReloadAnswer } from '@portcullis/control';
import { acceptAllPath } from '@portcullis/nfqueue-binding';
import { Lab, type LabServer, waitUntil } from '@portcullis/testkit';
import { Capability, expectOnly } from './capabilities';
import { ATTACK_PATH, attackRules, command, describeLab, LabEngine } from './engine';

const PORT = 80;
const LARGE_LIST = 600_000;

describeLab('the engine on the gateway', () => {
  let lab: Lab;
  let server: LabServer;
  let engine: LabEngine;
  beforeAll(async () => {
    lab = new Lab('pctl', { bystander: true });
    server = await lab.httpServer('server', PORT);
  });
  afterAll(() => lab?.destroy());
  afterEach(async () => {
    if (engine?.process?.running) await engine.kill();
    await lab.exec('gateway', [
      'sh',
      '-c',
      'for t in iptables ip6tables; do for b in raw mangle filter; do $t -w -t $b -F; $t -w -t $b -X; done; done; ipset destroy',
    ]);
    engine?.remove();
  });

  const get = (path: string, role: 'attacker' | 'bystander' = 'attacker') =>
    lab.httpGet(role, path, { port: PORT, ...engine.patience() });
  const served = async (path: string) => (await get(path)).complete;
  const cutOff = async (path: string) =>
    !(await lab.httpGet('attacker', path, { port: PORT, timeout: 800 })).connected;

  test('a ban outlives kill -9 and ends by itself', async () => {
    engine = await new LabEngine(lab).start();
    expect((await engine.ask('bans', 'add', lab.address('attacker', 4), '--for', '6')).code).toBe(0);
    await engine.kill();
    expect(await cutOff('/banned')).toBe(true);
    expect((await get('/bystander', 'bystander')).complete).toBe(true);
    await waitUntil(async () => !(await cutOff('/let-in')), {
      timeout: 20_000,
      what: 'the attacker to be let in',
    });
  });

  test('kill -9 leaves traffic flowing, and the next start takes over what was left', async () => {
    engine = await new LabEngine(lab, { queues: '0-1' }).start();
    expect((await engine.ask('bans', 'add', '203.0.113.7', '--reason', 'by hand')).code).toBe(0);
    await engine.command('bans.add', { address: '2001:db8::7' });
    await engine.kill();
    expect(await served('/open')).toBe(true);
    // Bans come back also where somebody has emptied the set meanwhile.
    await lab.run('gateway', ['ipset', 'flush']);
    await engine.start();
    const rules = await engine.rules();
    expect(
      rules.filter((line) => line.startsWith('-A FORWARD') && line.endsWith('-j portcullis')),
    ).toHaveLength(2);
    expect((await engine.bans()).sort()).toEqual(['2001:db8::7', '203.0.113.7']);
    const kernel = await lab.run('gateway', ['ipset', 'save']);
    for (const address of ['203.0.113.7', '2001:db8::7']) expect(kernel).toContain(` ${address} timeout `);
    expect((await get(ATTACK_PATH)).complete).toBe(false);
    expect(await engine.bans()).toContain(lab.address('attacker', 4));
    // Started by root with all that root has: in no thread is left what it has no use for.
    expectOnly(engine, [Capability.NET_ADMIN, Capability.NET_RAW, Capability.DAC_OVERRIDE]);
  });

  test('kill -9 leaves traffic stopped where the configuration says closed', async () => {
    engine = await new LabEngine(lab).start({ 'nfqueue.fail-open': 'false' });
    expect(await served('/closed')).toBe(true);
    await engine.kill();
    expect(await cutOff('/nobody-looks')).toBe(true);
  });

  test('stopping says how many bans remain, and --purge leaves nothing', async () => {
    engine = await new LabEngine(lab, { queues: '0-1' }).start();
    await engine.ask('bans', 'add', '203.0.113.7');
    await engine.stop();
    expect(engine.process.stdout).toMatch(/1 bans? stays? in force.*--purge/);
    expect((await engine.rules()).some((line) => line.includes('portcullis_ban4'))).toBe(true);
    engine.remove();
    engine = await new LabEngine(lab, { queues: '0-1', purge: true }).start();
    await engine.stop();
    expect(engine.process.stderr).toBe('');
    expect(await engine.rules()).toEqual([]);
    expect(await lab.run('gateway', ['ipset', 'list', '-n'])).toBe('');
    expect(readdirSync(engine.directory).sort()).toEqual(['portcullis.yaml', 'test.rules']);
  });

  test('a second engine is refused and changes nothing', async () => {
    engine = await new LabEngine(lab).start();
    const before = await engine.rules();
    const second = await engine.ask('run', '--enable');
    expect(second.code).not.toBe(0);
    expect(second.stderr).toMatch(/another engine is running/);
    const elsewhere = await engine.ask(
      'run',
      '--enable',
      '--set',
      `control.socket=${engine.directory}/other.sock`,
    );
    expect(elsewhere.stderr).toMatch(/another engine is running/);
    expect(await engine.rules()).toEqual(before);
    expect(await served('/still')).toBe(true);
  });

  test('a queue that another program has is an error, and nothing is left behind', async () => {
    // With no more capabilities than the engine has: else the kernel does not tell it of the other's files.
    const few = ['setpriv', '--bounding-set=-all,+net_admin', '--inh-caps=-all'];
    const holder = lab.spawn('gateway', [...few, acceptAllPath(), '--queue', '1']);
    await holder.waitFor(/"queue":1/);
    engine = new LabEngine(lab, { queues: '0-1' });
    const result = await engine.ask('run', '--enable');
    expect(result.stderr).toMatch(/queue 1 belongs to process \d+ \(accept-all\)/);
    expect(result.code).toBe(1);
    expect(await engine.rules()).toEqual([]);
    await holder.stop();
  });

  test.each([
    ['a wrong key', { 'nfqueue.que': '1' }, 2, /nfqueue\.que/],
    ['a mark mask too narrow', { 'mark.mask': '0x1' }, 2, /mask/],
    ['a rule file that is not there', { 'rule-files': '[/nonexistent.rules]' }, 2, /nonexistent/],
    ['a metrics address that cannot be had', { 'metrics.listen': '192.0.2.1:1' }, 1, /192\.0\.2\.1/],
  ])('%s: it does not start, says why, and nothing is left behind', async (_, settings, code, message) => {
    engine = new LabEngine(lab);
    const set = Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
    const result = await engine.ask('run', '--enable', ...set);
    expect(result.stderr).toMatch(message);
    expect(result.code).toBe(code);
    expect(await engine.rules()).toEqual([]);
    expect(await served('/untouched')).toBe(true);
  });

  test('protection is turned off and on, and the last word survives a restart', async () => {
    engine = await new LabEngine(lab, { queues: '0-1', enable: false }).start();
    expect((await engine.status()).state).toBe('disabled');
    expect((await get(ATTACK_PATH)).complete).toBe(true);
    expect(await engine.ask('enable')).toMatchObject({ code: 0, stderr: '' });
    expect((await get(ATTACK_PATH)).complete).toBe(false);
    await engine.ask('bans', 'remove', '--all');
    await engine.stop();
    await engine.start();
    expect((await engine.status()).state).toBe('protecting');
    expect((await engine.ask('disable')).code).toBe(0);
    expect((await get(ATTACK_PATH)).complete).toBe(true);
    await engine.kill();
    await engine.start();
    expect((await engine.status()).state).toBe('disabled');
  });

  test('reload takes new rules without losing a connection, and keeps the old ones when the new are unreadable', async () => {
    engine = await new LabEngine(lab, { queues: '0-1' }).start();
    const connection = await lab.connect('attacker', { port: PORT });
    await connection.write('GET /before HTTP/1.1\r\nHost: x\r\n\r\n');
    await waitUntil(async () => (await connection.state()).received.length > 0, {
      what: 'the first answer',
    });
    const rules = join(engine.directory, 'test.rules');
    writeFileSync(
      rules,
      `${attackRules}drop http any any -> any any (msg:"new"; http.uri; content:"/only-new"; sid:1000002;)\n`,
    );
    const answer = await engine.json<ReloadAnswer>('reload');
    expect(answer).toMatchObject({ rules: { loaded: 2, failed: 0 }, needs_restart: [] });
    await connection.write('GET /only-new HTTP/1.1\r\nHost: x\r\n\r\n');
    const alert = await engine.alert();
    expect(alert).toMatchObject({ alert: { signature_id: 1000002, action: 'blocked' } });
    expect((await server.received()).toString()).not.toContain('/only-new');
    await connection.reset();

    const file = readFileSync(engine.configuration, 'utf8');
    writeFileSync(engine.configuration, file.replace('test.rules', 'gone.rules'));
    const failed = await engine.ask('reload');
    expect(failed.code).not.toBe(0);
    expect(failed.stderr).toMatch(/gone\.rules/);
    expect((await engine.status()).rules.loaded).toBe(2);
  });

  test('reload takes large lists that rules name, and what is new in them, without losing a worker or a connection', async () => {
    engine = await new LabEngine(lab, { queues: '0-1' }).start();
    const connection = await lab.connect('attacker', { port: PORT });
    const asks = async (path: string) => {
      const { received } = await connection.state();
      await connection.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
      await waitUntil(async () => (await connection.state()).received.length > received.length, {
        what: `the answer to ${path}`,
      });
    };
    await asks('/before');
    const list = join(engine.directory, 'listed');
    const line = (path: string) => `${Buffer.from(path).toString('base64')}\n`;
    // So many that a worker that read them itself would stand still for longer than one may.
    const many = Array.from({ length: LARGE_LIST }, (_, n) => line(`/listed/${n}`)).join('');
    writeFileSync(list, many);
    writeFileSync(
      join(engine.directory, 'test.rules'),
      `${attackRules}drop http any any -> any any (msg:"listed"; http.uri; dataset:isset,listed,type string,load ${list}; classtype:web-application-attack; sid:1000003;)\n`,
    );
    expect(await engine.json<ReloadAnswer>('reload')).toMatchObject({ rules: { loaded: 2, failed: 0 } });
    await asks('/listed/none');
    const got = async (path: string, family: 4 | 6) =>
      (await lab.httpGet('attacker', path, { host: lab.target(family), port: PORT, ...engine.patience() }))
        .complete;
    expect(await got('/added', 6)).toBe(true);
    expect(await got(`/listed/${LARGE_LIST - 1}`, 6)).toBe(false);
    appendFileSync(list, line('/added'));
    expect(await engine.json<ReloadAnswer>('reload')).toMatchObject({ rules: { loaded: 2, failed: 0 } });
    await asks('/after');
    expect(await got('/added', 4)).toBe(false);
    expect(engine.process?.stdout).not.toMatch(/is lost/);
    await connection.reset();
  });

  test('a signal while it starts is obeyed once it has started, and leaves nothing behind', async () => {
    engine = new LabEngine(lab);
    const argv = [process.execPath, command, 'run', '--config', engine.configuration, '--enable'];
    engine.process = lab.spawn('gateway', argv, { env: { PORTCULLIS_LOG_TEXT: '1' } });
    await waitUntil(() => existsSync(join(engine.directory, 'c.sock')), {
      timeout: 20_000,
      what: 'the control socket',
    });
    engine.process.kill('SIGHUP');
    engine.process.kill('SIGINT');
    expect(await engine.process.exited).toMatchObject({ code: 0 });
    expect(engine.process.stdout).toMatch(/stopped/);
    expect(await engine.rules()).toEqual([]);
  });

  test('without root it says so', async () => {
    engine = new LabEngine(lab);
    if (!existsSync('/usr/bin/setpriv')) return;
    const result = await lab.exec('gateway', [
      'setpriv',
      '--reuid=65534',
      '--clear-groups',
      process.execPath,
      require.resolve('../../packages/cli/bin/portcullis.js'),
      'run',
    ]);
    expect(result.stderr).toMatch(/needs root/);
    expect(result.code).toBe(4);
  });
});
