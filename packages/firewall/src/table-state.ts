import { isOwnJump, targetOf } from './jumps';
import { Chain, OWN_CHAINS, TABLES, type Table } from './names';
import { ruleEdits } from './rule-edits';
import type { Ruleset, TableRules } from './ruleset';

/** What iptables-save says about one table, as far as it concerns us. */
export interface TableState extends TableRules {
  /** Number of rules in each built-in chain; absent when the kernel has not got the table. */
  readonly hookLengths: ReadonlyMap<string, number>;
  /** Position (from 0) of each of our jumps, per built-in chain. */
  readonly positions: ReadonlyMap<string, readonly number[]>;
  /** Rules outside our chains that lead into them with conditions of their own: somebody else's. `-A` lines. */
  readonly references: readonly string[];
  /** Rules of the administrator's bypass chain; undefined when there is no such chain. */
  readonly bypass: readonly string[] | undefined;
}

export type FirewallState = Readonly<Record<Table, TableState>>;

/** Parses the output of `iptables-save`. Tables that are not there come out empty. */
export function parseSave(text: string): FirewallState {
  const sections = new Map<string, string[]>();
  let lines: string[] = [];
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) {
      lines = [];
      sections.set(line.slice(1).trim(), lines);
    } else if (line.startsWith(':') || line.startsWith('-A ')) {
      lines.push(line);
    }
  }
  const state = {} as Record<Table, TableState>;
  for (const table of TABLES) state[table] = parseTable(table, sections.get(table) ?? []);
  return state;
}

function parseTable(table: Table, lines: readonly string[]): TableState {
  const own = OWN_CHAINS[table];
  const targets = table === 'mangle' ? [...own, Chain.bypass] : own;
  const chains = new Map<string, string[]>();
  const jumps = new Map<string, string[]>();
  const positions = new Map<string, number[]>();
  const hookLengths = new Map<string, number>();
  const references: string[] = [];
  let bypass: string[] | undefined;

  for (const line of lines) {
    if (line.startsWith(':')) {
      const [name, policy] = line.slice(1).split(' ');
      if (policy !== '-') hookLengths.set(name, 0);
      else if (own.includes(name)) chains.set(name, []);
      else if (table === 'mangle' && name === Chain.bypass) bypass = [];
      continue;
    }
    const space = line.indexOf(' ', 3);
    const chain = space < 0 ? line.slice(3) : line.slice(3, space);
    const rule = space < 0 ? '' : line.slice(space + 1);
    const length = hookLengths.get(chain);
    if (length !== undefined) hookLengths.set(chain, length + 1);
    if (chains.has(chain)) {
      chains.get(chain)?.push(rule);
      continue;
    }
    if (bypass && chain === Chain.bypass) bypass.push(rule);
    const target = targetOf(rule);
    if (target === undefined || !targets.includes(target)) continue;
    if (length !== undefined && isOwnJump(rule, target)) {
      append(jumps, chain, rule);
      append(positions, chain, length);
    } else {
      references.push(line);
    }
  }
  return { chains, jumps, positions, hookLengths, references, bypass };
}

function append<V>(map: Map<string, V[]>, key: string, value: V): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

/**
 * The input of `iptables-restore --noflush` that turns what stands there into what is wanted and touches nothing of
 * others. The bypass chain is never declared (that would empty it): it is made with -N where it is missing.
 *
 * @param options.keepBypass the chain stays even though nothing wanted jumps to it, and so do the jumps that it has
 * @param options.standing chains as they were asked for that stand as they were written: of these only what differs is touched,
 *   other chains are written anew
 */
export function restoreInput(state: FirewallState, wanted: Ruleset, options: RestoreOptions = {}): string {
  return TABLES.map((table) => tableInput(table, state[table], wanted[table], options)).join('');
}

export interface RestoreOptions {
  readonly keepBypass?: boolean;
  readonly standing?: StandingChains | undefined;
}

export type StandingChains = Readonly<Record<Table, TableRules['chains']>>;

/** What was asked for, as far as it stands as it did right after it was written. */
export function standingChains(asked: Ruleset, written: FirewallState, now: FirewallState): StandingChains {
  const standing = {} as Record<Table, TableRules['chains']>;
  for (const table of TABLES)
    standing[table] = new Map(
      [...asked[table].chains].filter(([chain]) => {
        const before = written[table].chains.get(chain);
        return before !== undefined && before.join('\n') === now[table].chains.get(chain)?.join('\n');
      }),
    );
  return standing;
}

function tableInput(
  table: Table,
  state: TableState,
  wanted: TableRules,
  { keepBypass = false, standing }: RestoreOptions,
): string {
  const wantedJumps = [...wanted.jumps].filter(([, jumps]) => jumps.length > 0);
  const bypassWanted = wantedJumps.some(([, jumps]) => jumps.some((jump) => targetOf(jump) === Chain.bypass));
  const surplus = [...state.chains.keys()].filter((chain) => !wanted.chains.has(chain));
  const lines: string[] = [];

  const asked = (chain: string) => standing?.[table].get(chain);
  const written = [...wanted.chains.keys()].filter((chain) => asked(chain) === undefined);
  for (const chain of [...written, ...surplus]) lines.push(`:${chain} - [0:0]`);
  if (bypassWanted && state.bypass === undefined) lines.push(`-N ${Chain.bypass}`);
  for (const [hook, jumps] of state.jumps) {
    for (const jump of jumps) {
      if (targetOf(jump) === Chain.bypass && !bypassWanted && keepBypass) continue;
      lines.push(`-D ${hook} ${jump}`);
    }
  }
  // A chain that something still leads into cannot be deleted; a rule that leads into a chain that goes has no use.
  for (const reference of state.references) {
    if (surplus.some((chain) => reference.endsWith(` ${chain}`))) lines.push(reference.replace('-A', '-D'));
  }
  for (const [chain, rules] of wanted.chains) {
    const before = asked(chain);
    if (before === undefined) for (const rule of rules) lines.push(`-A ${chain} ${rule}`);
    else lines.push(...ruleEdits(chain, before, rules).lines);
  }
  for (const [hook, jumps] of wantedJumps) {
    jumps.forEach((jump, index) => {
      lines.push(`-I ${hook} ${index + 1} ${jump}`);
    });
  }
  for (const chain of surplus) lines.push(`-X ${chain}`);
  const bypassInUse = state.references.some((reference) => reference.endsWith(` ${Chain.bypass}`));
  if (!bypassWanted && !keepBypass && state.bypass !== undefined && !bypassInUse) {
    lines.push(`-X ${Chain.bypass}`);
  }
  return lines.length === 0 ? '' : `*${table}\n${lines.join('\n')}\nCOMMIT\n`;
}

/** Whether two readings say the same about what is ours. */
export function sameState(a: FirewallState, b: FirewallState): boolean {
  const text = (state: FirewallState): string =>
    JSON.stringify(
      TABLES.map((table) => {
        const { chains, jumps, bypass } = state[table];
        return [[...chains].sort(), [...jumps].sort(), bypass !== undefined];
      }),
    );
  return text(a) === text(b);
}

/** What differs between what was installed and what stands there, each as a sentence. */
export function differences(name: string, expected: FirewallState, actual: FirewallState): string[] {
  const found: string[] = [];
  for (const table of TABLES) {
    const wanted = expected[table];
    const there = actual[table];
    for (const [chain, rules] of wanted.chains) {
      const now = there.chains.get(chain);
      if (now === undefined) found.push(`${name} ${table}: chain ${chain} is gone`);
      else if (now.join('\n') !== rules.join('\n'))
        found.push(`${name} ${table}: chain ${chain} was changed`);
    }
    if (wanted.bypass !== undefined && there.bypass === undefined) {
      found.push(`${name} ${table}: chain ${Chain.bypass} is gone`);
    }
    const hooks = new Set([...wanted.jumps.keys(), ...there.jumps.keys()]);
    for (const hook of hooks) {
      const want = wanted.jumps.get(hook) ?? [];
      const now = there.jumps.get(hook) ?? [];
      if (want.join('\n') !== now.join('\n')) {
        found.push(
          `${name} ${table}: ${hook} jumps to ${targets(now) || 'none of our chains'} instead of ${targets(want) || 'none'}`,
        );
      } else if ((there.positions.get(hook) ?? []).some((position, index) => position !== index)) {
        found.push(`${name} ${table}: rules of others stand before or between ours in ${hook}`);
      }
    }
  }
  return found;
}

const targets = (jumps: readonly string[]): string => jumps.map(targetOf).join(', ');
