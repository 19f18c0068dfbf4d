import { randomBytes } from 'node:crypto';
import type { Ban, BanOrigin } from './ban';

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

const LONGEST_REASON = 512;

/** Wall clock, ms. */
export function endOf({ seconds }: BanRequest, now: number): number {
  return now + Math.ceil(seconds) * 1000;
}

/**
 * The ban that a request makes: a repetition never shortens it.
 *
 * @param prefix of the request, in normal form
 * @param before the ban that there is
 * @param now wall clock, ms
 */
export function requestedBan(prefix: string, request: BanRequest, before: Ban | undefined, now: number): Ban {
  return {
    id: before?.id ?? newId(now),
    prefix,
    since: before?.since ?? now,
    until: Math.max(endOf(request, now), before?.until ?? 0),
    reason: request.reason.slice(0, LONGEST_REASON),
    sid: request.sid ?? 0,
    origin: request.origin ?? 'attack',
    count: (before?.count ?? 0) + 1,
  };
}

/** The ban that an entry of the kernel becomes which nobody here has made. @param now wall clock, ms */
export function foundBan(prefix: string, until: number, now: number): Ban {
  const found = { id: newId(now), prefix, since: now, until };
  return { ...found, reason: 'found in the kernel', sid: 0, origin: 'kernel', count: 1 };
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
