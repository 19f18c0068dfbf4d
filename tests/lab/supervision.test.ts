/** A worker that truly stalls, with the engine under traffic: who passes meanwhile, and how soon there is another. */
import { Lab, type LabServer, type LabUdpServer, waitUntil } from '@portcullis/testkit';
import { ATTACK_PATH, attackRules, describeLab, LabEngine } from './engine';
import { ThreadHolder } from './held-thread';

const PORT = 80;
const UDP_PORT = 9999;
const QUEUE_LENGTH = 64;
/** Few enough for the server's socket to hold all of them, whenever its program gets to read. */
const BURST = 200;

let holder: ThreadHolder;
beforeAll(() => {
  holder = new ThreadHolder();
});
afterAll(() => holder.remove());

describeLab('a worker that stalls', () => {
  describe.each([
    ['passes', 'true'],
    ['is stopped', 'false'],
  ] as const)('while traffic %s', (_, failOpen) => {
    let lab: Lab;
    let server: LabServer;
    let datagrams: LabUdpServer;
    let engine: LabEngine;
    beforeAll(async () => {
      lab = new Lab('pcqs', { bystander: true });
      server = await lab.httpServer('server', PORT);
      datagrams = await lab.udpServer('server', UDP_PORT);
      engine = await new LabEngine(lab, {
        rules: `${attackRules}alert udp any any -> any ${UDP_PORT} (msg:"datagram"; content:"never sent"; sid:1000020;)\n`,
        settings: {
          'nfqueue.queues': '0',
          'nfqueue.max-length': String(QUEUE_LENGTH),
          'nfqueue.fail-open': failOpen,
          'block-attacking-hosts': 'false',
        },
      }).start();
    }, 60_000);
    afterEach(() => holder.release());
    afterAll(async () => {
      if (engine?.process?.running) await engine.stop();
      lab?.destroy();
      engine?.remove();
    });

    const hold = () => holder.hold(lab, engine.process.pid as number, 'worker');
    const get = (path: string, timeout?: number) =>
      lab.httpGet('attacker', path, { port: PORT, ...engine.patience(timeout) });
    const log = () => engine.process.stderr + engine.process.stdout;
    const replacements = () =>
      [...log().matchAll(/queue 0 has a worker again after (\d+) ms/g)].map(([, time]) => Number(time));

    test('is replaced within a second; then traffic flows and attacks are stopped again', async () => {
      expect(await get('/before')).toMatchObject({ complete: true });
      const since = performance.now();
      if (!holder.usable) return;
      await hold();
      // What waited in the queue of the lost worker is gone; the client sends it again after a second.
      expect(await get('/meanwhile', 4000)).toMatchObject({ complete: true });
      expect(performance.now() - since).toBeLessThan(3500);
      await waitUntil(() => replacements().length === 1, { what: 'the worker that takes over' });
      expect(replacements()[0]).toBeLessThan(1000);
      expect(log()).toMatch(/the worker of queue 0 is lost: it has not moved for \d+ ms/);
      expect(log()).toMatch(failOpen === 'true' ? /passes uninspected/ : /is dropped/);
      expect(await get(`${ATTACK_PATH}-after`)).toMatchObject({ connected: true, complete: false });
      expect((await server.received()).toString()).not.toContain(`${ATTACK_PATH}-after`);
      expect((await engine.status()).queues).toMatchObject([{ queue: 0, fail_open: failOpen === 'true' }]);
    }, 30_000);

    const whenClosed = failOpen === 'false' ? test : test.skip;
    whenClosed(
      'lets no attack through meanwhile (only where traffic is stopped)',
      async () => {
        if (!holder.usable) return;
        await hold();
        const before = replacements().length;
        const attempts = Array.from({ length: 8 }, (_, number) =>
          get(`${ATTACK_PATH}-closed-${number}`, 2500),
        );
        for (const attempt of await Promise.all(attempts)) expect(attempt.complete).toBe(false);
        expect(replacements().length).toBe(before + 1);
        expect((await server.received()).toString()).not.toContain(`${ATTACK_PATH}-closed`);
      },
      30_000,
    );

    test('and gets more than its queue holds: the rest goes as configured, and is counted', async () => {
      // After the last stall another worker has to be there.
      await waitUntil(async () => (await engine.status()).queues.length === 1, { what: 'a worker' });
      const before = (await engine.status()).packets;
      const earlier = (await datagrams.received()).length;
      // Ready before the worker is held, so that the burst falls into the time without one.
      const send = `const socket = require('node:dgram').createSocket('udp4'); let left = ${BURST};
        const next = () => left-- > 0 ? socket.send('burst', ${UDP_PORT}, '${lab.target(4)}', () => next()) : socket.close();
        process.stdin.once('data', next); console.log('ready');`;
      const sender = lab.spawn('attacker', [process.execPath, '-e', send]);
      await sender.waitFor(/ready/);
      if (!holder.usable) return;
      await hold();
      sender.write('go\n');
      sender.endInput();
      await sender.exited;
      const received = async () => (await datagrams.received()).length - earlier;
      if (failOpen === 'true') {
        // All but what the queue held when its worker was lost; the worker that takes over passes on what comes later.
        await waitUntil(async () => (await received()) >= BURST - QUEUE_LENGTH, { what: 'the datagrams' });
        await holder.release();
        await waitUntil(async () => (await engine.status()).packets.uninspected > before.uninspected, {
          what: 'the count of what passed uninspected',
        });
      } else {
        await holder.release();
        await waitUntil(async () => (await engine.status()).queues.length === 1, { what: 'a worker' });
        expect(await received()).toBeLessThanOrEqual(BURST - QUEUE_LENGTH);
      }
      expect(await get('/after-burst', 4000)).toMatchObject({ complete: true });
    }, 30_000);

    test('leaves nothing behind when the engine stops', async () => {
      await engine.stop();
      expect(await engine.rules()).toEqual([]);
      expect(engine.process.running).toBe(false);
    }, 20_000);
  });
});
