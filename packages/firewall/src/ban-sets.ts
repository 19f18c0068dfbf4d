import type { BanEntry, KernelBan } from './backend';
import { FirewallError } from './errors';
import { addLine, banSetName, banSetOf, capacityOf, createBanSet, type Ipset, type SetHeader } from './ipset';
import type { ResidentIpset } from './ipset-child';
import { type Family, NextSet } from './names';
import { Prefix } from './prefix';

export interface BanSetsOptions {
  /** `maxelem` of a new set. */
  capacity?: number;
  /** Sets grow up to this many entries. */
  largestCapacity?: number;
}

/** A set grows when it is filled to this share. */
const GROW_AT = 0.75;
const GROWTH = 4;

/**
 * The two ban sets of the kernel. `maxelem` cannot be changed, so before a set is full a larger one is made, filled from
 * the old one with the times left, and swapped in. Commands given meanwhile go to the old set, which stays in force,
 * and are kept; they are repeated on the new set right before the swap, in the same ordered queue, so none is lost.
 */
export class BanSets {
  private readonly capacity: number;
  private readonly largest: number;
  private readonly capacities = new Map<Family, number>();
  /** Never below the truth by more than what others add: expired entries are noticed at the next count. */
  private readonly estimates = new Map<Family, number>([
    [4, 0],
    [6, 0],
  ]);
  private readonly growing = new Map<Family, { log: string[]; done: Promise<void> }>();
  private readonly counting = new Map<Family, Promise<void>>();
  /** Additions that are not done yet, by prefix: one that a later removal has overtaken is not tried again. */
  private readonly adding = new Map<string, object>();

  constructor(
    private readonly ipset: Ipset,
    private readonly child: ResidentIpset,
    private readonly families: readonly Family[],
    options: BanSetsOptions = {},
    /** Counts, which is asked often. */
    private readonly observed: Ipset = ipset,
  ) {
    this.capacity = options.capacity ?? 1_048_576;
    this.largest = options.largestCapacity ?? 67_108_864;
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
    for (const family of this.families) {
      const name = banSetName(family);
      const there = headers.get(name);
      if (!there) made.push(name);
      else this.adopt(family, there);
    }
    // What a growth left behind when the process was killed.
    const torn = this.families
      .map((family) => NextSet[banSetName(family)])
      .filter((name) => headers.has(name));
    if (this.growing.size === 0) await this.ipset.destroy(torn);
    if (made.length > 0) {
      await this.ipset.restore(
        this.families
          .filter((family) => made.includes(banSetName(family)))
          .map((family) => createBanSet(banSetName(family), family, this.capacity)),
      );
      for (const family of this.families) {
        if (!made.includes(banSetName(family))) continue;
        this.capacities.set(family, this.capacity);
        this.estimates.set(family, 0);
      }
    }
    return made;
  }

  private adopt(family: Family, there: SetHeader): void {
    const inet = family === 4 ? 'inet' : 'inet6';
    const fits =
      there.type === 'hash:net' &&
      new RegExp(`\\bfamily ${inet} `).test(there.header) &&
      / timeout \d+/.test(there.header) &&
      / counters/.test(there.header);
    if (!fits) {
      throw new FirewallError(
        'SET_CONFLICT',
        `the kernel has a set ${there.name} that is not ours (${there.type} ${there.header}). Remove it with "ipset destroy ${there.name}".`,
      );
    }
    this.capacities.set(family, capacityOf(there.header));
    this.estimates.set(family, there.entries);
  }

  /** Entries the set of a family takes. */
  capacityFor(family: Family): number {
    return this.capacities.get(family) ?? 0;
  }

  async add(entry: BanEntry): Promise<void> {
    const family: Family = entry.prefix.includes(':') ? 6 : 4;
    const set = banSetName(family);
    const estimate = (this.estimates.get(family) ?? 0) + 1;
    this.estimates.set(family, estimate);
    if (estimate > this.capacityFor(family) * GROW_AT) this.considerGrowth(family);
    const command = `add -exist ${addLine(set, entry).slice(4, -1)}`;
    const token = {};
    this.adding.set(entry.prefix, token);
    try {
      for (;;) {
        const capacity = this.capacityFor(family);
        try {
          await this.command(family, command);
          return;
        } catch (error) {
          if (!(error instanceof FirewallError) || error.code !== 'SET_FULL') throw error;
        }
        // Unless it has grown since the command was given.
        if (this.capacityFor(family) <= capacity) await this.grow(family);
        if (this.adding.get(entry.prefix) !== token) return;
      }
    } finally {
      if (this.adding.get(entry.prefix) === token) this.adding.delete(entry.prefix);
    }
  }

  async remove(prefixes: readonly string[]): Promise<void> {
    await Promise.all(
      prefixes.map((prefix) => {
        const family: Family = prefix.includes(':') ? 6 : 4;
        this.adding.delete(prefix);
        return this.command(family, `del -exist ${banSetOf(prefix)} ${prefix}`);
      }),
    );
  }

  /** Removes a prefix and every entry inside it. */
  async removeInside(prefix: Prefix): Promise<void> {
    const inside = [prefix.text];
    if (!prefix.isHost) {
      await this.ipset.save(banSetName(prefix.family), (entry) => {
        if (prefix.contains(Prefix.parse(entry.prefix))) inside.push(entry.prefix);
      });
    }
    await this.remove(inside);
  }

  async flush(): Promise<void> {
    this.adding.clear();
    await Promise.all(
      this.families.map(async (family) => {
        await this.command(family, `flush ${banSetName(family)}`);
        this.estimates.set(family, 0);
      }),
    );
  }

  async each(visit: (ban: KernelBan) => void): Promise<void> {
    for (const family of this.families) await this.ipset.save(banSetName(family), visit);
  }

  async count(): Promise<number> {
    const headers = await this.observed.headers();
    let count = 0;
    for (const family of this.families) count += headers.get(banSetName(family))?.entries ?? 0;
    return count;
  }

  /** Adds many through `ipset restore`, after making room. */
  async restore(entries: Iterable<BanEntry>, count: number): Promise<void> {
    for (const family of this.families) {
      await this.recount(family);
      while (
        (this.estimates.get(family) ?? 0) + count > this.capacityFor(family) * GROW_AT &&
        this.capacityFor(family) < this.largest
      ) {
        await this.grow(family, (this.estimates.get(family) ?? 0) + count);
      }
    }
    // A growth that copies meanwhile would miss what does not go through the child.
    await Promise.all([...this.growing.values()].map((growth) => growth.done));
    const { families } = this;
    await this.ipset.restore(
      (function* lines() {
        for (const entry of entries) {
          const family: Family = entry.prefix.includes(':') ? 6 : 4;
          if (families.includes(family)) yield addLine(banSetName(family), entry);
        }
      })(),
      120_000,
    );
    for (const family of this.families) await this.recount(family);
  }

  /** Waits for growths under way. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.counting.values());
    await Promise.allSettled([...this.growing.values()].map((growth) => growth.done));
  }

  private command(family: Family, command: string): Promise<void> {
    if (!this.families.includes(family)) {
      return Promise.reject(
        new FirewallError('BAN_FAILED', 'the kernel has no IPv6: there is nothing to ban.', { command }),
      );
    }
    this.growing.get(family)?.log.push(command);
    return this.child.run(command);
  }

  private async recount(family: Family): Promise<void> {
    const header = (await this.ipset.headers()).get(banSetName(family));
    this.estimates.set(family, header?.entries ?? 0);
    if (header) this.capacities.set(family, capacityOf(header.header));
  }

  /** The estimate says "nearly full"; count before doing anything about it. */
  private considerGrowth(family: Family): void {
    if (this.growing.has(family) || this.counting.has(family)) return;
    if (this.capacityFor(family) >= this.largest) return;
    const counted = this.recount(family)
      .then(async () => {
        if ((this.estimates.get(family) ?? 0) > this.capacityFor(family) * GROW_AT) await this.grow(family);
      })
      // The set is not full yet: a failure shows again at the next ban, and as SET_FULL where it matters.
      .catch(() => undefined)
      .finally(() => this.counting.delete(family));
    this.counting.set(family, counted);
  }

  /** @throws FirewallError SET_FULL when the largest size is reached */
  private grow(family: Family, atLeast = 0): Promise<void> {
    const running = this.growing.get(family);
    if (running) return running.done;
    const growth = { log: [] as string[], done: Promise.resolve() };
    growth.done = this.copyAndSwap(family, atLeast, growth.log).finally(() => this.growing.delete(family));
    this.growing.set(family, growth);
    return growth.done;
  }

  private async copyAndSwap(family: Family, atLeast: number, log: string[]): Promise<void> {
    const name = banSetName(family);
    const next = NextSet[name];
    const now = this.capacityFor(family);
    let capacity = now * GROWTH;
    while (capacity * GROW_AT <= atLeast) capacity *= GROWTH;
    capacity = Math.min(capacity, this.largest);
    if (capacity <= now) {
      throw new FirewallError('SET_FULL', `${name} is full with ${now} entries and grows no further.`);
    }
    await this.ipset.destroy([next]);
    try {
      await this.ipset.restore([createBanSet(next, family, capacity)]);
      // Sent before the first entry is read: a command that the reading misses is in the log.
      const lines: string[] = [];
      await this.ipset.save(name, (entry) => {
        const counts = `packets ${entry.packets} bytes ${entry.bytes}`;
        lines.push(`${addLine(next, entry).slice(0, -1)} ${counts}\n`);
      });
      await this.ipset.restore(lines, 120_000);
      const repeat = log.map((command) => this.child.run(command.replace(` ${name}`, ` ${next}`)));
      // From here on commands queue up behind the swap and meet the new set: the log is not read again.
      const swapped = this.child.run(`swap ${name} ${next}`);
      this.capacities.set(family, capacity);
      this.growing.delete(family);
      // A repeated command may fail as it did the first time.
      await Promise.allSettled([...repeat, swapped]);
      await swapped;
      await this.child.run(`destroy ${next}`);
    } catch (error) {
      this.capacities.set(family, now);
      await this.child.run(`destroy ${next}`).catch(() => undefined);
      throw error;
    }
    await this.recount(family);
  }
}
