import type { BanOrigin } from './ban';
import type { BanRequest } from './ban-request';
import { LocalGuard } from './guards';
import { banRefusal, Prefix, UNBANNABLE_PREFIXES } from './prefix';
import { UnblockedByHand } from './unblocked-by-hand';

export interface BanRefusalOptions {
  /**
   * Why a prefix must not be banned, as a word or a sentence; undefined when it may. Asked besides the built-in
   * refusals (multicast, link-local, loopback, this host's own addresses and networks).
   */
  readonly neverBlock?: (prefix: Prefix, origin: BanOrigin) => string | undefined;
  /** Default: this host's own addresses and networks. */
  readonly localRefusal?: (prefix: Prefix) => string | undefined;
  /** After an unblocking by hand no detection bans the device again for so long. Default 0. */
  readonly graceSeconds?: () => number;
}

/** Unblockings are remembered so long at least: packets from before them may be under way. */
const SHORTEST_MEMORY_MILLISECONDS = 120_000;

/** Who is not banned: whom nobody may ban, and who was unblocked by hand a moment ago. */
export class BanRefusals {
  readonly unblocked = new UnblockedByHand();
  private readonly local = new LocalGuard();

  constructor(private readonly options: BanRefusalOptions) {}

  /** Why a prefix is not banned for a request; undefined when it is. @param now wall clock, ms */
  of(prefix: Prefix, { origin = 'attack', seenAt }: BanRequest, now: number): string | undefined {
    const spared = this.sparing(prefix, origin);
    if (spared !== undefined || origin === 'manual') return spared;
    return this.unblocked.refusal(prefix.text, seenAt, now, this.graceMilliseconds);
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

  /** Built-in prefixes of which none may be touched. @param networks see LocalGuard */
  spared(networks: boolean): string[] {
    return [...UNBANNABLE_PREFIXES, ...this.local.spared(networks)];
  }

  /** Reads what takes a while before it is needed. */
  refresh(): void {
    this.local.refresh();
  }

  /** Forgets unblockings that refuse nothing any more. */
  forgetOld(now: number): void {
    this.unblocked.forget(now - Math.max(SHORTEST_MEMORY_MILLISECONDS, this.graceMilliseconds));
  }

  private get graceMilliseconds(): number {
    return (this.options.graceSeconds?.() ?? 0) * 1000;
  }
}
