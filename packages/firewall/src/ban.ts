/** Who wanted a ban: a detection, an administrator, or nobody we know (found in the kernel's set). */
export type BanOrigin = 'attack' | 'manual' | 'kernel';

export interface Ban {
  /** Unique over restarts. */
  readonly id: string;
  /** Normal form: `192.0.2.1`, `2001:db8::/64`. */
  readonly prefix: string;
  /** Wall clock, milliseconds since 1970. */
  readonly since: number;
  /** Wall clock, milliseconds; PERMANENT for an entry of the kernel without a time-out. */
  readonly until: number;
  readonly reason: string;
  /** Signature that led to it, 0 without one. */
  readonly sid: number;
  readonly origin: BanOrigin;
  /** How often it was asked for while in force. */
  readonly count: number;
}

/** One prefix let in though a wider one is banned. */
export interface BanException {
  readonly prefix: string;
  readonly until: number;
}

/** The last moment that a Date can hold. */
export const PERMANENT = 8_640_000_000_000_000;

export const ORIGINS: readonly BanOrigin[] = ['attack', 'manual', 'kernel'];

/** Letters of an id, all of them ASCII. */
export const LONGEST_ID = 24;

/** A ban as it was read from a file. */
export function isBan(value: unknown): value is Ban {
  if (typeof value !== 'object' || value === null) return false;
  const ban = value as Record<string, unknown>;
  return (
    typeof ban.id === 'string' &&
    /^[!-~]{1,24}$/.test(ban.id) &&
    typeof ban.prefix === 'string' &&
    Number.isFinite(ban.since) &&
    Number.isFinite(ban.until) &&
    typeof ban.reason === 'string' &&
    Number.isInteger(ban.sid) &&
    Number.isInteger(ban.count) &&
    ORIGINS.includes(ban.origin as BanOrigin)
  );
}
