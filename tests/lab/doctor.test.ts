/** `portcullis doctor` on a gateway that is well, and on one where somebody has broken a single thing. */
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import type { Finding } from '@portcullis/daemon';
import { Lab } from '@portcullis/testkit';
import { command, describeLab, LabEngine } from './engine';

describeLab('the doctor', () => {
  let lab: Lab;
  let engine: LabEngine;
  beforeAll(async () => {
    lab = new Lab('pcdoc');
    engine = new LabEngine(lab, { queues: '0-1', settings: { 'metrics.listen': '127.0.0.1:9477' } });
    await engine.start();
  }, 60_000);
  afterAll(async () => {
    if (engine?.process?.running) await engine.stop();
    lab?.destroy();
    engine?.remove();
  }, 20_000);

  interface Examination {
    code: number | null;
    findings: Map<string, Finding>;
    /** States of all that is not ok, by name. */
    notOk: Record<string, Finding['state']>;
  }

  async function examine(): Promise<Examination> {
    const argv = [process.execPath, command, 'doctor', '--json', '--config', engine.configuration];
    // Longer than usual: it waits for an engine that does not answer.
    const options = { env: { PORTCULLIS_POLICY: '' }, timeout: 30_000 };
    const { code, stdout, stderr } = await lab.exec('gateway', argv, options);
    if (stdout === '') throw new Error(stderr);
    const findings = JSON.parse(stdout) as Finding[];
    const wrong = findings.filter(({ state }) => state !== 'ok');
    return {
      code,
      findings: new Map(findings.map((finding) => [finding.name, finding])),
      notOk: Object.fromEntries(wrong.map(({ name, state }) => [name, state])),
    };
  }

  const gateway = (...argv: string[]) => lab.run('gateway', argv);
  const restart = async () => {
    if (engine.process.running) await engine.kill();
    await engine.start();
  };

  test('proves that a running engine is well', async () => {
    const { code, findings } = await examine();
    expect([...findings.values()].filter(({ state }) => state !== 'ok')).toEqual([]);
    expect(code).toBe(0);
    expect(findings.get('queue 0')?.seen).toMatch(/^bound, fail-open on, GSO on, length 8192/);
    expect(findings.get('bypass chain')?.seen).toMatch(/first in FORWARD, INPUT, OUTPUT \(IPv4, IPv6\)/);
    expect(findings.get('ban rule')?.seen).toMatch(/first in raw PREROUTING \(IPv4, IPv6\), 0 banned/);
    expect(findings.get('workers')?.seen).toBe('2 of 2 at work');
    expect(findings.get('metrics')?.seen).toBe('http://127.0.0.1:9477/metrics answers');
    const text = (await engine.ask('doctor')).stdout;
    expect(text).toMatch(/^ok {7}bypass chain +entered first/m);
    expect(text).toMatch(/\n0 failed, 0 warnings, \d+ ok, 0 could not be checked\n$/);
    expect(text).not.toContain('\u001b');
  }, 60_000);

  test('names the leftovers of the other iptables variant; its command removes them', async () => {
    const other = (await gateway('iptables', '--version')).includes('nf_tables') ? 'legacy' : 'nft';
    for (const argv of [
      ['-N', 'portcullis'],
      ['-A', 'portcullis', '-p', 'tcp', '-j', 'NFQUEUE', '--queue-num', '0', '--queue-bypass'],
      ['-A', 'FORWARD', '-j', 'portcullis'],
    ])
      await gateway(`iptables-${other}`, '-w', '-t', 'mangle', ...argv);
    const { code, findings } = await examine();
    expect(code).toBe(1);
    const leftovers = findings.get('leftovers') as Finding;
    expect(leftovers.state).toBe('failed');
    expect(leftovers.seen).toContain(`iptables-${other} mangle: rule of FORWARD: -j portcullis`);
    await gateway('sh', '-ec', leftovers.mend as string);
    expect((await examine()).notOk).toEqual({});
  }, 60_000);

  test('names an event file that was moved away', async () => {
    const path = join(engine.directory, 'log', 'eve.json');
    renameSync(path, `${path}.1`);
    expect((await examine()).notOk).toEqual({ 'EVE file': 'failed' });
    expect((await engine.ask('reload')).code).toBe(0);
    expect((await examine()).notOk).toEqual({});
  }, 60_000);

  test('says that protection is off', async () => {
    await engine.ask('disable');
    const { code, findings } = await examine();
    expect(code).toBe(0);
    expect(findings.get('protection')).toMatchObject({
      state: 'warning',
      mend: "turn it on: 'portcullis enable'",
    });
    expect([...findings.values()].filter(({ state }) => state === 'failed')).toEqual([]);
    await engine.ask('enable');
    expect((await examine()).notOk).toEqual({});
  }, 60_000);

  test('without the rights to probe it ends with 4', async () => {
    const argv = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, command];
    const { code, stdout } = await lab.exec('gateway', [...argv, 'doctor']);
    expect(code).toBe(4);
    expect(stdout).toMatch(/^failed +permission +CAP_NET_ADMIN and CAP_NET_RAW missing\n +fix: use sudo/m);
  }, 60_000);

  test('an engine that does not answer is told, with what somebody has flushed meanwhile', async () => {
    engine.process.kill('SIGSTOP');
    await gateway('iptables', '-w', '-t', 'raw', '-F');
    const { code, findings } = await examine();
    await engine.kill();
    expect(code).toBe(1);
    expect(findings.get('engine')).toMatchObject({
      state: 'failed',
      seen: expect.stringMatching(/does not answer within/),
    });
    expect(findings.get('queue 0')).toMatchObject({
      state: 'unknown',
      seen: expect.stringMatching(/^bound by/),
    });
    expect(findings.get('ban rule')?.seen).toMatch(/raw PREROUTING does not enter portcullis/);
  }, 40_000);

  describe('when the engine was killed', () => {
    const DEAD = { engine: 'failed', 'queue 0': 'failed', 'queue 1': 'failed' } as const;
    /** What only an engine can tell. */
    const UNKNOWN = Object.fromEntries(
      ['protection', 'workers', 'queue drops', 'firewall repairs'].map((name) => [name, 'unknown']),
    );
    beforeAll(async () => {
      await restart();
      await engine.kill();
    }, 60_000);

    test('says so, and that its rules lead nowhere', async () => {
      const { code, findings, notOk } = await examine();
      expect(code).toBe(1);
      expect(notOk).toEqual({ ...DEAD, ...UNKNOWN });
      expect(findings.get('engine')?.seen).toMatch(/is not running/);
      expect(findings.get('queue 1')?.seen).toMatch(/rules of a dead engine.*passes uninspected/);
    }, 60_000);

    test('and the mangle table flushed, names every hook that lacks its rules', async () => {
      const saved = join(engine.directory, 'mangle.save');
      await gateway('sh', '-ec', `iptables-save -t mangle > ${saved}; iptables -w -t mangle -F`);
      const { findings, notOk } = await examine();
      const wrong = { 'queue rules': 'failed', 'bypass chain': 'failed', 'ban rule': 'failed' };
      expect(notOk).toEqual({ ...DEAD, ...UNKNOWN, ...wrong });
      for (const hook of ['FORWARD', 'INPUT', 'OUTPUT'])
        expect(findings.get('bypass chain')?.seen).toMatch(
          new RegExp(`iptables-\\w+ mangle ${hook} does not enter portcullis_bypass`),
        );
      expect(findings.get('bypass chain')?.seen).not.toContain('ip6tables');
      expect(findings.get('ban rule')?.seen).toMatch(/mangle FORWARD does not enter portcullis_ban$/);
      await gateway('iptables-restore', '-w', '-T', 'mangle', saved);
    }, 60_000);

    test('and a rule put before the bypass chain, names it', async () => {
      await gateway('ip6tables', '-w', '-t', 'mangle', '-I', 'INPUT', '-p', 'tcp', '-j', 'ACCEPT');
      const { findings, notOk } = await examine();
      expect(notOk).toEqual({ ...DEAD, ...UNKNOWN, 'bypass chain': 'failed' });
      expect(findings.get('bypass chain')?.seen).toMatch(
        /^ip6tables-\w+ mangle INPUT: '-p tcp -j ACCEPT' stands before portcullis_bypass$/,
      );
      await gateway('ip6tables', '-w', '-t', 'mangle', '-D', 'INPUT', '-p', 'tcp', '-j', 'ACCEPT');
    }, 60_000);

    test('and the ban rule taken out of raw, names it', async () => {
      await gateway('ip6tables', '-w', '-t', 'raw', '-D', 'PREROUTING', '-j', 'portcullis');
      const { findings, notOk } = await examine();
      expect(notOk).toEqual({ ...DEAD, ...UNKNOWN, 'ban rule': 'failed' });
      expect(findings.get('ban rule')?.seen).toMatch(
        /^ip6tables-\w+ raw PREROUTING does not enter portcullis$/,
      );
      await gateway('ip6tables', '-w', '-t', 'raw', '-I', 'PREROUTING', '-j', 'portcullis');
    }, 60_000);

    test('and its ports set emptied, names it', async () => {
      await gateway('ipset', 'flush', 'portcullis_ports');
      const { notOk } = await examine();
      expect(notOk).toEqual({ ...DEAD, ...UNKNOWN, 'ports set': 'failed' });
    }, 60_000);
  });

  test.each([
    [4, 'warning', 'holds 4 of 5'],
    [5, 'failed', 'holds 5 of 5: full'],
  ] as const)(
    'a ban set with %d of 5 entries: %s',
    async (entries, state, seen) => {
      await restart();
      const kind = ['hash:net', 'family', 'inet', 'hashsize', '64', 'maxelem', '5', 'timeout', '3600'];
      await gateway('ipset', 'create', 'pcdoc_small', ...kind, 'counters');
      for (let index = 1; index <= entries; index++)
        await gateway('ipset', 'add', 'pcdoc_small', `203.0.113.${index}`);
      await gateway('ipset', 'swap', 'pcdoc_small', 'portcullis_ban4');
      try {
        const { findings, notOk } = await examine();
        expect(findings.get('ban sets')).toMatchObject({ state, seen: expect.stringContaining(seen) });
        expect(notOk).toEqual({ 'ban sets': state });
      } finally {
        await gateway('ipset', 'swap', 'pcdoc_small', 'portcullis_ban4');
        await gateway('ipset', 'destroy', 'pcdoc_small');
      }
    },
    60_000,
  );
});

describeLab('the doctor of a gateway with iptables-legacy in Monitoring mode', () => {
  const testLegacy = Lab.hasBackend('legacy') ? test : test.skip;

  testLegacy(
    'finds all well',
    async () => {
      const lab = new Lab('pcdocl', { backend: 'legacy' });
      const engine = new LabEngine(lab);
      try {
        expect((await engine.ask('service', 'register', '--mode', 'monitoring')).code).toBe(0);
        await engine.start();
        const findings = await engine.json<Finding[]>('doctor');
        expect(findings.filter(({ state }) => state !== 'ok')).toEqual([]);
        const seen = (name: string) => findings.find((finding) => finding.name === name)?.seen;
        expect(seen('iptables')).toMatch(/^iptables-legacy/);
        expect(seen('registration')).toMatch(/^monitoring mode/);
        expect(seen('leftovers')).toBe('none in iptables-nft');
        await engine.stop();
      } finally {
        lab.destroy();
        engine.remove();
      }
    },
    60_000,
  );
});
