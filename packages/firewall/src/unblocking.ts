import type { FirewallBackend } from './backend';
import type { Ban } from './ban';
import type { Enforcement } from './enforcement';
import { entryOf } from './kernel-entry';
import type { BanLedger } from './ledger';
import type { Prefix } from './prefix';
import { CLOCK_EVERY, Slices } from './slices';
import type { UnblockedByHand } from './unblocked-by-hand';
import type { UnwrittenLedger } from './unwritten-ledger';

/** Prefixes that an answer names. */
export const MOST_NAMED = 1000;
/** Bans that are removed together. */
const REMOVED_AT_ONCE = 512;

export interface RemoveReport {
  /** How many bans were lifted. */
  readonly count: number;
  /** Their prefixes; of very many only the first. */
  readonly removed: readonly string[];
  /** The wider bans that the prefix lies in; it was let in as an exception to them. */
  readonly exceptedFrom: readonly Ban[];
}

export interface UnblockingParts {
  readonly backend: Pick<FirewallBackend, 'unbanEach' | 'unbanAll' | 'except'>;
  readonly enforcement: Enforcement;
  readonly unwritten: UnwrittenLedger;
  readonly unblocked: UnblockedByHand;
  readonly onRemoved: (ban: Ban) => void;
}

/** Lets in who is banned. One call at a time. */
export class Unblocking {
  /** Telling of very many bans goes on behind the answer. */
  private telling: Promise<unknown> = Promise.resolve();

  constructor(private readonly parts: UnblockingParts) {}

  /**
   * Lifts the ban of a prefix and of everything inside it. Of a prefix inside a wider banned one, an exception is made for
   * as long as that ban lasts.
   *
   * @param now wall clock, ms
   * @throws FirewallError what went wrong with the kernel
   */
  async letIn(ledger: BanLedger, prefix: Prefix, now: number): Promise<RemoveReport> {
    const { backend, unblocked, unwritten } = this.parts;
    const bans = await prefixesInside(ledger, prefix);
    const slices = new Slices();
    const written: Promise<void>[] = [];
    for (let at = 0; at < bans.length; at += REMOVED_AT_ONCE) {
      const part = bans.slice(at, at + REMOVED_AT_ONCE);
      for (const each of part) unblocked.note(each, now);
      await this.lift(ledger, part, written);
      if (slices.over) await slices.next();
    }
    const exceptions = ledger.exceptionsInside(prefix);
    if (exceptions.length > 0) await this.lift(ledger, exceptions, written);
    await Promise.all(written);
    // Not in the ledger; somebody may have put it into the kernel's set since.
    if (bans.length === 0 && exceptions.length === 0) await backend.unbanEach([prefix.text]);
    const exceptedFrom = ledger.covering(prefix);
    if (exceptedFrom.length > 0) {
      unblocked.note(prefix.text, now);
      const until = Math.max(...exceptedFrom.map((ban) => ban.until));
      const exception = { prefix: prefix.text, until };
      await Promise.all([
        unwritten.kept(ledger.except(exception)),
        backend.except(prefix.text, entryOf(exception, now).remaining),
      ]);
    }
    return { count: bans.length, removed: bans.slice(0, MOST_NAMED), exceptedFrom };
  }

  /**
   * Takes bans and exceptions out of ledger and kernel, and tells of the bans.
   *
   * @param written gets the promise of the disk. Until that is kept, a crash may bring them back.
   */
  async lift(ledger: BanLedger, prefixes: readonly string[], written: Promise<void>[]): Promise<void> {
    const { backend, enforcement, unwritten, onRemoved } = this.parts;
    const bans = prefixes.flatMap((prefix) => ledger.get(prefix) ?? []);
    const underWay = bans.map(({ prefix }) => enforcement.forget(prefix));
    const kernel = backend.unbanEach(prefixes);
    const disk = unwritten.kept(ledger.remove(prefixes));
    // Where the kernel refuses, nobody asks for the disk any more.
    disk.catch(() => undefined);
    written.push(disk);
    await kernel;
    void ledger.confirmGone(prefixes).catch(() => undefined);
    // Whoever is told that a ban is gone has been told that it is there.
    await Promise.all(underWay);
    for (const ban of bans) onRemoved(ban);
  }

  /**
   * Lifts all bans; of very many, some are told of after this has resolved.
   *
   * @param now wall clock, ms
   * @throws FirewallError what went wrong with the kernel
   */
  async letAllIn(ledger: BanLedger, now: number): Promise<RemoveReport> {
    const { backend, enforcement, unblocked, unwritten } = this.parts;
    unblocked.noteAll(now);
    const underWay = enforcement.forgetAll();
    const { bans, prefixes, size, done } = ledger.clear();
    await Promise.all([unwritten.kept(done), backend.unbanAll(prefixes)]);
    void ledger.confirmCleared().catch(() => undefined);
    await underWay;
    const removed: string[] = [];
    const telling = this.tell(bans, now, removed);
    this.telling = Promise.all([this.telling, telling]);
    if (size <= MOST_NAMED) await telling;
    return { count: size, removed, exceptedFrom: [] };
  }

  /** @param named gets the first prefixes, before this returns */
  private async tell(bans: Iterable<Ban>, now: number, named: string[]): Promise<void> {
    const { unblocked, onRemoved } = this.parts;
    const slices = new Slices();
    for (const ban of bans) {
      unblocked.note(ban.prefix, now);
      onRemoved(ban);
      if (named.length < MOST_NAMED) named.push(ban.prefix);
      else if (slices.over) await slices.next();
    }
  }

  /** Resolves when all removals have been told. */
  async told(): Promise<void> {
    await this.telling;
  }
}

async function prefixesInside(ledger: BanLedger, prefix: Prefix): Promise<string[]> {
  if (prefix.isHost) return ledger.find(prefix.text) < 0 ? [] : [prefix.text];
  const slices = new Slices(CLOCK_EVERY);
  const inside: string[] = [];
  for (const row of ledger.rows()) {
    const brief = ledger.isInside(row, prefix) ? ledger.brief(row) : undefined;
    if (brief) inside.push(brief.prefix);
    if (slices.over) await slices.next();
  }
  return inside;
}
