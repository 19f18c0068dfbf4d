import type { IpSets } from '@portcullis/nfqueue-binding';
import type { BanEntry, KernelBan } from './backend';
import { FirewallError } from './errors';
import { answered, asked, explained, isMissing } from './ip-set-errors';
import { banSetName, capacityOf, entryLine, parseEntry, type SetHeader } from './ipset';
import { type Family, NextSet } from './names';
import type { Turns } from './turns';

export interface BanSetOptions {
  /** Entries that a new set takes. It has a bucket for each, of eight bytes. Default: 65 536. */
  capacity?: number;
  /** Sets grow up to this many entries. Default: 67 108 864. */
  largestCapacity?: number;
  /** Told when a set that is nearly full could not be made larger: further bans will be refused. */
  onGrowthFailure?: (error: FirewallError) => void;
}

/** A set grows when it is filled to this share. */
const GROW_AT = 0.75;
/** A growth that failed is tried again, and its failure told, so much later; a set that is full does not wait for that. */
const GROWTH_RETRY_MILLISECONDS = 10_000;
const GROWTH = 4;
/** Seconds of an entry that somebody else adds without saying for how long. */
const DEFAULT_TIMEOUT = 3600;
/** So many entries are made into text at once, which takes a millisecond. */
export const LINES_AT_ONCE = 1024;
/** A set of more entries is emptied before it is destroyed. */
const DESTROYED_AT_ONCE = 10_000;
/** So many changes are made in one go; each takes microseconds. */
const CHANGES_AT_ONCE = 256;
/** Somebody who lists a set keeps it from being swapped. */
const SWAP_ATTEMPTS = 100;
const SWAP_PAUSE_MILLISECONDS = 50;

/** What a ban set asks of the kernel. */
export type BanSetCalls = Pick<
  IpSets,
  | 'add'
  | 'remove'
  | 'addMany'
  | 'removeMany'
  | 'exists'
  | 'create'
  | 'swap'
  | 'flush'
  | 'destroy'
  | 'copy'
  | 'list'
  | 'count'
>;

/** What was done to a set while its successor was filled. */
type Change =
  | { readonly do: 'add'; readonly entry: BanEntry; readonly at: number }
  | { readonly do: 'remove'; readonly prefix: string }
  | { readonly do: 'flush' };

/**
 * The ban set of one family in the kernel. A single ban is one system call, and in force when it returns. `maxelem` cannot
 * be changed, so before a set is full a larger one is made, filled from the old one with the times left, and swapped in.
 * Changes made meanwhile go to the old set, which stays in force, and are kept; they are repeated on the new one right
 * before the swap, in order, so none is lost.
 *
 * The kernel would enlarge a hash by itself, but in the middle of an addition, which then takes a second where there are
 * a million entries. So sets have a bucket for every entry from the beginning.
 */
export class BanSet {
  private readonly name: ReturnType<typeof banSetName>;
  /** What stands beside it while it grows or is emptied. */
  private readonly next: string;
  private readonly initial: number;
  private readonly largest: number;
  private room = 0;
  /** Never below the truth by more than what others add: expired entries are noticed at the next count. */
  private estimate = 0;
  /** Changes to be repeated on the successor; undefined: none is being filled. */
  private log: Change[] | undefined;
  private growing: Promise<void> | undefined;
  private counting: Promise<void> | undefined;
  private growAgainAt = Number.NEGATIVE_INFINITY;
  /** The set that was in force before an empty one took its place still has entries. */
  private emptying = false;
  /** Additions that are not done yet, by prefix: one that a later removal has overtaken is not tried again. */
  private readonly adding = new Map<string, object>();
  /** For each removal of many under way: what was added since it began, which it must not take away. */
  private readonly raced = new Set<Map<string, BanEntry>>();

  /** @param turns growing and filling of all sets follow one another */
  constructor(
    private readonly family: Family,
    private readonly sets: BanSetCalls,
    private readonly turns: Turns,
    private readonly options: BanSetOptions,
  ) {
    this.name = banSetName(family);
    this.next = NextSet[this.name];
    this.initial = options.capacity ?? 65_536;
    this.largest = options.largestCapacity ?? 67_108_864;
  }

  /** Entries that it takes. */
  get capacity(): number {
    return this.room;
  }

  get isThere(): boolean {
    return asked(() => this.sets.exists(this.name));
  }

  /** Takes over one that is there. @throws FirewallError SET_CONFLICT when it is not ours */
  adopt(there: SetHeader): void {
    const inet = this.family === 4 ? 'inet' : 'inet6';
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
    this.room = capacityOf(there.header);
    this.estimate = there.entries;
  }

  create(): void {
    this.createAs(this.name, this.initial);
    this.room = this.initial;
    this.estimate = 0;
  }

  /** What a growth left behind when the process was killed. */
  destroyLeftover(): void {
    if (this.growing === undefined && !this.emptying) this.destroyIfThere();
  }

  /** In force when this returns, but for a set that is full and must grow first. */
  async add(entry: BanEntry): Promise<void> {
    if (this.estimate + 1 > this.room * GROW_AT) this.considerGrowth();
    this.estimate++;
    for (const raced of this.raced) raced.set(entry.prefix, entry);
    const token = {};
    this.adding.set(entry.prefix, token);
    try {
      for (;;) {
        const { room } = this;
        try {
          this.change({ do: 'add', entry, at: performance.now() });
          return;
        } catch (error) {
          if (!(error instanceof FirewallError) || error.code !== 'SET_FULL') throw error;
        }
        // Unless it has grown since the command was given.
        if (this.room <= room) await this.grow();
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
      for (const prefix of prefixes) this.change({ do: 'remove', prefix });
      return;
    }
    const raced = new Map<string, BanEntry>();
    this.raced.add(raced);
    try {
      await this.turns.take(() => this.removeMany(prefixes, raced));
    } finally {
      this.raced.delete(raced);
    }
  }

  private async removeMany(prefixes: readonly string[], raced: ReadonlyMap<string, BanEntry>): Promise<void> {
    for (let at = 0; at < prefixes.length; at += LINES_AT_ONCE) {
      const part = prefixes.slice(at, at + LINES_AT_ONCE).filter((prefix) => !raced.has(prefix));
      await answered(this.sets.removeMany(this.name, `${part.join('\n')}\n`));
      for (const prefix of part) {
        const entry = raced.get(prefix);
        if (entry) this.change({ do: 'add', entry, at: performance.now() });
      }
    }
  }

  /**
   * An empty set takes its place at once, where nothing is in the way of that.
   *
   * @returns whether the full one stands beside it, to be emptied by `removeFromFull` and `destroyFull`: the kernel would
   * free a million entries in one go, in a tenth of a second
   */
  flush(): boolean {
    this.adding.clear();
    const many = this.estimate > DESTROYED_AT_ONCE;
    const putAside = this.log === undefined && !this.emptying && this.putEmpty();
    if (!putAside) this.change({ do: 'flush' });
    else if (many) this.emptying = true;
    else asked(() => this.sets.destroy(this.next));
    this.estimate = 0;
    return putAside && many;
  }

  /** @returns false: somebody is listing the full set, which keeps its place */
  private putEmpty(): boolean {
    this.destroyIfThere();
    this.createAs(this.next, this.initial);
    try {
      asked(() => this.sets.swap(this.name, this.next));
    } catch (error) {
      asked(() => this.sets.destroy(this.next));
      if (!(error instanceof FirewallError) || error.code !== 'SET_IN_USE') throw error;
      return false;
    }
    this.room = this.initial;
    return true;
  }

  removeFromFull(lines: string): Promise<void> {
    return answered(this.sets.removeMany(this.next, lines));
  }

  /** Somebody may be listing it: then whatever is to stand there next destroys it. */
  destroyFull(): void {
    this.emptying = false;
    try {
      this.destroyIfThere();
    } catch {}
  }

  /** A set that is not there has no entries. */
  async each(visit: (ban: KernelBan) => void): Promise<void> {
    try {
      await this.sets.list(this.name, (lines) => {
        for (const line of lines.split('\n')) if (line !== '') visit(parseEntry(line));
      });
    } catch (error) {
      if (isMissing(error)) return;
      throw explained(error);
    }
  }

  /** The kernel walks through a set to count it. What is not there has no entries. */
  async count(): Promise<number> {
    try {
      return await this.sets.count(this.name);
    } catch (error) {
      if (isMissing(error)) return 0;
      throw explained(error);
    }
  }

  /** Makes room for so many more entries. */
  async reserve(more: number): Promise<void> {
    if (!this.isTooSmallFor(more)) return;
    await this.recount();
    while (this.isTooSmallFor(more)) await this.grow(this.estimate + more);
  }

  private isTooSmallFor(more: number): boolean {
    return this.estimate + more > this.room * GROW_AT && this.room < this.largest;
  }

  /** Adds entries, one a line, in a turn of the caller's. */
  addMany(lines: string, count: number): Promise<void> {
    this.estimate += count;
    return answered(this.sets.addMany(this.name, lines));
  }

  /** Waits for a growth under way. */
  async settle(): Promise<void> {
    await Promise.allSettled([this.counting]);
    await Promise.allSettled([this.growing]);
  }

  private change(change: Change): void {
    this.apply(this.name, change);
    this.log?.push(change);
  }

  private apply(set: string, change: Change): void {
    asked(() => {
      if (change.do === 'add') this.sets.add(set, entryLine(timeLeft(change.entry, change.at)));
      else if (change.do === 'remove') this.sets.remove(set, change.prefix);
      else this.sets.flush(set);
    });
  }

  private createAs(name: string, capacity: number): void {
    asked(() => this.sets.create(name, this.family, capacity, DEFAULT_TIMEOUT));
  }

  private destroyIfThere(): void {
    if (asked(() => this.sets.exists(this.next))) asked(() => this.sets.destroy(this.next));
  }

  private async recount(): Promise<void> {
    const before = this.estimate;
    const counted = await this.count();
    // Of what was added meanwhile nobody knows whether it was counted.
    this.estimate = counted + Math.max(0, this.estimate - before);
  }

  /** The estimate says "nearly full"; count before doing anything about it. */
  private considerGrowth(): void {
    if (this.growing !== undefined || this.counting !== undefined || this.room >= this.largest) return;
    if (performance.now() < this.growAgainAt) return;
    this.counting = this.recount()
      .then(async () => {
        if (this.estimate > this.room * GROW_AT) await this.grow();
      })
      // The set is not full yet: bans go on until it is.
      .catch((error) => {
        this.growAgainAt = performance.now() + GROWTH_RETRY_MILLISECONDS;
        this.options.onGrowthFailure?.(explained(error));
      })
      .finally(() => {
        this.counting = undefined;
      });
  }

  /** @throws FirewallError SET_FULL when the largest size is reached */
  private grow(atLeast = 0): Promise<void> {
    this.growing ??= this.turns
      .take(() => this.copyAndSwap(atLeast))
      .finally(() => {
        this.growing = undefined;
        this.log = undefined;
      });
    return this.growing;
  }

  private async copyAndSwap(atLeast: number): Promise<void> {
    const { name, next, room } = this;
    let capacity = room * GROWTH;
    while (capacity * GROW_AT <= atLeast) capacity *= GROWTH;
    capacity = Math.min(capacity, this.largest);
    if (capacity <= room) {
      throw new FirewallError('SET_FULL', `${name} is full with ${room} entries and grows no further.`);
    }
    this.destroyIfThere();
    this.createAs(next, capacity);
    try {
      // Kept before the first entry is read: a change that the reading misses is in the log.
      const log: Change[] = [];
      this.log = log;
      await answered(this.sets.copy(name, next));
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
          asked(() => this.sets.swap(name, next));
          break;
        } catch (error) {
          const busy = error instanceof FirewallError && error.code === 'SET_IN_USE';
          if (!busy || attempt === SWAP_ATTEMPTS) throw error;
        }
        await new Promise((resolve) => setTimeout(resolve, SWAP_PAUSE_MILLISECONDS));
      }
      this.room = capacity;
      this.log = undefined;
    } finally {
      // A leftover, or the set that was too small. Somebody may be listing it: the next growth tries again.
      try {
        this.sets.destroy(next);
      } catch {}
    }
    await this.recount();
  }
}

/** The entry as it is to be given to the kernel now. */
function timeLeft(entry: BanEntry, at: number): BanEntry {
  const passed = Math.floor((performance.now() - at) / 1000);
  if (entry.remaining === 0 || passed === 0) return entry;
  return { ...entry, remaining: Math.max(1, entry.remaining - passed) };
}
