/** Readers for the quantities people write: durations, sizes, addresses. Each throws a RangeError that says why. */
import type { Addr } from 'ip6addr';

/** Loaded where there is an address. */
const ip6addr = () => require('ip6addr') as typeof import('ip6addr');

const DURATION_UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86400, '': 1 };

/** `90`, `90s`, `60m`, `1h`, `2d` → seconds. */
export function parseDuration(text: string | number): number {
  const match = /^(\d{1,12})\s*(s|m|h|d|)$/.exec(String(text).trim().toLowerCase());
  if (!match)
    throw new RangeError(`'${text}' is not a duration: write seconds, or a number with s, m, h or d`);
  return Number(match[1]) * (DURATION_UNITS[match[2] as string] as number);
}

const SIZE_UNITS: Readonly<Record<string, number>> = { '': 1, b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 };

/** `1024`, `100kb`, `1mb`, `2gb` → bytes. */
export function parseSize(text: string | number): number {
  const match = /^(\d{1,12})\s*(b|kb|mb|gb|)$/.exec(String(text).trim().toLowerCase());
  if (!match) throw new RangeError(`'${text}' is not a size: write bytes, or a number with kb, mb or gb`);
  return Number(match[1]) * (SIZE_UNITS[match[2] as string] as number);
}

/** `10.0.0.0/8`, `fd00::1` → the normal form, with its length: `10.0.0.0/8`, `fd00::1/128`. */
export function parsePrefix(text: string): string {
  const [address, length, ...rest] = text.trim().split('/');
  if (rest.length > 0 || (length !== undefined && !/^\d{1,3}$/.test(length)))
    throw new RangeError(`'${text}' is not an address or prefix`);
  let parsed: Addr;
  try {
    parsed = ip6addr().parse(address as string);
  } catch {
    throw new RangeError(`'${text}' is not an address or prefix`);
  }
  const width = parsed.kind() === 'ipv4' ? 32 : 128;
  const bits = length === undefined ? width : Number(length);
  if (bits > width) throw new RangeError(`'${text}' has a prefix length above ${width}`);
  return `${ip6addr().createCIDR(parsed, bits).address().toString()}/${bits}`;
}

/** `0`, `0-1` → first and last queue number. */
export function parseQueues(text: string | number): { first: number; last: number } {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(String(text).trim());
  const first = Number(match?.[1]);
  const last = match?.[2] === undefined ? first : Number(match[2]);
  if (!match || last < first || last > 65535)
    throw new RangeError(`'${text}' is not a queue number or a range such as 0-1`);
  return { first, last };
}

/** `1`, `1-2` → an inclusive range of rule priorities; 1 is the gravest. */
export function parsePriorities(text: string | number): { low: number; high: number } {
  const match = /^(\d{1,3})(?:-(\d{1,3}))?$/.exec(String(text).trim());
  const low = Number(match?.[1]);
  const high = match?.[2] === undefined ? low : Number(match[2]);
  if (!match || low < 1 || high < low || high > 255)
    throw new RangeError(`'${text}' is not a priority (1 … 255) or a range such as 1-2`);
  return { low, high };
}

/** `80`, `8000-8100` → an inclusive range. */
export function parsePortRange(text: string | number): { first: number; last: number } {
  const match = /^(\d{1,5})(?:[-:](\d{1,5}))?$/.exec(String(text).trim());
  const first = Number(match?.[1]);
  const last = match?.[2] === undefined ? first : Number(match[2]);
  if (!match || last < first || last > 65535)
    throw new RangeError(`'${text}' is not a port or a range such as 8000-8100`);
  return { first, last };
}
