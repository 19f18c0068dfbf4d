/** Connections of one host are with different workers: rules that count or remember hosts do so over all of them. */
import { Lab, waitUntil } from '@portcullis/testkit';
import { describeLab, LabEngine } from './engine';

const PORT = 80;
/** So many connections that they cannot all have drawn one of the queues by chance. */
const MANY = 16;
const rules = [
  `alert http any any -> any any (msg:"many"; flow:established,to_server; http.uri; content:"/login"; threshold:type both,track by_src,count ${MANY},seconds 300; classtype:misc-activity; sid:1000070;)`,
  'alert http any any -> any any (msg:"first"; flow:established,to_server; http.uri; content:"/first"; xbits:set,came,track ip_src,expire 300; noalert; classtype:misc-activity; sid:1000071;)',
  'alert http any any -> any any (msg:"second"; flow:established,to_server; http.uri; content:"/second"; xbits:isset,came,track ip_src; classtype:misc-activity; sid:1000072;)',
].join('\n');

describeLab('rules about more than one connection, with four queues', () => {
  let lab: Lab;
  let engine: LabEngine;
  beforeAll(async () => {
    lab = new Lab('pcaq');
    await lab.httpServer('server', PORT);
    engine = await new LabEngine(lab, { rules, queues: '0-3' }).start();
  });
  afterAll(async () => {
    if (engine?.process?.running) await engine.stop();
    lab?.destroy();
    engine?.remove();
  });

  const ask = async (family: 4 | 6, path: string) =>
    expect(
      (await lab.httpGet('attacker', path, { host: lab.target(family), port: PORT, ...engine.patience() }))
        .complete,
    ).toBe(true);
  const alerts = (family: 4 | 6, sid: number) =>
    engine
      .events('alert')
      .filter(
        ({ src_ip, alert }) => src_ip === lab.address('attacker', family) && alert?.signature_id === sid,
      ).length;

  test.each([4, 6] as const)(
    'IPv%s: a threshold counts the requests of a host, not those of a worker',
    async (family) => {
      for (let n = 1; n < MANY; n++) await ask(family, `/login?${n}`);
      // Another alert, later than any that those may have given.
      await ask(family, '/first');
      await ask(family, '/second');
      await waitUntil(() => alerts(family, 1000072) === 1, {
        timeout: 20_000,
        what: 'the alert of the second',
      });
      expect(alerts(family, 1000070)).toBe(0);
      await ask(family, `/login?${MANY}`);
      await waitUntil(() => alerts(family, 1000070) === 1, {
        timeout: 20_000,
        what: 'the alert of the many',
      });
      await ask(family, `/login?${MANY + 1}`);
      for (let n = 1; n < MANY; n++) await ask(family, `/second?${n}`);
      // One a connection, whichever worker had it, and whichever had the one that set the bit.
      await waitUntil(() => alerts(family, 1000072) === MANY, {
        timeout: 20_000,
        what: 'the alerts of all that came second',
      });
      expect(alerts(family, 1000070)).toBe(1);
    },
    60_000,
  );
});
