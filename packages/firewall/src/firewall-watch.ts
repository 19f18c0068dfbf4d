import { IpSetError, type IpSets } from '@portcullis/nfqueue-binding';
import type { BanSets } from './ban-sets';
import type { Iptables } from './iptables';
import { type Family, SetName } from './names';
import type { InstallPlan } from './plan';
import { normalisePorts } from './ports';
import { differences, type FirewallState } from './table-state';

/** What a look at the kernel has shown: of each family whose tables were read, and of the sets; differences as sentences. */
export interface LookedAt {
  readonly tables: ReadonlyMap<Family, { readonly state: FirewallState; readonly found: readonly string[] }>;
  readonly sets: readonly string[];
}

export interface FirewallWatchParts {
  readonly iptables: Iptables;
  /** The same, by a shell that stays: for what is asked often. */
  readonly observer: Iptables;
  readonly sets: Pick<IpSets, 'exists' | 'count' | 'tableGeneration'>;
  readonly bans: Pick<BanSets, 'missing'>;
}

/** Looks whether tables and sets are as they were left, with as little work as the kernel allows. */
export class FirewallWatch {
  /** Generation of the tables at which they were as they should be; null: they have to be looked at. */
  private unchangedAt: number | null = null;

  constructor(private readonly parts: FirewallWatchParts) {}

  /** The tables were written: the next look reads them. */
  written(): void {
    this.unchangedAt = null;
  }

  /** Whether somebody has changed tables since a look found them right, as far as the kernel says; at once. */
  get mayHaveChanged(): boolean {
    const generation = this.generation();
    return generation !== null && generation !== this.unchangedAt;
  }

  /** Of the tables; null where the kernel tells none. */
  private generation(): number | null {
    const { iptables, sets } = this.parts;
    return iptables.variant === 'nft' ? sets.tableGeneration() : null;
  }

  /** @param expected the tables as they were left */
  async look(plan: InstallPlan, expected: ReadonlyMap<Family, FirewallState>): Promise<LookedAt> {
    const tables = await this.changedTables(expected);
    const sets = this.missingSets(plan);
    // Their number is known at once; to read them all, every second, would be work for a busy host.
    const wanted = normalisePorts(plan.ports).reduce((sum, { first, last }) => sum + last - first + 1, 0);
    const ports = await this.countedPorts();
    if (ports !== null && ports !== wanted) sets.push(`ipset: set ${SetName.ports} was changed`);
    return { tables, sets };
  }

  /**
   * Reading the tables takes two programs and milliseconds of processor time in which packets wait, so they are read
   * when the kernel says that something has changed. The legacy tables say nothing: they are read each time.
   */
  private async changedTables(expected: ReadonlyMap<Family, FirewallState>): Promise<LookedAt['tables']> {
    const tables = new Map<Family, { state: FirewallState; found: string[] }>();
    const generation = this.generation();
    if (generation !== null && generation === this.unchangedAt) return tables;
    for (const [family, wanted] of expected) {
      const state = await this.observed(family);
      tables.set(family, { state, found: differences(this.parts.iptables.name(family), wanted, state) });
    }
    const right = [...tables.values()].every(({ found }) => found.length === 0);
    this.unchangedAt = right ? generation : null;
    return tables;
  }

  private async observed(family: Family): Promise<FirewallState> {
    const { iptables, observer } = this.parts;
    try {
      return await observer.state(family);
    } catch {
      // The shell keeps nothing of what programs complain about: asked directly, this one says why, or does not fail again.
      return iptables.state(family);
    }
  }

  private missingSets({ monitoring, decoys }: InstallPlan): string[] {
    const { bans, sets } = this.parts;
    const gone: string[] = monitoring ? [] : bans.missing();
    for (const name of [SetName.ports, ...(decoys ? [SetName.decoyPorts] : [])])
      if (!sets.exists(name)) gone.push(name);
    return gone.map((name) => `ipset: set ${name} is gone`);
  }

  /** null: there is no such set. */
  private async countedPorts(): Promise<number | null> {
    try {
      return await this.parts.sets.count(SetName.ports);
    } catch (error) {
      if (error instanceof IpSetError && error.code === 'SET_MISSING') return null;
      throw error;
    }
  }
}

/** All that a look has found. */
export function foundBy({ tables, sets }: LookedAt): string[] {
  return [...[...tables.values()].flatMap(({ found }) => found), ...sets];
}
