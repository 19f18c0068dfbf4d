/** Ports that rules name and no program listens on: accepted and drained, so that attacks are seen. */
import { Lab, type LabServer, waitUntil } from '@portcullis/testkit';
import { describeLab, LabEngine } from './engine';

const MYSQL = 3306;
const POSTGRES = 5432;
const REDIS = 6379;
const UNNAMED = 1234;
const rules = `drop tcp any any -> any [${MYSQL},${POSTGRES},${REDIS}] (msg:"attack on a database"; flow:established,to_server; content:"evil login"; classtype:attempted-admin; sid:1000050;)
alert http any any -> any any (msg:"for any port"; http.uri; content:"/nothing"; sid:1000051;)
`;

describeLab('decoys', () => {
  let lab: Lab;
  let engine: LabEngine;
  let forwardedTo: LabServer;
  beforeAll(async () => {
    // Redis of the gateway is the server's.
    lab = new Lab('pctd', { bystander: true, dnat: [REDIS] });
    await lab.tcpServer('gateway', POSTGRES);
    forwardedTo = await lab.tcpServer('server', REDIS);
    engine = await new LabEngine(lab, { rules }).start();
    expect(await set('scan.decoy=on', 'scan.decoy-timeout=10m')).toMatchObject({ code: 0, stderr: '' });
  }, 60_000);
  afterAll(() => {
    lab?.destroy();
    engine?.remove();
  });
  const set = (...settings: string[]) => engine.ask('config', 'set', ...settings);
  const decoy = async () => (await engine.status()).decoy;
  /** What has to have been accepted by now, and nothing else. */
  let accepted = 0;

  test('status names the ports: those that rules name, and not all', async () => {
    expect(await decoy()).toMatchObject({ ports: 'TCP 3306, 5432, 6379', open: 0, accepted: 0 });
    expect((await engine.status()).ports).toMatchObject({
      text: 'all TCP ports',
      any_port_rules: 1,
      any_port_sids: [1000051],
    });
  });

  describe.each([4, 6] as const)('over IPv%d', (family) => {
    const gateway = () => lab.address('gateway', family);
    const connect = (port: number, host = gateway()) =>
      lab.connect('attacker', { host, port, timeout: 8000 });

    test('a program that listens is not disturbed', async () => {
      const postgres = await connect(POSTGRES);
      await postgres.write('hello');
      expect(await postgres.receive(/hello/)).toBe('hello');
      await postgres.reset();
    }, 20_000);

    test('what is forwarded is not touched, translated or not', async () => {
      await expect(connect(MYSQL, lab.address('server', family))).rejects.toMatchObject({
        code: 'ECONNREFUSED',
      });
      for (const host of [lab.address('server', family), gateway()]) {
        const redis = await connect(REDIS, host);
        await redis.write(`hello to ${host}`);
        await redis.receive(/hello/);
        await redis.reset();
      }
      expect((await forwardedTo.received()).toString()).toContain(`hello to ${gateway()}`);
    }, 20_000);

    test('a port that no rule names is closed', async () => {
      await expect(connect(UNNAMED)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    }, 20_000);

    test('a port that nobody listens on looks open; the attack is seen and its source banned', async () => {
      accepted++;
      const connection = await connect(MYSQL);
      await connection.write('something ordinary');
      await connection.write('evil login');
      const address = lab.address('attacker', family);
      const alert = await waitUntil(() => engine.events('alert').find(({ src_ip }) => src_ip === address), {
        timeout: 10_000,
        what: 'the alert',
      });
      expect(alert).toMatchObject({
        dest_ip: gateway(),
        dest_port: MYSQL,
        alert: { action: 'blocked', signature_id: 1000050 },
        portcullis: { enforced: true, attacker: { handshake: true }, ban: { prefix: address } },
      });
      expect(await engine.bans()).toContain(address);
      await engine.ask('bans', 'remove', '--all');
      await connection.reset();
    }, 30_000);

    test('nothing is answered, and after so many bytes it is over', async () => {
      await set('scan.decoy-bytes=1kb');
      accepted++;
      const connection = await connect(MYSQL);
      await connection.write('x'.repeat(4096));
      expect(await connection.closed(10_000)).toBe('ECONNRESET');
      expect((await connection.state()).received).toHaveLength(0);
    }, 30_000);
  });

  test('no more connections than allowed are open at once', async () => {
    // Those of banned devices stay until their time is up.
    const open = (await decoy())?.open ?? 0;
    await set(`scan.decoy-connections=${open + 1}`);
    const host = lab.address('gateway', 4);
    const first = await lab.connect('bystander', { host, port: MYSQL, timeout: 8000 });
    accepted++;
    const second = await lab.request('bystander', { host, port: MYSQL, bytes: '', timeout: 8000 });
    expect(second.state).toBe('ECONNRESET');
    expect((await first.state()).state).toBe('open');
    expect(await decoy()).toMatchObject({ open: open + 1, accepted, refused: expect.any(Number) });
  }, 40_000);

  test('an allow-list narrows them; a program that begins to listen has its port, whoever was there before', async () => {
    await set(`scan.decoy-ports=[${MYSQL}, ${UNNAMED}]`);
    expect(await decoy()).toMatchObject({ ports: 'TCP 3306' });
    const mysql = await lab.tcpServer('gateway', MYSQL);
    const connection = await lab.connect('bystander', { host: lab.address('gateway', 4), port: MYSQL });
    await connection.write('to the program');
    await connection.receive(/to the program/);
    expect((await mysql.received()).toString()).toBe('to the program');
    await connection.reset();
  }, 40_000);

  test('turned off, and after the stop, ports are closed as ever and nothing is left', async () => {
    expect((await set('scan.decoy=off')).code).toBe(0);
    expect(await decoy()).toBeNull();
    expect((await engine.rules()).filter((line) => /decoy|divert|TPROXY/.test(line))).toEqual([]);
    await engine.stop();
    expect(engine.process.stderr).toBe('');
    expect(await engine.rules()).toEqual([]);
    expect(await lab.run('gateway', ['ipset', 'list', '-n'])).toBe('');
  }, 60_000);
});
