import type { FirewallBackend } from './backend';
import type { Ban, BanOrigin } from './ban';
import type { BanEvent } from './ban-event';
import { type BanRefusalOptions, BanRefusals } from './ban-refusals';
import { type BanRequest, endOf, requestedBan } from './ban-request';
import { type BanManyReport, banInBulk } from './bulk-ban';
import { DriftWatch } from './drift-watch';
import { Enforcement } from './enforcement';
import { FirewallError } from './errors';
import type { LoadReport } from './journal';
import { BanLedger } from './ledger';
import type { Family } from './names';
import { checkDuration, Prefix, refuse } from './prefix';
import { Reconciliation } from './reconciliation';
import { CLOCK_EVERY, Slices } from './slices';
import { Turns } from './turns';
import { type RemoveReport, Unblocking } from './unblocking';
import { UnwrittenLedger } from './unwritten-ledger';
import { type Clock, WatchedClock } from './watched-clock';

export interface BanServiceOptions extends BanRefusalOptions {
  readonly backend: FirewallBackend;
  /** Where the ledger is kept. */
  readonly directory: string;
  readonly onEvent?: (event: BanEvent) => void;
  /** Told once when the disk refuses the ledger (bans are in force all the same), and once when all of it is written. */
  readonly onLedger?: (failed: boolean, message: string) => void;
  readonly clock?: Clock;
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
  readonly ledger: LoadReport;
}

export interface BanPage {
  /** Bans there are altogether. */
  readonly total: number;
  readonly bans: readonly Ban[];
}

const LONGEST_SLEEP_MILLISECONDS = 5000;

/**
 * The ledger and the kernel, kept in step.
 *
 * ```
 * ban ──▶ BanRefusals ──▶ Enforcement ──▶ kernel and ledger     bans one by one; what the kernel refused is tried again
 * banMany ───▶ " ───────▶ banInBulk ────▶ ledger, then kernel
 * remove ───────────────▶ Unblocking ───▶ kernel and ledger
 * repairDrift ──────────▶ DriftWatch ───▶ reconcile: Reconciliation
 * ```
 *
 * Expiry is the kernel's own; the ledger comes to the same conclusion by the clock and tells of it.
 */
export class BanService {
  private readonly backend: FirewallBackend;
  private readonly clock: WatchedClock;
  private readonly refusals: BanRefusals;
  private readonly unwritten: UnwrittenLedger;
  private readonly enforcement: Enforcement;
  private readonly unblocking: Unblocking;
  private readonly drift: DriftWatch;
  /** Reconciling, removing and bans of many follow one another. */
  private readonly turns = new Turns();
  private ledger: BanLedger | undefined;
  private timer: NodeJS.Timeout | undefined;
  /** More bans have run out than are told of at once. */
  private expiring = false;

  constructor(private readonly options: BanServiceOptions) {
    const { backend, clock = SYSTEM_CLOCK } = options;
    const emit = (event: BanEvent) => this.emit(event);
    this.backend = backend;
    this.clock = new WatchedClock(clock, (milliseconds) => this.shiftClock(milliseconds));
    this.refusals = new BanRefusals(options);
    this.unwritten = new UnwrittenLedger(
      () => clock.monotonic(),
      (failed, message) => options.onLedger?.(failed, message),
    );
    const { unwritten } = this;
    this.enforcement = new Enforcement({ backend, unwritten, clock: this.clock, emit });
    this.unblocking = new Unblocking({
      backend,
      unwritten,
      enforcement: this.enforcement,
      unblocked: this.refusals.unblocked,
      onRemoved: (ban) => emit({ kind: 'removed', ban }),
    });
    const { unenforced } = this.enforcement;
    this.drift = new DriftWatch({ backend, clock: this.clock, unenforced });
  }

  /**
   * Loads the ledger and brings kernel and ledger together. The kernel's sets must be there (install made them).
   *
   * @throws FirewallError LEDGER_IO, or what the backend throws
   */
  async start(): Promise<StartReport> {
    const ledger = await BanLedger.open(this.options.directory, this.clock.now());
    this.ledger = ledger;
    try {
      const slices = new Slices();
      while (this.expire()) if (slices.over) await slices.next();
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
    await this.turns.ended();
    await this.unblocking.told();
    await this.enforcement.ended();
    const { ledger } = this;
    this.ledger = undefined;
    clearTimeout(this.timer);
    await this.unwritten.ended();
    await ledger?.close();
  }

  /**
   * Resolves when the kernel has the ban and the ledger has it on stable storage. Where the disk refuses it the ban is in
   * force all the same: `onLedger` is told, and the ledger is written as soon as it can be.
   *
   * @throws FirewallError BAN_REFUSED, ADDRESS_INVALID, DURATION_INVALID; or what went wrong with the kernel, in which case
   * the ban is kept and tried again
   */
  async ban(request: BanRequest): Promise<Ban> {
    const began = request.began ?? this.clock.monotonic();
    const ledger = this.opened();
    const now = this.clock.now();
    checkDuration(request.seconds);
    const prefix = Prefix.parse(request.prefix);
    const reason = this.refusals.of(prefix, request, now);
    if (reason !== undefined) {
      this.emit({ kind: 'refused', request, reason });
      refuse(prefix, reason);
    }
    const before = ledger.get(prefix.text);
    const repeated = before && this.enforcement.repeated(prefix.text, endOf(request, now) - before.until);
    if (repeated) return repeated;
    const ban = requestedBan(prefix.text, request, before, now);
    const kind = before === undefined ? 'added' : 'extended';
    const { inKernelAt } = request;
    const done = await this.enforcement.put(ledger, ban, kind, { now, began, inKernelAt });
    this.schedule();
    return done;
  }

  /** Looks at everything that a ban depends on, and asks the kernel for the entry instead of making it. */
  async rehearse(request: BanRequest): Promise<Ban> {
    const now = this.clock.now();
    checkDuration(request.seconds);
    const prefix = Prefix.parse(request.prefix);
    const ban = requestedBan(prefix.text, request, this.opened().get(prefix.text), now);
    if (this.refusals.of(prefix, request, now) === undefined) await this.backend.holdsAll([ban.prefix]);
    return ban;
  }

  /** What bans depend on and what takes a while to find out is found out before it is needed. To be called every second. */
  lookAround(): void {
    this.refusals.refresh();
  }

  /** Prefixes of which none may be touched by a ban that somebody makes ahead of this. @param networks see LocalGuard */
  spared(networks: boolean): string[] {
    return this.refusals.spared(networks);
  }

  /** Whether a prefix holds somebody who is never banned, or is none that one attacker has. */
  spares(text: string, origin: BanOrigin): boolean {
    return this.refusals.spares(text, origin);
  }

  /**
   * What somebody has put into the kernel ahead of a decision goes again, unless it has become a ban.
   *
   * @throws FirewallError what went wrong with the kernel
   */
  async settle(provisional: string): Promise<void> {
    const ledger = this.opened();
    const prefix = Prefix.parse(provisional).text;
    const ban = ledger.get(prefix);
    // One of the kernel's own was taken into the ledger in between: a provisional one is made only where there was none.
    if (ban === undefined) await this.backend.unbanEach([prefix]);
    else if (ban.origin === 'kernel') {
      const written: Promise<void>[] = [];
      await this.unblocking.lift(ledger, [prefix], written);
      await Promise.all(written);
    }
  }

  /**
   * The same as `ban` for very many, in slices. Resolves when the kernel and the disk have all that were not refused; until
   * then none of them is confirmed.
   *
   * @param requests of prefixes; each refused one is told as an event, but for what is no prefix
   * @throws FirewallError what went wrong with the kernel; what the ledger has by then is given to the kernel later
   */
  banMany(requests: Iterable<BanRequest>): Promise<BanManyReport> {
    return this.turns.take(async () => {
      const { backend, unwritten, clock } = this;
      const report = await banInBulk(this.opened(), requests, {
        backend,
        unwritten,
        clock,
        wanted: (request, now) => this.wanted(request, now),
        emit: (event) => this.emit(event),
      });
      this.schedule();
      return report;
    });
  }

  /** @returns the ban that a request makes, or why it is refused, which has been told then */
  private wanted(request: BanRequest, now: number): Ban | string {
    checkDuration(request.seconds);
    let prefix: Prefix;
    try {
      prefix = Prefix.parse(request.prefix);
    } catch (error) {
      return (error as Error).message;
    }
    const reason = this.refusals.of(prefix, request, now);
    if (reason === undefined) return requestedBan(prefix.text, request, this.opened().get(prefix.text), now);
    this.emit({ kind: 'refused', request, reason });
    return reason;
  }

  /** Some of the bans in force, in an order that stays while none comes or goes. */
  async list(offset = 0, limit = Number.POSITIVE_INFINITY): Promise<BanPage> {
    const ledger = this.opened();
    this.expire();
    const now = this.clock.now();
    const slices = new Slices(CLOCK_EVERY);
    const bans: Ban[] = [];
    let total = 0;
    for (const row of ledger.rows()) {
      if (slices.over) await slices.next();
      if (!ledger.isInForce(row, now)) continue;
      if (total >= offset && bans.length < limit) bans.push(ledger.at(row));
      total++;
    }
    return { total, bans };
  }

  get size(): number {
    return this.opened().size;
  }

  /** How many bans there are of an origin and family. */
  count(origin: BanOrigin, family: Family): number {
    return this.opened().count(origin, family);
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
   * @throws FirewallError ADDRESS_INVALID, or what went wrong with the kernel
   */
  remove(what: string | 'all'): Promise<RemoveReport> {
    return this.turns.take(async () => {
      const ledger = this.opened();
      if (what === 'all') return this.unblocking.letAllIn(ledger, this.clock.now());
      return this.unblocking.letIn(ledger, Prefix.parse(what), this.clock.now());
    });
  }

  /**
   * Brings kernel and ledger together, at the start and whenever the sets may have been touched:
   * what only the ledger has is given to the kernel; what only the kernel has is taken into the ledger with origin
   * `kernel`, so that it is seen, kept over a reboot and can be lifted — unless it had been lifted before a crash;
   * where both have it, the longer time counts.
   *
   * @throws FirewallError what the backend throws
   */
  reconcile(): Promise<ReconcileReport> {
    return this.turns.take(async () => {
      const { backend, clock } = this;
      const ledger = this.opened();
      const pending = ledger.pendingRemovals();
      const unenforced = [...this.enforcement.unenforced];
      const both = new Reconciliation(ledger, backend.families, clock.monotonic());
      let now = clock.now();
      let seen = 0;
      await backend.eachBan((there) => {
        if (++seen % CLOCK_EVERY === 0) now = clock.now();
        both.see(there, now, clock.monotonic());
      });
      now = clock.now();
      this.expire();
      const missing = await both.countMissing(now);
      const { adopted, lifted } = both;
      if (lifted.length > 0) await backend.unbanEach(lifted);
      if (missing > 0) await backend.restoreBans(both.missing(now), missing);
      await this.unwritten.kept(both.written());
      this.enforcement.enforced(unenforced);
      void ledger.confirmGone(pending).catch(() => undefined);
      void ledger.confirmCleared().catch(() => undefined);
      return { restored: missing, adopted, lifted: lifted.length };
    });
  }

  /**
   * Looks whether the kernel still has what it was given, and reconciles when it has not.
   *
   * @returns how many bans had to be given to the kernel again
   * @throws FirewallError what the backend throws
   */
  async repairDrift(): Promise<number> {
    this.expire();
    return (await this.drift.differs(this.opened())) ? (await this.reconcile()).restored : 0;
  }

  /** The wall clock was set forward by so much: bans keep the time that they have left. */
  private shiftClock(milliseconds: number): void {
    this.refusals.unblocked.shiftClock(milliseconds);
    void this.ledger?.shiftClock(milliseconds).catch(() => undefined);
  }

  /** @returns whether there may be more, as only so many are told of at once */
  private expire(): boolean {
    const expired = this.opened().takeExpired(this.clock.now());
    for (const ban of expired) {
      this.enforcement.forget(ban.prefix);
      this.emit({ kind: 'expired', ban });
    }
    return expired.length > 0;
  }

  private schedule(): void {
    clearTimeout(this.timer);
    if (!this.ledger || this.expiring) return;
    const next = (this.ledger.nextExpiry ?? Number.POSITIVE_INFINITY) - this.clock.now();
    // Never longer than a little: the clock may be set, and what failed is tried again.
    this.timer = setTimeout(() => this.tick(), Math.min(LONGEST_SLEEP_MILLISECONDS, Math.max(10, next)));
    this.timer.unref();
  }

  private tick(): void {
    const { ledger } = this;
    if (!ledger) return;
    if (this.expire()) {
      this.expiring = true;
      setImmediate(() => {
        this.expiring = false;
        this.tick();
      });
      return;
    }
    this.enforcement.forgetOld();
    this.refusals.forgetOld(this.clock.now());
    this.enforcement.retry(ledger);
    this.unwritten.tryAgain(ledger);
    this.schedule();
  }

  private emit(event: BanEvent): void {
    this.options.onEvent?.(event);
  }

  private opened(): BanLedger {
    if (!this.ledger) throw new FirewallError('LEDGER_CLOSED', 'the ban service is not running.');
    return this.ledger;
  }
}

const SYSTEM_CLOCK: Clock = { now: Date.now, monotonic: () => performance.now() };
