/** Character classes of HTTP (RFC 9110 section 5.6) and comparisons without case, over bytes. */

export const TAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SP = 0x20;
export const COLON = 0x3a;

/** Bits of `CLASS`. */
export const TOKEN = 1;
/** Space, tab, line feed, vertical tab, form feed, carriage return. */
export const SPACE = 2;
export const DIGIT = 4;
export const HEX = 8;

/** Class bits of each byte. */
export const CLASS: Uint8Array = buildClasses();

/** Value of each hexadecimal digit, 0 for the other bytes. */
export const HEX_VALUE: Uint8Array = buildHexValues();

function buildClasses(): Uint8Array {
  const table = new Uint8Array(256);
  for (let c = 0; c < 256; c++) {
    const text = String.fromCharCode(c);
    if (/[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(text)) table[c] |= TOKEN;
    if (c === SP || (c >= TAB && c <= CR)) table[c] |= SPACE;
    if (/[0-9]/.test(text)) table[c] |= DIGIT;
    if (/[0-9A-Fa-f]/.test(text)) table[c] |= HEX;
  }
  return table;
}

function buildHexValues(): Uint8Array {
  const table = new Uint8Array(256);
  for (let v = 0; v < 16; v++) {
    const digit = v.toString(16);
    table[digit.charCodeAt(0)] = v;
    table[digit.toUpperCase().charCodeAt(0)] = v;
  }
  return table;
}

/** Bytes of an ASCII text. */
export function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
}

/** Whether `bytes[start, end)` is `lower`, without regard to case. `lower` holds no upper-case letters. */
export function equalsLower(bytes: Uint8Array, start: number, end: number, lower: Uint8Array): boolean {
  const length = end - start;
  if (length !== lower.length) return false;
  for (let i = 0; i < length; i++) {
    let c = bytes[start + i];
    if (c >= 0x41 && c <= 0x5a) c |= 0x20;
    if (c !== lower[i]) return false;
  }
  return true;
}

/** Like `equalsLower`, as if the null bytes were not there: browsers leave them out. */
export function equalsWithoutNull(bytes: Uint8Array, start: number, end: number, lower: Uint8Array): boolean {
  return startsWithoutNull(bytes, start, end, lower) === end;
}

/** Where `lower` ends when it stands at `start`, null bytes within and behind it left out; -1 where it does not. */
function startsWithoutNull(bytes: Uint8Array, start: number, end: number, lower: Uint8Array): number {
  let i = start;
  for (let k = 0; k < lower.length; k++) {
    while (i < end && bytes[i] === 0) i++;
    if (i >= end) return -1;
    let c = bytes[i++];
    if (c >= 0x41 && c <= 0x5a) c |= 0x20;
    if (c !== lower[k]) return -1;
  }
  while (i < end && bytes[i] === 0) i++;
  return i;
}

/** First place of `lower` in `bytes[start, end)` without regard to case and null bytes, or -1. */
export function indexWithoutNull(bytes: Uint8Array, start: number, end: number, lower: Uint8Array): number {
  for (let at = start; at + lower.length <= end; at++) {
    if (bytes[at] !== 0 && startsWithoutNull(bytes, at, end, lower) >= 0) return at;
  }
  return -1;
}

/** Whether two ranges are equal without regard to case. */
export function equalRanges(bytes: Uint8Array, a: number, aEnd: number, b: number, bEnd: number): boolean {
  const length = aEnd - a;
  if (length !== bEnd - b) return false;
  for (let i = 0; i < length; i++) {
    let x = bytes[a + i];
    let y = bytes[b + i];
    if (x === y) continue;
    if (x >= 0x41 && x <= 0x5a) x |= 0x20;
    if (y >= 0x41 && y <= 0x5a) y |= 0x20;
    if (x !== y) return false;
  }
  return true;
}
