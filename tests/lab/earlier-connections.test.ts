/** Connections that are there when protection is turned on: reset at both ends, or adopted. */
import { Lab, type LabConnection, type LabServer, waitUntil } from '@portcullis/testkit';
import { ATTACK_PATH, describeLab, LabEngine } from './engine';

const PORT = 80;
const SSH = 22;

describeLab('connections from before protection was turned on', () => {
  let lab: Lab;
  let engine: LabEngine;
  let server: LabServer;
  let local: LabServer;
  let ssh: LabServer;
  beforeAll(async () => {
    lab = new Lab('pcte');
    server = await lab.httpServer('server', PORT);
    local = await lab.httpServer('gateway', PORT);
    ssh = await lab.tcpServer('gateway', SSH);
  }, 30_000);
  afterAll(() => lab?.destroy());
  afterEach(async () => {
    if (engine?.process?.running) await engine.stop();
    engine?.remove();
  });

  const ends = (of: LabServer) => of.connections().then((list) => list.map(({ state }) => state));
  const state = async (connection: LabConnection) => (await connection.state()).state;
  const becomes = (connection: LabConnection, wanted: string) =>
    waitUntil(async () => (await state(connection)) === wanted, { timeout: 20_000, what: wanted });
  const request = 'GET /before HTTP/1.1\r\nHost: x\r\n\r\n';
  const answers = async (connection: LabConnection, text: string) => {
    const before = (await connection.state()).received.length;
    await connection.write(text);
    await waitUntil(async () => (await connection.state()).received.length > before, {
      timeout: 20_000,
      what: 'an answer',
    });
  };

  describe.each([4, 6] as const)('over IPv%d', (family) => {
    const forwarded = () => lab.connect('attacker', { host: lab.target(family), port: PORT });
    const toGateway = (port: number) =>
      lab.connect('attacker', { host: lab.address('gateway', family), port });

    test('forwarded ones are reset at their next packet, those of this host at once, SSH sessions never', async () => {
      const through = await forwarded();
      const idle = await toGateway(PORT);
      const session = await toGateway(SSH);
      for (const connection of [through, idle]) await answers(connection, request);
      await answers(session, 'before');
      const resetsBefore = (await ends(server)).filter((one) => one === 'ECONNRESET').length;

      engine = await new LabEngine(lab).start();
      await becomes(idle, 'ECONNRESET');
      expect((await ends(local)).at(-1)).not.toBe('open');
      await through.write(request);
      await becomes(through, 'ECONNRESET');
      await waitUntil(
        async () => (await ends(server)).filter((one) => one === 'ECONNRESET').length > resetsBefore,
        { timeout: 20_000, what: 'a reset at the server' },
      );
      await answers(session, 'still here');
      expect((await ends(ssh)).at(-1)).toBe('open');
      // What begins now is served.
      await answers(await forwarded(), request);
      await answers(await toGateway(PORT), request);
      expect((await engine.status()).state).toBe('protecting');
    }, 90_000);

    test('with reset-all SSH sessions end too', async () => {
      const session = await toGateway(SSH);
      await answers(session, 'before');
      engine = await new LabEngine(lab).start({ 'on-enable': 'reset-all' });
      await becomes(session, 'ECONNRESET');
    }, 90_000);

    test('adopted ones go on and are inspected from where they are', async () => {
      const through = await forwarded();
      const own = await toGateway(PORT);
      for (const connection of [through, own]) await answers(connection, request);
      engine = await new LabEngine(lab).start({ 'on-enable': 'adopt' });
      for (const connection of [through, own]) await answers(connection, request);
      const path = `${ATTACK_PATH}-${family}-${through.localPort}`;
      await through.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
      const alert = await waitUntil(() => engine.events('alert')[0], { timeout: 20_000, what: 'the alert' });
      expect(alert.alert).toMatchObject({ action: 'blocked', signature_id: 1000001 });
      expect((await server.received()).toString()).not.toContain(path);
      // The kernel has seen both of its sides: the address is nobody else's.
      await waitUntil(async () => (await engine.bans()).includes(lab.address('attacker', family)), {
        what: 'the ban',
      });
      await engine.letAllIn();
      // Else it would come again once nobody looks.
      await through.reset();
      await own.reset();
    }, 90_000);
  });

  test('what the administrator has taken out of inspection is left alone', async () => {
    const bypass = (...rule: string[]) => lab.run('gateway', ['iptables', '-w', '-t', 'mangle', ...rule]);
    await bypass('-N', 'portcullis_bypass');
    const rule = ['portcullis_bypass', '-p', 'tcp', '--dport', `${PORT}`, '-j', 'ACCEPT'];
    await bypass('-A', ...rule);
    const through = await lab.connect('attacker', { host: lab.target(4), port: PORT });
    const own = await lab.connect('attacker', { host: lab.address('gateway', 4), port: PORT });
    for (const connection of [through, own]) await answers(connection, request);
    engine = await new LabEngine(lab).start();
    for (const connection of [through, own]) await answers(connection, request);
    await bypass('-D', ...rule);
    for (const connection of [through, own]) {
      await connection.write(request);
      await becomes(connection, 'ECONNRESET');
    }
  }, 90_000);
});
