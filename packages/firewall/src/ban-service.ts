import { randomBytes } from 'node:crypto';
import type { BanEntry, FirewallBackend, KernelBan } from './backend';
import { type Ban, type BanOrigin, PERMANENT } from './ban';
import { FirewallError } from './errors';
import { localGuard } from './guards';
import { BanLedger, type LedgerReport } from './ledger';
import { banRefusal, checkDuration, LONGEST_BAN_SECONDS, Prefix } from './prefix';

export interface BanRequest {
  /** An address, or a prefix. */
  readonly prefix: string;
  readonly seconds: number;
  readonly reason: string;
  /** Signature, if one led to this. */
  readonly sid?: number;
  readonly origin?: Exclude<BanOrigin, 'kernel'>;
  /**
   * When the packet that led to this was seen (wall clock, ms). A device that was unblocked by hand after that is not
   * banned again for it.
   */
  readonly seenAt?: number;
}

/** `milliseconds`: from the call to the kernel's acknowledgement. */
export type BanEvent =
  | { readonly kind: 'added' | 'extended'; readonly ban: Ban; readonly milliseconds: number }
  | { readonly kind: 'expired' | 'removed'; readonly ban: Ban }
  | { readonly kind: 'refused'; readonly request: BanRequest; readonly reason: string }
  | { readonly kind: 'failed'; readonly ban: Ban; readonly error: FirewallError };

export interface BanServiceOptions {
  readonly backend: FirewallBackend;
  /** Where the ledger is kept. */
  readonly directory: string;
  readonly onEvent?: (event: BanEvent) => void;
  /**
   * Why a prefix must not be banned, as a word or a sentence; undefined when it may. Asked besides the built-in
   * refusals (multicast, link-local, loopback, this host's own addresses and networks).
   */
  readonly neverBlock?: (prefix: Prefix, origin: BanOrigin) => string | undefined;
  /** Default: this host's own addresses and networks. */
  readonly localRefusal?: (prefix: Prefix) => string | undefined;
  /** After an unblocking by hand no detection bans the device again for so long. Default 0. */
  readonly graceSeconds?: number;
  /** Milliseconds: wall clock, and one that nobody sets. */
  readonly clock?: { now(): number; monotonic(): number };
}

export interface ReconcileReport {
  /** Given to the kernel, which did not have them (or for less long). */
  readonly restored: number;
  /** Found in the kernel and taken into the ledger. */
  readonly adopted: number;
  /** Removed from the kernel: they had been lifted before the engine was killed. */
  readonly lifted: number;
}

export interface StartReport extends ReconcileReport {
  readonly ledger: LedgerReport;
}

export interface RemoveReport {
  readonly removed: readonly Ban[];
  /** The wider bans that the prefix lies in; it was let in as an exception to them. */
  readonly exceptedFrom: readonly Ban[];
}

/** A ban repeated sooner than this after it was made or extended is only counted: the packets were under way. */
const REPEAT_MILLISECONDS = 1000;
/** The kernel counts whole seconds and rounds down. */
const TOLERANCE_MILLISECONDS = 2500;
/** The wall clock was set when it moved so much against the other clock. */
const CLOCK_SET_MILLISECONDS = 2000;
const LONGEST_SLEEP_MILLISECONDS = 5000;
/** Memory of who was unblocked by hand, in devices. */
const LARGEST_GRACE = 65_536;
const GRACE_MEMORY_MILLISECONDS = 120_000;

/** The ledger and the kernel, kept in step. */
export class BanService {
  private readonly backend: FirewallBackend;
  private readonly localRefusal: (prefix: Prefix) => string | undefined;
  private readonly clock: { now(): number; monotonic(): number };
  private ledger: BanLedger | undefined;
  private timer: NodeJS.Timeout | undefined;
  private wall = 0;
  private steady = 0;
  /** Wall clock of the last time each ban was given to the kernel, while it may still repeat. */
  private readonly recent = new Map<string, { at: number; done: Promise<Ban> }>();
  /** In the ledger, but the kernel refused or could not be asked. */
  private readonly unenforced = new Set<string>();
  /** Prefix → wall clock of its unblocking by hand. */
  private readonly unblocked = new Map<string, number>();
  /** Reconciling and removing follow one another. */
  private turn: Promise<unknown> = Promise.resolve();
  private retrying = false;
  private kernelHadMore = false;

  constructor(private readonly options: BanServiceOptions) {
    this.backend = options.backend;
    this.localRefusal = options.localRefusal ?? localGuard();
    this.clock = options.clock ?? { now: Date.now, monotonic: () => performance.now() };
  }

  /**
   * Loads the ledger and brings kernel and ledger together. The kernel's sets must be there (install made them).
   *
   * @throws FirewallError LEDGER_IO, or what the backend throws
   */
  async start(): Promise<StartReport> {
    this.wall = this.clock.now();
    this.steady = this.clock.monotonic();
    const ledger = await BanLedger.open(this.options.directory, this.wall);
    this.ledger = ledger;
    for (const ban of ledger.report.expired) this.emit({ kind: 'expired', ban });
    try {
      const report = await this.reconcile();
      this.schedule();
      return { ...report, ledger: ledger.report };
    } catch (error) {
      this.ledger = undefined;
      await ledger.close();
      throw error;
    }
  }

  /** Bans stay in force, in the kernel and in the ledger. */
  async stop(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    await this.turn;
    await Promise.allSettled([...this.recent.values()].map(({ done }) => done));
    const { ledger } = this;
    this.ledger = undefined;
    await ledger?.close();
  }

  /**
   * Resolves when the kernel has the ban and the ledger has it on stable storage.
   *
   * @throws FirewallError BAN_REFUSED, ADDRESS_INVALID, DURATION_INVALID; or what went wrong with kernel or disk, in
   * which case the ban is kept and tried again
   */
  async ban(request: BanRequest): Promise<Ban> {
    const began = this.clock.monotonic();
    const ledger = this.opened();
    const now = this.present();
    checkDuration(request.seconds);
    const prefix = Prefix.parse(request.prefix);
    const reason = this.refusal(prefix, request, now);
    if (reason !== undefined) {
      this.emit({ kind: 'refused', request, reason });
      throw new FirewallError('BAN_REFUSED', `${prefix.text} is not banned: ${reason}.`, { reason });
    }

    const before = ledger.get(prefix.text);
    const recent = this.recent.get(prefix.text);
    const until = now + Math.ceil(request.seconds) * 1000;
    if (
      before &&
      recent &&
      now - recent.at < REPEAT_MILLISECONDS &&
      until - before.until < REPEAT_MILLISECONDS
    ) {
      return recent.done;
    }
    const ban: Ban = {
      id: before?.id ?? newId(now),
      prefix: prefix.text,
      since: before?.since ?? now,
      until: Math.max(until, before?.until ?? 0),
      reason: request.reason.slice(0, 512),
      sid: request.sid ?? 0,
      origin: request.origin ?? 'attack',
      count: (before?.count ?? 0) + 1,
    };
    const done = this.enforce(ban, before === undefined ? 'added' : 'extended', began, now);
    this.recent.set(prefix.text, { at: now, done });
    return done;
  }

  private async enforce(ban: Ban, kind: 'added' | 'extended', began: number, now: number): Promise<Ban> {
    const ledger = this.opened();
    let milliseconds = 0;
    const kernel = this.giveToKernel(ban, now).then(() => {
      milliseconds = this.clock.monotonic() - began;
      this.unenforced.delete(ban.prefix);
    });
    const [inKernel, onDisk] = await Promise.allSettled([kernel, ledger.put(ban)]);
    for (const result of [inKernel, onDisk]) {
      if (result.status === 'fulfilled') continue;
      const error = asFirewallError(result.reason, ban);
      if (result === inKernel && ledger.get(ban.prefix)?.id === ban.id) this.unenforced.add(ban.prefix);
      this.emit({ kind: 'failed', ban, error });
      throw error;
    }
    this.emit({ kind, ban, milliseconds });
    this.schedule();
    return ban;
  }

  private giveToKernel(ban: Ban, now: number): Promise<void> {
    if (ban.until === PERMANENT) return this.backend.restoreBans([entryOf(ban, now)], 1);
    return this.backend.ban(ban.prefix, entryOf(ban, now).remaining);
  }

  private refusal(prefix: Prefix, request: BanRequest, now: number): string | undefined {
    const general = banRefusal(prefix);
    if (general !== undefined) return general;
    const local = this.localRefusal(prefix);
    if (local !== undefined) return local;
    const never = this.options.neverBlock?.(prefix, request.origin ?? 'attack');
    if (never !== undefined) return never;
    if (request.origin === 'manual') return undefined;
    const unblocked = this.unblocked.get(prefix.text);
    if (unblocked === undefined) return undefined;
    if (request.seenAt !== undefined && request.seenAt <= unblocked) return 'unblocked-since';
    if (now < unblocked + (this.options.graceSeconds ?? 0) * 1000) return 'grace-after-unblocking';
    return undefined;
  }

  /** All bans in force. */
  list(): Ban[] {
    const ledger = this.opened();
    this.expire();
    return [...ledger.entries()];
  }

  get size(): number {
    return this.opened().size;
  }

  /** The bans that cover an address, the narrowest first; none when it is let in as an exception. */
  show(address: string): Ban[] {
    const ledger = this.opened();
    this.expire();
    const prefix = Prefix.parse(address);
    const covering = ledger.covering(prefix);
    if (covering.length === 0) return covering;
    for (const { prefix: text } of ledger.exceptions()) {
      const excepted = Prefix.parse(text);
      if (excepted.contains(prefix) && excepted.length > Prefix.parse(covering[0].prefix).length) return [];
    }
    return covering;
  }

  /**
   * Lifts the ban of a prefix and of everything inside it, or all bans. Of a prefix inside a wider banned one, an
   * exception is made for as long as that ban lasts.
   *
   * @throws FirewallError ADDRESS_INVALID, or what went wrong with kernel or disk
   */
  remove(what: string | 'all'): Promise<RemoveReport> {
    return this.inTurn(() => (what === 'all' ? this.removeAll() : this.removeOne(Prefix.parse(what))));
  }

  private async removeOne(prefix: Prefix): Promise<RemoveReport> {
    const ledger = this.opened();
    const now = this.present();
    const { bans, exceptions } = ledger.inside(prefix);
    const prefixes = [...bans.map((ban) => ban.prefix), ...exceptions];
    if (prefixes.length > 0) {
      for (const ban of bans) this.noteUnblocked(ban.prefix, now);
      const kernel = this.backend.unbanEach(prefixes);
      await Promise.all([ledger.remove(prefixes), kernel]);
      void ledger.confirmGone(prefixes).catch(() => undefined);
      for (const ban of bans) this.emit({ kind: 'removed', ban });
    } else {
      // Not in the ledger; somebody may have put it into the kernel's set since.
      await this.backend.unbanEach([prefix.text]);
    }
    const exceptedFrom = ledger.covering(prefix);
    if (exceptedFrom.length > 0) {
      this.noteUnblocked(prefix.text, now);
      const until = Math.max(...exceptedFrom.map((ban) => ban.until));
      await Promise.all([
        ledger.except({ prefix: prefix.text, until }),
        this.backend.except(prefix.text, entryOf({ prefix: prefix.text, until }, now).remaining),
      ]);
    }
    return { removed: bans, exceptedFrom };
  }

  private async removeAll(): Promise<RemoveReport> {
    const ledger = this.opened();
    const now = this.present();
    const removed = [...ledger.entries()];
    await Promise.all([ledger.clear(), this.backend.unbanAll()]);
    void ledger.confirmCleared().catch(() => undefined);
    this.recent.clear();
    this.unenforced.clear();
    for (const ban of removed.slice(-LARGEST_GRACE)) this.noteUnblocked(ban.prefix, now);
    for (const ban of removed) this.emit({ kind: 'removed', ban });
    return { removed, exceptedFrom: [] };
  }

  private noteUnblocked(prefix: string, now: number): void {
    this.recent.delete(prefix);
    this.unenforced.delete(prefix);
    // Rare, and forgetting costs little: half of them at once instead of one at a time.
    if (this.unblocked.size >= 2 * LARGEST_GRACE) {
      const newer = [...this.unblocked].slice(LARGEST_GRACE);
      this.unblocked.clear();
      for (const [key, at] of newer) this.unblocked.set(key, at);
    }
    this.unblocked.delete(prefix);
    this.unblocked.set(prefix, now);
  }

  /**
   * Brings kernel and ledger together, at the start and whenever the sets may have been touched:
   * what only the ledger has is given to the kernel; what only the kernel has is taken into the ledger with origin
   * `kernel`, so that it is seen, kept over a reboot and can be lifted — unless it had been lifted before a crash;
   * where both have it, the longer time counts.
   */
  reconcile(): Promise<ReconcileReport> {
    return this.inTurn(async () => {
      const ledger = this.opened();
      const listedAt = this.clock.monotonic();
      const pending = ledger.pendingRemovals();
      /** In the kernel as the ledger wants it. */
      const right = new Set<string>();
      const lift: string[] = [];
      const written: Promise<void>[] = [];
      let adopted = 0;
      await this.backend.eachBan((there) => {
        const now = this.present();
        const until = lastsTo(there, now);
        const known = ledger.get(there.prefix);
        if (known ? !there.exception : ledger.hasException(there.prefix) && there.exception) {
          if (!known || until + TOLERANCE_MILLISECONDS >= known.until) right.add(there.prefix);
          if (known && until > known.until + TOLERANCE_MILLISECONDS)
            written.push(ledger.put({ ...known, until }));
        } else if (known || ledger.hasException(there.prefix)) {
          // One is a ban, the other an exception: the ledger's is among the missing.
        } else if (ledger.isPendingRemoval(there.prefix)) {
          lift.push(there.prefix);
        } else if (until - now <= this.clock.monotonic() - listedAt + TOLERANCE_MILLISECONDS) {
          // It runs out while the kernel is being asked.
        } else if (there.exception) {
          written.push(ledger.except({ prefix: there.prefix, until }));
          right.add(there.prefix);
        } else {
          adopted++;
          const found = { id: newId(now), prefix: there.prefix, since: now, until };
          const ban: Ban = { ...found, reason: 'found in the kernel', sid: 0, origin: 'kernel', count: 1 };
          written.push(ledger.put(ban));
          right.add(there.prefix);
        }
      });
      const now = this.present();
      this.expire();
      const missing: BanEntry[] = [];
      for (const ban of ledger.entries()) if (!right.has(ban.prefix)) missing.push(entryOf(ban, now));
      for (const exception of ledger.exceptions()) {
        if (!right.has(exception.prefix)) missing.push({ ...entryOf(exception, now), exception: true });
      }
      if (lift.length > 0) await this.backend.unbanEach(lift);
      if (missing.length > 0) await this.backend.restoreBans(missing, missing.length);
      await Promise.all(written);
      for (const { prefix } of missing) this.unenforced.delete(prefix);
      void ledger.confirmGone(pending).catch(() => undefined);
      void ledger.confirmCleared().catch(() => undefined);
      return { restored: missing.length, adopted, lifted: lift.length };
    });
  }

  /**
   * Compares only the number of entries, which is cheap at any size, and reconciles when the kernel has fewer, or twice
   * running has more (for a moment it has: it rounds up to whole seconds).
   *
   * @returns how many bans had to be given to the kernel again
   */
  async repairDrift(): Promise<number> {
    const ledger = this.opened();
    this.expire();
    let wanted = ledger.size - this.unenforced.size;
    for (const _ of ledger.exceptions()) wanted++;
    const surplus = (await this.backend.banCount()) - wanted;
    const hadMore = this.kernelHadMore;
    this.kernelHadMore = surplus > 0;
    if (surplus === 0 || (surplus > 0 && !hadMore)) return 0;
    this.kernelHadMore = false;
    return (await this.reconcile()).restored;
  }

  /** Notices a clock that was set; every use of the wall clock goes through here. */
  private present(): number {
    const now = this.clock.now();
    const steady = this.clock.monotonic();
    const jump = now - this.wall - (steady - this.steady);
    this.wall = now;
    this.steady = steady;
    if (Math.abs(jump) > CLOCK_SET_MILLISECONDS) {
      void this.opened()
        .shiftClock(jump)
        .catch(() => undefined);
      for (const [prefix, at] of this.unblocked) this.unblocked.set(prefix, at + jump);
      this.recent.clear();
    }
    return now;
  }

  private expire(): void {
    for (const ban of this.opened().takeExpired(this.present())) {
      this.recent.delete(ban.prefix);
      this.unenforced.delete(ban.prefix);
      this.emit({ kind: 'expired', ban });
    }
  }

  private schedule(): void {
    clearTimeout(this.timer);
    if (!this.ledger) return;
    const next = (this.ledger.nextExpiry ?? Number.POSITIVE_INFINITY) - this.clock.now();
    // Never longer than a little: the clock may be set, and what failed is tried again.
    this.timer = setTimeout(() => this.tick(), Math.min(LONGEST_SLEEP_MILLISECONDS, Math.max(10, next)));
    this.timer.unref();
  }

  private tick(): void {
    if (!this.ledger) return;
    this.expire();
    const now = this.present();
    for (const [prefix, { at }] of this.recent) {
      if (now - at > REPEAT_MILLISECONDS) this.recent.delete(prefix);
    }
    const memory = Math.max(GRACE_MEMORY_MILLISECONDS, (this.options.graceSeconds ?? 0) * 1000);
    for (const [prefix, at] of this.unblocked) if (now - at > memory) this.unblocked.delete(prefix);
    void this.retry();
    this.schedule();
  }

  private async retry(): Promise<void> {
    if (this.retrying || this.unenforced.size === 0) return;
    this.retrying = true;
    try {
      for (const prefix of [...this.unenforced].slice(0, 1000)) {
        const ban = this.ledger?.get(prefix);
        if (!ban) {
          this.unenforced.delete(prefix);
          continue;
        }
        const began = this.clock.monotonic();
        await this.giveToKernel(ban, this.present());
        this.unenforced.delete(prefix);
        this.emit({ kind: 'added', ban, milliseconds: this.clock.monotonic() - began });
      }
    } catch {
      // Told already; the next tick tries again.
    } finally {
      this.retrying = false;
    }
  }

  private emit(event: BanEvent): void {
    this.options.onEvent?.(event);
  }

  private opened(): BanLedger {
    if (!this.ledger) throw new FirewallError('LEDGER_CLOSED', 'the ban service is not running.');
    return this.ledger;
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.turn.then(work);
    this.turn = result.catch(() => undefined);
    return result;
  }
}

function entryOf(ban: { prefix: string; until: number }, now: number): BanEntry {
  const seconds = Math.ceil((ban.until - now) / 1000);
  const remaining = ban.until === PERMANENT ? 0 : Math.min(LONGEST_BAN_SECONDS, Math.max(1, seconds));
  return { prefix: ban.prefix, remaining };
}

function lastsTo(there: KernelBan, now: number): number {
  return there.remaining === 0 ? PERMANENT : now + there.remaining * 1000;
}

function newId(now: number): string {
  return `${now.toString(36)}-${randomBytes(5).toString('hex')}`;
}

function asFirewallError(reason: unknown, ban: Ban): FirewallError {
  if (reason instanceof FirewallError) return reason;
  const why = reason instanceof Error ? reason.message : String(reason);
  return new FirewallError('BAN_FAILED', `${ban.prefix} could not be banned: ${why}.`, { cause: reason });
}
