/** Firewall rules and sets of ours that others change are put back, within two seconds, and it is told. */
import { Lab, type LabServer, waitUntil } from '@portcullis/testkit';
import { ATTACK_PATH, describeLab, LabEngine } from './engine';

const PORT = 80;
/** Two seconds, and what a command and a look take. */
const SOON = 2500;

describeLab('a firewall that others change', () => {
  let lab: Lab;
  let server: LabServer;
  let engine: LabEngine;
  beforeAll(async () => {
    lab = new Lab('pcdr');
    server = await lab.httpServer('server', PORT);
    engine = await new LabEngine(lab).start();
    for (const address of ['203.0.113.9', '2001:db8::9']) await engine.command('bans.add', { address });
  });
  afterAll(async () => {
    if (engine?.process?.running) await engine.stop();
    lab?.destroy();
    engine?.remove();
  });

  const both = (rest: string) => `iptables -w ${rest}; ip6tables -w ${rest}`;
  const sets = async () => {
    const saved = await lab.run('gateway', ['ipset', 'save']);
    return ['203.0.113.9', '2001:db8::9'].filter((address) => saved.includes(` ${address} `));
  };

  test.each([
    ['a jump is gone', 'iptables -w -t mangle -D FORWARD -j portcullis'],
    ['the jump to the bans is gone', 'iptables -w -t raw -D PREROUTING -j portcullis'],
    ['one IPv6 rule is gone', 'ip6tables -w -t raw -D portcullis 2'],
    ['a chain was flushed', 'ip6tables -w -t mangle -F portcullis'],
    ['the order changed', 'iptables -w -t mangle -I FORWARD -p tcp -j ACCEPT'],
    ['everything was flushed', both('-t mangle -F')],
    ['the rules of the bans were flushed', both('-t raw -F')],
    ['the sets of the bans were emptied', 'ipset flush portcullis_ban4; ipset flush portcullis_ban6'],
  ])('when %s', async (_, script) => {
    const rules = await engine.rules();
    const { firewall_repairs: repairs } = await engine.status();
    const told = () => engine.process.stdout.split('put back').length;
    const before = told();
    expect(await sets()).toHaveLength(2);
    const since = performance.now();
    await lab.run('gateway', ['sh', '-c', script]);
    await waitUntil(() => told() > before, { what: 'the line that says so' });
    await waitUntil(async () => (await sets()).length === 2, { what: 'the bans in the kernel' });
    // Of what a script changes in two steps the engine may see the first by itself.
    const same = async () => JSON.stringify(await engine.rules()) === JSON.stringify(rules);
    await waitUntil(same, { what: 'the rules as they were' });
    expect(performance.now() - since).toBeLessThan(SOON);
    const steps = script.split(';').length;
    const repaired = (await engine.status()).firewall_repairs - repairs;
    expect(repaired).toBeGreaterThanOrEqual(script.startsWith('ipset') ? 0 : 1);
    expect(repaired).toBeLessThanOrEqual(script.startsWith('ipset') ? 0 : steps);
    // What somebody put before ours is theirs.
    await lab.exec('gateway', [
      'iptables',
      '-w',
      '-t',
      'mangle',
      '-D',
      'FORWARD',
      '-p',
      'tcp',
      '-j',
      'ACCEPT',
    ]);
  });

  test('stops attacks as before', async () => {
    const answer = await lab.httpGet('attacker', ATTACK_PATH, { port: PORT, ...engine.patience() });
    expect(answer).toMatchObject({ connected: true, complete: false });
    expect((await server.received()).toString()).not.toContain(ATTACK_PATH);
  });
});
