/** Parameters of a header field: `Content-Type: text/plain; name="a.txt"` (RFC 2045, RFC 2231). */

import { hexValue } from './quoted-printable';

/** Sections that a long value may be cut into (`filename*0`, `filename*1`). */
const MOST_SECTIONS = 256;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const PERCENT = 0x25;
const APOSTROPHE = 0x27;

interface Value {
  readonly start: number;
  readonly end: number;
}

/**
 * Looks for the value of a parameter: as it stands in the field, without its quotes. Values in sections are joined, and
 * those with a character set have it taken off and their escapes undone.
 * @param name in lower case
 */
export function findParameter(field: Uint8Array, name: string): Uint8Array | null {
  const values = readParameters(field, name);
  const plain = values.get(name);
  if (plain !== undefined) return field.subarray(plain.start, plain.end);
  const extended = values.get(`${name}*`);
  if (extended !== undefined) return decodeExtended(field.subarray(extended.start, extended.end));
  return joinSections(field, values, name);
}

function joinSections(
  field: Uint8Array,
  values: ReadonlyMap<string, Value>,
  name: string,
): Uint8Array | null {
  const parts: Uint8Array[] = [];
  let escaped = false;
  for (let section = 0; section < MOST_SECTIONS; section++) {
    const plain = values.get(`${name}*${section}`);
    const found = plain ?? values.get(`${name}*${section}*`);
    if (found === undefined) break;
    if (plain === undefined) escaped = true;
    parts.push(field.subarray(found.start, found.end));
  }
  if (parts.length === 0) return null;
  const joined = Buffer.concat(parts);
  return escaped ? decodeExtended(joined) : joined;
}

/** `utf-8'en'a%20b`: the text without character set and language, its escapes undone. */
function decodeExtended(value: Uint8Array): Uint8Array {
  const first = value.indexOf(APOSTROPHE);
  const second = first < 0 ? -1 : value.indexOf(APOSTROPHE, first + 1);
  const text = value.subarray(second + 1);
  const out = new Uint8Array(text.length);
  let w = 0;
  for (let i = 0; i < text.length; i++) {
    const high = text[i] === PERCENT && i + 2 < text.length ? hexValue(text[i + 1]) : -1;
    const low = high < 0 ? -1 : hexValue(text[i + 2]);
    if (low < 0) out[w++] = text[i];
    else {
      out[w++] = (high << 4) | low;
      i += 2;
    }
  }
  return out.subarray(0, w);
}

/** The parameters whose names begin so, however many others stand before them; of those with one name the first. */
function readParameters(field: Uint8Array, beginning: string): ReadonlyMap<string, Value> {
  const found = new Map<string, Value>();
  let i = field.indexOf(SEMICOLON) + 1;
  if (i === 0) return found;
  while (i < field.length) {
    while (i < field.length && (isSpace(field[i]) || field[i] === SEMICOLON)) i++;
    let equals = i;
    while (equals < field.length && field[equals] !== EQUALS) equals++;
    if (equals >= field.length) break;
    let nameStart = i;
    // A word without a value does not hide the parameter behind it.
    for (let k = i; k < equals; k++) if (field[k] === SEMICOLON) nameStart = k + 1;
    let nameEnd = equals;
    while (nameStart < nameEnd && isSpace(field[nameStart])) nameStart++;
    while (nameEnd > nameStart && isSpace(field[nameEnd - 1])) nameEnd--;
    let start = equals + 1;
    while (start < field.length && isSpace(field[start])) start++;
    let end: number;
    if (field[start] === QUOTE) {
      start++;
      end = start;
      while (end < field.length && field[end] !== QUOTE) end += field[end] === BACKSLASH ? 2 : 1;
      end = Math.min(end, field.length);
      i = end + 1;
    } else {
      end = start;
      while (end < field.length && field[end] !== SEMICOLON) end++;
      i = end + 1;
      while (end > start && isSpace(field[end - 1])) end--;
    }
    if (!beginsWith(field, nameStart, nameEnd, beginning)) continue;
    const name = Buffer.from(field.subarray(nameStart, nameEnd)).toString('latin1').toLowerCase();
    if (!found.has(name)) found.set(name, { start, end });
  }
  return found;
}

/** @param word in lower case */
function beginsWith(bytes: Uint8Array, start: number, end: number, word: string): boolean {
  if (end - start < word.length) return false;
  for (let k = 0; k < word.length; k++) {
    const c = bytes[start + k];
    const lower = c >= 0x41 && c <= 0x5a ? c | 0x20 : c;
    if (lower !== word.charCodeAt(k)) return false;
  }
  return true;
}

function isSpace(c: number): boolean {
  return c === 0x20 || c === 0x09 || c === 0x0a || c === 0x0d;
}
