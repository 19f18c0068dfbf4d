import type { FirewallBackend } from './backend';
import { type Ban, PERMANENT } from './ban';
import type { BanEvent } from './ban-event';
import { FirewallError } from './errors';
import { entryOf } from './kernel-entry';
import type { BanLedger } from './ledger';
import type { UnwrittenLedger } from './unwritten-ledger';
import type { Clock } from './watched-clock';

/** A ban repeated sooner than this after it was made or extended changes nothing: the packets were under way. */
const REPEAT_MILLISECONDS = 1000;
/** Bans that the kernel has refused, tried again in one go. */
const RETRIED_AT_ONCE = 1000;

export interface EnforcementParts {
  readonly backend: Pick<FirewallBackend, 'ban' | 'restoreBans'>;
  readonly unwritten: UnwrittenLedger;
  readonly clock: Clock;
  readonly emit: (event: BanEvent) => void;
}

export interface EnforcementTimes {
  /** Wall clock, ms: the moment that the ban was made for. */
  readonly now: number;
  /** When what led to the ban began, by the clock that nobody sets. */
  readonly began: number;
  /** When the kernel has had it, by the same clock; undefined: it has to be given to it. */
  readonly inKernelAt: number | undefined;
}

interface RecentBan {
  /** When it was made, by the clock that nobody sets. */
  readonly at: number;
  readonly done: Promise<Ban>;
  /** Whether `done` is decided. */
  ended: boolean;
}

/** Puts single bans into kernel and ledger, and tries again what the kernel has refused. */
export class Enforcement {
  /** Bans that are under way, or were made a moment ago. */
  private readonly recent = new Map<string, RecentBan>();
  private readonly refused = new Set<string>();
  private retrying: Promise<void> | undefined;

  constructor(private readonly parts: EnforcementParts) {}

  /** Prefixes of bans that are in the ledger, and that the kernel refused or could not be asked about. */
  get unenforced(): ReadonlySet<string> {
    return this.refused;
  }

  /**
   * The ban that a request repeats which comes so soon that its packet may have been under way; undefined where there is
   * none.
   *
   * @param longer by how many milliseconds the request would have it last longer
   */
  repeated(prefix: string, longer: number): Promise<Ban> | undefined {
    const recent = this.recent.get(prefix);
    if (recent === undefined || longer >= REPEAT_MILLISECONDS) return undefined;
    return this.parts.clock.monotonic() - recent.at < REPEAT_MILLISECONDS ? recent.done : undefined;
  }

  /**
   * Resolves when the kernel has the ban, and the ledger on stable storage (or the disk refuses it).
   *
   * @throws FirewallError what went wrong with the kernel: the ban is in the ledger, and tried again
   */
  put(ledger: BanLedger, ban: Ban, kind: 'added' | 'extended', times: EnforcementTimes): Promise<Ban> {
    const done = this.enforce(ledger, ban, kind, times);
    const recent: RecentBan = { at: this.parts.clock.monotonic(), done, ended: false };
    this.recent.set(ban.prefix, recent);
    const end = () => {
      recent.ended = true;
    };
    done.then(end, end);
    return done;
  }

  private async enforce(
    ledger: BanLedger,
    ban: Ban,
    kind: 'added' | 'extended',
    { now, began, inKernelAt }: EnforcementTimes,
  ): Promise<Ban> {
    const { clock, emit, unwritten } = this.parts;
    let milliseconds = 0;
    // Also where it has been there: the time may be another, and a set that is growing is told of all that comes.
    const kernel = this.giveToKernel(ban, now).then(() => {
      milliseconds = (inKernelAt ?? clock.monotonic()) - began;
      this.refused.delete(ban.prefix);
    });
    const [inKernel, onDisk] = await Promise.allSettled([kernel, unwritten.kept(ledger.put(ban))]);
    for (const result of [inKernel, onDisk]) {
      if (result.status === 'fulfilled') continue;
      const error = asFirewallError(result.reason, ban);
      if (result === inKernel && ledger.get(ban.prefix)?.id === ban.id) this.refused.add(ban.prefix);
      emit({ kind: 'failed', ban, error });
      throw error;
    }
    emit({ kind, ban, milliseconds });
    return ban;
  }

  private giveToKernel(ban: Ban, now: number): Promise<void> {
    const { backend } = this.parts;
    const entry = entryOf(ban, now);
    return ban.until === PERMANENT
      ? backend.restoreBans([entry], 1)
      : backend.ban(ban.prefix, entry.remaining);
  }

  /** Gives the kernel what it has refused before. */
  retry(ledger: BanLedger): void {
    if (this.retrying !== undefined || this.refused.size === 0) return;
    this.retrying = this.retryAll(ledger).finally(() => {
      this.retrying = undefined;
    });
  }

  private async retryAll(ledger: BanLedger): Promise<void> {
    const { clock, emit } = this.parts;
    for (const prefix of [...this.refused].slice(0, RETRIED_AT_ONCE)) {
      const now = clock.now();
      const ban = ledger.get(prefix);
      if (!ban) {
        this.refused.delete(prefix);
        continue;
      }
      const began = clock.monotonic();
      try {
        await this.giveToKernel(ban, now);
      } catch {
        // Told already. The others go first the next time: what is refused for good keeps none of them waiting.
        if (this.refused.delete(prefix)) this.refused.add(prefix);
        continue;
      }
      // Else it was lifted meanwhile.
      if (this.refused.delete(prefix)) emit({ kind: 'added', ban, milliseconds: clock.monotonic() - began });
    }
  }

  /** The kernel was given these by other means. */
  enforced(prefixes: Iterable<string>): void {
    for (const prefix of prefixes) this.refused.delete(prefix);
  }

  /** The ban is none any more. @returns when what was under way for it has ended, well or not */
  forget(prefix: string): Promise<unknown> | undefined {
    const done = this.recent.get(prefix)?.done.catch(() => undefined);
    this.recent.delete(prefix);
    this.refused.delete(prefix);
    return done;
  }

  /** The same for all bans. */
  forgetAll(): Promise<unknown> {
    const done = this.ended();
    this.recent.clear();
    this.refused.clear();
    return done;
  }

  /** Forgets what is no repetition any more. */
  forgetOld(): void {
    const now = this.parts.clock.monotonic();
    for (const [prefix, { at, ended }] of this.recent)
      if (ended && now - at > REPEAT_MILLISECONDS) this.recent.delete(prefix);
  }

  /** Resolves when what is under way now has ended, well or not. */
  async ended(): Promise<void> {
    await Promise.allSettled([this.retrying, ...[...this.recent.values()].map(({ done }) => done)]);
  }
}

function asFirewallError(reason: unknown, ban: Ban): FirewallError {
  if (reason instanceof FirewallError) return reason;
  const why = reason instanceof Error ? reason.message : String(reason);
  return new FirewallError('BAN_FAILED', `${ban.prefix} could not be banned: ${why}.`, { cause: reason });
}
