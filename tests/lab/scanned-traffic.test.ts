/** Which traffic the engine gets to see: replies where a rule looks at them, and what the administrator leaves it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Lab, type LabServer, waitUntil } from '@portcullis/testkit';
import { ATTACK_PATH, attackRules, describeLab, LabEngine } from './engine';

const PORT = 80;
/** Within `stream.reassembly.depth`. */
const LONG = 1 << 19;
const requests = `drop tcp any any -> any 7000:7001 (msg:"in a request"; flow:established,to_server; content:"evil request"; classtype:attempted-admin; sid:1000060;)\n`;
const replies = `alert tcp any 7000:7001 -> any any (msg:"in a reply"; flow:established,to_client; content:"end of the reply"; sid:1000061;)\n`;

const another = requests.replace('7000:7001', '7002').replace('sid:1000060', 'sid:1000062');

describeLab('the payload of replies', () => {
  let lab: Lab;
  let engine: LabEngine;
  beforeAll(async () => {
    lab = new Lab('pcts');
    const greeting = Buffer.concat([Buffer.alloc(LONG, 'r'), Buffer.from('end of the reply')]);
    await lab.tcpServer('server', 7000, { greeting });
    await lab.tcpServer('server', 7001);
    await lab.tcpServer('server', 7002);
    engine = await new LabEngine(lab, { rules: requests }).start();
  });
  afterAll(async () => {
    if (engine?.process?.running) await engine.stop();
    lab?.destroy();
    engine?.remove();
  });

  /** Has the server send a long reply, and waits for its counts. @returns bytes that the queues got of it */
  async function longReply(family: 4 | 6, least = 0): Promise<number> {
    const before = (await engine.status()).packets.bytes;
    const connection = await lab.connect('attacker', { host: lab.target(family), port: 7000 });
    await connection.receive(/end of the reply/, 20_000);
    await connection.end();
    // The workers tell their counts a few times a second.
    return waitUntil(
      async () => {
        const queued = (await engine.status()).packets.bytes - before;
        return queued > least ? queued : undefined;
      },
      { timeout: 20_000, what: 'counts of the reply' },
    );
  }
  const change = async (rules: string) => {
    writeFileSync(join(engine.directory, 'test.rules'), rules);
    await engine.command('reload', {});
  };

  /** Packets that are queued of a connection to a port. */
  const queuedOf = async (family: 4 | 6, port: number) => {
    const before = await engine.settled();
    const connection = await lab.connect('attacker', { host: lab.target(family), port });
    await connection.write('hello');
    await connection.receive(/hello/);
    const queued = (await engine.queued()) - before;
    await connection.end();
    await connection.closed();
    return queued;
  };

  test('is not queued while no rule looks at it; requests are inspected as ever', async () => {
    expect((await engine.status()).ports).toMatchObject({ text: 'TCP 7000-7001', reply_payload: false });
    for (const family of [4, 6] as const) {
      expect(await longReply(family)).toBeLessThan(LONG / 2);
      expect(await queuedOf(family, 7001)).toBeGreaterThan(0);
      expect(await queuedOf(family, 7002)).toBe(0);
      const connection = await lab.connect('attacker', { host: lab.target(family), port: 7001 });
      for (const text of ['one', 'two', 'three']) {
        await connection.write(text);
        await connection.receive(new RegExp(text));
      }
      await connection.write('evil request');
      await waitUntil(
        () => engine.events('alert').some(({ src_ip }) => src_ip === lab.address('attacker', family)),
        {
          timeout: 20_000,
          what: 'the alert',
        },
      );
      expect(Buffer.from((await connection.state()).received).toString()).toBe('onetwothree');
      await engine.letAllIn();
    }
  }, 120_000);

  test('is queued once one does, and no longer when none does any more', async () => {
    await change(requests + replies + another);
    expect((await engine.status()).ports).toMatchObject({ text: 'TCP 7000-7002', reply_payload: true });
    for (const family of [4, 6] as const) {
      expect(await queuedOf(family, 7002)).toBeGreaterThan(0);
      expect(await longReply(family, LONG)).toBeGreaterThan(LONG);
      await waitUntil(
        () =>
          engine
            .events('alert')
            .some(({ alert, src_ip }) => alert?.signature_id === 1000061 && src_ip === lab.target(family)),
        { timeout: 20_000, what: 'the alert about the reply' },
      );
    }
    const open = await lab.connect('attacker', { port: 7001 });
    await open.write('before');
    await open.receive(/before/);
    await change(requests);
    expect((await engine.status()).ports).toMatchObject({ reply_payload: false });
    // A connection from before goes on.
    await open.write('x'.repeat(5000));
    await open.receive(/x{5000}/);
    expect(await longReply(4)).toBeLessThan(LONG / 2);
  }, 120_000);
});

describeLab('what the administrator takes out of inspection', () => {
  let lab: Lab;
  let engine: LabEngine;
  let server: LabServer;
  beforeAll(async () => {
    lab = new Lab('pctx');
    server = await lab.httpServer('server', PORT);
    engine = await new LabEngine(lab, { rules: attackRules, settings: { 'scan.direction': 'both' } }).start();
  });
  afterAll(() => {
    lab?.destroy();
    engine?.remove();
  });
  const tables = [
    [4, 'iptables'],
    [6, 'ip6tables'],
  ] as const;

  test('leaves by a chain that is entered first wherever packets are queued', async () => {
    for (const [, tool] of tables) {
      const lines = (await lab.run('gateway', [tool, '-w', '-t', 'mangle', '-S'])).split('\n');
      for (const hook of ['FORWARD', 'INPUT', 'OUTPUT']) {
        const jumps = lines.filter((line) => line.startsWith(`-A ${hook} -j portcullis`));
        const bypass = jumps.indexOf(`-A ${hook} -j portcullis_bypass`);
        expect(bypass).toBeGreaterThanOrEqual(0);
        expect(jumps.indexOf(`-A ${hook} -j portcullis`)).toBeGreaterThan(bypass);
      }
    }
  });

  describe.each(tables)('IPv%d', (family, tool) => {
    const mangle = (...rule: string[]) => lab.run('gateway', [tool, '-w', '-t', 'mangle', ...rule]);
    const get = (role: 'gateway' | 'attacker', path: string) =>
      lab.httpGet(role as 'attacker', path, {
        host: lab.address('server', family),
        port: PORT,
        ...engine.patience(),
      });

    test('outgoing HTTP, by one command; it survives a restart of the engine', async () => {
      const path = `${ATTACK_PATH}-out-${family}`;
      expect(await get('gateway', path)).toMatchObject({ connected: true, complete: false });
      const rule = ['portcullis_bypass', '-p', 'tcp', '--dport', `${PORT}`, '-j', 'ACCEPT'];
      await mangle('-I', ...rule);
      const before = await engine.queued();
      expect(await get('gateway', path)).toMatchObject({ complete: true });
      expect((await server.received()).toString()).toContain(path);
      expect(await engine.queued()).toBe(before);
      await engine.stop();
      expect(await mangle('-S', 'portcullis_bypass')).toContain('--dport 80');
      await engine.start();
      expect(await get('gateway', path)).toMatchObject({ complete: true });
      await mangle('-D', ...rule);
      expect(await get('gateway', path)).toMatchObject({ complete: false });
    });

    test('replies alone: such connections are counted, served, and inspected on the side that is seen', async () => {
      const rule = ['portcullis_bypass', '-p', 'tcp', '--sport', `${PORT}`, '-j', 'ACCEPT'];
      await mangle('-I', ...rule);
      const before = (await engine.status()).one_sided_flows;
      expect(await get('attacker', `/one-sided-${family}`)).toMatchObject({ complete: true });
      await waitUntil(async () => (await engine.status()).one_sided_flows > before, {
        timeout: 20_000,
        what: 'a one-sided flow',
      });
      const path = `${ATTACK_PATH}-one-sided-${family}`;
      expect(await get('attacker', path)).toMatchObject({ complete: false });
      expect((await server.received()).toString()).not.toContain(path);
      await mangle('-D', ...rule);
      expect(await get('attacker', `/two-sided-${family}`)).toMatchObject({ complete: true });
    });
  });
});
