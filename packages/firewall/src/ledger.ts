import { type Ban, type BanException, type BanOrigin, ORIGINS, PERMANENT } from './ban';
import { BanLines } from './ban-lines';
import { BanTable } from './ban-table';
import { ExpiryQueue } from './expiry-queue';
import type { LoadReport } from './journal';
import { encoded, type LedgerRecord, readRecord } from './ledger-records';
import { LedgerWriter } from './ledger-writer';
import type { Family } from './names';
import type { Prefix } from './prefix';

/** So many are taken out in one go, which takes a millisecond. */
const MOST_EXPIRED_AT_ONCE = 200;

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
  private bans = new BanTable();
  private readonly excepted = new Map<string, BanException>();
  private readonly removed = new Set<string>();
  /** Rows of the table; one whose ban lasts longer by now is put back when its moment comes. */
  private readonly expiry = new ExpiryQueue();
  private clearing = false;
  /** The row of the ban that was put in last. */
  private taken = -1;
  private offset = 0;
  private writer!: LedgerWriter;
  report: LoadReport = { damagedLines: 0, records: 0 };

  private constructor() {}

  /**
   * @param now wall clock in milliseconds
   * @throws FirewallError LEDGER_IO
   */
  static async open(directory: string, now: number): Promise<BanLedger> {
    const ledger = new BanLedger();
    let misread = 0;
    const content = {
      get size() {
        return ledger.bans.size + ledger.excepted.size;
      },
      lines: () => ledger.lines(),
    };
    ledger.writer = await LedgerWriter.open(directory, content, (value) => {
      if (!readRecord(value, (record) => ledger.replay(record))) misread++;
    });
    const { damagedLines, records } = ledger.writer.report;
    ledger.settle(now);
    ledger.report = { damagedLines: damagedLines + misread, records };
    // A disk that cannot be written to: the files as they are say everything.
    await ledger.writer.compactIfDue().catch(() => undefined);
    return ledger;
  }

  /** @returns false: it is about no prefix in normal form */
  private replay(record: LedgerRecord): boolean {
    switch (record.op) {
      case 'put':
        return this.replayBan(record.ban);
      case 'except':
        this.removed.delete(record.exception.prefix);
        this.excepted.set(record.exception.prefix, record.exception);
        return true;
      case 'remove':
        for (const prefix of record.prefixes) this.letGo(prefix);
        return true;
      case 'gone':
        for (const prefix of record.prefixes) this.removed.delete(prefix);
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
        this.offset = record.milliseconds;
        return true;
    }
  }

  private replayBan(ban: Ban): boolean {
    if (this.bans.set(ban) < 0) return false;
    if (this.removed.size > 0) this.removed.delete(ban.prefix);
    if (this.excepted.size > 0) this.excepted.delete(ban.prefix);
    return true;
  }

  private letGo(prefix: string): void {
    this.bans.delete(prefix);
    this.excepted.delete(prefix);
    this.removed.add(prefix);
  }

  /** After loading: times that cannot be are put right, and the indexes are built. */
  private settle(now: number): void {
    const present = now - this.offset;
    for (const row of this.bans.rowsFrom()) {
      this.bans.bringBack(row, present);
      this.schedule(row);
    }
    for (const [prefix, { until }] of this.excepted) {
      if (until !== PERMANENT && until <= present) this.excepted.delete(prefix);
    }
  }

  get size(): number {
    return this.bans.size;
  }

  count(origin: BanOrigin, family: Family): number {
    return this.bans.count(origin, family);
  }

  get(prefix: string): Ban | undefined {
    const row = this.bans.find(prefix);
    return row < 0 ? undefined : this.at(row);
  }

  /** All bans, also those whose time is over and that nobody has taken out. Others may come and go meanwhile. */
  *entries(): IterableIterator<Ban> {
    for (const row of this.bans.rowsFrom()) yield this.at(row);
  }

  /** Rows of the bans, from `from` on; `at` tells what stands there. */
  rows(from = 0): IterableIterator<number> {
    return this.bans.rowsFrom(from);
  }

  /** The ban of a row. */
  at(row: number): Ban {
    const ban = this.bans.at(row);
    if (this.offset === 0) return ban;
    return { ...ban, since: ban.since + this.offset, until: this.toWall(ban.until) };
  }

  /** Of the ban of a row: what the kernel has to know of it; undefined: there is none (any more). */
  brief(row: number): { prefix: string; until: number } | undefined {
    const until = this.untilOf(row);
    return until === undefined ? undefined : { prefix: this.bans.prefixOf(row), until };
  }

  /** Of the ban of a row, which there is. */
  familyOf(row: number): Family {
    return this.bans.familyOf(row);
  }

  /** When the ban of a row ends; undefined: there is none. */
  untilOf(row: number): number | undefined {
    const until = this.bans.untilOf(row);
    return until === undefined ? undefined : this.toWall(until);
  }

  /** Row of the ban of a prefix; -1 without one. */
  find(prefix: string): number {
    return this.bans.find(prefix);
  }

  /** Rows are below this. */
  get rowLimit(): number {
    return this.bans.rowLimit;
  }

  /** How many bans there are of a family. */
  sizeOf(family: Family): number {
    return ORIGINS.reduce((sum, origin) => sum + this.bans.count(origin, family), 0);
  }

  /** Whether a row still has a ban whose time is not over. */
  isInForce(row: number, now: number): boolean {
    const until = this.untilOf(row);
    return until !== undefined && until > now;
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
    for (let { length } = prefix; length >= 0; length--) {
      if (!this.bans.hasLength(prefix.family, length)) continue;
      const ban = this.get(prefix.widen(length).text);
      if (ban) found.push(ban);
    }
    return found;
  }

  /** Whether the ban of a row lies inside a prefix, or is of the same. */
  isInside(row: number, prefix: Prefix): boolean {
    return this.bans.isInside(row, prefix);
  }

  exceptionsInside(prefix: Prefix): string[] {
    return [...this.excepted.keys()].filter(prefix.containment());
  }

  /** In memory at once; resolves when it is on stable storage. Replaces what stood for that prefix. */
  put(ban: Ban): Promise<void> {
    return this.writer.append({ op: 'put', ban: this.take(ban) });
  }

  /**
   * The same for one of very many: it is written together with others, when `flush` is called or something else is written.
   *
   * @returns its row
   */
  putLater(ban: Ban): number {
    this.writer.appendLater(this.take(ban));
    return this.taken;
  }

  /** Resolves when what was put by `putLater` is on stable storage. */
  flush(): Promise<void> {
    return this.writer.flush();
  }

  /** @returns the ban as records have it; `taken` is its row */
  private take(ban: Ban): Ban {
    const { offset } = this;
    const inward =
      offset === 0 ? ban : { ...ban, since: ban.since - offset, until: this.toLedger(ban.until) };
    if (this.removed.size > 0) this.removed.delete(ban.prefix);
    if (this.excepted.size > 0) this.excepted.delete(ban.prefix);
    this.taken = this.bans.set(inward);
    const until = this.bans.replacedUntil;
    if (until === undefined || until > inward.until) this.schedule(this.taken);
    return inward;
  }

  except(exception: BanException): Promise<void> {
    const inward = { prefix: exception.prefix, until: this.toLedger(exception.until) };
    this.removed.delete(exception.prefix);
    this.excepted.set(exception.prefix, inward);
    return this.writer.append({ op: 'except', exception: inward });
  }

  remove(prefixes: readonly string[]): Promise<void> {
    const done: Promise<void>[] = [];
    // Lines are bounded in length.
    for (let at = 0; at < prefixes.length; at += 1000) {
      const part = prefixes.slice(at, at + 1000);
      for (const prefix of part) this.letGo(prefix);
      done.push(this.writer.append({ op: 'remove', prefixes: part }));
    }
    return Promise.all(done).then(() => undefined);
  }

  /** The kernel has let these go too. Losing this record costs only a repetition, so nobody waits for it. */
  confirmGone(prefixes: readonly string[]): Promise<void> {
    const done: Promise<void>[] = [];
    for (let at = 0; at < prefixes.length; at += 1000) {
      const part = prefixes.slice(at, at + 1000).filter((prefix) => this.removed.delete(prefix));
      if (part.length > 0) done.push(this.writer.append({ op: 'gone', prefixes: part }));
    }
    return Promise.all(done).then(() => undefined);
  }

  /** @returns `bans`, `prefixes`: those that were there, to be read when there is time */
  clear(): {
    bans: IterableIterator<Ban>;
    prefixes: IterableIterator<string>;
    size: number;
    done: Promise<void>;
  } {
    const { bans, offset } = this;
    const before = { bans: outward(bans, offset), prefixes: prefixesOf(bans), size: bans.size };
    this.bans = new BanTable();
    this.excepted.clear();
    this.removed.clear();
    this.clearing = true;
    this.expiry.clear();
    return { ...before, done: this.writer.append({ op: 'clear' }) };
  }

  /** The kernel is empty too. */
  confirmCleared(): Promise<void> {
    if (!this.clearing) return Promise.resolve();
    this.clearing = false;
    return this.writer.append({ op: 'cleared' });
  }

  /** The wall clock was set forward (or back) by so much: every ban keeps the time it has left. */
  shiftClock(milliseconds: number): Promise<void> {
    this.offset += milliseconds;
    return this.writer.append({ op: 'offset', milliseconds: this.offset });
  }

  /**
   * Takes out what has run out; not more than a few hundred at once, as there may be a million. Not journalled: the next
   * run comes to the same conclusion.
   */
  takeExpired(now: number): Ban[] {
    const present = now - this.offset;
    const expired: Ban[] = [];
    while (expired.length < MOST_EXPIRED_AT_ONCE) {
      const row = this.expiry.take(present);
      if (row === undefined) break;
      const until = this.bans.untilOf(row);
      // Removed, or extended, since this entry was made.
      if (until === undefined) continue;
      if (until > present) {
        this.schedule(row);
        continue;
      }
      const ban = this.at(row);
      this.bans.delete(ban.prefix);
      expired.push(ban);
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

  /** Rewrites the files, so that they say no more than counts still. @throws FirewallError LEDGER_IO */
  compact(): Promise<void> {
    return this.writer.compact();
  }

  /** Whether something is in memory only, because the disk refused it. */
  get isBehind(): boolean {
    return this.writer.isBehind;
  }

  /**
   * Writes what the disk has refused before.
   * @throws FirewallError LEDGER_IO while it still refuses
   */
  catchUp(): Promise<void> {
    return this.writer.catchUp({ op: 'offset', milliseconds: this.offset });
  }

  private *lines(): IterableIterator<string> {
    yield encoded({ op: 'offset', milliseconds: this.offset });
    if (this.clearing) yield encoded({ op: 'clear' });
    const removed = [...this.removed];
    for (let at = 0; at < removed.length; at += 1000)
      yield encoded({ op: 'remove', prefixes: removed.slice(at, at + 1000) });
    // All may be lifted while this is read: that is in the segment which comes after the snapshot.
    const { bans } = this;
    const lines = new BanLines();
    for (const row of bans.rowsFrom()) {
      lines.add(bans.at(row));
      const whole = lines.takeWhole();
      if (whole !== '') yield whole;
    }
    yield lines.take();
    for (const exception of this.excepted.values()) yield encoded({ op: 'except', exception });
  }

  close(): Promise<void> {
    return this.writer.close();
  }

  private schedule(row: number): void {
    const until = this.bans.untilOf(row);
    if (until === undefined || until === PERMANENT) return;
    if (this.expiry.size > 2 * this.bans.size + 1000) {
      this.expiry.clear();
      for (const other of this.bans.rowsFrom()) {
        const end = this.bans.untilOf(other);
        if (end !== undefined && end !== PERMANENT && other !== row) this.expiry.push(end, other);
      }
    }
    this.expiry.push(until, row);
  }

  private toWall(until: number): number {
    return until === PERMANENT ? PERMANENT : until + this.offset;
  }

  private toLedger(until: number): number {
    return until === PERMANENT ? PERMANENT : until - this.offset;
  }
}

function* outward(bans: BanTable, offset: number): IterableIterator<Ban> {
  for (const row of bans.rowsFrom()) {
    const ban = bans.at(row);
    const until = ban.until === PERMANENT ? PERMANENT : ban.until + offset;
    yield { ...ban, since: ban.since + offset, until };
  }
}

function* prefixesOf(bans: BanTable): IterableIterator<string> {
  for (const row of bans.rowsFrom()) yield bans.prefixOf(row);
}
