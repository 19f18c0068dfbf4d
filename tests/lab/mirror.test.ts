/** Monitoring on copies: an interface is watched, nothing is queued, nothing is changed. */
import { appendFileSync } from 'node:fs';
import { ethernetFrame, Lab, type LabServer, TcpConversation, waitUntil } from '@portcullis/testkit';
import { ATTACK_PATH, describeLab, LabEngine } from './engine';

const PORT = 80;
const VLAN = 5;
const EXCLUDED_VLAN = 6;
/** Sends frames as they are, a line of hexadecimal digits each. */
const SEND_FRAMES = `import socket, sys
link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
link.bind(("eth0", 0))
for line in sys.stdin: link.send(bytes.fromhex(line))
`;

describeLab('an engine that watches an interface', () => {
  let lab: Lab;
  let server: LabServer;
  let engine: LabEngine;
  beforeAll(async () => {
    lab = new Lab('pctw');
    server = await lab.httpServer('server', PORT);
    const watched = JSON.stringify([lab.gatewayInterface('attacker')]);
    const exclusions = JSON.stringify([{ vlan: EXCLUDED_VLAN, rule: 'do-not-scan' }]);
    engine = new LabEngine(lab, { settings: { pcap: watched } });
    appendFileSync(engine.configuration, `exclusions: ${exclusions}\n`);
  }, 60_000);
  afterAll(() => {
    lab?.destroy();
    engine?.remove();
  });

  /** A connection of its own with an attack in it, as one end sends and gets it. @param vlan 0: without a tag */
  function attackFrames(client: string, server: string, vlan = 0, clientPort = 40_000): Uint8Array[] {
    return new TcpConversation({ client, server, clientPort, serverPort: PORT })
      .handshake()
      .client(`GET ${ATTACK_PATH} HTTP/1.1\r\nHost: trunk.example\r\n\r\n`)
      .packets.map(({ bytes, from }) => ethernetFrame(bytes, from, vlan === 0 ? [] : [vlan]));
  }

  async function sendFrames(frames: readonly Uint8Array[]): Promise<void> {
    const input = frames.map((frame) => `${Buffer.from(frame).toString('hex')}\n`).join('');
    await lab.run('attacker', ['python3', '-c', SEND_FRAMES], { input });
  }

  test('is refused in Standard mode, which acts', async () => {
    const result = await engine.ask('run', '--enable', '--set', 'pcap=[eth0]');
    expect(result).toMatchObject({ code: 2, stderr: expect.stringMatching(/pcap: .*Monitoring mode/) });
  }, 60_000);

  test('says when there is no such interface', async () => {
    expect((await engine.ask('service', 'register', '--mode', 'monitoring')).code).toBe(0);
    const result = await engine.ask('run', '--enable', '--set', 'pcap=[nothing0]');
    expect(result).toMatchObject({ code: 1, stderr: expect.stringMatching(/nothing0/) });
    expect(await engine.rules()).toEqual([]);
  }, 60_000);

  test('starts, and no firewall rule of ours stands', async () => {
    await engine.start();
    expect(await engine.rules()).toEqual([]);
    const bound = await lab.run('gateway', ['cat', '/proc/net/netfilter/nfnetlink_queue']);
    expect(bound.trim()).toBe('');
    expect(await engine.status()).toMatchObject({
      state: 'monitoring',
      mode: 'monitoring',
      ports: null,
      queues: [],
      mirrors: [{ interface: lab.gatewayInterface('attacker'), lost: 0 }],
    });
  }, 70_000);

  test.each([4, 6] as const)(
    'IPv%d: an attack arrives, is told like any other, and bans nobody',
    async (family) => {
      const path = `${ATTACK_PATH}-${family}`;
      const get = () => lab.httpGet('attacker', path, { host: lab.target(family), port: PORT });
      expect(await get()).toMatchObject({ connected: true, complete: true });
      expect((await server.received()).toString()).toContain(path);
      const address = lab.address('attacker', family);
      const alert = await waitUntil(
        () => engine.events('alert').find((record) => record.src_ip === address),
        { timeout: 20_000, what: 'the alert' },
      );
      expect(alert).toMatchObject({
        dest_ip: lab.address('server', family),
        dest_port: PORT,
        app_proto: 'http',
        direction: 'to_server',
        in_iface: lab.gatewayInterface('attacker'),
        alert: { action: 'allowed', signature_id: 1000001 },
        http: { url: path, http_method: 'GET' },
        portcullis: {
          event: 'network_attack_detected',
          mode: 'monitoring',
          enforced: false,
          attacker: { ip: address, handshake: true, mac: expect.stringMatching(/^(..:){5}..$/) },
        },
      });
      expect(alert.portcullis).not.toHaveProperty('ban');
      expect(await engine.bans()).toEqual([]);
      expect(await get()).toMatchObject({ complete: true });
      expect(await engine.rules()).toEqual([]);
    },
    40_000,
  );

  test('sees frames that are meant for others, as from a mirror port', async () => {
    // The end of the link sends to a hardware address that is nobody's here.
    const peer = lab.address('gateway', 4).replace(/\.1$/, '.99');
    await lab.run('attacker', ['ip', 'neigh', 'add', peer, 'lladdr', '02:00:00:00:09:09', 'dev', 'eth0']);
    const before = (await engine.status()).mirrors[0]?.captured ?? 0;
    await lab.request('attacker', { host: peer, port: PORT, bytes: '', timeout: 100 });
    await waitUntil(async () => ((await engine.status()).mirrors[0]?.captured ?? 0) > before, {
      timeout: 20_000,
      what: 'frames of others',
    });
  }, 90_000);

  test.each([4, 6] as const)(
    'IPv%d: tells the VLAN of copies that have a tag, as from a trunk, and leaves out the excluded one',
    async (family) => {
      const [excluded, client, server] =
        family === 4
          ? ['192.0.2.6', '192.0.2.5', '198.51.100.5']
          : ['2001:db8::6', '2001:db8::5', '2001:db8:1::5'];
      await sendFrames([
        ...attackFrames(excluded, server, EXCLUDED_VLAN),
        ...attackFrames(client, server, VLAN),
      ]);
      const alert = await waitUntil(() => engine.events('alert').find((record) => record.src_ip === client), {
        timeout: 20_000,
        what: 'the alert',
      });
      expect(alert).toMatchObject({
        vlan: [VLAN],
        in_iface: lab.gatewayInterface('attacker'),
        portcullis: { enforced: false, attacker: { ip: client } },
      });
      // Its frames came first.
      expect(engine.events('alert').filter((record) => record.src_ip === excluded)).toEqual([]);
    },
    40_000,
  );

  test.each([4, 6] as const)(
    'IPv%d: leaves out whom an exclusion names, from now on, and no more when it is taken back',
    async (family) => {
      const [address, server] =
        family === 4 ? ['192.0.2.7', '198.51.100.7'] : ['2001:db8::7', '2001:db8:1::7'];
      const alertsOf = (client: string) =>
        engine.events('alert').filter((record) => record.src_ip === client);
      const attackAfter = async (other: string) => {
        await sendFrames([...attackFrames(address, server), ...attackFrames(other, server)]);
        await waitUntil(() => alertsOf(other).length > 0, { timeout: 20_000, what: 'the alert behind it' });
      };
      expect(await engine.ask('exclude', 'add', '--src', address, '--rule', 'do-not-scan')).toMatchObject({
        code: 0,
      });
      await attackAfter(`${address}1`);
      expect(alertsOf(address)).toEqual([]);
      const { exclusions } = await engine.json<{ exclusions: object[] }>('exclude', 'list');
      expect((await engine.ask('exclude', 'remove', String(exclusions.length))).code).toBe(0);
      await sendFrames(attackFrames(address, server, 0, 50_000));
      await waitUntil(() => alertsOf(address).length > 0, { timeout: 20_000, what: 'its alert' });
    },
    60_000,
  );

  test('goes on with an interface that was down, and with another one that has its name', async () => {
    const device = lab.gatewayInterface('attacker');
    const ip = (...words: string[]) => lab.run('gateway', ['ip', ...words]);
    const lines = (pattern: RegExp) => [...engine.process.stdout.matchAll(pattern)].length;
    const addresses = [`${lab.address('gateway', 4)}/24`, `${lab.address('gateway', 6)}/64`];
    const faults = [
      async () => {
        await ip('link', 'set', device, 'down');
        await waitUntil(() => lines(/went down or away/g) === 1, {
          timeout: 20_000,
          what: 'the line that says so',
        });
        await ip('link', 'set', device, 'up');
      },
      async () => {
        // Another interface takes its name: an index of its own, and nothing of what the first one was.
        await ip('link', 'set', device, 'down');
        await ip('link', 'set', device, 'name', 'before0');
        await ip('link', 'add', device, 'type', 'veth', 'peer', 'name', 'other0');
        await ip('link', 'set', device, 'up');
        await waitUntil(() => lines(/is watched again/g) === 2, {
          timeout: 20_000,
          what: 'the new interface',
        });
        await ip('link', 'del', device);
        await ip('link', 'set', 'before0', 'name', device);
        await ip('link', 'set', device, 'up');
      },
    ];
    let times = 0;
    for (const fault of faults) {
      const { length } = engine.events('alert');
      const again = lines(/is watched again/g);
      await fault();
      await waitUntil(() => lines(/is watched again/g) > again + times, {
        timeout: 20_000,
        what: 'the watch',
      });
      times++;
      for (const address of addresses) await ip('addr', 'replace', address, 'dev', device, 'nodad');
      await waitUntil(
        async () => {
          await lab.httpGet('attacker', ATTACK_PATH, { port: PORT, timeout: 500 });
          return engine.events('alert').length > length;
        },
        { timeout: 20_000, what: 'an alert' },
      );
    }
    expect(engine.events('alert').at(-1)).toMatchObject({ in_iface: device });
    expect(engine.process.running).toBe(true);
  }, 120_000);

  test('doctor finds nothing wrong with it', async () => {
    const findings = await engine.json<{ name: string; state: string; seen: string }[]>('doctor');
    const stateOf = (name: string) => findings.find((finding) => finding.name === name);
    expect(stateOf('workers')).toMatchObject({ state: 'ok', seen: expect.stringMatching(/watching/) });
    expect(findings.filter(({ state }) => state === 'failed')).toEqual([]);
  }, 90_000);

  test('is turned off and on, and stops', async () => {
    await engine.command('disable', {});
    expect((await engine.status()).mirrors).toEqual([]);
    await engine.command('enable', {});
    expect((await engine.status()).mirrors).toHaveLength(1);
    const { length } = engine.events('alert');
    await lab.httpGet('attacker', ATTACK_PATH, { port: PORT });
    await waitUntil(() => engine.events('alert').length > length, { timeout: 20_000, what: 'an alert' });
    await engine.stop();
    // Of an interface that has come back before its address, which watching needs not, `cap` says this by itself.
    const said = engine.process.stderr.replace(/^Warning: .*no IPv4 address assigned.*\n/gm, '');
    expect(said).toBe('');
  }, 60_000);
});
