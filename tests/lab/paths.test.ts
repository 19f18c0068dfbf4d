/** The ways traffic takes through a gateway: address translation, the administrator's bypass, offload, resets, the host itself. */
import { Lab, type LabServer, waitUntil } from '@portcullis/testkit';
import { ATTACK_PATH, attackRules, describeLab, LabEngine } from './engine';

const PORT = 80;

describeLab('behind address translation, with reverse path filtering', () => {
  describe.each([
    ['MASQUERADE', { masquerade: true }],
    ['DNAT', { dnat: [PORT] }],
    ['both', { masquerade: true, dnat: [PORT] }],
  ] as const)('%s', (_, options) => {
    let lab: Lab;
    let engine: LabEngine;
    let server: LabServer;
    beforeAll(async () => {
      lab = new Lab('pctn', { ...options, rpFilter: 1, bystander: true });
      server = await lab.httpServer('server', PORT);
      engine = await new LabEngine(lab, { queues: '0-1' }).start();
    });
    afterAll(() => {
      lab?.destroy();
      engine?.remove();
    });

    test.each([4, 6] as const)('IPv%d: served, stopped, banned by its own address', async (family) => {
      const get = (role: 'attacker' | 'bystander', path: string, timeout?: number) =>
        lab.httpGet(role, path, {
          host: lab.target(family, role),
          port: PORT,
          ...engine.patience(timeout),
        });
      expect(await get('attacker', '/ordinary')).toMatchObject({ complete: true });
      expect(await get('attacker', `${ATTACK_PATH}-${family}`)).toMatchObject({
        connected: true,
        complete: false,
      });
      expect((await server.received()).toString()).not.toContain(`${ATTACK_PATH}-${family}`);
      expect(await engine.bans()).toContain(lab.address('attacker', family));
      expect(await get('attacker', '/after', 600)).toMatchObject({ connected: false });
      expect(await get('bystander', '/bystander')).toMatchObject({ complete: true });
    });
  });
});

describeLab("the administrator's bypass chain", () => {
  let lab: Lab;
  let engine: LabEngine;
  let server: LabServer;
  beforeAll(async () => {
    lab = new Lab('pcty');
    server = await lab.httpServer('server', PORT);
    engine = await new LabEngine(lab).start();
  });
  afterAll(() => {
    lab?.destroy();
    engine?.remove();
  });

  test.each([
    [4, 'iptables'],
    [6, 'ip6tables'],
  ] as const)(
    'IPv%d: one command takes traffic out of inspection at once, replies too; removing it brings it back',
    async (family, tool) => {
      const get = (path: string) =>
        lab.httpGet('attacker', path, { host: lab.target(family), port: PORT, ...engine.patience() });
      const rule = [
        '-t',
        'mangle',
        '-I',
        'portcullis_bypass',
        '-p',
        'tcp',
        '--dport',
        String(PORT),
        '-j',
        'ACCEPT',
      ];
      await lab.run('gateway', [tool, '-w', ...rule]);
      const before = await engine.queued();
      expect(await get(`${ATTACK_PATH}-bypassed-${family}`)).toMatchObject({ complete: true });
      expect((await server.received()).toString()).toContain(`${ATTACK_PATH}-bypassed-${family}`);
      expect(await engine.queued()).toBe(before);

      rule[2] = '-D';
      await lab.run('gateway', [tool, '-w', ...rule]);
      expect(await get(ATTACK_PATH)).toMatchObject({ complete: false });
      await engine.letAllIn();
    },
  );

  test('a chain that holds rules of the administrator is left in place', async () => {
    await lab.run('gateway', [
      'iptables',
      '-w',
      '-t',
      'mangle',
      '-A',
      'portcullis_bypass',
      '-s',
      '198.51.100.0/24',
      '-j',
      'ACCEPT',
    ]);
    await engine.stop();
    expect(await lab.run('gateway', ['iptables', '-w', '-t', 'mangle', '-S'])).toContain(
      '-A portcullis_bypass -s 198.51.100.0/24 -j ACCEPT',
    );
    await engine.start();
    expect(await lab.run('gateway', ['iptables', '-w', '-t', 'mangle', '-S'])).toContain(
      '-A portcullis_bypass -s 198.51.100.0/24 -j ACCEPT',
    );
    await engine.stop();
  });
});

describeLab('verdicts other than plain ones', () => {
  let lab: Lab;
  let engine: LabEngine;
  beforeAll(async () => {
    lab = new Lab('pctv', { bystander: true });
    await lab.httpServer('server', PORT);
    await lab.tcpServer('server', 7, { kind: 'echo' });
    await lab.tcpServer('server', 9, { kind: 'sink' });
    engine = await new LabEngine(lab, {
      rules: `${attackRules}
reject tcp any any -> any 7 (msg:"reset it"; flow:established,to_server; content:"reset-me"; sid:1000010;)
alert tcp any any -> any 7 (msg:"seen only"; flow:established,to_server; content:"just-look"; sid:1000011;)
pass tcp any any -> any 7 (msg:"let it pass"; flow:established,to_server; content:"let-me"; sid:1000012;)
drop tcp any 7 -> any any (msg:"answers"; flow:established,to_client; content:"secret-answer"; sid:1000013;)
`,
      settings: { 'stream.reassembly.depth': '64kb', 'block-attacking-hosts': 'false' },
    }).start();
  });
  afterAll(async () => {
    if (engine?.process?.running) await engine.stop();
    lab?.destroy();
    engine?.remove();
  });

  describe.each([4, 6] as const)('over IPv%d', (family) => {
    const echo = (bytes: string, patience = { timeout: 10_000 }) =>
      lab.request('attacker', {
        host: lab.target(family),
        port: 7,
        bytes,
        until: new RegExp(bytes),
        ...patience,
      });

    test('reject resets both ends', async () => {
      expect(await echo(`reset-me-${family}`)).toMatchObject({
        connected: true,
        complete: false,
        state: 'ECONNRESET',
      });
    });
    test('alert only tells', async () => {
      expect(await echo('just-look')).toMatchObject({ complete: true });
      const found = () =>
        engine
          .events('alert')
          .find((record) => record.alert?.signature_id === 1000011 && record.ip_v === family);
      const alert = await waitUntil(found, { what: 'the alert' });
      expect(alert).toMatchObject({ alert: { action: 'allowed' }, portcullis: { enforced: false } });
    });
    test('pass wins over drop', async () => {
      expect(await echo('let-me reset-me')).toMatchObject({ complete: true });
    });
    test('answers are looked at too', async () => {
      expect(await echo('secret-answer', engine.patience())).toMatchObject({ complete: false });
    });
    test('an attack in pieces of one byte does not arrive, nor does its retransmission', async () => {
      const text = `GET ${ATTACK_PATH} HTTP/1.1\r\nHost: x\r\n\r\n`;
      const bytes = [...text].map((byte) => ({ bytes: byte, delay: 0 }));
      expect(
        await lab.request('attacker', { host: lab.target(family), port: PORT, bytes, ...engine.patience() }),
      ).toMatchObject({
        connected: true,
        complete: false,
      });
    });
    test('a connection inspected to its depth passes by the queue', async () => {
      const connection = await lab.connect('attacker', { host: lab.target(family), port: 9 });
      await connection.write(Buffer.alloc(256 * 1024, 'x'));
      const offloaded = async () => {
        const tool = family === 4 ? 'iptables' : 'ip6tables';
        const rules = await lab.run('gateway', [tool, '-w', '-t', 'mangle', '-L', 'portcullis', '-nvx']);
        const line = rules.split('\n').filter((text) => /RETURN .*(CONNMARK|connmark) match/.test(text));
        return line.some((text) => Number(text.trim().split(/\s+/)[0]) > 0);
      };
      await waitUntil(
        async () => {
          await connection.write(Buffer.alloc(16 * 1024, 'y'));
          return offloaded();
        },
        { what: 'packets that pass by the queue' },
      );
      await connection.reset();
    });
  });
});

describeLab('the host itself', () => {
  let lab: Lab;
  let engine: LabEngine;
  let server: LabServer;
  beforeAll(async () => {
    lab = new Lab('pcth', { bystander: true });
    server = await lab.httpServer('gateway', PORT);
    engine = await new LabEngine(lab, { settings: { 'protect.networks': '[]' } }).start();
  });
  afterAll(async () => {
    if (engine?.process?.running) await engine.stop();
    lab?.destroy();
    engine?.remove();
  });

  test.each([4, 6] as const)('IPv%d: a local server is protected', async (family) => {
    const host = lab.gatewayAddress('attacker', family);
    const get = (path: string, timeout?: number) =>
      lab.httpGet('attacker', path, { host, port: PORT, ...engine.patience(timeout) });
    expect(await get('/ordinary')).toMatchObject({ complete: true });
    expect(await get(`${ATTACK_PATH}-${family}`)).toMatchObject({ connected: true, complete: false });
    expect((await server.received()).toString()).not.toContain(ATTACK_PATH);
    expect(await engine.bans()).toContain(lab.address('attacker', family));
    expect(await get('/after', 600)).toMatchObject({ connected: false });
  });
});
