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
    engine = await new LabEngine(lab, { rules }).start();
  });
  afterAll(() => {
    lab?.destroy();
    engine?.remove();
  });
  afterEach(() => engine.letAllIn());

  const get = (path: string, family: 4 | 6) =>
    lab.httpGet('attacker', path, { host: lab.target(family), port: PORT, ...engine.patience() });
  const alertsOf = (sid: number) =>
    engine.events('alert').filter((record) => record.alert?.signature_id === sid);
  const told = (sid: number, count = 1) =>
    waitUntil(() => alertsOf(sid)[count - 1], { what: `alert ${count} of rule ${sid}` });

  test.each([4, 6] as const)(
    'an attempt to get in is stopped and banned, the rest is told, over IPv%d',
    async (family) => {
      const counts = [0, 1, 2, 3].map((sid) => alertsOf(sid).length) as [number, number, number, number];

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
    },
  );

  test('what comes from the protected side is network activity: told, not banned', async () => {
    const local = await lab.httpServer('attacker', PORT);
    await engine.set('scan.direction=both');
    for (const family of [4, 6] as const) {
      const path = `/exploit-outward-${family}`;
      const options = { host: lab.address('attacker', family), port: PORT, ...engine.patience() };
      expect(await lab.httpGet('server', path, options)).toMatchObject({ complete: true });
      const alert = await waitUntil(
        () => engine.events('alert').find((record) => record.src_ip === lab.address('server', family)),
        { what: 'the alert' },
      );
      expect(alert).toMatchObject({ portcullis: { event: 'network_activity_detected', enforced: false } });
      expect((await local.received()).toString()).toContain(path);
    }
    expect(await engine.bans()).toEqual([]);
    await engine.unset('scan.direction');
  });

  test.each([
    ['notify', true, { alert: { action: 'allowed' }, portcullis: { enforced: false } }],
    ['drop', false, { alert: { action: 'blocked' }, portcullis: { enforced: true } }],
    ['ignore', true, null],
  ] as const)('action-on-detect %s bans nobody', async (action, complete, record) => {
    await engine.set(`action-on-detect.attack=${action}`);
    for (const family of [4, 6] as const) {
      const [attacks, listings] = [alertsOf(1).length, alertsOf(2).length];
      expect(await get(`/exploit-${action}-${family}`, family)).toMatchObject({ complete });
      if (record !== null) expect(await told(1, attacks + 1)).toMatchObject(record);
      // Events come in order: what is told later is not told at all.
      expect(await get(`/listing-after-${action}-${family}`, family)).toMatchObject({ complete: true });
      await told(2, listings + 1);
      expect(alertsOf(1)).toHaveLength(attacks + (record === null ? 0 : 1));
    }
    expect(await engine.bans()).toEqual([]);
    await engine.unset('action-on-detect.attack');
  });

  test('a row of detection-kinds decides before the built-in ones', async () => {
    await engine.set('detection-kinds=[{ class: policy-violation, kind: attack, response: drop }]');
    for (const family of [4, 6] as const)
      expect(await get(`/listing-as-attack-${family}`, family)).toMatchObject({ complete: false });
    expect(await engine.bans()).toEqual([]);
    await engine.unset('detection-kinds');
  });
});
