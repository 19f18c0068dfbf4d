/**
 * The whole path on the real kernel: an attack is stopped, its source banned, it is told, and it ends by itself —
 * for both address families and both iptables backends.
 */
import { Lab, type LabServer, waitUntil } from '@portcullis/testkit';
import { ATTACK_PATH, describeLab, LabEngine } from './engine';

const PORT = 80;
const UDP_PORT = 5000;

describeLab('an attack through the gateway', () => {
  describe.each(['nft', 'legacy'] as const)('with iptables-%s', (backend) => {
    if (!Lab.hasBackend(backend)) {
      test.skip(`iptables-${backend} is not installed`, () => {});
      return;
    }
    let lab: Lab;
    let engine: LabEngine;
    let server: LabServer;
    beforeAll(async () => {
      lab = new Lab('pctb', { backend, bystander: true });
      server = await lab.httpServer('server', PORT);
      await lab.udpServer('server', UDP_PORT);
      engine = await new LabEngine(lab, { queues: '0-1' }).start();
    });
    afterAll(() => {
      lab?.destroy();
      engine?.remove();
    });

    describe.each([4, 6] as const)('over IPv%d', (family) => {
      const get = (role: 'attacker' | 'bystander', path: string, timeout?: number) =>
        lab.httpGet(role, path, { host: lab.target(family), port: PORT, ...engine.patience(timeout) });

      const datagram = () =>
        lab.udpRequest('attacker', {
          host: lab.target(family),
          port: UDP_PORT,
          payload: 'any kind',
          timeout: 700,
        });

      test('ordinary traffic is untouched', async () => {
        expect(await datagram()).not.toBeNull();
        const answer = await get('attacker', `/ordinary-${family}`);
        expect(answer).toMatchObject({ connected: true, complete: true });
        expect((await server.received()).toString()).toContain(`/ordinary-${family}`);
      });

      test('the attack does not arrive, and its source is banned', async () => {
        const answer = await get('attacker', `${ATTACK_PATH}-${family}`);
        expect(answer).toMatchObject({ connected: true, complete: false });
        expect((await server.received()).toString()).not.toContain(`${ATTACK_PATH}-${family}`);
        expect(await engine.bans()).toContain(lab.address('attacker', family));
      });

      test('nothing of the attacker gets in any more, nor reaches the queue', async () => {
        const before = await engine.queued();
        expect(await get('attacker', '/after', 800)).toMatchObject({ connected: false });
        expect(await datagram()).toBeNull();
        expect(await engine.queued()).toBe(before);
        expect((await server.received()).toString()).not.toContain('/after');
      });

      test('a bystander is served as before', async () => {
        expect(await get('bystander', '/bystander')).toMatchObject({ complete: true });
      });

      test('the event tells who, what and what was done', async () => {
        const address = lab.address('attacker', family);
        const alert = await waitUntil(
          () => engine.events('alert').find((record) => record.src_ip === address),
          {
            what: 'the alert',
          },
        );
        expect(alert).toMatchObject({
          dest_ip: lab.address('server', family),
          dest_port: PORT,
          proto: 'TCP',
          app_proto: 'http',
          direction: 'to_server',
          in_iface: lab.gatewayInterface('attacker'),
          alert: { action: 'blocked', signature_id: 1000001, signature: 'test attack', severity: 1 },
          http: { url: `${ATTACK_PATH}-${family}`, http_method: 'GET' },
          verdict: { action: 'drop' },
          drop: { reason: 'rules' },
          portcullis: {
            event: 'network_attack_detected',
            mode: 'standard',
            enforced: true,
            attacker: {
              ip: address,
              port: expect.any(Number),
              handshake: true,
              mac: expect.stringMatching(/^(..:){5}..$/),
            },
            ban: {
              prefix: address,
              duration_s: 3600,
              until: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
              origin: 'attack',
            },
          },
        });
        expect(alert.alert?.category).toBe('Web Application Attack');
        expect(alert.community_id).toMatch(/^1:/);
        expect(
          engine.events('ban').some((record) => record.src_ip === address && record.ban?.action === 'added'),
        ).toBe(true);
      });

      test('bans list shows the time left, bans remove lets it in again', async () => {
        const address = lab.address('attacker', family);
        // The words of endpoint-security products do the same.
        const words =
          family === 4
            ? [
                ['bans', 'list'],
                ['bans', 'remove'],
              ]
            : [['--get-blocked-hosts'], ['--allow-hosts']];
        const [list, remove] = words as [string[], string[]];
        const { stdout } = await engine.ask(...list);
        expect(stdout).toMatch(new RegExp(`${address}\\s+(59m|1h)`));
        expect((await engine.ask(...remove, address)).code).toBe(0);
        expect(await get('attacker', `/again-${family}`)).toMatchObject({ complete: true });
        expect((await engine.ask(...remove, address)).code).toBe(1);
      });
    });

    test('after the stop the host is as before', async () => {
      await engine.stop();
      expect(await engine.rules()).toEqual([]);
      const sets = await lab.run('gateway', ['ipset', 'list', '-n']);
      expect(sets).not.toContain('portcullis_ports');
    });
  });
});
