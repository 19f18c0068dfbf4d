/** Tables of brotli (RFC 7932): literal contexts, lengths, and the transforms of dictionary words. */

/** UTF-8 contexts of the punctuation that has one of its own; the rest of it has 12. */
const PUNCTUATION: readonly (readonly [number, string])[] = [
  [4, '\t\n\r'],
  [8, ' '],
  [16, '"\''],
  [20, '%'],
  [24, '(<[{'],
  [28, ')>]}'],
  [32, ',:;'],
  [36, '.'],
  [40, '='],
];

/**
 * Literal contexts (section 7.1): `CONTEXTS[mode << 9 | last] | CONTEXTS[mode << 9 | 256 | last but one]`, by the
 * modes LSB6, MSB6, UTF8, Signed.
 */
export const CONTEXTS = buildContexts();

function buildContexts(): Uint8Array {
  const table = new Uint8Array(4 << 9);
  for (let c = 0; c < 256; c++) {
    table[c] = c & 0x3f;
    table[(1 << 9) | c] = c >> 2;
    table[(2 << 9) | c] = utf8Last(c);
    table[(2 << 9) | 256 | c] = utf8LastButOne(c);
    const magnitude = signedMagnitude(c);
    table[(3 << 9) | c] = magnitude << 3;
    table[(3 << 9) | 256 | c] = magnitude;
  }
  return table;
}

function utf8Last(c: number): number {
  if (c >= 0x80) return (c >= 0xc0 ? 2 : 0) | (c & 1);
  const text = String.fromCharCode(c);
  if (/[a-z]/.test(text)) return /[aeiou]/.test(text) ? 56 : 60;
  if (/[A-Z]/.test(text)) return /[AEIOU]/.test(text) ? 48 : 52;
  if (/\d/.test(text)) return 44;
  for (const [context, characters] of PUNCTUATION) if (characters.includes(text)) return context;
  return c > 0x20 && c < 0x7f ? 12 : 0;
}

function utf8LastButOne(c: number): number {
  if (c >= 0x80) return c >= 0xe0 ? 2 : 0;
  const text = String.fromCharCode(c);
  if (/[a-z]/.test(text)) return 3;
  if (/[A-Z0-9]/.test(text)) return 2;
  return c > 0x20 && c < 0x7f ? 1 : 0;
}

function signedMagnitude(c: number): number {
  if (c === 0) return 0;
  if (c < 16) return 1;
  if (c < 64) return 2;
  if (c < 128) return 3;
  if (c < 192) return 4;
  if (c < 240) return 5;
  return c < 255 ? 6 : 7;
}

/** First value and extra bits of each code of insert lengths, copy lengths and block counts (sections 5 and 6). */
export const INSERT_BITS = [0, 0, 0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 7, 8, 9, 10, 12, 14, 24];
export const COPY_BITS = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 7, 8, 9, 10, 24];
export const COUNT_BITS = [
  2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 6, 6, 7, 8, 9, 10, 11, 12, 13, 24,
]; // biome-ignore format: a table
export const INSERT_BASE = firstValues(INSERT_BITS, 0);
export const COPY_BASE = firstValues(COPY_BITS, 2);
export const COUNT_BASE = firstValues(COUNT_BITS, 1);

function firstValues(bits: readonly number[], first: number): number[] {
  let next = first;
  return bits.map((count) => {
    const value = next;
    next += 1 << count;
    return value;
  });
}

/** First insert code and copy code of each 64 symbols of the insert-and-copy alphabet. */
export const CELL_INSERT = [0, 0, 0, 0, 8, 8, 0, 16, 8, 16, 16];
export const CELL_COPY = [0, 8, 0, 8, 0, 8, 16, 0, 16, 8, 16];

/** What a transform does to a word: nothing, leaves out up to nine bytes at either end, or makes letters capital. */
export const WordOperation = { OMIT_LAST: 0, CAPITAL_FIRST: 10, CAPITAL_ALL: 11, OMIT_FIRST: 11 } as const;

/** Prefix, operation and suffix of each transform (appendix B); `OMIT_LAST + n` and `OMIT_FIRST + n` leave out n bytes. */
export const TRANSFORMS: readonly (readonly [string, number, string])[] = [
  ['', 0, ''], ['', 0, ' '], [' ', 0, ' '], ['', 12, ''], ['', 10, ' '], ['', 0, ' the '], [' ', 0, ''],
  ['s ', 0, ' '], ['', 0, ' of '], ['', 10, ''], ['', 0, ' and '], ['', 13, ''], ['', 1, ''], [', ', 0, ' '],
  ['', 0, ', '], [' ', 10, ' '], ['', 0, ' in '], ['', 0, ' to '], ['e ', 0, ' '], ['', 0, '"'], ['', 0, '.'],
  ['', 0, '">'], ['', 0, '\n'], ['', 3, ''], ['', 0, ']'], ['', 0, ' for '], ['', 14, ''], ['', 2, ''],
  ['', 0, ' a '], ['', 0, ' that '], [' ', 10, ''], ['', 0, '. '], ['.', 0, ''], [' ', 0, ', '], ['', 15, ''],
  ['', 0, ' with '], ['', 0, '\''], ['', 0, ' from\x20'], ['', 0, ' by '], ['', 16, ''], ['', 17, ''],
  [' the ', 0, ''], ['', 4, ''], ['', 0, '. The '], ['', 11, ''], ['', 0, ' on '], ['', 0, ' as '], ['', 0, ' is '],
  ['', 7, ''], ['', 1, 'ing '], ['', 0, '\n\t'], ['', 0, ':'], [' ', 0, '. '], ['', 0, 'ed '], ['', 20, ''],
  ['', 18, ''], ['', 6, ''], ['', 0, '('], ['', 10, ', '], ['', 8, ''], ['', 0, ' at '], ['', 0, 'ly '],
  [' the ', 0, ' of '], ['', 5, ''], ['', 9, ''], [' ', 10, ', '], ['', 10, '"'], ['.', 0, '('], ['', 11, ' '],
  ['', 10, '">'], ['', 0, '="'], [' ', 0, '.'], ['.com/', 0, ''], [' the ', 0, ' of the '], ['', 10, '\''],
  ['', 0, '. This '], ['', 0, ','], ['.', 0, ' '], ['', 10, '('], ['', 10, '.'], ['', 0, ' not '], [' ', 0, '="'],
  ['', 0, 'er '], [' ', 11, ' '], ['', 0, 'al '], [' ', 11, ''], ['', 0, '=\''], ['', 11, '"'], ['', 10, '. '],
  [' ', 0, '('], ['', 0, 'ful '], [' ', 10, '. '], ['', 0, 'ive '], ['', 0, 'less '], ['', 11, '\''],
  ['', 0, 'est '], [' ', 10, '.'], ['', 11, '">'], [' ', 0, '=\''], ['', 10, ','], ['', 0, 'ize '], ['', 11, '.'],
  ['\xc2\xa0', 0, ''], [' ', 0, ','], ['', 10, '="'], ['', 11, '="'], ['', 0, 'ous '], ['', 11, ', '],
  ['', 10, '=\''], [' ', 10, ','], [' ', 11, '="'], [' ', 11, ', '], ['', 11, ','], ['', 11, '('], ['', 11, '. '],
  [' ', 11, '.'], ['', 11, '=\''], [' ', 11, '. '], [' ', 10, '="'], [' ', 11, '=\''], [' ', 10, '=\''],
]; // biome-ignore format: a table
