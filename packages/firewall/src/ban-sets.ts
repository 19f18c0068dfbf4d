import type { IpSets } from '@portcullis/nfqueue-binding';
import type { BanEntry, KernelBan } from './backend';
import { BanSet, type BanSetOptions, LINES_AT_ONCE } from './ban-set';
import { FirewallError } from './errors';
import { asked } from './ip-set-errors';
import { banSetName, banSetOf, entryLine, type Ipset } from './ipset';
import { type Family, familyOf } from './names';
import type { Prefix } from './prefix';
import { Turns } from './turns';

/** The ban sets of the kernel, one of each family that it has. */
export class BanSets {
  private readonly byFamily: ReadonlyMap<Family, BanSet>;
  /** Growing and filling follow one another. */
  private readonly turns = new Turns();

  constructor(
    private readonly ipset: Ipset,
    private readonly sets: IpSets,
    families: readonly Family[],
    options: BanSetOptions = {},
  ) {
    this.byFamily = new Map(
      families.map((family) => [family, new BanSet(family, sets, this.turns, options)]),
    );
  }

  /**
   * Makes the sets that are missing.
   *
   * @returns the names of those that were made
   * @throws FirewallError SET_CONFLICT when there is a set of that name which is not ours
   */
  async ensure(): Promise<string[]> {
    const headers = await this.ipset.headers();
    const made: string[] = [];
    for (const [family, set] of this.byFamily) {
      const there = headers.get(banSetName(family));
      if (there) set.adopt(there);
    }
    for (const [family, set] of this.byFamily) {
      set.destroyLeftover();
      const name = banSetName(family);
      if (headers.has(name)) continue;
      set.create();
      made.push(name);
    }
    return made;
  }

  /** Entries the set of a family takes. */
  capacityFor(family: Family): number {
    return this.byFamily.get(family)?.capacity ?? 0;
  }

  /** Names of the sets that are missing. */
  missing(): string[] {
    return [...this.byFamily].filter(([, set]) => !set.isThere).map(([family]) => banSetName(family));
  }

  /** In force when this returns, but for a set that is full and must grow first. @throws FirewallError */
  async add(entry: BanEntry): Promise<void> {
    await this.setOf(familyOf(entry.prefix)).add(entry);
  }

  /** Few are gone when this returns, many when its promise is fulfilled; what is added meanwhile stays. */
  async remove(prefixes: readonly string[]): Promise<void> {
    const ours = { 4: [] as string[], 6: [] as string[] };
    for (const prefix of prefixes) ours[familyOf(prefix)].push(prefix);
    const removing: Promise<void>[] = [];
    for (const family of [4, 6] as const)
      if (ours[family].length > 0) removing.push(this.setOf(family).remove(ours[family]));
    await Promise.all(removing);
  }

  /** Removes a prefix and every entry inside it. */
  async removeInside(prefix: Prefix): Promise<void> {
    const inside = [prefix.text];
    if (!prefix.isHost) {
      const within = prefix.containment();
      await this.setOf(prefix.family).each((entry) => {
        if (within(entry.prefix)) inside.push(entry.prefix);
      });
    }
    await this.remove(inside);
  }

  /**
   * Empty sets take the place of the full ones at once.
   *
   * @param known prefixes of the entries, as far as they are known: where there are many, the full set is emptied one by
   * one before it is destroyed
   */
  flush(known: Iterable<string>): void {
    const full = new Map<Family, BanSet>();
    try {
      for (const [family, set] of this.byFamily) if (set.flush()) full.set(family, set);
    } finally {
      if (full.size > 0) void this.turns.take(() => destroySlowly(full, known)).catch(() => undefined);
    }
  }

  async each(visit: (ban: KernelBan) => void): Promise<void> {
    for (const set of this.byFamily.values()) await set.each(visit);
  }

  /** Whether each of these is in the kernel, or covered there. */
  holdsAll(prefixes: readonly string[]): boolean {
    return prefixes.every((prefix) => asked(() => this.sets.has(banSetOf(prefix), prefix)));
  }

  /** The kernel walks through a set to count it, and the processor that does so takes no packets meanwhile. */
  async count(): Promise<number> {
    let count = 0;
    for (const set of this.byFamily.values()) count += await set.count();
    return count;
  }

  /** Adds many, after making room. Those of a family that the kernel has not are left out. */
  async restore(entries: Iterable<BanEntry>, count: number): Promise<void> {
    for (const set of this.byFamily.values()) await set.reserve(count);
    await this.turns.take(async () => {
      // The kernel takes some while the next ones are made into text.
      let adding = Promise.resolve();
      for (const { family, lines, count } of linesOf(entries, entryLine)) {
        const set = this.byFamily.get(family);
        if (set === undefined) continue;
        await adding;
        adding = set.addMany(lines, count);
        adding.catch(() => undefined);
      }
      await adding;
    });
  }

  /** Waits for growths under way. */
  async settle(): Promise<void> {
    for (const set of this.byFamily.values()) await set.settle();
    await this.turns.ended();
  }

  /** @throws FirewallError BAN_FAILED */
  private setOf(family: Family): BanSet {
    const set = this.byFamily.get(family);
    if (set) return set;
    throw new FirewallError('BAN_FAILED', 'the kernel has no IPv6: there is nothing to ban.');
  }
}

/** Empties full sets that empty ones have taken the place of, and destroys them. */
async function destroySlowly(full: ReadonlyMap<Family, BanSet>, known: Iterable<string>): Promise<void> {
  try {
    for (const { family, lines } of linesOf(known, (prefix) => prefix))
      await full.get(family)?.removeFromFull(lines);
  } finally {
    for (const set of full.values()) set.destroyFull();
  }
}

/** Entries as text, many of one family at a time. */
function* linesOf<T>(
  entries: Iterable<T>,
  lineOf: (entry: T) => string,
): IterableIterator<{ family: Family; lines: string; count: number }> {
  const lines = { 4: '', 6: '' };
  const counts = { 4: 0, 6: 0 };
  for (const entry of entries) {
    const line = lineOf(entry);
    const family = familyOf(line);
    lines[family] += `${line}\n`;
    if (++counts[family] < LINES_AT_ONCE) continue;
    yield { family, lines: lines[family], count: counts[family] };
    lines[family] = '';
    counts[family] = 0;
  }
  for (const family of [4, 6] as const)
    if (counts[family] > 0) yield { family, lines: lines[family], count: counts[family] };
}
