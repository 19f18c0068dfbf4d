/**
 * Connections that the kernel's connection tracking forgets while they stand, and takes up again from a packet of the server, whose
 * direction it then believes to be the first: what the client sends is inspected all the same.
 */
import { Lab, waitUntil } from '@portcullis/testkit';
import { describeLab, LabEngine } from './engine';

const PORT = 7001;
const ATTACK = ['forgotten-half', '-attack-string'] as const;
const RULES = `drop tcp any any -> any ${PORT} (msg:"forgotten"; flow:established,to_server; content:"${ATTACK.join('')}"; sid:1; rev:1;)\n`;
/** Speaks without being asked, and tells what it gets. */
const SERVER = `
  require('node:net').createServer((socket) => {
    const beat = setInterval(() => socket.write('beat'), 100);
    socket.on('data', (data) => console.log('got', String(data)));
    socket.on('error', () => {});
    socket.on('close', () => clearInterval(beat));
  }).listen(${PORT}, '::', () => console.log('ready'));`;

describeLab('a connection that the kernel forgets', () => {
  let lab: Lab;
  let engine: LabEngine;
  beforeAll(() => {
    lab = new Lab('pcfg');
  });
  afterAll(() => lab?.destroy());
  afterEach(async () => {
    if (engine?.process?.running) await engine.stop();
    engine?.remove();
  });

  test.each([
    [4, '0'],
    [6, '0'],
    [4, '0-1'],
    [6, '0-1'],
    [4, '0-3'],
    [6, '0-3'],
  ] as const)(
    'is inspected as before when the server speaks first: IPv%d, queues %s',
    async (family, queues) => {
      engine = new LabEngine(lab, {
        queues,
        rules: RULES,
        settings: { 'action-on-detect': 'drop', 'block-attacking-hosts': 'false' },
      });
      await engine.start();
      const server = lab.spawn('server', [process.execPath, '-e', SERVER]);
      await server.waitFor(/ready/);
      const client = await lab.connect('attacker', { host: lab.target(family), port: PORT });
      await client.receive(/beat/);
      await client.write(ATTACK[0]);
      await server.waitFor(new RegExp(`got ${ATTACK[0]}`));

      const own = `ipv${family}`;
      const tracking = (what: string, end: 'src' | 'dst') =>
        lab.spawn('gateway', [
          'conntrack',
          what,
          '-f',
          own,
          '-p',
          'tcp',
          `--orig-port-${end}`,
          `${client.localPort}`,
        ]);
      const entries = async (end: 'src' | 'dst') => {
        const listing = tracking('-L', end);
        await listing.exited;
        return /sport=/.test(listing.stdout);
      };
      await waitUntil(
        async () => {
          if (await entries('dst')) return true;
          await tracking('-D', 'src').exited;
          return undefined;
        },
        { timeout: 20_000, what: 'an entry that the server has begun' },
      );

      await client.write(ATTACK[1]);
      const told = await waitUntil(
        () => engine.events('alert').length > 0 || server.stdout.includes(ATTACK[1]) || undefined,
        { timeout: 20_000, what: 'an alert' },
      );
      expect([told, server.stdout.includes(ATTACK[1])]).toEqual([true, false]);
      await client.reset();
      server.kill('SIGTERM');
      await server.exited;
    },
    60_000,
  );
});
