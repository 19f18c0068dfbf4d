import type { CommandOptions, CommandResult, CommandRunner } from './command';
import { FirewallError } from './errors';
import { chooseIptables } from './iptables';
import { checkPlan, type InstallPlan } from './plan';
import { bansOnly, NOTHING, ruleset } from './ruleset';
import { differences, parseSave, restoreInput, sameState } from './table-state';

const PLAN: InstallPlan = {
  queues: { first: 0, last: 1 },
  failOpen: true,
  markMask: 0x00f00000,
  generation: 0,
  hooks: { forward: true, input: true, output: true },
  ports: 'any',
  excludedInterfaces: ['wg0'],
  monitoring: false,
};

/** Enough of iptables-restore and iptables-save to follow what an input does. */
class PlainTables {
  readonly tables = new Map<string, Map<string, string[]>>();

  constructor() {
    const hooks: Record<string, string[]> = {
      filter: ['INPUT', 'FORWARD', 'OUTPUT'],
      raw: ['PREROUTING', 'OUTPUT'],
      mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
    };
    for (const [table, names] of Object.entries(hooks)) {
      this.tables.set(table, new Map(names.map((name) => [name, []])));
    }
  }

  restore(input: string): void {
    let chains = new Map<string, string[]>();
    for (const line of input.split('\n')) {
      const [command, chain, ...rest] = line.split(' ');
      const rules = chains.get(chain);
      if (line.startsWith('*')) chains = this.tables.get(line.slice(1))!;
      else if (line.startsWith(':')) chains.set(command.slice(1), []);
      else if (command === '-N' && !rules) chains.set(chain, []);
      else if (command === '-A' && rules) rules.push(rest.join(' '));
      else if (command === '-I' && rules) rules.splice(Number(rest[0]) - 1, 0, rest.slice(1).join(' '));
      else if (command === '-D' && rules?.includes(rest.join(' ')))
        rules.splice(rules.indexOf(rest.join(' ')), 1);
      else if (command === '-X' && rules?.length === 0 && !this.leadsTo(chains, chain)) chains.delete(chain);
      else if (line !== '' && line !== 'COMMIT') throw new Error(`refused: ${line}`);
    }
  }

  private leadsTo(chains: Map<string, string[]>, chain: string): boolean {
    return [...chains.values()].some((rules) => rules.some((rule) => rule.endsWith(` ${chain}`)));
  }

  save(): string {
    const lines: string[] = [];
    for (const [table, chains] of this.tables) {
      lines.push(`*${table}`);
      for (const chain of chains.keys())
        lines.push(`:${chain} ${/^[A-Z]/.test(chain) ? 'ACCEPT' : '-'} [1:2]`);
      for (const [chain, rules] of chains) for (const rule of rules) lines.push(`-A ${chain} ${rule}`);
      lines.push('COMMIT');
    }
    return lines.join('\n');
  }

  apply(wanted: ReturnType<typeof ruleset>, options = {}): void {
    this.restore(restoreInput(parseSave(this.save()), wanted, options));
  }
}

describe('restoreInput', () => {
  test.each([4, 6] as const)(
    'from anything to anything, IPv%i, without touching what is not ours',
    (family) => {
      const wanted = {
        full: ruleset(PLAN, family),
        monitoring: ruleset({ ...PLAN, monitoring: true }, family),
        forward: ruleset({ ...PLAN, hooks: { forward: true, input: false, output: false } }, family),
        bans: bansOnly(family),
        nothing: NOTHING,
      };
      for (const before of Object.values(wanted)) {
        for (const after of Object.values(wanted)) {
          const there = new PlainTables();
          const fresh = new PlainTables();
          for (const tables of [there, fresh]) {
            tables.tables.get('mangle')?.get('FORWARD')?.push('-p udp -j ACCEPT');
            tables.tables.get('mangle')?.set('theirs', ['-j RETURN']);
          }
          there.apply(before);
          there.apply(after);
          fresh.apply(after);
          expect(sameState(parseSave(there.save()), parseSave(fresh.save()))).toBe(true);
          expect(there.tables.get('mangle')?.get('FORWARD')?.slice(-1)).toEqual(['-p udp -j ACCEPT']);
          expect(there.tables.get('mangle')?.get('theirs')).toEqual(['-j RETURN']);
          there.apply(NOTHING);
          expect(there.save()).not.toContain('portcullis');
        }
      }
    },
  );

  test('the bypass chain is never declared, and keeps its rules', () => {
    const tables = new PlainTables();
    tables.apply(ruleset(PLAN, 4));
    tables.tables.get('mangle')?.get('portcullis_bypass')?.push('-p tcp -j ACCEPT');
    const input = restoreInput(parseSave(tables.save()), ruleset(PLAN, 4));
    expect(input).not.toMatch(/^:portcullis_bypass/m);
    tables.restore(input);
    tables.apply(NOTHING, { keepBypass: true });
    expect(tables.tables.get('mangle')?.get('portcullis_bypass')).toEqual(['-p tcp -j ACCEPT']);
    expect(tables.tables.get('mangle')?.get('FORWARD')).toEqual(['-j portcullis_bypass']);
  });

  test("somebody's own rule into our chain does not stop its removal; into the bypass chain it keeps that", () => {
    const tables = new PlainTables();
    tables.apply(ruleset(PLAN, 4));
    const forward = tables.tables.get('mangle')?.get('FORWARD');
    forward?.push('-i eth9 -j portcullis', '-i eth9 -j portcullis_bypass');
    tables.apply(NOTHING);
    expect(tables.tables.get('mangle')?.get('FORWARD')).toEqual(['-i eth9 -j portcullis_bypass']);
  });

  test('jumps without a condition, as earlier versions wrote them, are replaced', () => {
    const tables = new PlainTables();
    tables.apply(ruleset(PLAN, 4));
    const fresh = tables.save();
    for (const hook of ['FORWARD', 'INPUT', 'POSTROUTING']) {
      const rules = tables.tables.get('mangle')?.get(hook);
      rules?.splice(0, rules.length, ...rules.map((rule) => rule.replace(/^.* (?=-j portcullis)/, '')));
    }
    expect(tables.save()).not.toBe(fresh);
    tables.apply(ruleset(PLAN, 4));
    expect(tables.save()).toBe(fresh);
  });

  test('differences name what changed', () => {
    const tables = new PlainTables();
    tables.apply(ruleset(PLAN, 4));
    const expected = parseSave(tables.save());
    expect(differences('x', expected, parseSave(tables.save()))).toEqual([]);
    tables.tables.get('mangle')?.get('FORWARD')?.reverse();
    tables.tables.get('raw')?.get('portcullis')?.pop();
    expect(differences('x', expected, parseSave(tables.save()))).toEqual([
      'x raw: chain portcullis was changed',
      expect.stringContaining('x mangle: FORWARD jumps to portcullis, portcullis_bypass'),
    ]);
  });

  test.each([
    '',
    'nonsense',
    '*mangle',
    '-A',
    ':',
    '*mangle\n-A FORWARD',
    '*mangle\n:x\n:FORWARD ACCEPT\n-A x y',
  ])('output that is not iptables-save output is read as nothing: %j', (text) => {
    expect(sameState(parseSave(text), parseSave(''))).toBe(true);
  });
});

describe('ruleset', () => {
  test('--queue-bypass on every queue rule, or on none', () => {
    const chains = (plan: Partial<InstallPlan>) =>
      ruleset({ ...PLAN, protocols: ['tcp', 'udp', 'icmp'], ...plan }, 6).mangle.chains.values();
    const queueing = (plan: Partial<InstallPlan>) =>
      [...chains(plan)].flat().filter((rule) => rule.includes('NFQUEUE'));
    expect(queueing({})).toHaveLength(20);
    for (const rule of queueing({})) expect(rule).toMatch(/ --queue-bypass$/);
    for (const rule of queueing({ failOpen: false })) expect(rule).not.toContain('--queue-bypass');
  });

  test('one queue needs no connection mark to be written per connection', () => {
    const { chains } = ruleset({ ...PLAN, queues: { first: 7, last: 7 } }, 4).mangle;
    expect([...chains.values()].flat().filter((rule) => rule.includes('-m bpf'))).toEqual([]);
    expect(chains.get('portcullis_new')?.at(-1)).toBe('-p tcp -j NFQUEUE --queue-num 7 --queue-bypass');
  });

  test.each([
    [1, '0x200000/0xf00000', '-p tcp -j NFQUEUE --queue-num 0 --queue-bypass'],
    [2, '0x600000/0xf00000', '-p tcp -j NFQUEUE --queue-num 1 --queue-bypass'],
    [4, '0xa00000/0xf00000', '-p tcp -j NFQUEUE --queue-num 3 --queue-bypass'],
  ])('what does not begin with a SYN is queued in both directions: %i queues', (queues, mark, last) => {
    const inbound = { networks: ['192.0.2.0/24'], interfaces: [] };
    const { chains } = ruleset({ ...PLAN, queues: { first: 0, last: queues - 1 }, inbound }, 4).mangle;
    const rules = chains.get('portcullis_new') as string[];
    const asked = rules.indexOf(`-p tcp -m connmark --mark ${mark} -g portcullis_taken`);
    expect(rules[asked - 1]).toMatch(new RegExp(`--ctstate NEW -j CONNMARK --set-xmark ${mark}$`));
    expect(rules[asked + 1]).toMatch(/--ctdir ORIGINAL -g portcullis_in$/);
    expect(chains.get('portcullis_taken')?.at(-1)).toBe(last);
  });

  test('a connection with a queue gets there without being asked about again, unless its port is selected no more', () => {
    const rules = ruleset(
      { ...PLAN, ports: [{ first: 80, last: 80 }], eitherPort: true },
      4,
    ).mangle.chains.get('portcullis')!;
    const queueing = rules.findIndex((rule) => rule.includes('NFQUEUE'));
    expect(rules.slice(queueing - 1)).toEqual([
      expect.stringMatching(/^-p tcp .*portcullis_ports src .*portcullis_ports dst -g portcullis_new$/),
      '-p tcp -m connmark --mark 0x200000/0xf00000 -j NFQUEUE --queue-num 0 --queue-bypass',
      '-p tcp -m connmark --mark 0x400000/0xf00000 -j NFQUEUE --queue-num 1 --queue-bypass',
      '-g portcullis_new',
    ]);
    expect(rules).toContain('-i wg0 -g portcullis_new');
    expect(rules.join('\n')).not.toContain('addrtype');
  });

  test('where every port is selected no packet is asked for its ports', () => {
    const asked = (ports: InstallPlan['ports']) =>
      [...ruleset({ ...PLAN, ports }, 4).mangle.chains.values()]
        .flat()
        .join('\n')
        .includes('portcullis_ports');
    expect(asked([{ first: 80, last: 80 }])).toBe(true);
    expect(asked([{ first: 0, last: 65535 }])).toBe(false);
  });

  test('every mark that is written or compared is masked', () => {
    for (const { chains } of Object.values(ruleset({ ...PLAN, queues: { first: 0, last: 3 } }, 4))) {
      for (const rule of [...chains.values()].flat()) {
        for (const [, value] of rule.matchAll(/--(?:mark|set-xmark) (\S+)/g)) {
          expect(value).toMatch(/^0x[0-9a-f]+\/0x[0-9a-f]+$/);
        }
        if (rule.includes('--save-mark')) expect(rule).toMatch(/--nfmask 0xf00000 --ctmask 0xf00000/);
      }
    }
  });

  test.each([
    [{ queues: { first: 3, last: 2 } }, 'PLAN_INVALID'],
    [{ queues: { first: 0, last: 65536 } }, 'PLAN_INVALID'],
    [{ queues: { first: 0, last: 4 } }, 'MARK_MASK_INVALID'],
    [{ generation: -1 }, 'PLAN_INVALID'],
    [{ protocols: [] }, 'PLAN_INVALID'],
    [{ protocols: ['sctp' as 'tcp'] }, 'PLAN_INVALID'],
    [{ excludedInterfaces: ['eth0 -j ACCEPT'] }, 'PLAN_INVALID'],
    [{ excludedInterfaces: ['-x'] }, 'PLAN_INVALID'],
    [{ excludedInterfaces: ['a\nCOMMIT'] }, 'PLAN_INVALID'],
    [{ ports: [{ first: 5, last: 1 }] }, 'PORTS_INVALID'],
  ])('plan %j is refused: %s', (change, code) => {
    expect(() => checkPlan({ ...PLAN, ...change })).toThrow(expect.objectContaining({ code }));
  });
});

describe('chooseIptables', () => {
  const choose = (versions: Record<string, string>, backend: 'auto' | 'nft' | 'legacy') => {
    const run = (
      program: string,
      _args: readonly string[],
      _options?: CommandOptions,
    ): Promise<CommandResult> => {
      const stdout = versions[program];
      if (stdout === undefined) return Promise.reject(new FirewallError('IPTABLES_MISSING', program));
      return Promise.resolve({ exitCode: 0, stdout, stderr: '' });
    };
    return chooseIptables({ run } as CommandRunner, backend).then((chosen) => chosen.name(6));
  };
  const nft = 'iptables v1.8.9 (nf_tables)\n';
  const legacy = 'iptables v1.8.9 (legacy)\n';
  const both = { 'iptables-nft': nft, 'iptables-legacy': legacy };

  test.each([
    [{ iptables: nft, ...both }, 'auto', 'ip6tables-nft'],
    [{ iptables: legacy, ...both }, 'auto', 'ip6tables-legacy'],
    [{ iptables: nft, ...both }, 'legacy', 'ip6tables-legacy'],
    [{ 'iptables-legacy': legacy }, 'auto', 'ip6tables-legacy'],
    [{ iptables: 'iptables v1.6.1\n' }, 'auto', 'ip6tables'],
    [{ iptables: 'iptables v1.6.1\n' }, 'legacy', 'ip6tables'],
  ] as const)('%j, %s: %s', async (versions, backend, program) => {
    expect(await choose(versions, backend)).toBe(program);
  });

  test('nothing suitable is an error that says what to do', async () => {
    await expect(choose({}, 'auto')).rejects.toMatchObject({
      code: 'IPTABLES_MISSING',
      message: expect.stringContaining('apt-get install iptables'),
    });
    await expect(choose({ iptables: legacy }, 'nft')).rejects.toMatchObject({ code: 'IPTABLES_MISSING' });
  });
});
