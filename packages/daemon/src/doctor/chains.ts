import { Chain, isOwnJump, SetName } from '@portcullis/firewall';
import { type Circumstances, failsOpen, inspecting, queueNumbers } from './circumstances';
import { type Finding, failed, ok, unknown } from './finding';
import { type FamilyTables, rulesOf } from './kernel-tables';

type Tables = readonly FamilyTables[];

/** Chains of ours that may be entered before the bypass chain: they take nothing away from it. */
const BEFORE_BYPASS: readonly string[] = [Chain.ban, Chain.enter];

/** Where the rules of a hook enter a chain of ours; -1: nowhere. */
const entering = (rules: readonly string[], chain: string): number =>
  rules.findIndex((rule) => isOwnJump(rule, chain));

/** Hooks of the mangle table in which packets are queued. */
function queueingHooks({ configuration: { protect } }: Circumstances): string[] {
  const forward = protect.networks.length > 0 || protect.interfaces.length > 0;
  return [...(forward ? ['FORWARD'] : []), ...(protect.host ? ['INPUT', 'OUTPUT'] : [])];
}

/** Rules of an engine that inspects stand, or have stood until somebody took away a part of them. */
export function rulesLeftStanding(tables: Tables, sets: ReadonlyMap<string, unknown>): boolean {
  return sets.has(SetName.ports) || tables.some((each) => each.tables.get('mangle')?.has(Chain.main));
}

/** Why the rules for queueing need not be there; null when they must. */
function notExpected(here: Circumstances): string | null {
  if (here.firewall.problem !== null) return here.firewall.problem;
  if (here.engine.status?.state === 'disabled') return 'protection is off, nothing is queued';
  if (here.configuration.pcap.length > 0) return 'mirrors are watched, nothing is queued';
  if (inspecting(here) || rulesLeftStanding(here.firewall.tables, here.firewall.sets)) return null;
  return 'no engine is running and no rules of one stand';
}

function mendRules({ engine }: Circumstances): string {
  return engine.status === null
    ? "start the engine ('portcullis run', or its service): it writes its rules anew"
    : "the engine puts its rules back within two seconds; where they do not stay, find the program that removes them, then 'portcullis reload'";
}

function familyName({ family }: FamilyTables): string {
  return `IPv${family}`;
}

/** Every hook that packets are queued in enters the administrator's chain before anything of ours can queue. */
export function checkBypassChain(here: Circumstances): Finding {
  const name = 'bypass chain';
  const reason = notExpected(here);
  if (here.firewall.problem !== null || reason !== null) return unknown(name, reason ?? '');
  const { tables } = here.firewall;
  const hooks = queueingHooks(here);
  const problems = tables.flatMap((each) => [
    ...(each.tables.get('mangle')?.has(Chain.bypass)
      ? []
      : [`${each.command} mangle: chain ${Chain.bypass} is gone`]),
    ...hooks.flatMap((hook) => bypassProblem(each, hook)),
  ]);
  if (problems.length > 0) return failed(name, problems.join('; '), mendRules(here));
  const own = tables.map((each) => rulesOf(each, 'mangle', Chain.bypass).length);
  const total = own.reduce((sum, count) => sum + count, 0);
  const inside = total === 0 ? 'empty' : `holds rules of the administrator's: ${total}`;
  return ok(name, `entered first in ${hooks.join(', ')} (${tables.map(familyName).join(', ')}); ${inside}`);
}

function bypassProblem(each: FamilyTables, hook: string): string[] {
  const rules = rulesOf(each, 'mangle', hook);
  const place = entering(rules, Chain.bypass);
  const where = `${each.command} mangle ${hook}`;
  if (place < 0) return [`${where} does not enter ${Chain.bypass}`];
  const before = rules
    .slice(0, place)
    .filter((rule) => !BEFORE_BYPASS.some((chain) => isOwnJump(rule, chain)));
  return before.length === 0 ? [] : [`${where}: '${before[0]}' stands before ${Chain.bypass}`];
}

/** Packets are led to every queue, and pass or not without anybody there as configured. */
export function checkQueueRules(here: Circumstances): Finding {
  const name = 'queue rules';
  const reason = notExpected(here);
  if (here.firewall.problem !== null || reason !== null) return unknown(name, reason ?? '');
  const { tables } = here.firewall;
  const problems = tables.flatMap((each) => [
    ...queueingHooks(here)
      .filter((hook) => entering(rulesOf(each, 'mangle', hook), Chain.main) < 0)
      .map((hook) => `${each.command} mangle ${hook} does not enter ${Chain.main}`),
    ...queueProblems(each, here),
  ]);
  if (problems.length > 0) return failed(name, problems.join('; '), mendRules(here));
  const after = failsOpen(here)
    ? 'passing where nobody is bound (--queue-bypass)'
    : 'dropping where nobody is bound';
  return ok(
    name,
    `lead to queues ${queueNumbers(here.configuration).join(', ')} (${tables.map(familyName).join(', ')}), ${after}`,
  );
}

function queueProblems(each: FamilyTables, here: Circumstances): string[] {
  const rules = [Chain.main, Chain.queue].flatMap((chain) => rulesOf(each, 'mangle', chain));
  const targets = rules.filter((rule) => / -j NFQUEUE /.test(rule));
  return queueNumbers(here.configuration).flatMap((queue) => {
    const own = targets.filter((rule) => new RegExp(` --queue-num ${queue}(?: |$)`).test(rule));
    if (own.length === 0) return [`${each.command} mangle: no rule leads to queue ${queue}`];
    const wrong = own.filter((rule) => / --queue-bypass\b/.test(rule) !== failsOpen(here));
    const is = failsOpen(here) ? 'fails closed, configured is open' : 'fails open, configured is closed';
    return wrong.length === 0 ? [] : [`${each.command} mangle: the rule for queue ${queue} ${is}`];
  });
}

/** What comes from banned addresses is dropped in raw PREROUTING, and what goes to them in OUTPUT and FORWARD. */
export function checkBanRule(here: Circumstances): Finding {
  const name = 'ban rule';
  if (here.firewall.problem !== null) return unknown(name, here.firewall.problem);
  if (here.mode === 'monitoring') return ok(name, 'none: in Monitoring mode nothing is blocked');
  const { tables, sets } = here.firewall;
  const banned = [SetName.ban4, SetName.ban6].reduce((sum, set) => sum + (sets.get(set)?.entries ?? 0), 0);
  if (here.engine.status === null && banned === 0 && !rulesLeftStanding(tables, sets))
    return unknown(name, 'no engine is running and nobody is banned');
  const problems = tables.flatMap(banProblems);
  if (problems.length === 0)
    return ok(name, `first in raw PREROUTING (${tables.map(familyName).join(', ')}), ${banned} banned`);
  const open = banned > 0 ? `; ${banned} banned devices are not kept out` : '';
  return failed(name, `${problems.join('; ')}${open}`, mendRules(here));
}

function banProblems(each: FamilyTables): string[] {
  const set = each.family === 4 ? SetName.ban4 : SetName.ban6;
  const drop = (end: 'src' | 'dst') => `-m set --match-set ${set} ${end} -j DROP`;
  const places = [
    ['raw', 'PREROUTING', Chain.main, drop('src')],
    ['raw', 'OUTPUT', Chain.out, drop('dst')],
    ['mangle', 'FORWARD', Chain.ban, drop('dst')],
  ] as const;
  return places.flatMap(([table, hook, chain, rule]) => {
    const where = `${each.command} ${table} ${hook}`;
    const place = entering(rulesOf(each, table, hook), chain);
    if (place < 0) return [`${where} does not enter ${chain}`];
    if (place > 0) return [`${where}: '${rulesOf(each, table, hook)[0]}' stands before ${chain}`];
    return rulesOf(each, table, chain).includes(rule)
      ? []
      : [`${each.command} ${table} ${chain} does not drop`];
  });
}

/** Objects of ours in the iptables variant that is not in use: its rules are in force all the same. */
export async function checkLeftovers(here: Circumstances): Promise<Finding> {
  const name = 'leftovers';
  if (here.firewall.problem !== null) return unknown(name, here.firewall.problem);
  const { view } = here.firewall;
  const other = view.variant === 'nft' ? 'legacy' : 'nft';
  const found = await view.leftovers();
  if (found.length === 0) return ok(name, `none in iptables-${other}`);
  return failed(name, found.join('; '), removalCommands(found).join(' && '));
}

/** The commands that take leftovers away: rules of hooks first, then the chains they led to. */
export function removalCommands(leftovers: readonly string[]): string[] {
  const jumps: string[] = [];
  const flushes: string[] = [];
  const removals: string[] = [];
  for (const text of leftovers) {
    const [, command, table, what] = /^(\S+) (\w+): (.*)$/.exec(text) ?? [];
    if (command === undefined || what === undefined) continue;
    const prefix = `${command} -w -t ${table}`;
    const [, hook, rule] = /^rule of (\S+): (.*)$/.exec(what) ?? [];
    const [, chain] = /^chain (\S+)$/.exec(what) ?? [];
    if (hook !== undefined) jumps.push(`${prefix} -D ${hook} ${rule}`);
    if (chain === undefined) continue;
    flushes.push(`${prefix} -F ${chain}`);
    removals.push(`${prefix} -X ${chain}`);
  }
  return [...jumps, ...flushes, ...removals];
}
