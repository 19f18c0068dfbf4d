/** Words of brotli's static dictionary with their transforms (RFC 7932 section 8). */

import { brotliDictionary, WORD_BITS, WORD_START } from './brotli-dictionary';
import { TRANSFORMS, WordOperation } from './brotli-tables';

/** The word that `findWord` has made. The longest has 24 bytes, and 13 round it. */
export const word = new Uint8Array(64);

/**
 * Makes the word that a distance beyond the window stands for.
 * @param length of the word as it stands in the dictionary
 * @returns length of the word in `word`, -1 where there is no such word
 */
export function findWord(number: number, length: number): number {
  const width = length <= 24 ? WORD_BITS[length] : 0;
  if (width === 0) return -1;
  const transform = TRANSFORMS[Math.floor(number / (1 << width))];
  if (transform === undefined) return -1;
  return transformWord(transform, WORD_START[length] + (number & ((1 << width) - 1)) * length, length);
}

/** Puts a dictionary word with its transform into `word`. @returns its length */
function transformWord(
  [prefix, operation, suffix]: readonly [string, number, string],
  at: number,
  length: number,
): number {
  const dictionary = brotliDictionary();
  let w = 0;
  for (let i = 0; i < prefix.length; i++) word[w++] = prefix.charCodeAt(i);
  const start = w;
  const omitFirst = operation > WordOperation.OMIT_FIRST ? operation - WordOperation.OMIT_FIRST : 0;
  const omitLast = operation < WordOperation.CAPITAL_FIRST ? operation : 0;
  for (let i = omitFirst; i < length - omitLast; i++) word[w++] = dictionary[at + i];
  if (operation === WordOperation.CAPITAL_FIRST && w > start) capital(start, w);
  else if (operation === WordOperation.CAPITAL_ALL) for (let i = start; i < w; ) i += capital(i, w);
  for (let i = 0; i < suffix.length; i++) word[w++] = suffix.charCodeAt(i);
  return w;
}

/** Makes the character at `at` capital, as far as brotli knows how. @returns its bytes */
function capital(at: number, end: number): number {
  const c = word[at];
  if (c < 0xc0) {
    if (c >= 0x61 && c <= 0x7a) word[at] ^= 0x20;
    return 1;
  }
  if (c < 0xe0) {
    if (at + 1 < end) word[at + 1] ^= 0x20;
    return 2;
  }
  if (at + 2 < end) word[at + 2] ^= 5;
  return 3;
}
