import type { AddressExpression, AddressRange } from './ast';
import { ExpressionError, type GroupValue, type SetAlgebra } from './group';

const MAXIMUM = { 4: 0xffff_ffffn, 6: (1n << 128n) - 1n } as const;
const BITS = { 4: 32, 6: 128 } as const;

const EVERY_ADDRESS: readonly AddressRange[] = Object.freeze([
  { family: 4, first: 0n, last: MAXIMUM[4] },
  { family: 6, first: 0n, last: MAXIMUM[6] },
] as const);

interface Address {
  readonly family: 4 | 6;
  readonly value: bigint;
}

/** Dotted quad, leading zeros refused: some systems read them as octal. */
function parseIpv4(text: string): bigint | null {
  if (!/^(?:(?:0|[1-9]\d{0,2})\.){3}(?:0|[1-9]\d{0,2})$/.test(text)) return null;
  let value = 0n;
  for (const part of text.split('.')) {
    const byte = Number(part);
    if (byte > 255) return null;
    value = (value << 8n) | BigInt(byte);
  }
  return value;
}

/** RFC 4291 section 2.2, all three forms. */
function parseIpv6(text: string): bigint | null {
  if (text.length > 45 || !/^[0-9a-f:.]+$/i.test(text)) return null;
  let tail: bigint | null = null;
  let body = text;
  const dot = text.indexOf('.');
  if (dot >= 0) {
    const colon = text.lastIndexOf(':');
    tail = parseIpv4(text.slice(colon + 1));
    if (colon < 0 || tail === null) return null;
    body = `${text.slice(0, colon + 1)}${(tail >> 16n).toString(16)}:${(tail & 0xffffn).toString(16)}`;
  }
  const halves = body.split('::');
  if (halves.length > 2) return null;
  const left = halves[0] === '' ? [] : halves[0].split(':');
  const right = halves.length < 2 || halves[1] === '' ? [] : halves[1].split(':');
  const written = left.length + right.length;
  if (halves.length === 1 ? written !== 8 : written > 7) return null;
  let value = 0n;
  for (const group of [...left, ...new Array<string>(8 - written).fill('0'), ...right]) {
    if (!/^[0-9a-f]{1,4}$/i.test(group)) return null;
    value = (value << 16n) | BigInt(Number.parseInt(group, 16));
  }
  return value;
}

function parseAddress(text: string, offset: number): Address {
  const family = text.includes(':') ? 6 : 4;
  const value = family === 6 ? parseIpv6(text) : parseIpv4(text);
  if (value === null) throw new ExpressionError(`'${text}' is not an IPv4 or IPv6 address`, offset);
  return { family, value };
}

/** The prefix length behind the slash: `24`, or for IPv4 the netmask `255.255.255.0`. */
function parsePrefixLength(text: string, family: 4 | 6, offset: number): number {
  if (/^\d{1,3}$/.test(text)) {
    const length = Number(text);
    if (length <= BITS[family]) return length;
    throw new ExpressionError(`prefix length ${length} is above ${BITS[family]}`, offset);
  }
  const mask = family === 4 ? parseIpv4(text) : null;
  if (mask === null) throw new ExpressionError(`'${text}' is not a prefix length or netmask`, offset);
  const hostBits = MAXIMUM[4] ^ mask;
  if ((hostBits & (hostBits + 1n)) !== 0n) {
    throw new ExpressionError(`netmask ${text} has a gap`, offset);
  }
  return 32 - (hostBits === 0n ? 0 : hostBits.toString(2).length);
}

function parseRange(text: string): AddressRange {
  const slash = text.indexOf('/');
  if (slash >= 0) {
    const { family, value } = parseAddress(text.slice(0, slash), 0);
    const length = parsePrefixLength(text.slice(slash + 1), family, slash + 1);
    const hosts = MAXIMUM[family] >> BigInt(length);
    const first = value & (MAXIMUM[family] ^ hosts);
    return { family, first, last: first | hosts };
  }
  const dash = text.indexOf('-');
  if (dash < 0) {
    const { family, value } = parseAddress(text, 0);
    return { family, first: value, last: value };
  }
  const first = parseAddress(text.slice(0, dash), 0);
  const last = parseAddress(text.slice(dash + 1), dash + 1);
  if (first.family !== last.family) {
    throw new ExpressionError(`range '${text}' mixes IPv4 and IPv6`, 0);
  }
  if (first.value > last.value) throw new ExpressionError(`range '${text}' ends before it begins`, 0);
  return { family: first.family, first: first.value, last: last.value };
}

function compareRanges(a: AddressRange, b: AddressRange): number {
  if (a.family !== b.family) return a.family - b.family;
  return a.first < b.first ? -1 : a.first > b.first ? 1 : 0;
}

function mergeRanges(ranges: readonly AddressRange[]): AddressRange[] {
  const merged: AddressRange[] = [];
  for (const range of [...ranges].sort(compareRanges)) {
    const before = merged.at(-1);
    if (!before || before.family !== range.family || range.first > before.last + 1n) {
      merged.push(range);
    } else if (range.last > before.last) {
      merged[merged.length - 1] = { ...before, last: range.last };
    }
  }
  return merged;
}

/** Both sorted and disjoint, so one walk over both is enough. */
function subtractRanges(from: readonly AddressRange[], taken: readonly AddressRange[]): AddressRange[] {
  const left: AddressRange[] = [];
  let next = 0;
  for (const range of from) {
    const { family, last } = range;
    let first = range.first;
    const isBefore = (hole: AddressRange) =>
      hole.family < family || (hole.family === family && hole.last < first);
    while (next < taken.length && isBefore(taken[next])) next++;
    // The last hole of this range may reach into the following one, so it is not passed yet.
    for (let at = next; at < taken.length; at++) {
      const hole = taken[at];
      if (hole.family !== family || hole.first > last) break;
      if (hole.first > first) left.push({ family, first, last: hole.first - 1n });
      first = hole.last + 1n;
    }
    if (first <= last) left.push({ family, first, last });
  }
  return left;
}

export function addressAlgebra(groups: ReadonlyMap<string, string>): SetAlgebra<AddressRange> {
  return {
    noun: 'address',
    everything: EVERY_ADDRESS,
    literal: (text) => [parseRange(text)],
    merge: mergeRanges,
    subtract: subtractRanges,
    variable: (name) => groups.get(name),
  };
}

function coversEverything(ranges: readonly AddressRange[]): boolean {
  return subtractRanges(EVERY_ADDRESS, ranges).length === 0;
}

export function addressExpression(value: GroupValue<AddressRange>): AddressExpression {
  const { include, exclude } = value;
  return Object.freeze({ any: exclude.length === 0 && coversEverything(include), include, exclude });
}

/** The addresses of an expression as sorted, disjoint ranges, IPv4 before IPv6: what is in but not taken out. */
export function addressRanges(expression: AddressExpression): AddressRange[] {
  return subtractRanges(mergeRanges(expression.include), mergeRanges(expression.exclude));
}

/** Whether two expressions have an address in common. */
export function addressesOverlap(a: AddressExpression, b: AddressExpression): boolean {
  const ranges = addressRanges(b);
  return addressRanges(a).some((mine) =>
    ranges.some((r) => r.family === mine.family && r.first <= mine.last && mine.first <= r.last),
  );
}
