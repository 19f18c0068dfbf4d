import { parsePrefix } from '@portcullis/configuration';
import { callsForBan, type Detection, type ProvisionalBan } from '@portcullis/engine';
import type { BanRequest, BanService } from '@portcullis/firewall';
import { Offenders } from './offenders';

/** What the configuration says about the sources of attacks. */
export interface BanPolicy {
  /** Whether they are banned at all. */
  readonly banning: boolean;
  readonly seconds: number;
  /** Also where nobody has proved that the address is theirs. */
  readonly withoutHandshake: boolean;
  /** Bits of an IPv6 address that are banned. */
  readonly ipv6Prefix: number;
  /** Each further ban of one source within `remember` seconds is `factor` times as long, up to `max` seconds; null: all are alike. */
  readonly escalation: { readonly factor: number; readonly max: number; readonly remember: number } | null;
  /** More new bans than this within a minute are refused. */
  readonly perMinute: number;
}

/** How it came out, as it stands in the event. */
export type BanOutcome =
  | { id: string; prefix: string; until: string; duration_s: number; count: number; origin: string }
  | { refused: string }
  | { failed: string };

const MINUTE = 60_000;
/** Detections of one connection come in a burst: they are one offence. */
const SAME_OFFENCE = 5000;

/** Bans those who attack, as the policy says; a flood of detections becomes an alarm instead of an outage. */
export class AttackerBans {
  /** When the bans of the last minute were made, milliseconds; the oldest first. */
  private readonly made: number[] = [];
  private alarmedUntil = 0;

  /** @param onFlood told once a minute while bans are refused because there are too many */
  constructor(
    private readonly service: Pick<BanService, 'ban' | 'settle' | 'spares'>,
    private readonly onFlood: (perMinute: number) => void,
    /** Milliseconds; of a clock that nobody sets, so that a minute is a minute. */
    private readonly clock: () => number = () => performance.now(),
    private readonly offenders: Offenders = new Offenders(null),
  ) {
    offenders.load(clock());
  }

  /** Writes down who was banned how often. @throws Error of the file system */
  save(): void {
    this.offenders.save(this.clock());
  }

  /** New bans that may be made now. */
  room(perMinute: number): number {
    this.forgetOld(this.clock());
    return perMinute - this.made.length;
  }

  /**
   * @param began when the packet was taken from the queue, by `performance.now`; absent: now
   * @param banned what the worker has banned already; it is taken back where this comes to another decision
   * @returns null where nobody is to be banned; else at once what is on its way
   */
  consider(
    detection: Detection,
    policy: BanPolicy,
    began?: number,
    banned: ProvisionalBan | null = null,
  ): Promise<BanOutcome> | null {
    const decision = this.decide(detection, policy, began, banned?.at);
    if (banned === null) return decision;
    return this.settle(decision, banned);
  }

  private async settle(
    decision: Promise<BanOutcome> | null,
    { prefix }: ProvisionalBan,
  ): Promise<BanOutcome> {
    const outcome = (await decision) ?? { refused: 'the configuration has changed' };
    try {
      await this.service.settle(prefix);
    } catch (error) {
      return { failed: (error as Error).message };
    }
    return outcome;
  }

  private decide(
    detection: Detection,
    policy: BanPolicy,
    began: number | undefined,
    inKernelAt: number | undefined,
  ): Promise<BanOutcome> | null {
    if (!detection.blocked) return null;
    if (detection.response === 'isolate') {
      const host = hostToIsolate(detection);
      return host === null
        ? null
        : this.ban(detection, host, 'isolation', { ...policy, ipv6Prefix: 128 }, { began });
    }
    if (!callsForBan(detection) || !policy.banning) return null;
    return this.ban(detection, detection.source, 'attack', policy, { began, inKernelAt });
  }

  private async ban(
    { handshake, version, rule, time }: Detection,
    source: string,
    origin: 'attack' | 'isolation',
    policy: BanPolicy,
    times: Pick<BanRequest, 'began' | 'inKernelAt'>,
  ): Promise<BanOutcome> {
    if (!handshake && !policy.withoutHandshake)
      return { refused: 'without a completed handshake the source address may be forged' };
    const now = this.clock();
    const prefix = version === 6 ? this.prefixOf(source, policy.ipv6Prefix) : source;
    const last = this.offenders.lastOf(prefix);
    if (last === undefined || now - last >= SAME_OFFENCE) {
      if (!this.takeRoom(now, policy.perMinute))
        return { refused: `more than ${policy.perMinute} devices were banned within a minute` };
      this.offenders.note(prefix, now, policy.escalation?.remember ?? 0);
    }
    const seconds = this.secondsFor(prefix, policy);
    try {
      const ban = await this.service.ban({
        prefix,
        seconds,
        reason: rule.msg,
        sid: rule.sid,
        origin,
        seenAt: time / 1000,
        ...times,
      });
      return {
        id: ban.id,
        prefix: ban.prefix,
        until: new Date(ban.until).toISOString(),
        duration_s: seconds,
        count: ban.count,
        origin: ban.origin,
      };
    } catch (error) {
      const { code, message } = error as Error & { code?: string };
      return code === 'BAN_REFUSED' ? { refused: message } : { failed: message };
    }
  }

  /** One that holds whom nobody may ban, as the network that this host is in, leaves the address alone to be banned. */
  private prefixOf(source: string, bits: number): string {
    if (bits >= 128) return source;
    const prefix = parsePrefix(`${source}/${bits}`);
    return this.service.spares(prefix, 'attack') ? source : prefix;
  }

  private takeRoom(now: number, perMinute: number): boolean {
    const { made } = this;
    this.forgetOld(now);
    if (made.length < perMinute) {
      made.push(now);
      return true;
    }
    if (now >= this.alarmedUntil) {
      this.alarmedUntil = now + MINUTE;
      this.onFlood(perMinute);
    }
    return false;
  }

  private forgetOld(now: number): void {
    const { made } = this;
    let old = 0;
    while (old < made.length && (made[old] as number) <= now - MINUTE) old++;
    if (old > 0) made.splice(0, old);
  }

  private secondsFor(prefix: string, { seconds, escalation }: BanPolicy): number {
    return escalation === null
      ? seconds
      : Math.min(escalation.max, seconds * escalation.factor ** (this.offenders.bansOf(prefix) - 1));
  }
}

/** The protected host that has opened the connection; one that others have connected to is not to blame. */
function hostToIsolate({ direction, protectedEnd, source, destination }: Detection): string | null {
  if (direction === 'to_server') return protectedEnd === 'source' ? source : null;
  return protectedEnd === 'destination' ? destination : null;
}
