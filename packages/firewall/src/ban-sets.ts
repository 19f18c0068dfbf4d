import { IpSetError, type IpSets } from '@portcullis/nfqueue-binding';
import type { BanEntry, KernelBan } from './backend';
import { FirewallError } from './errors';
import { banSetName, banSetOf, capacityOf, entryLine, type Ipset, parseEntry, type SetHeader } from './ipset';
import { type Family, NextSet } from './names';
import type { Prefix } from './prefix';

export interface BanSetsOptions {
  /** Entries that a new set takes. It has a bucket for each, of eight bytes. */
  capacity?: number;
  /** Sets grow up to this many entries. */
  largestCapacity?: number;
  /** Told when a set that is nearly full could not be made larger: further bans will be refused. */
  onGrowthFailure?: (error: FirewallError) => void;
}

/** A set grows when it is filled to this share. */
const GROW_AT = 0.75;
const GROWTH = 4;
/** Seconds of an entry that somebody else adds without saying for how long. */
const DEFAULT_TIMEOUT = 3600;
/** So many entries are made into text at once, which takes a millisecond. */
const LINES_AT_ONCE = 1024;
/** A set of more entries is emptied before it is destroyed. */
const DESTROYED_AT_ONCE = 10_000;
/** So many changes are made in one go; each takes microseconds. */
const CHANGES_AT_ONCE = 256;
/** Somebody who lists a set keeps it from being swapped. */
const SWAP_ATTEMPTS = 100;
const SWAP_PAUSE_MILLISECONDS = 50;

/** What was done to a set while its successor was filled. */
type Change =
  | { readonly do: 'add'; readonly entry: BanEntry; readonly at: number }
  | { readonly do: 'remove'; readonly prefix: string }
  | { readonly do: 'flush' };

/**
 * The two ban sets of the kernel. A single ban is one system call, and in force when it returns. `maxelem` cannot be
 * changed, so before a set is full a larger one is made, filled from the old one with the times left, and swapped in.
 * Changes made meanwhile go to the old set, which stays in force, and are kept; they are repeated on the new one right
 * before the swap, in order, so none is lost.
 *
 * The kernel would enlarge a hash by itself, but in the middle of an addition, which then takes a second where there are
 * a million entries. So sets have a bucket for every entry from the beginning.
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
  /** Changes to be repeated on the successor of a set that is growing. */
  private readonly logs = new Map<Family, Change[]>();
  private readonly growing = new Map<Family, Promise<void>>();
  /** The set that was in force before an empty one took its place still has entries. */
  private readonly emptying = new Set<Family>();
  private readonly counting = new Map<Family, Promise<void>>();
  /** Additions that are not done yet, by prefix: one that a later removal has overtaken is not tried again. */
  private readonly adding = new Map<string, object>();
  /** For each removal of many under way: what was added since it began, which it must not take away. */
  private readonly raced = new Set<Map<string, BanEntry>>();
  /** Growing and filling follow one another. */
  private turn: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly ipset: Ipset,
    private readonly sets: IpSets,
    private readonly families: readonly Family[],
    private readonly options: BanSetsOptions = {},
  ) {
    this.capacity = options.capacity ?? 65_536;
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
      const there = headers.get(banSetName(family));
      if (there) this.adopt(family, there);
    }
    for (const family of this.families) {
      const name = banSetName(family);
      // What a growth left behind when the process was killed.
      if (!this.growing.has(family) && !this.emptying.has(family)) this.destroyIfThere(NextSet[name]);
      if (headers.has(name)) continue;
      this.asked(() => this.sets.create(name, family, this.capacity, DEFAULT_TIMEOUT));
      made.push(name);
      this.capacities.set(family, this.capacity);
      this.estimates.set(family, 0);
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

  /** Names of the sets that are missing. */
  missing(): string[] {
    return this.families.map(banSetName).filter((name) => !this.asked(() => this.sets.exists(name)));
  }

  /** In force when this returns, but for a set that is full and must grow first. */
  async add(entry: BanEntry): Promise<void> {
    const family = this.familyOf(entry.prefix);
    const estimate = (this.estimates.get(family) ?? 0) + 1;
    this.estimates.set(family, estimate);
    if (estimate > this.capacityFor(family) * GROW_AT) this.considerGrowth(family);
    for (const raced of this.raced) raced.set(entry.prefix, entry);
    const token = {};
    this.adding.set(entry.prefix, token);
    try {
      for (;;) {
        const capacity = this.capacityFor(family);
        try {
          this.change(family, { do: 'add', entry, at: performance.now() });
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

  /** Few are gone when this returns, many when its promise is fulfilled; what is added meanwhile stays. */
  async remove(prefixes: readonly string[]): Promise<void> {
    for (const prefix of prefixes) this.adding.delete(prefix);
    if (prefixes.length <= CHANGES_AT_ONCE) {
      for (const prefix of prefixes) this.change(this.familyOf(prefix), { do: 'remove', prefix });
      return;
    }
    const raced = new Map<string, BanEntry>();
    this.raced.add(raced);
    try {
      await this.inTurn(() => this.removeMany(prefixes, raced));
    } finally {
      this.raced.delete(raced);
    }
  }

  private async removeMany(prefixes: readonly string[], raced: ReadonlyMap<string, BanEntry>): Promise<void> {
    for (const family of this.families) {
      const ours = prefixes.filter((prefix) => this.familyOf(prefix) === family);
      for (let at = 0; at < ours.length; at += LINES_AT_ONCE) {
        const part = ours.slice(at, at + LINES_AT_ONCE).filter((prefix) => !raced.has(prefix));
        await this.waitFor(this.sets.removeMany(banSetName(family), `${part.join('\n')}\n`));
        for (const prefix of part) {
          const entry = raced.get(prefix);
          if (entry) this.change(family, { do: 'add', entry, at: performance.now() });
        }
      }
    }
  }

  /** Removes a prefix and every entry inside it. */
  async removeInside(prefix: Prefix): Promise<void> {
    const inside = [prefix.text];
    if (!prefix.isHost) {
      const within = prefix.containment();
      await this.eachOf(prefix.family, (entry) => {
        if (within(entry.prefix)) inside.push(entry.prefix);
      });
    }
    await this.remove(inside);
  }

  /**
   * Empty sets take the place of the full ones at once.
   *
   * @param known prefixes of the entries, as far as they are known: where there are many, the full set is emptied one by
   * one before it is destroyed, because the kernel would free a million entries in one go, in a tenth of a second
   */
  flush(known: Iterable<string>): void {
    this.adding.clear();
    const full: Family[] = [];
    for (const family of this.families) {
      const many = (this.estimates.get(family) ?? 0) > DESTROYED_AT_ONCE;
      if (this.logs.has(family) || this.emptying.has(family) || !this.putEmpty(family))
        this.change(family, { do: 'flush' });
      else if (many) full.push(family);
      else this.asked(() => this.sets.destroy(NextSet[banSetName(family)]));
      this.estimates.set(family, 0);
    }
    if (full.length === 0) return;
    for (const family of full) this.emptying.add(family);
    void this.inTurn(() => this.destroySlowly(full, known)).catch(() => undefined);
  }

  /** @returns false: somebody is listing the full set, which keeps its place */
  private putEmpty(family: Family): boolean {
    const name = banSetName(family);
    const next = NextSet[name];
    this.destroyIfThere(next);
    this.asked(() => this.sets.create(next, family, this.capacity, DEFAULT_TIMEOUT));
    try {
      this.asked(() => this.sets.swap(name, next));
    } catch (error) {
      this.asked(() => this.sets.destroy(next));
      if (!(error instanceof FirewallError) || error.code !== 'SET_IN_USE') throw error;
      return false;
    }
    this.capacities.set(family, this.capacity);
    return true;
  }

  private async destroySlowly(families: readonly Family[], known: Iterable<string>): Promise<void> {
    try {
      for (const { family, lines } of linesOf(known, (prefix) => prefix)) {
        if (families.includes(family)) await this.sets.removeMany(NextSet[banSetName(family)], lines);
      }
    } finally {
      for (const family of families) {
        this.emptying.delete(family);
        this.destroyIfThere(NextSet[banSetName(family)]);
      }
    }
  }

  async each(visit: (ban: KernelBan) => void): Promise<void> {
    for (const family of this.families) await this.eachOf(family, visit);
  }

  private async eachOf(family: Family, visit: (ban: KernelBan) => void): Promise<void> {
    try {
      await this.sets.list(banSetName(family), (lines) => {
        for (const line of lines.split('\n')) if (line !== '') visit(parseEntry(line));
      });
    } catch (error) {
      // A set that is not there has no entries.
      if (isMissing(error)) return;
      throw explained(error);
    }
  }

  /** Whether each of these is in the kernel, or covered there. */
  holdsAll(prefixes: readonly string[]): boolean {
    return prefixes.every((prefix) => this.asked(() => this.sets.has(banSetOf(prefix), prefix)));
  }

  /** The kernel walks through a set to count it, and the processor that does so takes no packets meanwhile. */
  async count(): Promise<number> {
    let count = 0;
    for (const family of this.families) count += await this.countOf(family);
    return count;
  }

  /** Adds many, after making room. */
  async restore(entries: Iterable<BanEntry>, count: number): Promise<void> {
    for (const family of this.families) {
      // The kernel walks through a set to count it.
      if (!this.needsGrowth(family, count)) continue;
      await this.recount(family);
      while (this.needsGrowth(family, count))
        await this.grow(family, (this.estimates.get(family) ?? 0) + count);
    }
    await this.inTurn(async () => {
      // The kernel takes some while the next ones are made into text.
      let adding = Promise.resolve();
      for (const { family, lines, count } of linesOf(entries, entryLine)) {
        if (!this.families.includes(family)) continue;
        await adding;
        adding = this.waitFor(this.sets.addMany(banSetName(family), lines));
        adding.catch(() => undefined);
        this.estimates.set(family, (this.estimates.get(family) ?? 0) + count);
      }
      await adding;
    });
  }

  private needsGrowth(family: Family, more: number): boolean {
    const capacity = this.capacityFor(family);
    return (this.estimates.get(family) ?? 0) + more > capacity * GROW_AT && capacity < this.largest;
  }

  /** Waits for growths under way. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.counting.values());
    await Promise.allSettled(this.growing.values());
    await this.turn;
  }

  /** @throws FirewallError BAN_FAILED */
  private familyOf(prefix: string): Family {
    const family: Family = prefix.includes(':') ? 6 : 4;
    if (this.families.includes(family)) return family;
    throw new FirewallError('BAN_FAILED', 'the kernel has no IPv6: there is nothing to ban.');
  }

  private change(family: Family, change: Change): void {
    this.apply(banSetName(family), change);
    this.logs.get(family)?.push(change);
  }

  private apply(set: string, change: Change): void {
    this.asked(() => {
      if (change.do === 'add') this.sets.add(set, entryLine(timeLeft(change.entry, change.at)));
      else if (change.do === 'remove') this.sets.remove(set, change.prefix);
      else this.sets.flush(set);
    });
  }

  private destroyIfThere(set: string): void {
    if (this.asked(() => this.sets.exists(set))) this.asked(() => this.sets.destroy(set));
  }

  private asked<T>(question: () => T): T {
    try {
      return question();
    } catch (error) {
      throw explained(error);
    }
  }

  private async waitFor<T>(promise: Promise<T>): Promise<T> {
    try {
      return await promise;
    } catch (error) {
      throw explained(error);
    }
  }

  private async recount(family: Family): Promise<void> {
    this.estimates.set(family, await this.countOf(family));
  }

  /** What is not there has no entries. */
  private async countOf(family: Family): Promise<number> {
    try {
      return await this.sets.count(banSetName(family));
    } catch (error) {
      if (isMissing(error)) return 0;
      throw explained(error);
    }
  }

  /** The estimate says "nearly full"; count before doing anything about it. */
  private considerGrowth(family: Family): void {
    if (this.growing.has(family) || this.counting.has(family)) return;
    if (this.capacityFor(family) >= this.largest) return;
    const counted = this.recount(family)
      .then(async () => {
        if ((this.estimates.get(family) ?? 0) > this.capacityFor(family) * GROW_AT) await this.grow(family);
      })
      // The set is not full yet: bans go on until it is.
      .catch((error) => this.options.onGrowthFailure?.(explained(error)))
      .finally(() => this.counting.delete(family));
    this.counting.set(family, counted);
  }

  /** @throws FirewallError SET_FULL when the largest size is reached */
  private grow(family: Family, atLeast = 0): Promise<void> {
    const running = this.growing.get(family);
    if (running) return running;
    const growth = this.inTurn(() => this.copyAndSwap(family, atLeast)).finally(() => {
      this.growing.delete(family);
      this.logs.delete(family);
    });
    this.growing.set(family, growth);
    return growth;
  }

  private async copyAndSwap(family: Family, atLeast: number): Promise<void> {
    const name = banSetName(family);
    const next = NextSet[name];
    const now = this.capacityFor(family);
    let capacity = now * GROWTH;
    while (capacity * GROW_AT <= atLeast) capacity *= GROWTH;
    capacity = Math.min(capacity, this.largest);
    if (capacity <= now) {
      throw new FirewallError('SET_FULL', `${name} is full with ${now} entries and grows no further.`);
    }
    this.destroyIfThere(next);
    this.asked(() => this.sets.create(next, family, capacity, DEFAULT_TIMEOUT));
    try {
      // Kept before the first entry is read: a change that the reading misses is in the log.
      const log: Change[] = [];
      this.logs.set(family, log);
      await this.waitFor(this.sets.copy(name, next));
      let repeated = 0;
      for (let attempt = 1; ; attempt++) {
        while (log.length - repeated > CHANGES_AT_ONCE) {
          for (const change of log.slice(repeated, repeated + CHANGES_AT_ONCE)) this.apply(next, change);
          repeated += CHANGES_AT_ONCE;
          await new Promise((resolve) => setImmediate(resolve));
        }
        // In one step with the swap: what comes after meets the new set.
        for (; repeated < log.length; repeated++) this.apply(next, log[repeated] as Change);
        try {
          this.asked(() => this.sets.swap(name, next));
          break;
        } catch (error) {
          const busy = error instanceof FirewallError && error.code === 'SET_IN_USE';
          if (!busy || attempt === SWAP_ATTEMPTS) throw error;
        }
        await new Promise((resolve) => setTimeout(resolve, SWAP_PAUSE_MILLISECONDS));
      }
      this.capacities.set(family, capacity);
      this.logs.delete(family);
    } finally {
      // A leftover, or the set that was too small. Somebody may be listing it: the next growth tries again.
      try {
        this.sets.destroy(next);
      } catch {}
    }
    await this.recount(family);
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.turn.then(work);
    this.turn = result.catch(() => undefined);
    return result;
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
    const family: Family = line.includes(':') ? 6 : 4;
    lines[family] += `${line}\n`;
    if (++counts[family] < LINES_AT_ONCE) continue;
    yield { family, lines: lines[family], count: counts[family] };
    lines[family] = '';
    counts[family] = 0;
  }
  for (const family of [4, 6] as const)
    if (counts[family] > 0) yield { family, lines: lines[family], count: counts[family] };
}

function isMissing(error: unknown): boolean {
  return error instanceof IpSetError && error.code === 'SET_MISSING';
}

/** The entry as it is to be given to the kernel now. */
function timeLeft(entry: BanEntry, at: number): BanEntry {
  const passed = Math.floor((performance.now() - at) / 1000);
  if (entry.remaining === 0 || passed === 0) return entry;
  return { ...entry, remaining: Math.max(1, entry.remaining - passed) };
}

const codes = {
  SET_MISSING: 'SET_MISSING',
  SET_FULL: 'SET_FULL',
  SET_BUSY: 'SET_IN_USE',
  PERMISSION: 'NOT_PERMITTED',
  ENTRY_INVALID: 'IPSET_FAILED',
  SET_EXISTS: 'IPSET_FAILED',
  SYSTEM: 'IPSET_FAILED',
} as const;

function explained(error: unknown): FirewallError {
  if (error instanceof FirewallError) return error;
  if (!(error instanceof IpSetError)) {
    const why = error instanceof Error ? error.message : String(error);
    return new FirewallError('IPSET_FAILED', `the ban sets could not be changed: ${why}.`, { cause: error });
  }
  const advice =
    error.code === 'PERMISSION' ? ' Run as root, or give the process CAP_NET_ADMIN and CAP_NET_RAW.' : '';
  return new FirewallError(codes[error.code], `${error.message}.${advice}`, { cause: error });
}
