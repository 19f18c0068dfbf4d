/** What is done about a detection follows from the table of kinds and from `action-on-detect`, on the real kernel. */
import { Lab, type LabServer, waitUntil } from '@portcullis/testkit';
import { describeLab, LabEngine } from './engine';

const PORT = 80;

/** As the public rule sets write them: all of them say `alert`. */
const rules = [
  ['/exploit', 'attempted-admin', 1],
  ['/listing', 'policy-violation', 2],
  ['/beacon', 'command-and-control', 3],
]
  .map(
    ([path, kind, sid]) =>
      `alert http any any -> any any (msg:"${kind}"; flow:established,to_server; http.uri; content:"${path}"; classtype:${kind}; sid:${sid}; rev:1;)`,
  )
  .join('\n')
  .concat('\n');

describeLab('rules that only say alert', () => {
  let lab: Lab;
  let server: LabServer;
  let engine: LabEngine;
  beforeAll(async () => {
    lab = new Lab('pcpo', { bystander: true });
    server = await lab.httpServer('server', PORT);
    engine = new LabEngine(lab, { rules });
  });
  afterAll(() => {
    lab?.destroy();
    engine?.remove();
  });
  afterEach(async () => {
    if (engine.process?.running) await engine.stop();
  });

  const get = (path: string, family: 4 | 6) =>
    lab.httpGet('attacker', path, { host: lab.target(family), port: PORT, ...engine.patience() });
  const told = (sid: number, count = 1) =>
    waitUntil(
      () => {
        const found = engine.events('alert').filter((record) => record.alert?.signature_id === sid);
        return found.length >= count ? found[count - 1] : undefined;
      },
      { what: `alert ${count} of rule ${sid}` },
    );

  test.each([4, 6] as const)(
    'an attempt to get in is stopped and banned, the rest is told, over IPv%d',
    async (family) => {
      await engine.start();
      const before = (sid: number) =>
        engine.events('alert').filter((record) => record.alert?.signature_id === sid).length;
      const counts = [0, before(1), before(2), before(3)] as const;

      expect(await get(`/listing-${family}`, family)).toMatchObject({ complete: true });
      expect(await told(2, counts[2] + 1)).toMatchObject({
        alert: { action: 'allowed' },
        portcullis: { event: 'signature_matched', enforced: false },
      });
      expect(await get(`/beacon-${family}`, family)).toMatchObject({ complete: true });
      expect(await told(3, counts[3] + 1)).toMatchObject({
        alert: { action: 'allowed' },
        portcullis: { event: 'network_activity_detected', enforced: false },
      });
      expect(await engine.bans()).toEqual([]);

      expect(await get(`/exploit-${family}`, family)).toMatchObject({ complete: false });
      expect((await server.received()).toString()).not.toContain(`/exploit-${family}`);
      expect(await told(1, counts[1] + 1)).toMatchObject({
        alert: { action: 'blocked' },
        portcullis: {
          event: 'network_attack_detected',
          enforced: true,
          ban: { prefix: lab.address('attacker', family), origin: 'attack' },
        },
      });
      expect(await engine.bans()).toEqual([lab.address('attacker', family)]);
      expect((await engine.ask('bans', 'remove', '--all')).code).toBe(0);
    },
  );

  test('what comes from the protected side is network activity: told, not banned', async () => {
    const local = await lab.httpServer('attacker', PORT);
    await engine.start({ 'scan.direction': 'both' });
    const outward = () =>
      lab.httpGet('server', '/exploit-outward', {
        host: lab.address('attacker', 4),
        port: PORT,
        ...engine.patience(),
      });
    expect(await outward()).toMatchObject({ complete: true });
    const alert = await waitUntil(
      () => engine.events('alert').find((record) => record.src_ip === lab.address('server', 4)),
      { what: 'the alert' },
    );
    expect(alert).toMatchObject({ portcullis: { event: 'network_activity_detected', enforced: false } });
    expect((await local.received()).toString()).toContain('/exploit-outward');
    expect(await engine.bans()).toEqual([]);
  });

  test.each([
    ['notify', { complete: true }, { alert: { action: 'allowed' }, portcullis: { enforced: false } }],
    ['drop', { complete: false }, { alert: { action: 'blocked' }, portcullis: { enforced: true } }],
  ] as const)('action-on-detect %s bans nobody', async (action, outcome, record) => {
    const before = engine.events('alert').filter(({ alert }) => alert?.signature_id === 1).length;
    await engine.start({ 'action-on-detect': action });
    expect(await get(`/exploit-${action}`, 4)).toMatchObject(outcome);
    expect(await told(1, before + 1)).toMatchObject(record);
    expect(await engine.bans()).toEqual([]);
  });

  test('a row of detection-kinds decides before the built-in ones', async () => {
    await engine.start({ 'detection-kinds': '[{ class: policy-violation, kind: attack, response: drop }]' });
    expect(await get('/listing-again', 4)).toMatchObject({ complete: false });
    expect(await engine.bans()).toEqual([]);
  });
});
