/** What unwanted programs on protected hosts do: told, dropped or ended by their isolation, by category; on the real kernel. */
import { Lab, type LabServer, waitUntil } from '@portcullis/testkit';
import { describeLab, LabEngine } from './engine';

const PORT = 8000;

/** As the public rule sets write them: all of them say `alert`. */
const rules = [
  ['/toolbar', 'pup-activity'],
  ['/beacon', 'command-and-control'],
  ['/pool', 'coin-mining'],
]
  .map(
    ([path, kind], index) =>
      `alert http any any -> any ${PORT} (msg:"${kind}"; flow:established,to_server; http.uri; content:"${path}"; classtype:${kind}; sid:${index + 1}; rev:1;)`,
  )
  .join('\n')
  .concat('\n');

describeLab('network activity of protected hosts', () => {
  let lab: Lab;
  let outside: LabServer;
  let engine: LabEngine;
  beforeAll(async () => {
    lab = new Lab('pcna');
    // The protected side is the network of `server`.
    outside = await lab.httpServer('attacker', PORT);
    engine = new LabEngine(lab, { rules });
    await engine.start({ 'network-activity': '{ malware: drop, coin-mining: isolate }' });
  });
  afterAll(async () => {
    if (engine?.process?.running) await engine.stop();
    lab?.destroy();
    engine?.remove();
  });

  const get = (path: string, family: 4 | 6, timeout?: number) =>
    lab.httpGet('server', path, {
      host: lab.address('attacker', family),
      port: PORT,
      ...engine.patience(timeout),
    });
  const told = (sid: number, family: 4 | 6) =>
    waitUntil(
      () =>
        engine
          .events('alert')
          .find(
            ({ alert, src_ip }) => alert?.signature_id === sid && src_ip === lab.address('server', family),
          ),
      { what: `the event of rule ${sid}`, timeout: 10_000 },
    );

  test.each([4, 6] as const)(
    'each category has its action, and the protected host is the source, over IPv%d',
    async (family) => {
      const source = { ip: lab.address('server', family) };
      expect(await get('/ordinary', family)).toMatchObject({ complete: true });
      expect(await get('/toolbar', family)).toMatchObject({ complete: true });
      expect(await told(1, family)).toMatchObject({
        alert: { action: 'allowed' },
        portcullis: { event: 'network_activity_detected', category: 'adware', enforced: false, source },
      });
      expect(await get('/beacon', family)).toMatchObject({ complete: false });
      expect(await told(2, family)).toMatchObject({
        alert: { action: 'blocked' },
        portcullis: { category: 'malware', enforced: true, source },
      });
      expect(await engine.bans()).toEqual([]);
      expect(await get('/again', family)).toMatchObject({ complete: true });

      expect(await get('/pool', family)).toMatchObject({ complete: false });
      const isolated = await told(3, family);
      expect(isolated).toMatchObject({
        portcullis: {
          category: 'coin-mining',
          source,
          ban: { prefix: source.ip, origin: 'isolation' },
        },
      });
      expect(isolated.portcullis).not.toHaveProperty('attacker');
      expect(await engine.bans()).toEqual([source.ip]);
      expect(await get('/out', family, 800)).toMatchObject({ connected: false });
      expect((await outside.received()).toString()).not.toMatch(/beacon|pool|\/out/);
      await engine.letAllIn();
      expect(await get('/back', family)).toMatchObject({ complete: true });
    },
  );
});
