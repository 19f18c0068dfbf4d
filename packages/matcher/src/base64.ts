const NONE = 255;
const PADDING = 0x3d;
const VALUES = new Uint8Array(256).fill(NONE);
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
for (let i = 0; i < ALPHABET.length; i++) VALUES[ALPHABET.charCodeAt(i)] = i;

/**
 * How strictly base64 is read. `strict`: nothing but whole groups, with their padding. `rfc4648`: up to the first
 * character that is not of the alphabet. `rfc2045`: such characters are passed over, as in mail.
 */
export type Base64Mode = 'strict' | 'rfc4648' | 'rfc2045';

/** Most bytes that `length` characters stand for. */
export function base64Bound(length: number): number {
  return Math.floor((length * 3) / 4) + 1;
}

/**
 * Decodes `input[start, end)` to `output` from `at` on.
 * @returns end of what was written; -1 where the input breaks the rules of the mode
 */
export function decodeBase64(
  input: Uint8Array,
  start: number,
  end: number,
  output: Uint8Array,
  at: number,
  mode: Base64Mode,
): number {
  let bits = 0;
  let count = 0;
  let to = at;
  let i = start;
  for (; i < end; i++) {
    const value = VALUES[input[i]];
    if (value === NONE) {
      if (mode === 'rfc2045' && input[i] !== PADDING) continue;
      break;
    }
    bits = ((bits << 6) | value) & 0xffffff;
    if (++count < 4) continue;
    output[to++] = bits >> 16;
    output[to++] = bits >> 8;
    output[to++] = bits;
    count = 0;
  }
  if (mode === 'strict' && !isWellEnded(input, i, end, count)) return -1;
  if (count >= 2) output[to++] = bits >> (count === 2 ? 4 : 10);
  if (count === 3) output[to++] = bits >> 2;
  return to;
}

/** Whether the rest, from where no more characters of the alphabet stand, is the padding that `count` asks for. */
function isWellEnded(input: Uint8Array, from: number, end: number, count: number): boolean {
  if (count === 0) return from === end;
  if (count === 1 || end - from !== 4 - count) return false;
  for (let i = from; i < end; i++) if (input[i] !== PADDING) return false;
  return true;
}
