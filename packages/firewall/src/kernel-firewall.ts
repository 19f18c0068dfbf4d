import { IpSets } from '@portcullis/nfqueue-binding';
import type {
  BanEntry,
  FirewallBackend,
  KernelBan,
  PacketCount,
  RemovalOptions,
  RemovalReport,
} from './backend';
import type { BanSetOptions } from './ban-set';
import { BanSets } from './ban-sets';
import { CommandRunner } from './command';
import { decoySetLines } from './decoys';
import { FirewallError } from './errors';
import { FirewallWatch, foundBy, type LookedAt } from './firewall-watch';
import { Ipset, portSetLines } from './ipset';
import { chooseIptables, type Iptables, type IptablesVariant, kernelHasIpv6 } from './iptables';
import { Chain, type Family, NextSet, SetName, TABLES } from './names';
import { emptyBypass, OtherVariant } from './other-variant';
import { PackedPrefix, packPrefix } from './packed-prefix';
import { checkPlan, type InstallPlan } from './plan';
import { isEveryPort, normalisePorts, type PortSelection } from './ports';
import { banRefusal, checkDuration, Prefix, refuse } from './prefix';
import { ResidentShell } from './resident-shell';
import { RuleCounters } from './rule-counters';
import { bansOnly, NOTHING, type Ruleset, ruleset, type TableRules } from './ruleset';
import { type FirewallState, type StandingChains, sameState, standingChains } from './table-state';
import { Turns } from './turns';

export interface KernelFirewallOptions {
  /** `firewall.backend`; default auto. */
  backend?: 'auto' | IptablesVariant;
  /** Path of another network namespace to work in, such as `/run/netns/NAME`. */
  networkNamespace?: string;
  /** Put before every command line, for instance `['env', 'PATH=…']`. */
  commandPrefix?: readonly string[];
  banSets?: BanSetOptions;
}

interface Installed {
  readonly plan: InstallPlan;
  /** By family, as it was asked for and as it then stood. */
  readonly asked: ReadonlyMap<Family, Ruleset>;
  readonly expected: Map<Family, FirewallState>;
}

const NOT_INSTALLED = 'the firewall rules are not installed';

/** iptables through its own programs, so that what `iptables -S` shows is what was asked for; bans over netlink. */
export class KernelFirewall implements FirewallBackend {
  readonly name: string;
  readonly families: readonly Family[];
  private readonly ipset: Ipset;
  /** Asks what is asked often, see `ResidentShell`. */
  private readonly shell: ResidentShell;
  private readonly observer: Iptables;
  private readonly sets: IpSets;
  private readonly bans: BanSets;
  private installed: Installed | undefined;
  private readonly counters: RuleCounters;
  private readonly watch: FirewallWatch;
  private readonly otherVariant: OtherVariant;
  /** What changes tables and sets, or has to see them unchanged, follows one another. */
  private readonly turns = new Turns();

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
    this.counters = new RuleCounters(this.observer, this.families);
    this.otherVariant = new OtherVariant(runner, iptables.variant, this.families);
    this.sets = IpSets.open(options.networkNamespace);
    this.bans = new BanSets(this.ipset, this.sets, this.families, options.banSets);
    const { observer, sets, bans } = this;
    this.watch = new FirewallWatch({ iptables, observer, sets, bans });
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
    return this.turns.take(() => this.installNow(plan));
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
      const counted = await this.counters.queueRules();
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
        this.counters.retire(family, gone);
      }
      if (!plan.decoys) await this.destroyDecoySets();
      this.installed = { plan, asked, expected };
      this.watch.written();
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
    const counted = await this.counters.queueRules();
    const bypassBefore = before.mangle.bypass !== undefined;
    await this.iptables.apply(family, asRuleset(before), { keepBypass: bypassBefore });
    this.counters.retire(family, counted[family]);
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
    return this.turns.take(() => this.removeNow(options));
  }

  private async removeNow({ purge = false, lift = purge }: RemovalOptions): Promise<RemovalReport> {
    const counted = await this.counters.queueRules();
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
      if (purge) await emptyBypass(this.runner, this.iptables, family, state);
      await this.iptables.apply(family, wanted, { keepBypass, known: purge ? undefined : state });
    }
    for (const family of this.families) this.counters.retire(family, counted[family]);
    this.installed = undefined;
    if (purge) await this.otherVariant.purge();
    await this.ipset.destroy([SetName.ports, NextSet[SetName.ports]]);
    await this.destroyDecoySets();
    if (bansLeft === 0) {
      const sets = [SetName.ban4, SetName.ban6] as const;
      await this.ipset.destroy([...sets, ...sets.map((set) => NextSet[set])]);
    }
    return { bansLeft, bypassKept };
  }

  verify(): Promise<string[]> {
    return this.turns.take(async () => {
      const { installed } = this;
      if (!installed) return [NOT_INSTALLED];
      return foundBy(await this.watch.look(installed.plan, installed.expected));
    });
  }

  repair(): Promise<string[]> {
    return this.turns.take(async () => {
      const { installed } = this;
      if (!installed) return [NOT_INSTALLED];
      const seen = await this.watch.look(installed.plan, installed.expected);
      if (seen.sets.length > 0) await this.installNow(installed.plan);
      else await this.putBack(installed, seen.tables);
      return foundBy(seen);
    });
  }

  /** Only what is wrong: every program that runs is a while in which it stays so. */
  private async putBack({ plan, expected }: Installed, tables: LookedAt['tables']): Promise<void> {
    const changed = [...tables].filter(([, { found }]) => found.length > 0);
    if (changed.length === 0) return;
    const counted = await this.counters.queueRules();
    const put = async ([family, { state: known }]: (typeof changed)[number]) => {
      const { state } = await this.iptables.apply(family, ruleset(plan, family), { keepBypass: true, known });
      expected.set(family, state);
      this.counters.retire(family, counted[family]);
    };
    const puts = await Promise.allSettled(changed.map(put));
    this.watch.written();
    // Behind both: nobody else's turn comes while one of them is still writing.
    for (const each of puts) if (each.status === 'rejected') throw each.reason;
  }

  mayHaveChanged(): boolean {
    return this.installed !== undefined && this.watch.mayHaveChanged;
  }

  async bypassRules(): Promise<number> {
    let rules = 0;
    for (const family of this.families) {
      const { mangle } = await this.observer.state(family);
      rules += mangle.bypass?.length ?? 0;
    }
    return rules;
  }

  leftovers(): Promise<string[]> {
    return this.otherVariant.leftovers();
  }

  setPorts(ports: PortSelection): Promise<void> {
    normalisePorts(ports);
    return this.turns.take(async () => {
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
    return this.turns.take(() => this.counters.queued());
  }

  dropCounters(): Promise<{ packets: number; bytes: number }> {
    return this.counters.dropped();
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
    await this.turns.ended();
    await this.bans.settle();
    await this.sets.close();
    this.shell.close();
  }
}

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
