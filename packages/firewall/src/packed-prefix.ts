import { Prefix, printAddress } from './prefix';

/** A prefix as numbers: what a table of a million of them is keyed by. */
export interface PackedPrefix {
  /** Four words, the address's first bits highest; an IPv4 address is the first word. */
  readonly words: Uint32Array;
  /** Bits; IPv6 lengths have IPV6 added, so that the two families never are equal. */
  length: number;
}

/** Added to the prefix length of IPv6. */
export const IPV6 = 256;

export const newPackedPrefix = (): PackedPrefix => ({ words: new Uint32Array(4), length: 0 });

const ZERO = 0x30;
const NINE = 0x39;
const DOT = 0x2e;
const SLASH = 0x2f;

/**
 * Packs a prefix in normal form. IPv4 is read here, because a million are read at the start; IPv6 by Prefix.
 *
 * @returns false when the text is not a prefix in normal form
 */
export function packPrefix(text: string, into: PackedPrefix): boolean {
  return text.includes(':') ? packIpv6(text, into) : packIpv4(text, into);
}

function packIpv4(text: string, into: PackedPrefix): boolean {
  let word = 0;
  let number = -1;
  let dots = 0;
  let at = 0;
  for (; at < text.length; at++) {
    const letter = text.charCodeAt(at);
    if (letter >= ZERO && letter <= NINE) {
      // No leading zeros.
      if (number === 0) return false;
      number = (number < 0 ? 0 : number * 10) + letter - ZERO;
      if (number > 255) return false;
    } else if (letter === DOT && number >= 0 && dots < 3) {
      word = word * 256 + number;
      number = -1;
      dots++;
    } else {
      break;
    }
  }
  if (number < 0 || dots !== 3) return false;
  word = word * 256 + number;
  let length = 32;
  if (at < text.length) {
    if (text.charCodeAt(at) !== SLASH) return false;
    const digits = text.slice(at + 1);
    length = Number(digits);
    if (!/^\d{1,2}$/.test(digits) || String(length) !== digits || length > 31) return false;
    const host = length === 0 ? 0xffffffff : 2 ** (32 - length) - 1;
    if ((word & host) !== 0) return false;
  }
  into.words[0] = word;
  into.words[1] = into.words[2] = into.words[3] = 0;
  into.length = length;
  return true;
}

function packIpv6(text: string, into: PackedPrefix): boolean {
  let prefix: Prefix;
  try {
    prefix = Prefix.parse(text);
  } catch {
    return false;
  }
  if (prefix.text !== text) return false;
  const { bytes } = prefix;
  for (let i = 0; i < 4; i++) {
    const at = 4 * i;
    into.words[i] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
  }
  into.length = IPV6 + prefix.length;
  return true;
}

/** The normal form. */
export function printPrefix({ words, length }: PackedPrefix): string {
  if (length < IPV6) {
    const word = words[0];
    const address = `${word >>> 24}.${(word >>> 16) & 255}.${(word >>> 8) & 255}.${word & 255}`;
    return length === 32 ? address : `${address}/${length}`;
  }
  const bytes = new Uint8Array(16);
  for (let i = 0; i < 16; i++) bytes[i] = words[i >> 2] >>> (24 - 8 * (i & 3));
  const bits = length - IPV6;
  return bits === 128 ? printAddress(bytes) : `${printAddress(bytes)}/${bits}`;
}

/** Whether one prefix holds another, or is the same. */
export function packedContains(outer: PackedPrefix, inner: PackedPrefix): boolean {
  if (outer.length >= IPV6 !== inner.length >= IPV6 || inner.length < outer.length) return false;
  let bits = outer.length & (IPV6 - 1);
  for (let i = 0; bits > 0; i++, bits -= 32) {
    const mask = bits >= 32 ? -1 : -1 << (32 - bits);
    if (((outer.words[i] ^ inner.words[i]) & mask) !== 0) return false;
  }
  return true;
}
