import type { Detection } from '@portcullis/engine';
import type { BanService } from '@portcullis/firewall';

/** What the configuration says about the sources of attacks. */
export interface BanPolicy {
  /** Whether they are banned at all. */
  banning: boolean;
  seconds: number;
  /** Also where nobody has proved that the address is theirs. */
  withoutHandshake: boolean;
}

/** How it came out, as it stands in the event. */
export type BanOutcome =
  | { id: string; prefix: string; until: string; duration_s: number; count: number; origin: string }
  | { refused: string }
  | { failed: string };

/** Bans the source of a detection where it was blocked for good and sources are banned; null where it is not to be. */
export function banAttacker(
  detection: Detection,
  policy: BanPolicy,
  service: Pick<BanService, 'ban'>,
): Promise<BanOutcome> | null {
  if (!detection.blocked || detection.response !== 'block' || !policy.banning) return null;
  return ban(detection, policy, service);
}

async function ban(
  { handshake, source, rule, time }: Detection,
  { seconds, withoutHandshake }: BanPolicy,
  service: Pick<BanService, 'ban'>,
): Promise<BanOutcome> {
  if (!handshake && !withoutHandshake)
    return { refused: 'without a completed handshake the source address may be forged' };
  try {
    const made = await service.ban({
      prefix: source,
      seconds,
      reason: rule.msg,
      sid: rule.sid,
      seenAt: time / 1000,
    });
    return {
      id: made.id,
      prefix: made.prefix,
      until: new Date(made.until).toISOString(),
      duration_s: seconds,
      count: made.count,
      origin: made.origin,
    };
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    return code === 'BAN_REFUSED' ? { refused: message } : { failed: message };
  }
}
