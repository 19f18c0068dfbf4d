import { randomBytes } from 'node:crypto';
import type { BanEntry, FirewallBackend, KernelBan } from './backend';
import { type Ban, type BanOrigin, PERMANENT } from './ban';
import { FirewallError } from './errors';
import { LocalGuard } from './guards';
import type { LoadReport } from './journal';
import { BanLedger } from './ledger';
import type { Family } from './names';
import {
  banRefusal,
  checkDuration,
  LONGEST_BAN_SECONDS,
  Prefix,
  refuse,
  UNBANNABLE_PREFIXES,
} from './prefix';
import { Slices } from './slices';
import { UnblockedByHand } from './unblocked-by-hand';

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
  /** When what led to this began, by the monotonic clock; default: with the call. */
  readonly began?: number | undefined;
  /** When the kernel has had it, by the same clock; absent: it has to be given to it. */
  readonly inKernelAt?: number | undefined;
}

/** `milliseconds`: from `began` of the request to the kernel's acknowledgement. */
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
  /** Told once when the disk refuses the ledger (bans are in force all the same), and once when all of it is written. */
  readonly onLedger?: (failed: boolean, message: string) => void;
  /**
   * Why a prefix must not be banned, as a word or a sentence; undefined when it may. Asked besides the built-in
   * refusals (multicast, link-local, loopback, this host's own addresses and networks).
   */
  readonly neverBlock?: (prefix: Prefix, origin: BanOrigin) => string | undefined;
  /** Default: this host's own addresses and networks. */
  readonly localRefusal?: (prefix: Prefix) => string | undefined;
  /** After an unblocking by hand no detection bans the device again for so long. Default 0. */
  readonly graceSeconds?: () => number;
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
  readonly ledger: LoadReport;
}

export interface BanPage {
  /** Bans there are altogether. */
  readonly total: number;
  readonly bans: readonly Ban[];
}

export interface RemoveReport {
  /** How many bans were lifted. */
  readonly count: number;
  /** Their prefixes; of very many only the first. */
  readonly removed: readonly string[];
  /** The wider bans that the prefix lies in; it was let in as an exception to them. */
  readonly exceptedFrom: readonly Ban[];
}

export interface BanManyReport {
  readonly banned: number;
  readonly refused: number;
  /** Those that were refused, and why; of very many only the first. */
  readonly refusals: readonly { readonly prefix: string; readonly reason: string }[];
}

/** Bans that are written to the disk together. */
const GROUP = 4096;
/** A ban repeated sooner than this after it was made or extended is only counted: the packets were under way. */
const REPEAT_MILLISECONDS = 1000;
/** The kernel counts whole seconds and rounds down. */
const TOLERANCE_MILLISECONDS = 2500;
/** The wall clock was set when it moved so much against the other clock. */
const CLOCK_SET_MILLISECONDS = 2000;
const LONGEST_SLEEP_MILLISECONDS = 5000;
/** A ledger that the disk has refused is tried again after so long. */
const LEDGER_RETRY_MILLISECONDS = 5000;
const GRACE_MEMORY_MILLISECONDS = 120_000;
/** Prefixes that an answer names. */
const MOST_NAMED = 1000;
/** Of work that takes a microsecond a ban: the clock is looked at each so many. */
const CLOCK_EVERY = 64;
/** Bans that are removed together. */
const REMOVED_AT_ONCE = 512;
/** Bans whose entry in the kernel is looked for at each look for drift. */
const SAMPLE = 32;
/** What runs out sooner may be gone from the kernel already. */
const SAMPLE_LASTS_MILLISECONDS = 5000;
/** Up to so many entries are counted at each look for drift; larger sets once a minute. */
const COUNTED_OFTEN = 10_000;
const COUNT_MILLISECONDS = 60_000;

/** The ledger and the kernel, kept in step. */
export class BanService {
  private readonly backend: FirewallBackend;
  private readonly local = new LocalGuard();
  private readonly clock: { now(): number; monotonic(): number };
  private ledger: BanLedger | undefined;
  private timer: NodeJS.Timeout | undefined;
  private wall = 0;
  private steady = 0;
  /** Wall clock of the last time each ban was given to the kernel, while it may still repeat. */
  private readonly recent = new Map<string, { at: number; done: Promise<Ban> }>();
  /** In the ledger, but the kernel refused or could not be asked. */
  private readonly unenforced = new Set<string>();
  private readonly unblocked = new UnblockedByHand();
  /** Reconciling and removing follow one another. */
  private turn: Promise<unknown> = Promise.resolve();
  private retrying = false;
  private ledgerFailed = false;
  private catchUpAt = 0;
  /** More bans have run out than are told of at once. */
  private expiring = false;
  private kernelHadMore = false;
  private countedAt = Number.NEGATIVE_INFINITY;
  /** Row at which the next sample begins. */
  private sampleAt = 0;
  /** A ban of each family that is in force, to see at once when a set was emptied. */
  private readonly witnesses = new Map<Family, string>();
  /** When everything was unblocked by hand. */
  private allUnblocked = Number.NEGATIVE_INFINITY;
  /** Telling of very many bans goes on behind the answer. */
  private telling: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: BanServiceOptions) {
    this.backend = options.backend;
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
    clearTimeout(this.timer);
    this.timer = undefined;
    await this.turn;
    await this.telling;
    await Promise.allSettled([...this.recent.values()].map(({ done }) => done));
    const { ledger } = this;
    this.ledger = undefined;
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
    const now = this.present();
    checkDuration(request.seconds);
    const prefix = Prefix.parse(request.prefix);
    const reason = this.refusal(prefix, request, now);
    if (reason !== undefined) {
      this.emit({ kind: 'refused', request, reason });
      refuse(prefix, reason);
    }

    const before = ledger.get(prefix.text);
    const recent = this.recent.get(prefix.text);
    const until = endOf(request, now);
    if (
      before &&
      recent &&
      now - recent.at < REPEAT_MILLISECONDS &&
      until - before.until < REPEAT_MILLISECONDS
    ) {
      return recent.done;
    }
    const ban = newBan(prefix.text, request, before, now);
    const kind = before === undefined ? 'added' : 'extended';
    const done = this.enforce(ban, kind, { began, now, inKernelAt: request.inKernelAt });
    this.recent.set(prefix.text, { at: now, done });
    return done;
  }

  /** Looks at everything that a ban depends on, and asks the kernel for the entry instead of making it. */
  async rehearse(request: BanRequest): Promise<Ban> {
    const now = this.present();
    checkDuration(request.seconds);
    const prefix = Prefix.parse(request.prefix);
    const ban = newBan(prefix.text, request, this.opened().get(prefix.text), now);
    if (this.refusal(prefix, request, now) === undefined) await this.backend.holdsAll([ban.prefix]);
    return ban;
  }

  /** What bans depend on and what takes a while to find out is found out before it is needed. To be called every second. */
  lookAround(): void {
    this.local.refresh();
  }

  /** Prefixes of which none may be touched by a ban that somebody makes ahead of this. @param networks see LocalGuard */
  spared(networks: boolean): string[] {
    return [...UNBANNABLE_PREFIXES, ...this.local.spared(networks)];
  }

  /**
   * What somebody has put into the kernel ahead of a decision goes again, unless it has become a ban.
   *
   * @throws FirewallError what went wrong with kernel or disk
   */
  async settle(provisional: string): Promise<void> {
    const prefix = Prefix.parse(provisional).text;
    const ban = this.opened().get(prefix);
    // One of the kernel's own was taken into the ledger in between: a provisional one is made only where there was none.
    if (ban === undefined) await this.backend.unbanEach([prefix]);
    else if (ban.origin === 'kernel') {
      const written: Promise<void>[] = [];
      await this.lift([prefix], this.present(), written);
      await Promise.all(written);
    }
  }

  /**
   * The same for very many, in slices. Resolves when the kernel and the disk have all that were not refused; until then
   * none of them is confirmed.
   *
   * @param requests of prefixes; each refused one is told as an event, but for what is no prefix
   * @throws FirewallError what went wrong with kernel or disk; what the ledger has by then is given to the kernel later
   */
  banMany(requests: Iterable<BanRequest>): Promise<BanManyReport> {
    return this.inTurn(async () => {
      const began = this.clock.monotonic();
      const ledger = this.opened();
      const slices = new Slices(CLOCK_EVERY);
      const added: number[] = [];
      const extended: number[] = [];
      const refusals: { prefix: string; reason: string }[] = [];
      let refused = 0;
      let now = this.present();
      let unwritten = 0;
      /** One group is on its way to the disk while the next one is put together. */
      let writing = Promise.resolve();
      try {
        for (const request of requests) {
          const ban = this.wanted(request, now);
          if (typeof ban === 'string') {
            refused++;
            if (refusals.length < MOST_NAMED) refusals.push({ prefix: request.prefix, reason: ban });
          } else {
            (ban.count > 1 ? extended : added).push(ledger.putLater(ban));
            unwritten++;
          }
          if (unwritten === GROUP) {
            unwritten = 0;
            await writing;
            writing = ledger.flush();
            writing.catch(() => undefined);
          } else if (slices.over) await slices.next();
          else continue;
          now = this.present();
        }
      } finally {
        await Promise.all([writing, ledger.flush()]);
      }
      const rows = [...added, ...extended];
      await this.backend.restoreBans(entriesOf(ledger, rows, this.present()), rows.length);
      const milliseconds = this.clock.monotonic() - began;
      for (const [kind, of] of [
        ['added', added],
        ['extended', extended],
      ] as const)
        for (const row of of) {
          if (ledger.untilOf(row) !== undefined) this.emit({ kind, ban: ledger.at(row), milliseconds });
          if (slices.over) await slices.next();
        }
      this.schedule();
      return { banned: rows.length, refused, refusals };
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
    const reason = this.refusal(prefix, request, now);
    if (reason === undefined) return newBan(prefix.text, request, this.opened().get(prefix.text), now);
    this.emit({ kind: 'refused', request, reason });
    return reason;
  }

  private async enforce(
    ban: Ban,
    kind: 'added' | 'extended',
    { began, now, inKernelAt }: { began: number; now: number; inKernelAt: number | undefined },
  ): Promise<Ban> {
    const ledger = this.opened();
    let milliseconds = 0;
    // Also where it has been there: the time may be another, and a set that is growing is told of all that comes.
    const kernel = this.giveToKernel(ban, now).then(() => {
      milliseconds = (inKernelAt ?? this.clock.monotonic()) - began;
      this.unenforced.delete(ban.prefix);
    });
    const [inKernel, onDisk] = await Promise.allSettled([kernel, this.kept(ledger.put(ban))]);
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

  /** What the disk refuses is in memory, and in the kernel: nobody who asked for it has to be told that it failed. */
  private async kept(written: Promise<void>): Promise<void> {
    try {
      await written;
    } catch (error) {
      if (!(error instanceof FirewallError) || error.code !== 'LEDGER_IO') throw error;
      if (!this.ledgerFailed) this.catchUpAt = this.clock.monotonic() + LEDGER_RETRY_MILLISECONDS;
      this.ledgerFails(error);
    }
  }

  private ledgerFails({ message }: Error): void {
    if (this.ledgerFailed) return;
    this.ledgerFailed = true;
    this.options.onLedger?.(
      true,
      `${message} Bans are in force, but those from now on would not outlive a reboot.`,
    );
  }

  private async catchUp(ledger: BanLedger): Promise<void> {
    const now = this.clock.monotonic();
    if (!ledger.isBehind || now < this.catchUpAt) return;
    this.catchUpAt = Number.POSITIVE_INFINITY;
    try {
      await ledger.catchUp();
      if (this.ledgerFailed) this.options.onLedger?.(false, 'the ban ledger is complete on disk again.');
      this.ledgerFailed = false;
    } catch (error) {
      this.ledgerFails(error as Error);
    }
    this.catchUpAt = this.clock.monotonic() + LEDGER_RETRY_MILLISECONDS;
  }

  private giveToKernel(ban: Ban, now: number): Promise<void> {
    if (ban.until === PERMANENT) return this.backend.restoreBans([entryOf(ban, now)], 1);
    return this.backend.ban(ban.prefix, entryOf(ban, now).remaining);
  }

  private get graceMilliseconds(): number {
    return (this.options.graceSeconds?.() ?? 0) * 1000;
  }

  /** Whether a prefix holds somebody who is never banned, or is none that one attacker has. */
  spares(text: string, origin: BanOrigin): boolean {
    return this.sparing(Prefix.parse(text), origin) !== undefined;
  }

  private sparing(prefix: Prefix, origin: BanOrigin): string | undefined {
    return (
      banRefusal(prefix) ??
      (this.options.localRefusal ?? this.local.refusal)(prefix) ??
      this.options.neverBlock?.(prefix, origin)
    );
  }

  private refusal(prefix: Prefix, request: BanRequest, now: number): string | undefined {
    const spared = this.sparing(prefix, request.origin ?? 'attack');
    if (spared !== undefined) return spared;
    if (request.origin === 'manual') return undefined;
    const unblocked = this.unblocked.at(prefix.text);
    const lastUnblocked = Math.max(unblocked ?? Number.NEGATIVE_INFINITY, this.allUnblocked);
    if (request.seenAt !== undefined && request.seenAt <= lastUnblocked) return 'unblocked-since';
    if (unblocked === undefined) return undefined;
    if (now < unblocked + this.graceMilliseconds) return 'grace-after-unblocking';
    return undefined;
  }

  /** Some of the bans in force, in an order that stays while none comes or goes. */
  async list(offset = 0, limit = Number.POSITIVE_INFINITY): Promise<BanPage> {
    const ledger = this.opened();
    this.expire();
    const now = this.present();
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
   * @throws FirewallError ADDRESS_INVALID, or what went wrong with kernel or disk
   */
  remove(what: string | 'all'): Promise<RemoveReport> {
    return this.inTurn(() => (what === 'all' ? this.removeAll() : this.removeOne(Prefix.parse(what))));
  }

  private async removeOne(prefix: Prefix): Promise<RemoveReport> {
    const ledger = this.opened();
    const now = this.present();
    const bans = await this.prefixesInside(prefix);
    const slices = new Slices();
    const written: Promise<void>[] = [];
    for (let at = 0; at < bans.length; at += REMOVED_AT_ONCE) {
      await this.lift(bans.slice(at, at + REMOVED_AT_ONCE), now, written);
      if (slices.over) await slices.next();
    }
    const exceptions = ledger.exceptionsInside(prefix);
    if (exceptions.length > 0) await this.lift(exceptions, now, written);
    await Promise.all(written);
    // Not in the ledger; somebody may have put it into the kernel's set since.
    if (bans.length === 0 && exceptions.length === 0) await this.backend.unbanEach([prefix.text]);
    const exceptedFrom = ledger.covering(prefix);
    if (exceptedFrom.length > 0) {
      this.noteUnblocked(prefix.text, now);
      const until = Math.max(...exceptedFrom.map((ban) => ban.until));
      await Promise.all([
        this.kept(ledger.except({ prefix: prefix.text, until })),
        this.backend.except(prefix.text, entryOf({ prefix: prefix.text, until }, now).remaining),
      ]);
    }
    return { count: bans.length, removed: bans.slice(0, MOST_NAMED), exceptedFrom };
  }

  private async prefixesInside(prefix: Prefix): Promise<string[]> {
    const ledger = this.opened();
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

  /**
   * Takes bans and exceptions out of ledger and kernel, and tells of the bans.
   *
   * @param written gets the promise of the disk. Until that is kept, a crash may bring them back.
   */
  private async lift(prefixes: readonly string[], now: number, written: Promise<void>[]): Promise<void> {
    const ledger = this.opened();
    const bans = prefixes.flatMap((prefix) => ledger.get(prefix) ?? []);
    for (const ban of bans) this.noteUnblocked(ban.prefix, now);
    const kernel = this.backend.unbanEach(prefixes);
    const disk = this.kept(ledger.remove(prefixes));
    // Where the kernel refuses, nobody asks for the disk any more.
    disk.catch(() => undefined);
    written.push(disk);
    await kernel;
    void ledger.confirmGone(prefixes).catch(() => undefined);
    for (const ban of bans) this.emit({ kind: 'removed', ban });
  }

  private async removeAll(): Promise<RemoveReport> {
    const ledger = this.opened();
    const now = this.present();
    this.allUnblocked = now;
    const { bans, prefixes, size, done } = ledger.clear();
    await Promise.all([this.kept(done), this.backend.unbanAll(prefixes)]);
    void ledger.confirmCleared().catch(() => undefined);
    this.recent.clear();
    this.unenforced.clear();
    const removed: string[] = [];
    const telling = this.tellRemoved(bans, now, removed);
    this.telling = Promise.all([this.telling, telling]);
    if (size <= MOST_NAMED) await telling;
    return { count: size, removed, exceptedFrom: [] };
  }

  /** @param named gets the first prefixes, before this returns */
  private async tellRemoved(bans: Iterable<Ban>, now: number, named: string[]): Promise<void> {
    const slices = new Slices();
    for (const ban of bans) {
      this.noteUnblocked(ban.prefix, now);
      this.emit({ kind: 'removed', ban });
      if (named.length < MOST_NAMED) named.push(ban.prefix);
      else if (slices.over) await slices.next();
    }
  }

  private noteUnblocked(prefix: string, now: number): void {
    this.recent.delete(prefix);
    this.unenforced.delete(prefix);
    this.unblocked.note(prefix, now);
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
      const refused = [...this.unenforced];
      /** By row: in the kernel as the ledger wants it. Bans of later rows were given to the kernel when they were made. */
      const right = new Uint8Array(ledger.rowLimit);
      const rightExceptions = new Set<string>();
      const lift: string[] = [];
      const written: Promise<void>[] = [];
      let adopted = 0;
      let now = this.present();
      let seen = 0;
      await this.backend.eachBan((there) => {
        if (++seen % CLOCK_EVERY === 0) now = this.present();
        const until = lastsTo(there, now);
        const row = ledger.find(there.prefix);
        const known = ledger.untilOf(row);
        if (known !== undefined ? !there.exception : ledger.hasException(there.prefix) && there.exception) {
          if (known === undefined) rightExceptions.add(there.prefix);
          else if (until + TOLERANCE_MILLISECONDS >= known) right[row] = 1;
          if (known !== undefined && until > known + TOLERANCE_MILLISECONDS)
            written.push(ledger.put({ ...ledger.at(row), until }));
        } else if (known !== undefined || ledger.hasException(there.prefix)) {
          // One is a ban, the other an exception: the ledger's is among the missing.
        } else if (ledger.isPendingRemoval(there.prefix)) {
          lift.push(there.prefix);
        } else if (until - now <= this.clock.monotonic() - listedAt + TOLERANCE_MILLISECONDS) {
          // It runs out while the kernel is being asked.
        } else if (there.exception) {
          written.push(ledger.except({ prefix: there.prefix, until }));
          rightExceptions.add(there.prefix);
        } else {
          adopted++;
          const found = { id: newId(now), prefix: there.prefix, since: now, until };
          const ban: Ban = { ...found, reason: 'found in the kernel', sid: 0, origin: 'kernel', count: 1 };
          written.push(ledger.put(ban));
          const taken = ledger.find(there.prefix);
          if (taken < right.length) right[taken] = 1;
        }
      });
      now = this.present();
      this.expire();
      let missing = 0;
      const slices = new Slices(CLOCK_EVERY);
      for (let row = 0; row < right.length; row++) {
        if (right[row] === 0 && ledger.isInForce(row, now)) missing++;
        if (slices.over) await slices.next();
      }
      for (const { prefix } of ledger.exceptions()) if (!rightExceptions.has(prefix)) missing++;
      if (lift.length > 0) await this.backend.unbanEach(lift);
      if (missing > 0)
        await this.backend.restoreBans(missingOf(ledger, right, rightExceptions, now), missing);
      await this.kept(Promise.all(written).then(() => undefined));
      for (const prefix of refused) this.unenforced.delete(prefix);
      void ledger.confirmGone(pending).catch(() => undefined);
      void ledger.confirmCleared().catch(() => undefined);
      return { restored: missing, adopted, lifted: lift.length };
    });
  }

  /**
   * Looks whether the kernel still has what it was given, and reconciles when it has not. Looks for some of the bans, one
   * of each family at least, which tells at once when a set was emptied; and counts the entries: each time where they
   * are few, once a minute where they are many, because the kernel walks through them all. More entries than there
   * should be count when they are there twice running (for a moment they are: it rounds up to whole seconds).
   *
   * @returns how many bans had to be given to the kernel again
   */
  async repairDrift(): Promise<number> {
    this.expire();
    const sample = await this.sample();
    if (sample.length > 0 && !(await this.backend.holdsAll(sample))) {
      // One of them may have been removed, or the kernel refused it, while it was looked for.
      const again = sample.filter((prefix) => this.isSampled(prefix, this.present()));
      if (!(await this.backend.holdsAll(again))) return (await this.reconcile()).restored;
    }
    return (await this.countDiffers()) ? (await this.reconcile()).restored : 0;
  }

  private async countDiffers(): Promise<boolean> {
    const ledger = this.opened();
    const clock = this.clock.monotonic();
    if (ledger.size > COUNTED_OFTEN && clock - this.countedAt < COUNT_MILLISECONDS && !this.kernelHadMore)
      return false;
    this.countedAt = clock;
    let wanted = ledger.size - this.unenforced.size;
    for (const _ of ledger.exceptions()) wanted++;
    const surplus = (await this.backend.banCount()) - wanted;
    const hadMore = this.kernelHadMore;
    this.kernelHadMore = surplus > 0 && !hadMore;
    return surplus < 0 || (surplus > 0 && hadMore);
  }

  private isSampled(prefix: string, now: number): boolean {
    const ledger = this.opened();
    const until = ledger.untilOf(ledger.find(prefix)) ?? 0;
    return until > now + SAMPLE_LASTS_MILLISECONDS && !this.unenforced.has(prefix);
  }

  private async sample(): Promise<string[]> {
    const ledger = this.opened();
    const now = this.present();
    const prefixes: string[] = [];
    let row = this.sampleAt;
    for (; row < ledger.rowLimit && row < this.sampleAt + SAMPLE; row++) {
      const prefix = ledger.brief(row)?.prefix;
      if (prefix !== undefined && this.isSampled(prefix, now)) prefixes.push(prefix);
    }
    this.sampleAt = row < ledger.rowLimit ? row : 0;
    const slices = new Slices(CLOCK_EVERY);
    for (const family of [4, 6] as const) {
      if (!ledger.has(family)) continue;
      let witness = this.witnesses.get(family);
      if (witness === undefined || !this.isSampled(witness, now)) {
        witness = undefined;
        for (const each of ledger.rows()) {
          if (slices.over) await slices.next();
          const prefix = ledger.brief(each)?.prefix;
          if (prefix === undefined || prefix.includes(':') !== (family === 6)) continue;
          if (!this.isSampled(prefix, now)) continue;
          witness = prefix;
          break;
        }
      }
      if (witness === undefined) continue;
      this.witnesses.set(family, witness);
      prefixes.push(witness);
    }
    return prefixes;
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
      this.unblocked.shiftClock(jump);
      this.recent.clear();
    }
    return now;
  }

  /** @returns whether there may be more, as only so many are told of at once */
  private expire(): boolean {
    const expired = this.opened().takeExpired(this.present());
    for (const ban of expired) {
      this.recent.delete(ban.prefix);
      this.unenforced.delete(ban.prefix);
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
    if (!this.ledger) return;
    if (this.expire()) {
      this.expiring = true;
      setImmediate(() => {
        this.expiring = false;
        this.tick();
      });
      return;
    }
    const now = this.present();
    for (const [prefix, { at }] of this.recent) {
      if (now - at > REPEAT_MILLISECONDS) this.recent.delete(prefix);
    }
    const memory = Math.max(GRACE_MEMORY_MILLISECONDS, this.graceMilliseconds);
    this.unblocked.forget(now - memory);
    void this.retry();
    void this.catchUp(this.ledger);
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

/** What the kernel has not got, read when it is asked for. */
function* missingOf(
  ledger: BanLedger,
  right: Uint8Array,
  rightExceptions: ReadonlySet<string>,
  now: number,
): IterableIterator<BanEntry> {
  for (let row = 0; row < right.length; row++) {
    if (right[row] === 1 || !ledger.isInForce(row, now)) continue;
    const brief = ledger.brief(row);
    if (brief) yield entryOf(brief, now);
  }
  for (const exception of ledger.exceptions()) {
    if (!rightExceptions.has(exception.prefix)) yield { ...entryOf(exception, now), exception: true };
  }
}

function* entriesOf(ledger: BanLedger, rows: readonly number[], now: number): IterableIterator<BanEntry> {
  for (const row of rows) {
    const brief = ledger.brief(row);
    if (brief) yield entryOf(brief, now);
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

function endOf({ seconds }: BanRequest, now: number): number {
  return now + Math.ceil(seconds) * 1000;
}

/** @param before the ban that there is */
function newBan(prefix: string, request: BanRequest, before: Ban | undefined, now: number): Ban {
  return {
    id: before?.id ?? newId(now),
    prefix,
    since: before?.since ?? now,
    until: Math.max(endOf(request, now), before?.until ?? 0),
    reason: request.reason.slice(0, 512),
    sid: request.sid ?? 0,
    origin: request.origin ?? 'attack',
    count: (before?.count ?? 0) + 1,
  };
}

const RUN = randomBytes(4).toString('hex');
let made = 0;
/** Many are made in one millisecond. */
let lastMoment = 0;
let lastMomentText = '';

/** Moment, run of the engine, number within it: at most 24 letters. */
function newId(now: number): string {
  made++;
  if (now !== lastMoment) {
    lastMoment = now;
    lastMomentText = `${now.toString(36)}-${RUN}`;
  }
  return lastMomentText + made.toString(36);
}

function asFirewallError(reason: unknown, ban: Ban): FirewallError {
  if (reason instanceof FirewallError) return reason;
  const why = reason instanceof Error ? reason.message : String(reason);
  return new FirewallError('BAN_FAILED', `${ban.prefix} could not be banned: ${why}.`, { cause: reason });
}
