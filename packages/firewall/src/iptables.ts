import { existsSync } from 'node:fs';
import type { CommandResult, CommandRunner } from './command';
import { explainCommandFailure, FirewallError } from './errors';
import { type Family, TABLES, type Table } from './names';
import type { Questions } from './resident-shell';
import { ruleEdits } from './rule-edits';
import type { Ruleset } from './ruleset';
import { type FirewallState, parseSave, restoreInput, type StandingChains } from './table-state';

export type IptablesVariant = 'nft' | 'legacy';

/** How long a command waits for the xtables lock, in seconds. */
const LOCK_WAIT = '10';

/** The programs of one variant, for both families. */
export class Iptables {
  constructor(
    private readonly runner: Questions,
    readonly variant: IptablesVariant,
    /** Without the variant's own names (an old distribution) the plain ones are used. */
    private readonly plainNames = false,
  ) {}

  /** The same programs, run by another. */
  runBy(runner: Questions): Iptables {
    return new Iptables(runner, this.variant, this.plainNames);
  }

  private program(family: Family, suffix: '' | '-save' | '-restore'): string {
    const stem = family === 4 ? 'iptables' : 'ip6tables';
    return this.plainNames ? `${stem}${suffix}` : `${stem}-${this.variant}${suffix}`;
  }

  name(family: Family): string {
    return this.program(family, '');
  }

  async state(family: Family): Promise<FirewallState> {
    const { stdout } = await this.checked(this.program(family, '-save'), []);
    return parseSave(stdout);
  }

  /**
   * Makes the tables say what is wanted, each table all or nothing. What others change between our reading and our
   * writing makes the writing fail; it is then done anew.
   *
   * @param options.known a state just read, to save reading it again
   * @param options.standing chains of that state of which only what differs is touched
   */
  async apply(family: Family, wanted: Ruleset, options: ApplyOptions = {}): Promise<Applied> {
    const program = this.program(family, '-restore');
    const { keepBypass = false } = options;
    for (let attempt = 1; ; attempt++) {
      const state = attempt === 1 && options.known ? options.known : await this.state(family);
      // What is wrong after a change is written as a whole.
      const standing = attempt === 1 ? options.standing : undefined;
      const input = restoreInput(state, wanted, { keepBypass, standing });
      if (input !== '') {
        const args = ['-w', LOCK_WAIT, '--noflush'];
        const result = await this.runner.run(program, args, { input: [input] });
        if (result.exitCode !== 0) {
          if (attempt < 3 && (standing || (await this.wasOvertaken(family, input, wanted, keepBypass))))
            continue;
          throw explainRestoreFailure([program, ...args].join(' '), result, input);
        }
      }
      const after = await this.state(family);
      const kept = keptRules(standing, wanted);
      const problem = missingAfter(after, wanted) ?? movedAfter(state, after, kept);
      if (problem === undefined) return { state: after, kept };
      if (attempt >= 3) {
        throw new FirewallError(
          'COMMAND_FAILED',
          `${program} succeeded but ${problem}: another program keeps changing the firewall.`,
          { command: program },
        );
      }
    }
  }

  private async wasOvertaken(
    family: Family,
    input: string,
    wanted: Ruleset,
    keepBypass: boolean,
  ): Promise<boolean> {
    return restoreInput(await this.state(family), wanted, { keepBypass }) !== input;
  }

  /** What the rules that match have counted, in these chains of a table; none where there is nothing. */
  async counters(
    family: Family,
    table: Table,
    chains: readonly string[],
    rule: RegExp,
  ): Promise<RuleCount[]> {
    const args = ['-w', LOCK_WAIT, '-t', table, '-v', '-S'];
    const result = await this.runner.run(this.program(family, ''), args);
    const counts: RuleCount[] = [];
    if (result.exitCode !== 0) return counts;
    const lengths = new Map<string, number>();
    for (const line of result.stdout.split('\n')) {
      const count = /^-A (\S+) .*-c (\d+) (\d+)/.exec(line);
      if (!count) continue;
      const chain = count[1] as string;
      const position = lengths.get(chain) ?? 0;
      lengths.set(chain, position + 1);
      if (chains.includes(chain) && rule.test(line))
        counts.push({ chain, position, packets: Number(count[2]), bytes: Number(count[3]) });
    }
    return counts;
  }

  private async checked(program: string, args: readonly string[]): Promise<CommandResult> {
    const result = await this.runner.run(program, args);
    if (result.exitCode !== 0)
      throw explainCommandFailure([program, ...args].join(' '), result.stderr, result.exitCode);
    return result;
  }
}

export interface ApplyOptions {
  readonly keepBypass?: boolean;
  readonly known?: FirewallState | undefined;
  readonly standing?: StandingChains | undefined;
}

/** Rules that go on counting, by table and chain: where they stood, and where they stand now. */
export type KeptRules = Readonly<Record<Table, ReadonlyMap<string, ReadonlyMap<number, number>>>>;

export interface Applied {
  /** As it stands afterwards. */
  readonly state: FirewallState;
  readonly kept: KeptRules;
}

export interface RuleCount {
  readonly chain: string;
  /** In its chain, from 0. */
  readonly position: number;
  readonly packets: number;
  readonly bytes: number;
}

function keptRules(standing: StandingChains | undefined, wanted: Ruleset): KeptRules {
  const kept = {} as Record<Table, ReadonlyMap<string, ReadonlyMap<number, number>>>;
  for (const table of TABLES)
    kept[table] = new Map(
      [...wanted[table].chains].flatMap(([chain, rules]) => {
        const before = standing?.[table].get(chain);
        return before === undefined ? [] : [[chain, ruleEdits(chain, before, rules).kept]];
      }),
    );
  return kept;
}

function movedAfter(before: FirewallState, after: FirewallState, kept: KeptRules): string | undefined {
  for (const table of TABLES) {
    for (const [chain, positions] of kept[table]) {
      const [then, now] = [before[table].chains.get(chain), after[table].chains.get(chain)];
      if ([...positions].some(([old, at]) => then?.[old] !== now?.[at]))
        return `chain ${chain} of table ${table} is not in the order that was written`;
    }
  }
  return undefined;
}

function missingAfter(state: FirewallState, wanted: Ruleset): string | undefined {
  for (const table of TABLES) {
    for (const [chain, rules] of wanted[table].chains) {
      const now = state[table].chains.get(chain)?.length ?? -1;
      if (now !== rules.length) return `chain ${chain} of table ${table} is not as written`;
    }
    for (const [hook, jumps] of wanted[table].jumps) {
      const now = (state[table].jumps.get(hook) ?? []).filter((jump) => jumps.includes(jump));
      if (now.join('\n') !== jumps.join('\n'))
        return `the jumps in ${hook} of table ${table} are not as written`;
    }
  }
  return undefined;
}

/** iptables-restore names the line of its input; the line itself is what a reader needs. */
function explainRestoreFailure(command: string, result: CommandResult, input: string): FirewallError {
  const failure = explainCommandFailure(command, result.stderr, result.exitCode);
  const number = /line:? (\d+)/i.exec(result.stderr)?.[1];
  const line = number === undefined ? undefined : input.split('\n')[Number(number) - 1];
  if (line === undefined || failure.code !== 'COMMAND_FAILED') return failure;
  const hint = line === 'COMMIT' ? '' : ` The rule was "${line}".`;
  return new FirewallError(
    'COMMAND_FAILED',
    `${failure.message}${hint} The kernel may lack a module (xt_NFQUEUE, xt_set, xt_connmark, xt_conntrack, xt_bpf): see "portcullis doctor".`,
    { command, stderr: result.stderr },
  );
}

/**
 * The variant to use. `auto` is whatever the plain `iptables` command is, because the rules of others are there;
 * without that command the one that is installed.
 *
 * @throws FirewallError IPTABLES_MISSING
 */
export async function chooseIptables(
  runner: CommandRunner,
  backend: 'auto' | IptablesVariant,
): Promise<Iptables> {
  if (backend !== 'auto') {
    if ((await variantOf(runner, `iptables-${backend}`)) !== undefined) return new Iptables(runner, backend);
    if ((await variantOf(runner, 'iptables')) === backend) return new Iptables(runner, backend, true);
    throw new FirewallError(
      'IPTABLES_MISSING',
      `iptables-${backend} is not installed (firewall.backend: ${backend}). Install iptables, or set firewall.backend to auto.`,
      { command: `iptables-${backend}` },
    );
  }
  const plain = await variantOf(runner, 'iptables');
  for (const variant of plain ? [plain] : (['nft', 'legacy'] as const)) {
    if ((await variantOf(runner, `iptables-${variant}`)) !== undefined) return new Iptables(runner, variant);
  }
  if (plain) return new Iptables(runner, plain, true);
  throw new FirewallError(
    'IPTABLES_MISSING',
    'iptables is not installed or not in PATH. Install it (Debian: apt-get install iptables).',
    { command: 'iptables' },
  );
}

/** `iptables v1.8.9 (nf_tables)`, `iptables v1.8.9 (legacy)`; before 1.8 nothing in brackets, and legacy. */
export async function variantOf(
  runner: CommandRunner,
  program: string,
): Promise<IptablesVariant | undefined> {
  try {
    const { exitCode, stdout } = await runner.run(program, ['--version'], { timeoutMilliseconds: 10_000 });
    if (exitCode !== 0) return undefined;
    return /\(nf_tables\)/.test(stdout) ? 'nft' : 'legacy';
  } catch (error) {
    if (error instanceof FirewallError && error.code === 'IPTABLES_MISSING') return undefined;
    throw error;
  }
}

/** A kernel started without IPv6 has no IPv6 tables, and needs none. */
export function kernelHasIpv6(): boolean {
  return existsSync('/proc/net/if_inet6');
}

/** Asking legacy programs makes the kernel create their tables; this tells without asking. */
export async function legacyTablesInUse(runner: CommandRunner, family: Family): Promise<boolean> {
  const file = family === 4 ? '/proc/net/ip_tables_names' : '/proc/net/ip6_tables_names';
  const { stdout } = await runner.run('cat', [file]);
  return stdout.trim() !== '';
}
