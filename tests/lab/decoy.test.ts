/** Ports that rules name and no program listens on: accepted and drained, so that attacks are seen. */
import { appendFileSync } from 'node:fs';
import { Lab, type LabServer, waitUntil } from '@portcullis/testkit';
import { describeLab, LabEngine } from './engine';

const MYSQL = 3306;
const POSTGRES = 5432;
const REDIS = 6379;
const UNNAMED = 1234;
const NOT_ALLOWED = 5984;
const allowed = [MYSQL, POSTGRES, REDIS, UNNAMED];
const AT_ONCE = 3;
const rules = `drop tcp any any -> any [${MYSQL},${POSTGRES},${REDIS},${NOT_ALLOWED}] (msg:"attack on a database"; flow:established,to_server; content:"evil login"; classtype:attempted-admin; sid:1000050;)
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
    engine = new LabEngine(lab, { rules });
    appendFileSync(
      engine.configuration,
      `scan: { decoy: on, decoy-ports: [${allowed.join(', ')}], decoy-connections: ${AT_ONCE}, decoy-bytes: 1kb, decoy-timeout: 10m }\n`,
    );
    await engine.start();
  }, 60_000);
  afterAll(() => {
    lab?.destroy();
    engine?.remove();
  });
  const decoy = async () => (await engine.status()).decoy;
  /** What has to have been accepted by now, and nothing else. */
  let accepted = 0;

  test('status names the ports: those that rules name and the list allows, and not all', async () => {
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
    }, 60_000);

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
    }, 60_000);

    test('a port that no rule names, or that is not allowed, is closed', async () => {
      for (const port of [UNNAMED, NOT_ALLOWED])
        await expect(connect(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    }, 60_000);

    test('a port that nobody listens on looks open; the attack is seen and its source banned', async () => {
      accepted++;
      const connection = await connect(MYSQL);
      await connection.write('something ordinary');
      await connection.write('evil login');
      const address = lab.address('attacker', family);
      const alert = await waitUntil(() => engine.events('alert').find(({ src_ip }) => src_ip === address), {
        timeout: 20_000,
        what: 'the alert',
      });
      expect(alert).toMatchObject({
        dest_ip: gateway(),
        dest_port: MYSQL,
        alert: { action: 'blocked', signature_id: 1000050 },
        portcullis: { enforced: true, attacker: { handshake: true }, ban: { prefix: address } },
      });
      expect(await engine.bans()).toContain(address);
      await engine.letAllIn();
      await connection.reset();
    }, 60_000);

    test('nothing is answered, and after so many bytes it is over', async () => {
      accepted++;
      const connection = await connect(MYSQL);
      await connection.write('x'.repeat(4096));
      expect(await connection.closed(10_000)).toBe('ECONNRESET');
      expect((await connection.state()).received).toHaveLength(0);
    }, 60_000);
  });

  test('no more connections than allowed are open at once', async () => {
    const host = lab.address('gateway', 4);
    const opened: string[] = [];
    // Those of banned devices may still be there.
    while (opened.length <= AT_ONCE && opened.at(-1) !== 'ECONNRESET') {
      const state = await lab
        .connect('bystander', { host, port: MYSQL, timeout: 8000 })
        .then(async (connection) => {
          await waitUntil(async () => (await connection.state()).state !== 'open', {
            timeout: 2000,
            what: 'a reset',
          }).catch(() => undefined);
          return (await connection.state()).state;
        })
        .catch(({ code }: { code: string }) => code);
      opened.push(state);
    }
    expect(opened.at(0)).toBe('open');
    expect(opened.at(-1)).toBe('ECONNRESET');
    const row = await decoy();
    expect(row?.open).toBe(AT_ONCE);
    expect(row?.accepted).toBe(accepted + opened.length - 1);
    expect(row?.refused).toBeGreaterThan(0);
  }, 60_000);

  test('a program that begins to listen has its port, whoever was there before', async () => {
    const mysql = await lab.tcpServer('gateway', MYSQL);
    const connection = await lab.connect('bystander', { host: lab.address('gateway', 4), port: MYSQL });
    await connection.write('to the program');
    await connection.receive(/to the program/);
    expect((await mysql.received()).toString()).toBe('to the program');
    await connection.reset();
  }, 90_000);

  test('turned off, and after the stop, ports are closed as ever and nothing is left', async () => {
    await engine.set('scan.decoy=off');
    expect(await decoy()).toBeNull();
    expect((await engine.rules()).filter((line) => /decoy|divert|TPROXY/.test(line))).toEqual([]);
    await engine.stop();
    expect(engine.process.stderr).toBe('');
    expect(await engine.rules()).toEqual([]);
    expect(await lab.run('gateway', ['ipset', 'list', '-n'])).toBe('');
  }, 60_000);
});
