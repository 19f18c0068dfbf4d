/**
 * What the engine stands on goes away: an interface, its address, the name of its network namespace. It holds on to none of
 * them: what comes back is inspected at once, and nothing is told that nobody has to know.
 */
import { spawnSync } from 'node:child_process';
import { waitUntil } from '@portcullis/testkit';
import { ATTACK_PATH, describeLab } from '../lab/engine';
import { FaultLab, PORT } from './fault-lab';

const END = 'eth0';
const PREFIXES = [
  [4, 24],
  [6, 64],
] as const;

describeLab('while it queues', () => {
  let here: FaultLab;
  beforeAll(async () => {
    here = new FaultLab('pcfn');
    await here.open();
    await here.start();
  }, 90_000);
  afterAll(() => here?.close());

  const toServer = () => here.lab.gatewayInterface('server');
  const onGateway = (...argv: string[]) => here.lab.run('gateway', ['ip', ...argv]);
  const answers = (family: 4 | 6) =>
    here.lab.httpGet('attacker', '/ordinary', { host: here.lab.target(family), port: PORT, timeout: 1000 });

  async function expectBack(): Promise<void> {
    for (const family of [4, 6] as const)
      await waitUntil(async () => (await answers(family)).complete, {
        timeout: 30_000,
        what: `IPv${family} traffic`,
      });
    await here.expectProtected();
    await here.expectFirewallWhole();
    expect(here.faultLines()).toEqual([]);
  }

  test('an interface goes down, and comes up again', async () => {
    await onGateway('link', 'set', toServer(), 'down');
    expect((await answers(4)).connected).toBe(false);
    await onGateway('link', 'set', toServer(), 'up');
    // Going down took it away (ip-sysctl, keep_addr_on_down).
    await onGateway(
      'addr',
      'replace',
      `${here.lab.gatewayAddress('server', 6)}/64`,
      'dev',
      toServer(),
      'nodad',
    );
    await expectBack();
  });

  test('its addresses are taken away, and given back', async () => {
    await onGateway('addr', 'flush', 'dev', toServer());
    expect((await answers(4)).connected).toBe(false);
    for (const [family, length] of PREFIXES) {
      const address = `${here.lab.gatewayAddress('server', family)}/${length}`;
      await onGateway('addr', 'add', address, 'dev', toServer(), ...(family === 6 ? ['nodad'] : []));
    }
    // Without it the kernel makes it when the interface comes up.
    await onGateway('addr', 'add', 'fe80::1/64', 'dev', toServer(), 'nodad');
    await expectBack();
  });

  test('it is deleted with packets on their way, and another of the same name comes', async () => {
    await onGateway('link', 'del', toServer());
    expect((await answers(4)).connected).toBe(false);
    const peer = ['peer', 'name', END, 'netns', here.lab.namespaces.server as string];
    await onGateway('link', 'add', toServer(), 'type', 'veth', ...peer);
    await onGateway('link', 'set', toServer(), 'up');
    await here.lab.run('server', ['ip', 'link', 'set', END, 'up']);
    for (const [family, length] of PREFIXES) {
      const gateway = here.lab.gatewayAddress('server', family);
      const address = (mine: string, device: string) =>
        ['addr', 'add', `${mine}/${length}`, 'dev', device].concat(family === 6 ? ['nodad'] : []);
      await onGateway(...address(gateway, toServer()));
      await here.lab.run('server', ['ip', ...address(here.lab.address('server', family), END)]);
      await here.lab.run('server', ['ip', 'route', 'add', 'default', 'via', gateway]);
    }
    await expectBack();
  });

  test('the name of its network namespace goes: it goes on, and stops as it should', async () => {
    const namespace = here.lab.namespaces.gateway as string;
    const { pid } = here.engine.process;
    const inside = ['nsenter', `--net=/proc/${pid}/ns/net`];
    const outside = (...argv: string[]) => here.lab.run('server', [...inside, ...argv]);
    expect(spawnSync('ip', ['netns', 'del', namespace]).status).toBe(0);
    expect(
      (await here.lab.httpGet('attacker', `${ATTACK_PATH}-nameless`, { port: PORT, timeout: 300 })).complete,
    ).toBe(false);
    expect(await here.server.received()).not.toContain(`${ATTACK_PATH}-nameless`);
    expect((await answers(4)).complete).toBe(true);
    await here.ban('198.18.0.1');
    expect(await outside('ipset', 'list', 'portcullis_ban4')).toContain('198.18.0.1');
    expect(here.faultLines()).toEqual([]);
    await here.engine.stop();
    expect((await here.engine.process.exited).code).toBe(0);
    expect(here.engine.process.stdout).toMatch(/stopped: the rules are gone/);
  });
});
