/** iptables and ipset missing, failing, slow or locked: while the engine starts, runs and stops. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { attackRules, describeLab } from '../lab/engine';
import { atLength, FaultLab } from './fault-lab';

const PROGRAMS = ['iptables', 'ip6tables'].flatMap((stem) =>
  ['', '-nft', '-legacy'].flatMap((variant) =>
    ['', '-save', '-restore'].map((action) => `${stem}${variant}${action}`),
  ),
);

describeLab('programs of the firewall', () => {
  let here: FaultLab;
  let mode: string;
  beforeAll(async () => {
    here = new FaultLab('pcff', { settings: { 'nfqueue.fail-open': 'true' } });
    const bin = join(here.engine.directory, 'bin');
    mkdirSync(bin);
    mode = join(here.engine.directory, 'mode');
    for (const program of [...PROGRAMS, 'ipset']) {
      const path = spawnSync('sh', ['-c', `PATH=/usr/sbin:/sbin:/usr/bin command -v ${program}`], {
        encoding: 'utf8',
      }).stdout.trim();
      if (path === '') continue;
      // The file says what the program does instead, for programs that match the rest of its line.
      writeFileSync(
        join(bin, program),
        `#!/bin/sh\nif read -r what which < ${mode} 2>/dev/null; then
  case "${program} $*" in $which)
    case "$what" in
      failing) cat > /dev/null; echo "${program}: a fault of the test" >&2; exit 4;;
      locked) cat > /dev/null; echo "Another app is currently holding the xtables lock. Stopped waiting after 10s." >&2; exit 4;;
      slow) sleep 2;;
      missing) exec ${path}-that-is-not-there "$@";;
    esac;;
  esac
fi\nexec ${path} "$@"\n`,
      );
      chmodSync(join(bin, program), 0o755);
    }
    here.engine.environment.PATH = `${bin}:${process.env.PATH}`;
    await here.open();
  }, 60_000);
  afterAll(() => here.close());
  const set = (what: string, which = '*') => writeFileSync(mode, `${what} ${which}\n`);
  const clear = () => rmSync(mode, { force: true });
  afterEach(clear);

  test('failing while the engine runs: one line says what is no longer looked after, one when it is again', async () => {
    await here.start();
    for (const [what, cause] of [
      ['failing', /ended with 4: \S+: a fault of the test/],
      ['locked', /could not get the xtables lock in time/],
      ['missing', /the program is gone/],
    ] as const) {
      const fault = Date.now();
      // Something has changed, so that there is something to be looked at.
      await here.lab.run('gateway', ['iptables', '-w', '-t', 'mangle', '-N', `others${here.confirmed.size}`]);
      set(what);
      await here.said(/firewall rules cannot be looked after/);
      await here.ban(`192.0.2.${here.confirmed.size + 1}`);
      await here.flowsAfter(fault);
      await here.expectProtected();
      // It was tried again meanwhile.
      clear();
      await here.said(/the firewall rules are looked after again/);
      expect(here.faultLines()).toEqual([expect.stringMatching(cause)]);
      await here.expectFirewallWhole();
      await here.expectBansInKernel();
    }
  }, 60_000);

  test('failing while something is to be put back: it is put back as a whole as soon as that can be', async () => {
    set('failing', '*-restore*');
    await here.lab.run('gateway', ['iptables', '-w', '-t', 'mangle', '-D', 'FORWARD', '-j', 'portcullis']);
    await here.said(/cannot be looked after/);
    clear();
    await here.said(/somebody changed our firewall rules, they are put back/);
    expect(here.faultLines()).toHaveLength(2);
    await here.expectFirewallWhole();
    await here.expectProtected();
  }, 60_000);

  test('failing while rules are loaded again: refused, and the rules before are in force', async () => {
    const rules = join(here.engine.directory, 'test.rules');
    // By these, what the load and the attacks are about would be let through.
    writeFileSync(rules, attackRules.replace('-> any any', '-> any 8080'));
    const before = (await here.engine.status()).rules;
    set('failing', '*restore*');
    const { code, stderr } = await here.engine.ask('reload');
    clear();
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/a fault of the test/) });
    await here.expectFirewallWhole();
    await here.expectProtected();
    expect((await here.engine.status()).rules).toEqual(before);
    writeFileSync(rules, attackRules);
    expect(await here.engine.ask('reload')).toMatchObject({ code: 0 });
    await here.expectFirewallWhole();
    await here.expectProtected();
  }, 60_000);

  atLength(
    'slow: everything is done, later',
    async () => {
      set('slow', 'ip*tables*-save *');
      await here.lab.run('gateway', ['ip6tables', '-w', '-t', 'raw', '-F', 'portcullis']);
      await here.said(/somebody changed our firewall rules, they are put back/, 60_000);
      clear();
      await here.expectFirewallWhole();
      expect(here.faultLines()).toHaveLength(1);
    },
    90_000,
  );

  test('failing when the engine stops: it ends, and says that its rules stay; they let traffic through', async () => {
    set('failing', '*-restore*');
    here.engine.process.kill('SIGTERM');
    const ended = await here.engine.process.exited;
    expect(ended).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /rules could not be taken away, traffic passes uninspected: .*a fault of the test/,
      ),
    });
    await here.flowsAfter(Date.now());
    await here.expectBansInKernel();
    clear();
    // The next start takes over what stands.
    await here.start();
    expect(here.faultLines()).toEqual([]);
    await here.expectFirewallWhole();
    await here.expectBansInLedger();
    await here.engine.stop();
  }, 60_000);

  atLength(
    'failing half-way while the engine starts: it ends with the cause, and nothing of it stands',
    async () => {
      const before = await here.kernel();
      for (const which of ['ip6tables*-restore*', 'ipset restore*']) {
        set('failing', which);
        const engine = here.engine.spawn();
        const ended = await engine.finish(30_000);
        expect(ended).toMatchObject({
          code: 1,
          stderr: expect.stringMatching(/everything is as it was before.*a fault of the test/),
        });
        expect(await here.kernel()).toBe(before);
      }
      await here.flowsAfter(Date.now());
    },
    60_000,
  );
});
