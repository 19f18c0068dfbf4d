import { type Ban, type BanException, isBan, PERMANENT } from './ban';
import { ExpiryQueue } from './expiry-queue';
import { Journal, type LoadReport } from './journal';
import type { Family } from './names';
import type { Prefix } from './prefix';

/**
 * What the journal holds. Every record says how things are from then on, so repeating one changes nothing.
 * Times in records are wall clock minus `offset` at their writing.
 */
type LedgerRecord =
  | { op: 'put'; ban: Ban }
  | { op: 'except'; exception: BanException }
  | { op: 'remove'; prefixes: string[] }
  | { op: 'gone'; prefixes: string[] }
  | { op: 'clear' | 'cleared' }
  | { op: 'offset'; milliseconds: number };

export interface LedgerReport extends LoadReport {
  /** Bans whose time ran out while nothing ran. */
  readonly expired: readonly Ban[];
}

/**
 * The bans that ought to be in force, in memory and in the state directory. It knows nothing of the kernel.
 *
 * A removal is remembered until `confirmGone`: the kernel may still hold what the ledger has let go when the process
 * dies between the two, and must then not hand it back.
 *
 * Durations are kept, not moments: when the clock is set while running, `shiftClock` moves all bans with it, as the
 * kernel's own timers do not look at the wall clock either. When it was set back while nothing ran, a ban lasts no
 * longer than it was given at first.
 */
export class BanLedger {
  private readonly bans = new Map<string, Ban>();
  private readonly excepted = new Map<string, BanException>();
  private readonly removed = new Set<string>();
  private readonly expiry = new ExpiryQueue();
  /** How many bans there are of each prefix length, so that a look-up tries only those. */
  private readonly lengths: Record<Family, Map<number, number>> = { 4: new Map(), 6: new Map() };
  private clearing = false;
  private offset = 0;
  private compacting: Promise<void> | undefined;
  private journal!: Journal;
  report: LedgerReport = { damagedLines: 0, records: 0, expired: [] };

  private constructor() {}

  /**
   * @param now wall clock in milliseconds
   * @throws FirewallError LEDGER_IO
   */
  static async open(directory: string, now: number): Promise<BanLedger> {
    const ledger = new BanLedger();
    let misread = 0;
    ledger.journal = await Journal.open(directory, (record) => {
      if (!ledger.replay(record)) misread++;
    });
    const { damagedLines, records } = ledger.journal.report;
    ledger.settle(now);
    ledger.report = { damagedLines: damagedLines + misread, records, expired: ledger.takeExpired(now) };
    await ledger.compactIfDue();
    return ledger;
  }

  private replay(value: unknown): boolean {
    if (typeof value !== 'object' || value === null) return false;
    const record = value as LedgerRecord;
    switch (record.op) {
      case 'put':
        if (!isBan(record.ban)) return false;
        if (this.removed.size > 0) this.removed.delete(record.ban.prefix);
        if (this.excepted.size > 0) this.excepted.delete(record.ban.prefix);
        this.bans.set(record.ban.prefix, record.ban);
        return true;
      case 'except':
        if (typeof record.exception?.prefix !== 'string' || !Number.isFinite(record.exception.until))
          return false;
        this.removed.delete(record.exception.prefix);
        this.excepted.set(record.exception.prefix, record.exception);
        return true;
      case 'remove':
      case 'gone':
        if (!Array.isArray(record.prefixes)) return false;
        for (const prefix of record.prefixes) {
          if (record.op === 'gone') {
            this.removed.delete(prefix);
            continue;
          }
          this.bans.delete(prefix);
          this.excepted.delete(prefix);
          this.removed.add(prefix);
        }
        return true;
      case 'clear':
        this.bans.clear();
        this.excepted.clear();
        this.removed.clear();
        this.clearing = true;
        return true;
      case 'cleared':
        this.clearing = false;
        return true;
      case 'offset':
        if (!Number.isFinite(record.milliseconds)) return false;
        this.offset = record.milliseconds;
        return true;
      default:
        return false;
    }
  }

  /** After loading: times that cannot be are put right, and the indexes are built. */
  private settle(now: number): void {
    const present = now - this.offset;
    for (const [prefix, ban] of this.bans) {
      if (ban.since > present && ban.until !== PERMANENT) {
        const shortened = { ...ban, since: present, until: present + (ban.until - ban.since) };
        this.bans.set(prefix, shortened);
        this.index(shortened);
      } else {
        this.index(ban);
      }
    }
    for (const [prefix, { until }] of this.excepted) {
      if (until !== PERMANENT && until <= present) this.excepted.delete(prefix);
    }
  }

  get size(): number {
    return this.bans.size;
  }

  get(prefix: string): Ban | undefined {
    const ban = this.bans.get(prefix);
    return ban && this.outward(ban);
  }

  *entries(): IterableIterator<Ban> {
    for (const ban of this.bans.values()) yield this.outward(ban);
  }

  *exceptions(): IterableIterator<BanException> {
    for (const { prefix, until } of this.excepted.values()) {
      yield { prefix, until: this.toWall(until) };
    }
  }

  /** Prefixes let go whose removal from the kernel is not confirmed. */
  pendingRemovals(): readonly string[] {
    return [...this.removed];
  }

  /** Whether the kernel may hold a prefix only because its removal did not get there. */
  isPendingRemoval(prefix: string): boolean {
    return this.clearing || this.removed.has(prefix);
  }

  hasException(prefix: string): boolean {
    return this.excepted.has(prefix);
  }

  /** Bans that cover a prefix (itself included), the narrowest first. */
  covering(prefix: Prefix): Ban[] {
    const found: Ban[] = [];
    const lengths = [...this.lengths[prefix.family].keys()].sort((a, b) => b - a);
    for (const length of lengths) {
      if (length > prefix.length) continue;
      const ban = this.bans.get(prefix.widen(length).text);
      if (ban) found.push(this.outward(ban));
    }
    return found;
  }

  /** Bans and exceptions inside a prefix (itself included). */
  inside(prefix: Prefix): { bans: Ban[]; exceptions: string[] } {
    if (prefix.isHost) {
      const ban = this.bans.get(prefix.text);
      return {
        bans: ban ? [this.outward(ban)] : [],
        exceptions: this.excepted.has(prefix.text) ? [prefix.text] : [],
      };
    }
    const within = prefix.containment();
    const bans: Ban[] = [];
    for (const [text, ban] of this.bans) if (within(text)) bans.push(this.outward(ban));
    return { bans, exceptions: [...this.excepted.keys()].filter(within) };
  }

  /** In memory at once; resolves when it is on stable storage. Replaces what stood for that prefix. */
  put(ban: Ban): Promise<void> {
    const inward = { ...ban, since: ban.since - this.offset, until: this.toLedger(ban.until) };
    const before = this.bans.get(ban.prefix);
    this.removed.delete(ban.prefix);
    this.excepted.delete(ban.prefix);
    this.bans.set(ban.prefix, inward);
    if (!before) this.index(inward);
    else if (before.until !== inward.until) this.schedule(inward);
    return this.append({ op: 'put', ban: inward });
  }

  except(exception: BanException): Promise<void> {
    const inward = { prefix: exception.prefix, until: this.toLedger(exception.until) };
    this.removed.delete(exception.prefix);
    this.excepted.set(exception.prefix, inward);
    return this.append({ op: 'except', exception: inward });
  }

  remove(prefixes: readonly string[]): Promise<void> {
    const done: Promise<void>[] = [];
    // Lines are bounded in length.
    for (let at = 0; at < prefixes.length; at += 1000) {
      const part = prefixes.slice(at, at + 1000);
      for (const prefix of part) {
        this.forget(prefix);
        this.excepted.delete(prefix);
        this.removed.add(prefix);
      }
      done.push(this.append({ op: 'remove', prefixes: part }));
    }
    return Promise.all(done).then(() => undefined);
  }

  /** The kernel has let these go too. Losing this record costs only a repetition, so nobody waits for it. */
  confirmGone(prefixes: readonly string[]): Promise<void> {
    const done: Promise<void>[] = [];
    for (let at = 0; at < prefixes.length; at += 1000) {
      const part = prefixes.slice(at, at + 1000).filter((prefix) => this.removed.delete(prefix));
      if (part.length > 0) done.push(this.append({ op: 'gone', prefixes: part }));
    }
    return Promise.all(done).then(() => undefined);
  }

  clear(): Promise<void> {
    this.bans.clear();
    this.excepted.clear();
    this.removed.clear();
    this.clearing = true;
    this.expiry.clear();
    this.lengths[4].clear();
    this.lengths[6].clear();
    return this.append({ op: 'clear' });
  }

  /** The kernel is empty too. */
  confirmCleared(): Promise<void> {
    if (!this.clearing) return Promise.resolve();
    this.clearing = false;
    return this.append({ op: 'cleared' });
  }

  /** The wall clock was set forward (or back) by so much: every ban keeps the time it has left. */
  shiftClock(milliseconds: number): Promise<void> {
    this.offset += milliseconds;
    return this.append({ op: 'offset', milliseconds: this.offset });
  }

  /** Takes out what has run out. Not journalled: the next run comes to the same conclusion. */
  takeExpired(now: number): Ban[] {
    const present = now - this.offset;
    const expired: Ban[] = [];
    for (;;) {
      const prefix = this.expiry.take(present);
      if (prefix === undefined) break;
      const ban = this.bans.get(prefix);
      // Extended or removed since this entry was made.
      if (!ban || ban.until > present) continue;
      this.forget(prefix);
      expired.push(this.outward(ban));
    }
    for (const [prefix, { until }] of this.excepted) {
      if (until !== PERMANENT && until <= present) this.excepted.delete(prefix);
    }
    return expired;
  }

  /** When the next ban may run out, wall clock; undefined when none will. */
  get nextExpiry(): number | undefined {
    const { earliest } = this.expiry;
    return earliest === undefined ? undefined : earliest + this.offset;
  }

  /** Rewrites the files when most of what they say is out of date. */
  async compactIfDue(): Promise<void> {
    if (this.journal.appended > 10_000 + 2 * (this.bans.size + this.excepted.size)) await this.compact();
  }

  compact(): Promise<void> {
    this.compacting ??= this.journal.compact(this.records()).finally(() => {
      this.compacting = undefined;
    });
    return this.compacting;
  }

  private *records(): IterableIterator<LedgerRecord> {
    yield { op: 'offset', milliseconds: this.offset };
    if (this.clearing) yield { op: 'clear' };
    const removed = [...this.removed];
    for (let at = 0; at < removed.length; at += 1000) {
      yield { op: 'remove', prefixes: removed.slice(at, at + 1000) };
    }
    for (const ban of this.bans.values()) yield { op: 'put', ban };
    for (const exception of this.excepted.values()) yield { op: 'except', exception };
  }

  async close(): Promise<void> {
    await this.compacting?.catch(() => undefined);
    await this.journal.close();
  }

  private append(record: LedgerRecord): Promise<void> {
    const written = this.journal.append(record);
    // A failed rewriting loses nothing: the files as they were stay in force, and appending reports what is wrong.
    if (!this.compacting) void this.compactIfDue().catch(() => undefined);
    return written;
  }

  private index(ban: Ban): void {
    const family: Family = ban.prefix.includes(':') ? 6 : 4;
    const length = lengthOf(ban.prefix);
    this.lengths[family].set(length, (this.lengths[family].get(length) ?? 0) + 1);
    this.schedule(ban);
  }

  private schedule(ban: Ban): void {
    if (ban.until === PERMANENT) return;
    if (this.expiry.size > 2 * this.bans.size + 1000) {
      this.expiry.clear();
      for (const { prefix, until } of this.bans.values()) {
        if (until !== PERMANENT) this.expiry.push(until, prefix);
      }
    }
    this.expiry.push(ban.until, ban.prefix);
  }

  private forget(prefix: string): void {
    if (!this.bans.delete(prefix)) return;
    const lengths = this.lengths[prefix.includes(':') ? 6 : 4];
    const length = lengthOf(prefix);
    const left = (lengths.get(length) ?? 1) - 1;
    if (left > 0) lengths.set(length, left);
    else lengths.delete(length);
  }

  private outward(ban: Ban): Ban {
    if (this.offset === 0) return ban;
    return { ...ban, since: ban.since + this.offset, until: this.toWall(ban.until) };
  }

  private toWall(until: number): number {
    return until === PERMANENT ? PERMANENT : until + this.offset;
  }

  private toLedger(until: number): number {
    return until === PERMANENT ? PERMANENT : until - this.offset;
  }
}

function lengthOf(prefix: string): number {
  const slash = prefix.indexOf('/');
  if (slash >= 0) return Number(prefix.slice(slash + 1));
  return prefix.includes(':') ? 128 : 32;
}
