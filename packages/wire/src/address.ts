import { MAPPED_WORD } from './ipv4';

/** Whether the four words at `at` hold an IPv4 address (kept as IPv4-mapped IPv6). */
export function isIpv4(words: Uint32Array, at = 0): boolean {
  return words[at] === 0 && words[at + 1] === 0 && words[at + 2] === MAPPED_WORD;
}

function formatIpv4(word: number): string {
  return `${word >>> 24}.${(word >>> 16) & 255}.${(word >>> 8) & 255}.${word & 255}`;
}

/**
 * Text of the address in the four words at `at`: dotted decimal for IPv4, RFC 5952 for IPv6. IPv4-mapped IPv6
 * addresses are IPv4 here; PacketView lets none in from the wire.
 */
export function formatAddress(words: Uint32Array, at = 0): string {
  if (isIpv4(words, at)) return formatIpv4(words[at + 3]);
  const groups: number[] = [];
  for (let word = 0; word < 4; word++) groups.push(words[at + word] >>> 16, words[at + word] & 0xffff);
  // RFC 5952 §4.2: the first of the longest runs of two zero groups or more is shortened.
  let runStart = -1;
  let runLength = 1;
  for (let group = 0; group < 8; group++) {
    let length = 0;
    while (group + length < 8 && groups[group + length] === 0) length++;
    if (length > runLength) {
      runStart = group;
      runLength = length;
    }
    group += length;
  }
  const hex = groups.map((group) => group.toString(16));
  if (runStart < 0) return hex.join(':');
  return `${hex.slice(0, runStart).join(':')}::${hex.slice(runStart + runLength).join(':')}`;
}

const NOT_A_NUMBER = -1;

function parseIpv4(text: string): number {
  const parts = text.split('.');
  if (parts.length !== 4) return NOT_A_NUMBER;
  let value = 0;
  for (const part of parts) {
    // No leading zeros: some systems read them as octal (as inet_pton).
    if (!/^(0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255) return NOT_A_NUMBER;
    value = value * 256 + Number(part);
  }
  return value;
}

function parseGroups(text: string): number[] | null {
  if (text === '') return [];
  const groups: number[] = [];
  for (const part of text.split(':')) {
    if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return null;
    groups.push(Number.parseInt(part, 16));
  }
  return groups;
}

/**
 * Reads an IPv4 address (four decimal parts) or an IPv6 address (RFC 4291 §2.2, without a zone).
 * @returns four words as in `PacketView.source`, or null where the text is no address.
 */
export function parseAddress(text: string): Uint32Array | null {
  if (text.length > 45) return null;
  if (!text.includes(':')) {
    const value = parseIpv4(text);
    return value === NOT_A_NUMBER ? null : Uint32Array.of(0, 0, MAPPED_WORD, value);
  }
  let rest = text;
  const tail = text.slice(text.lastIndexOf(':') + 1);
  if (tail.includes('.')) {
    const value = parseIpv4(tail);
    if (value === NOT_A_NUMBER) return null;
    const head = text.slice(0, text.length - tail.length);
    rest = `${head}${Math.floor(value / 65536).toString(16)}:${(value & 0xffff).toString(16)}`;
  }
  const halves = rest.split('::');
  if (halves.length > 2) return null;
  const left = parseGroups(halves[0]);
  const right = halves.length === 2 ? parseGroups(halves[1]) : [];
  if (left === null || right === null) return null;
  const missing = 8 - left.length - right.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null;
  const groups = [...left, ...new Array<number>(missing).fill(0), ...right];
  const words = new Uint32Array(4);
  for (let word = 0; word < 4; word++) words[word] = ((groups[2 * word] << 16) | groups[2 * word + 1]) >>> 0;
  return words;
}

/** Writes the address at `at` in network byte order: 4 bytes for IPv4, 16 for IPv6. */
export function addressBytes(words: Uint32Array, at = 0): Uint8Array {
  const from = isIpv4(words, at) ? 3 : 0;
  const bytes = new Uint8Array((4 - from) * 4);
  for (let word = from; word < 4; word++) {
    const value = words[at + word];
    const to = (word - from) * 4;
    bytes[to] = value >>> 24;
    bytes[to + 1] = value >>> 16;
    bytes[to + 2] = value >>> 8;
    bytes[to + 3] = value;
  }
  return bytes;
}
