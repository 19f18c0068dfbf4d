import type { Family } from './names';

/**
 * A prefix as numbers: what a table of a million of them is keyed by. The address's first bits are highest in `w0`; an
 * IPv4 address is `w0` alone. Words are signed, which the engine keeps without allocating.
 */
export class PackedPrefix {
  family: Family = 4;
  /** Bits. */
  length = 0;
  w0 = 0;
  w1 = 0;
  w2 = 0;
  w3 = 0;
}

/** What `readPrefix` has found a text to be. */
export const Reading = {
  NO_PREFIX: 0,
  /** `192.0.2.0/33` */
  LENGTH_OUT_OF_RANGE: 1,
  /** A prefix that is written otherwise than `printPrefix` does. */
  PREFIX: 2,
  /** As `printPrefix` writes it. */
  NORMAL: 3,
} as const;
export type Reading = (typeof Reading)[keyof typeof Reading];

/** Bits in front of an IPv4 address that is written as IPv6, `::ffff:192.0.2.1`. */
export const MAPPED_BITS = 96;

const LONGEST_TEXT = '0000:0000:0000:0000:0000:ffff:255.255.255.255/128'.length;
const ZERO = 0x30;
const NINE = 0x39;
const DOT = 0x2e;
const SLASH = 0x2f;
const COLON = 0x3a;

/** Of the last `readGroups`: the eight groups of an address, and whether they were written as `printGroups` does. */
const groups = new Uint16Array(8);
let groupsNormal = false;
/** Of the last `readOctets`. */
let octets = 0;

/**
 * `ADDRESS` or `ADDRESS/LENGTH`; host bits are cleared, IPv4-mapped IPv6 is IPv4. Addresses as `isIP` of node:net takes
 * them, but without a zone.
 */
export function readPrefix(text: string, into: PackedPrefix): Reading {
  if (text.length > LONGEST_TEXT) return Reading.NO_PREFIX;
  let normal = true;
  let front = 0;
  let end = readOctets(text, 0);
  into.family = 4;
  into.w1 = into.w2 = into.w3 = 0;
  if (end >= 0) {
    into.w0 = octets;
  } else {
    end = readGroups(text);
    if (end < 0) return Reading.NO_PREFIX;
    const [w0, w1, w2, w3] = [wordAt(0), wordAt(2), wordAt(4), wordAt(6)];
    if (w0 === 0 && w1 === 0 && w2 === 0xffff) {
      normal = false;
      front = MAPPED_BITS;
      into.w0 = w3;
    } else {
      normal = groupsNormal;
      into.family = 6;
      into.w0 = w0;
      into.w1 = w1;
      into.w2 = w2;
      into.w3 = w3;
    }
  }
  const width = into.family === 4 ? 32 : 128;
  into.length = width;
  if (end < text.length) {
    const given = text.charCodeAt(end) === SLASH ? readLength(text, end + 1) : -1;
    if (given < 0) return Reading.NO_PREFIX;
    if (given < front || given > front + width) return Reading.LENGTH_OUT_OF_RANGE;
    into.length = given - front;
    if (clearHostBits(into) || into.length === width) normal = false;
  }
  return normal ? Reading.NORMAL : Reading.PREFIX;
}

/** @returns false when the text is not a prefix in normal form */
export function packPrefix(text: string, into: PackedPrefix): boolean {
  return readPrefix(text, into) === Reading.NORMAL;
}

/** Four numbers up to 255 without leading zeros. @returns where they end; -1: that is not what stands there */
function readOctets(text: string, from: number): number {
  let number = -1;
  let dots = 0;
  let at = from;
  octets = 0;
  for (; at < text.length; at++) {
    const letter = text.charCodeAt(at);
    if (letter >= ZERO && letter <= NINE) {
      if (number === 0) return -1;
      number = (number < 0 ? 0 : number * 10) + letter - ZERO;
      if (number > 255) return -1;
    } else if (letter === DOT && number >= 0 && dots < 3) {
      octets = (octets << 8) | number;
      number = -1;
      dots++;
    } else {
      break;
    }
  }
  if (number < 0 || dots !== 3) return -1;
  octets = (octets << 8) | number;
  return at;
}

/** An IPv6 address, into `groups`. @returns where it ends; -1: that is not what stands there */
function readGroups(text: string): number {
  let count = 0;
  /** Where the groups behind `::` begin. */
  let gap = -1;
  let at = 0;
  groupsNormal = true;
  if (text.startsWith('::')) {
    gap = 0;
    at = 2;
  }
  for (;;) {
    const begin = at;
    let value = 0;
    for (; at < text.length; at++) {
      const digit = hexDigit(text.charCodeAt(at));
      if (digit < 0) break;
      value = (value << 4) | digit;
      if (at - begin === 4) return -1;
    }
    const letter = at < text.length ? text.charCodeAt(at) : SLASH;
    if (at === begin) {
      // Nothing but the end may follow, and that behind `::` only.
      if (letter !== SLASH || gap !== count) return -1;
      break;
    }
    if (letter === DOT) {
      at = count <= 6 ? readOctets(text, begin) : -1;
      if (at < 0 || (at < text.length && text.charCodeAt(at) !== SLASH)) return -1;
      groups[count++] = octets >>> 16;
      groups[count++] = octets;
      groupsNormal = false;
      break;
    }
    if (count === 8) return -1;
    groups[count++] = value;
    if (at - begin > 1 && text.charCodeAt(begin) === ZERO) groupsNormal = false;
    if (letter === SLASH) break;
    if (letter !== COLON) return -1;
    at++;
    if (at < text.length && text.charCodeAt(at) === COLON) {
      if (gap >= 0) return -1;
      gap = count;
      at++;
    }
  }
  if (gap < 0 ? count !== 8 : count === 8) return -1;
  if (gap >= 0) {
    groups.copyWithin(8 - (count - gap), gap, count);
    groups.fill(0, gap, 8 - (count - gap));
  }
  findLongestGap();
  if (gap < 0 ? gapLength > 0 : gapAt !== gap || gapLength !== 8 - count) groupsNormal = false;
  return at;
}

/** `0` to `9`, `a` to `f`, `A` to `F`; else -1. */
function hexDigit(letter: number): number {
  if (letter >= ZERO && letter <= NINE) return letter - ZERO;
  if (letter >= 0x61 && letter <= 0x66) return letter - 0x57;
  if (letter < 0x41 || letter > 0x46) return -1;
  groupsNormal = false;
  return letter - 0x37;
}

const wordAt = (group: number): number => (groups[group] << 16) | groups[group + 1];

/** A number of up to three digits without leading zeros, up to the end; else -1. */
function readLength(text: string, from: number): number {
  const digits = text.length - from;
  if (digits < 1 || digits > 3 || (digits > 1 && text.charCodeAt(from) === ZERO)) return -1;
  let number = 0;
  for (let at = from; at < text.length; at++) {
    const digit = text.charCodeAt(at) - ZERO;
    if (digit < 0 || digit > 9) return -1;
    number = number * 10 + digit;
  }
  return number;
}

const maskOf = (bits: number): number => (bits <= 0 ? 0 : bits >= 32 ? -1 : -1 << (32 - bits));

/** @returns whether one of them was set */
export function clearHostBits(prefix: PackedPrefix): boolean {
  const { length, w0, w1, w2, w3 } = prefix;
  prefix.w0 &= maskOf(length);
  prefix.w1 &= maskOf(length - 32);
  prefix.w2 &= maskOf(length - 64);
  prefix.w3 &= maskOf(length - 96);
  return prefix.w0 !== w0 || prefix.w1 !== w1 || prefix.w2 !== w2 || prefix.w3 !== w3;
}

/** Whether one prefix holds another, or is the same. */
export function packedContains(outer: Readonly<PackedPrefix>, inner: Readonly<PackedPrefix>): boolean {
  const { length } = outer;
  if (outer.family !== inner.family || inner.length < length) return false;
  if (((outer.w0 ^ inner.w0) & maskOf(length)) !== 0) return false;
  return (
    length <= 32 ||
    (((outer.w1 ^ inner.w1) & maskOf(length - 32)) === 0 &&
      ((outer.w2 ^ inner.w2) & maskOf(length - 64)) === 0 &&
      ((outer.w3 ^ inner.w3) & maskOf(length - 96)) === 0)
  );
}

/**
 * The normal form: `192.0.2.1` for a single address, `192.0.2.0/24` otherwise; IPv6 as in RFC 5952, which is what the
 * kernel's tools print as well.
 */
export function printPrefix({ family, length, w0, w1, w2, w3 }: Readonly<PackedPrefix>): string {
  if (family === 4) {
    const address = `${w0 >>> 24}.${(w0 >>> 16) & 255}.${(w0 >>> 8) & 255}.${w0 & 255}`;
    return length === 32 ? address : `${address}/${length}`;
  }
  groups[0] = w0 >>> 16;
  groups[1] = w0;
  groups[2] = w1 >>> 16;
  groups[3] = w1;
  groups[4] = w2 >>> 16;
  groups[5] = w2;
  groups[6] = w3 >>> 16;
  groups[7] = w3;
  findLongestGap();
  const address =
    gapLength === 0 ? printGroups(0, 8) : `${printGroups(0, gapAt)}::${printGroups(gapAt + gapLength, 8)}`;
  return length === 128 ? address : `${address}/${length}`;
}

/** What `::` stands for in `groups`: the first of the longest runs of zeros, of two at least. */
let gapAt = 0;
let gapLength = 0;

function findLongestGap(): void {
  gapLength = 0;
  let longest = 1;
  for (let at = 0, length = 0; at < 8; at++) {
    length = groups[at] === 0 ? length + 1 : 0;
    if (length <= longest) continue;
    longest = gapLength = length;
    gapAt = at + 1 - length;
  }
}

function printGroups(from: number, to: number): string {
  let text = '';
  for (let at = from; at < to; at++) {
    const group = groups[at].toString(16);
    text += at === from ? group : `:${group}`;
  }
  return text;
}
