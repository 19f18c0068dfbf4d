import { IpSetError, IpSets } from '@portcullis/nfqueue-binding';
import type {
  BanEntry,
  FirewallBackend,
  KernelBan,
  PacketCount,
  RemovalOptions,
  RemovalReport,
} from './backend';
import { BanSets, type BanSetsOptions } from './ban-sets';
import { CommandRunner } from './command';
import { decoySetLines } from './decoys';
import { FirewallError } from './errors';
import { Ipset, portSetLines } from './ipset';
import {
  chooseIptables,
  Iptables,
  type IptablesVariant,
  kernelHasIpv6,
  legacyTablesInUse,
  type RuleCount,
  variantOf,
} from './iptables';
import { Chain, type Family, NextSet, SetName, TABLES } from './names';
import { PackedPrefix, packPrefix } from './packed-prefix';
import { checkPlan, type InstallPlan } from './plan';
import { isEveryPort, normalisePorts, type PortSelection } from './ports';
import { banRefusal, checkDuration, Prefix, refuse } from './prefix';
import { ResidentShell } from './resident-shell';
import { bansOnly, NOTHING, type Ruleset, ruleset, type TableRules } from './ruleset';
import {
  differences,
  type FirewallState,
  type StandingChains,
  sameState,
  standingChains,
} from './table-state';

export interface KernelFirewallOptions {
  /** `firewall.backend`; default auto. */
  backend?: 'auto' | IptablesVariant;
  /** Path of another network namespace to work in, such as `/run/netns/NAME`. */
  networkNamespace?: string;
  /** Put before every command line, for instance `['env', 'PATH=…']`. */
  commandPrefix?: readonly string[];
  banSets?: BanSetsOptions;
}

interface Installed {
  readonly plan: InstallPlan;
  /** By family, as it was asked for and as it then stood. */
  readonly asked: ReadonlyMap<Family, Ruleset>;
  readonly expected: Map<Family, FirewallState>;
}

/** What a look at the kernel has shown: of each family whose tables were read, and of the sets. */
interface LookedAt {
  readonly tables: Map<Family, { readonly state: FirewallState; readonly found: readonly string[] }>;
  readonly sets: string[];
}

const NOT_INSTALLED = 'the firewall rules are not installed';

/** iptables through its own programs, so that what `iptables -S` shows is what was asked for; bans over netlink. */
export class KernelFirewall implements FirewallBackend {
  readonly name: string;
  private readonly ipset: Ipset;
  /** Asks what is asked often, see `ResidentShell`. */
  private readonly shell: ResidentShell;
  private readonly observer: Iptables;
  private readonly sets: IpSets;
  private readonly bans: BanSets;
  private readonly families: readonly Family[];
  private installed: Installed | undefined;
  /** Generation of the tables at which they were as they should be; null: they have to be looked at. */
  private unchangedAt: number | null = null;
  /** What our queue rules had counted before they were written anew. */
  private readonly countedBefore = { 4: 0, 6: 0 };
  /** install, remove and setPorts follow one another. */
  private turn: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly runner: CommandRunner,
    private readonly iptables: Iptables,
    options: KernelFirewallOptions,
  ) {
    this.name = `iptables-${iptables.variant}`;
    this.families = kernelHasIpv6() ? [4, 6] : [4];
    this.ipset = new Ipset(runner);
    this.shell = new ResidentShell(runner);
    this.observer = iptables.runBy(this.shell);
    this.sets = IpSets.open(options.networkNamespace);
    this.bans = new BanSets(this.ipset, this.sets, this.families, options.banSets);
  }

  /** @throws FirewallError IPTABLES_MISSING */
  static async open(options: KernelFirewallOptions = {}): Promise<KernelFirewall> {
    const { networkNamespace: space, commandPrefix = [] } = options;
    // As `ip netns exec`, without the mounts.
    const into = space === undefined ? [] : ['nsenter', `--net=${space}`];
    const runner = new CommandRunner([...into, ...commandPrefix]);
    const iptables = await chooseIptables(runner, options.backend ?? 'auto');
    return new KernelFirewall(runner, iptables, options);
  }

  get variant(): IptablesVariant {
    return this.iptables.variant;
  }

  install(plan: InstallPlan): Promise<void> {
    checkPlan(plan);
    return this.inTurn(() => this.installNow(plan));
  }

  private async installNow(plan: InstallPlan): Promise<void> {
    const before = new Map<Family, FirewallState>();
    const touched: Family[] = [];
    const made: string[] = [];
    let portsBefore: Awaited<ReturnType<Ipset['savedPorts']>>;
    let portsTouched = false;
    let decoysTouched = false;
    try {
      for (const family of this.families) before.set(family, await this.iptables.state(family));
      const counted = await this.readQueueRules();
      portsBefore = await this.ipset.savedPorts(SetName.ports);
      if (!plan.monitoring) made.push(...(await this.bans.ensure()));
      portsTouched = true;
      await this.swapPorts(plan.ports);
      if (plan.decoys) {
        decoysTouched = true;
        await this.ipset.restore(decoySetLines(plan.decoys));
      }
      const asked = new Map<Family, Ruleset>();
      const expected = new Map<Family, FirewallState>();
      for (const family of this.families) {
        touched.push(family);
        const wanted = ruleset(plan, family);
        const known = before.get(family)!;
        const standing = this.standing(family, known);
        const { state, kept } = await this.iptables.apply(family, wanted, {
          keepBypass: true,
          known,
          standing,
        });
        asked.set(family, wanted);
        expected.set(family, state);
        const gone = counted[family].filter(({ chain, position }) => !kept.mangle.get(chain)?.has(position));
        this.countedBefore[family] += packetsOf(gone);
      }
      if (!plan.decoys) await this.destroyDecoySets();
      this.installed = { plan, asked, expected };
      this.unchangedAt = null;
    } catch (cause) {
      const failure = cause instanceof FirewallError ? cause : undefined;
      const reason = cause instanceof Error ? cause.message : String(cause);
      const detail = {
        ...(failure?.command === undefined ? {} : { command: failure.command }),
        ...(failure?.stderr === undefined ? {} : { stderr: failure.stderr }),
        cause,
      };
      try {
        for (const family of touched.reverse()) await this.undo(family, before.get(family)!);
        if (portsTouched) await this.undoPorts(portsBefore);
        await this.ipset.destroy(made);
        if (decoysTouched && !this.installed?.plan.decoys) await this.destroyDecoySets();
      } catch (undoing) {
        const why = undoing instanceof Error ? undoing.message : String(undoing);
        throw new FirewallError(
          'UNDO_FAILED',
          `the firewall rules could not be installed (${reason}), and what had been done could not be undone (${why}). Look at "iptables-save" and "ipset list", mend the cause, then run "portcullis service unregister --purge".`,
          detail,
        );
      }
      throw new FirewallError(
        failure?.code === 'NOT_PERMITTED' ? failure.code : 'INSTALL_FAILED',
        `the firewall rules could not be installed; everything is as it was before. ${reason}`,
        detail,
      );
    }
  }

  /** Chains that stand as this engine wrote them; somebody else's, or those of an earlier run, are written anew. */
  private standing(family: Family, now: FirewallState): StandingChains | undefined {
    const { installed } = this;
    const [asked, written] = [installed?.asked.get(family), installed?.expected.get(family)];
    return asked && written && standingChains(asked, written, now);
  }

  /** Those of an earlier run too; most never have any, and one question is quicker than three attempts. */
  private async destroyDecoySets(): Promise<void> {
    const { decoyPorts } = SetName;
    if ((await this.ipset.headers(decoyPorts)).has(decoyPorts)) await this.ipset.destroy(DECOY_SETS);
  }

  /** Back to what stood there: the chains and jumps that are ours, word for word. */
  private async undo(family: Family, before: FirewallState): Promise<void> {
    if (sameState(before, await this.iptables.state(family))) return;
    const counted = await this.readQueueRules();
    const bypassBefore = before.mangle.bypass !== undefined;
    await this.iptables.apply(family, asRuleset(before), { keepBypass: bypassBefore });
    this.countedBefore[family] += packetsOf(counted[family]);
  }

  private async undoPorts(before: Awaited<ReturnType<Ipset['savedPorts']>>): Promise<void> {
    if (!before) {
      await this.ipset.destroy([SetName.ports, NextSet[SetName.ports]]);
      return;
    }
    const now = await this.ipset.savedPorts(SetName.ports);
    if (JSON.stringify(now) !== JSON.stringify(before)) await this.ipset.restore(portSetLines(before));
    await this.ipset.destroy([NextSet[SetName.ports]]);
  }

  remove(options: RemovalOptions = {}): Promise<RemovalReport> {
    return this.inTurn(() => this.removeNow(options));
  }

  private async removeNow({ purge = false, lift = purge }: RemovalOptions): Promise<RemovalReport> {
    const counted = await this.readQueueRules();
    const states = new Map<Family, FirewallState>();
    for (const family of this.families) states.set(family, await this.iptables.state(family));
    const standing = [...states.values()].some((state) => state.raw.chains.has(Chain.main));
    const inForce = this.installed ? !this.installed.plan.monitoring : standing;
    const bansLeft = lift || !inForce ? 0 : await this.bans.count();
    let bypassKept = false;
    for (const [family, state] of states) {
      const keepBypass = !purge && (state.mangle.bypass?.length ?? 0) > 0;
      bypassKept ||= keepBypass;
      const wanted = bansLeft > 0 ? bansOnly(family) : NOTHING;
      if (purge) await this.emptyBypass(this.iptables, family, state);
      await this.iptables.apply(family, wanted, { keepBypass, known: purge ? undefined : state });
    }
    for (const family of this.families) this.countedBefore[family] += packetsOf(counted[family]);
    this.installed = undefined;
    if (purge) await this.purgeOtherVariant();
    await this.ipset.destroy([SetName.ports, NextSet[SetName.ports]]);
    await this.destroyDecoySets();
    if (bansLeft === 0) {
      const sets = [SetName.ban4, SetName.ban6] as const;
      await this.ipset.destroy([...sets, ...sets.map((set) => NextSet[set])]);
    }
    return { bansLeft, bypassKept };
  }

  /** An engine that ran with the other variant and was killed may have left its rules there. */
  private async purgeOtherVariant(): Promise<void> {
    if ((await this.leftovers()).length === 0) return;
    const other = new Iptables(this.runner, this.variant === 'nft' ? 'legacy' : 'nft');
    for (const family of this.families) {
      const state = await other.state(family);
      await this.emptyBypass(other, family, state);
      await other.apply(family, NOTHING);
    }
  }

  /** A chain with rules cannot be deleted. */
  private async emptyBypass(iptables: Iptables, family: Family, state: FirewallState): Promise<void> {
    if ((state.mangle.bypass?.length ?? 0) === 0) return;
    const args = ['-w', '10', '-t', 'mangle', '-F', Chain.bypass];
    await this.runner.run(iptables.name(family), args);
  }

  verify(): Promise<string[]> {
    return this.inTurn(async () => {
      const { installed } = this;
      if (!installed) return [NOT_INSTALLED];
      const { tables, sets } = await this.look(installed);
      return [...[...tables.values()].flatMap(({ found }) => found), ...sets];
    });
  }

  repair(): Promise<string[]> {
    return this.inTurn(async () => {
      const { installed } = this;
      if (!installed) return [NOT_INSTALLED];
      const { tables, sets } = await this.look(installed);
      if (sets.length > 0) await this.installNow(installed.plan);
      else await this.putBack(installed, tables);
      return [...[...tables.values()].flatMap(({ found }) => found), ...sets];
    });
  }

  /** Only what is wrong: every program that runs is a while in which it stays so. */
  private async putBack({ plan, expected }: Installed, tables: LookedAt['tables']): Promise<void> {
    const changed = [...tables].filter(([, { found }]) => found.length > 0);
    if (changed.length === 0) return;
    const counted = await this.readQueueRules();
    const put = async ([family, { state: known }]: (typeof changed)[number]) => {
      const { state } = await this.iptables.apply(family, ruleset(plan, family), { keepBypass: true, known });
      expected.set(family, state);
      this.countedBefore[family] += packetsOf(counted[family]);
    };
    await Promise.all(changed.map(put));
    this.unchangedAt = null;
  }

  private async look({ plan, expected }: Installed): Promise<LookedAt> {
    const tables = await this.changedTables(expected);
    const sets = this.missingSets(plan);
    // Their number is known at once; to read them all, every second, would be work for a busy host.
    const wanted = normalisePorts(plan.ports).reduce((sum, { first, last }) => sum + last - first + 1, 0);
    const ports = await this.countedPorts();
    if (ports !== null && ports !== wanted) sets.push(`ipset: set ${SetName.ports} was changed`);
    return { tables, sets };
  }

  mayHaveChanged(): boolean {
    const generation = this.generation();
    return this.installed !== undefined && generation !== null && generation !== this.unchangedAt;
  }

  /** Of the tables; null where the kernel tells none. */
  private generation(): number | null {
    return this.variant === 'nft' ? this.sets.tableGeneration() : null;
  }

  private async observed(family: Family): Promise<FirewallState> {
    try {
      return await this.observer.state(family);
    } catch {
      // The shell keeps nothing of what programs complain about: asked directly, this one says why, or does not fail again.
      return this.iptables.state(family);
    }
  }

  /**
   * Reading the tables takes two programs and milliseconds of processor time in which packets wait, so they are read
   * when the kernel says that something has changed. The legacy tables say nothing: they are read each time.
   */
  private async changedTables(expected: Installed['expected']): Promise<LookedAt['tables']> {
    const tables: LookedAt['tables'] = new Map();
    const generation = this.generation();
    if (generation !== null && generation === this.unchangedAt) return tables;
    for (const [family, wanted] of expected) {
      const state = await this.observed(family);
      tables.set(family, { state, found: differences(this.iptables.name(family), wanted, state) });
    }
    const right = [...tables.values()].every(({ found }) => found.length === 0);
    this.unchangedAt = right ? generation : null;
    return tables;
  }

  private missingSets({ monitoring, decoys }: InstallPlan): string[] {
    const gone: string[] = monitoring ? [] : this.bans.missing();
    for (const name of [SetName.ports, ...(decoys ? [SetName.decoyPorts] : [])])
      if (!this.sets.exists(name)) gone.push(name);
    return gone.map((name) => `ipset: set ${name} is gone`);
  }

  /** null: there is no such set. */
  private async countedPorts(): Promise<number | null> {
    try {
      return await this.sets.count(SetName.ports);
    } catch (error) {
      if (error instanceof IpSetError && error.code === 'SET_MISSING') return null;
      throw error;
    }
  }

  async bypassRules(): Promise<number> {
    let rules = 0;
    for (const family of this.families) {
      const { mangle } = await this.observer.state(family);
      rules += mangle.bypass?.length ?? 0;
    }
    return rules;
  }

  async leftovers(): Promise<string[]> {
    const other: IptablesVariant = this.variant === 'nft' ? 'legacy' : 'nft';
    const found: string[] = [];
    const iptables = new Iptables(this.runner, other);
    for (const family of this.families) {
      if ((await variantOf(this.runner, iptables.name(family))) === undefined) continue;
      if (other === 'legacy' && !(await legacyTablesInUse(this.runner, family))) continue;
      const state = await iptables.state(family);
      for (const table of TABLES) {
        const { chains, jumps, bypass } = state[table];
        for (const chain of chains.keys()) found.push(`${iptables.name(family)} ${table}: chain ${chain}`);
        if (bypass) found.push(`${iptables.name(family)} ${table}: chain ${Chain.bypass}`);
        for (const [hook, rules] of jumps)
          for (const rule of rules) found.push(`${iptables.name(family)} ${table}: rule of ${hook}: ${rule}`);
      }
    }
    return found;
  }

  setPorts(ports: PortSelection): Promise<void> {
    normalisePorts(ports);
    return this.inTurn(async () => {
      if (!this.installed) {
        throw new FirewallError('NOT_INSTALLED', 'the firewall rules are not installed.');
      }
      const { plan } = this.installed;
      // With every port selected no rule asks for them.
      if (isEveryPort(plan.ports) !== isEveryPort(ports)) return this.installNow({ ...plan, ports });
      await this.swapPorts(ports);
      this.installed = { ...this.installed, plan: { ...plan, ports } };
    });
  }

  private swapPorts(ports: PortSelection): Promise<void> {
    return this.ipset.restore(portSetLines(normalisePorts(ports)));
  }

  queueRulePackets(): Promise<PacketCount> {
    // Between two writings: else what was counted would be missing, or be there twice.
    return this.inTurn(async () => {
      const now = await this.readQueueRules();
      return {
        ipv4: this.countedBefore[4] + packetsOf(now[4]),
        ipv6: this.countedBefore[6] + packetsOf(now[6]),
      };
    });
  }

  private async readQueueRules(): Promise<Record<Family, RuleCount[]>> {
    const chains = [Chain.main, Chain.unassigned, Chain.queue];
    const [ipv4, ipv6] = await Promise.all(
      ([4, 6] as const).map(async (family) =>
        this.families.includes(family)
          ? this.observer.counters(family, 'mangle', chains, / -j NFQUEUE /)
          : [],
      ),
    );
    return { 4: ipv4 as RuleCount[], 6: ipv6 as RuleCount[] };
  }

  async dropCounters(): Promise<{ packets: number; bytes: number }> {
    const places = [
      ['raw', [Chain.main, Chain.out]],
      ['mangle', [Chain.ban]],
    ] as const;
    let packets = 0;
    let bytes = 0;
    for (const family of this.families) {
      for (const [table, chains] of places) {
        for (const count of await this.observer.counters(family, table, chains, / -j DROP$/)) {
          packets += count.packets;
          bytes += count.bytes;
        }
      }
    }
    return { packets, bytes };
  }

  async ban(prefix: string, seconds: number): Promise<void> {
    checkDuration(seconds);
    await this.bans.add({ prefix: bannable(prefix), remaining: Math.ceil(seconds) });
  }

  async unban(prefix: string): Promise<void> {
    await this.bans.removeInside(Prefix.parse(prefix));
  }

  async unbanEach(prefixes: readonly string[]): Promise<void> {
    await this.bans.remove(prefixes.map(normalForm));
  }

  async unbanAll(known: Iterable<string> = []): Promise<void> {
    this.bans.flush(known);
  }

  async except(prefix: string, seconds: number): Promise<void> {
    if (seconds !== 0) checkDuration(seconds);
    const { text } = Prefix.parse(prefix);
    await this.bans.add({ prefix: text, remaining: Math.ceil(seconds), exception: true });
  }

  restoreBans(entries: Iterable<BanEntry>, count: number): Promise<void> {
    return this.bans.restore(entries, count);
  }

  async listBans(): Promise<KernelBan[]> {
    const bans: KernelBan[] = [];
    await this.bans.each((ban) => bans.push(ban));
    return bans;
  }

  eachBan(visit: (ban: KernelBan) => void): Promise<void> {
    return this.bans.each(visit);
  }

  async holdsAll(prefixes: readonly string[]): Promise<boolean> {
    return this.bans.holdsAll(prefixes);
  }

  banCount(): Promise<number> {
    return this.bans.count();
  }

  async close(): Promise<void> {
    await this.turn;
    await this.bans.settle();
    await this.sets.close();
    this.shell.close();
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.turn.then(work);
    this.turn = result.catch(() => undefined);
    return result;
  }
}

const packetsOf = (counts: readonly RuleCount[]): number =>
  counts.reduce((sum, { packets }) => sum + packets, 0);

/** The first is destroyed last: where it is there, others may be. */
const DECOY_SETS = [SetName.decoySeen4, SetName.decoySeen6, SetName.decoyPorts];

/** Most are in it already, and there may be a million. */
function normalForm(text: string): string {
  return packPrefix(text, new PackedPrefix()) ? text : Prefix.parse(text).text;
}

function bannable(text: string): string {
  const prefix = Prefix.parse(text);
  const reason = banRefusal(prefix);
  if (reason !== undefined) refuse(prefix, reason);
  return prefix.text;
}

/** A state read earlier as something to restore: iptables-save writes what iptables-restore reads. */
function asRuleset(state: FirewallState): Ruleset {
  const tables = {} as Record<keyof Ruleset, TableRules>;
  for (const table of TABLES) tables[table] = { chains: state[table].chains, jumps: state[table].jumps };
  return tables;
}
