/** How brotli sends its prefix codes (RFC 7932 sections 3.4 and 3.5). */

import type { BitSource } from './brotli-bits';
import { CodeArena, LARGEST_ALPHABET } from './brotli-codes';

const CODE_LENGTH_ORDER = [1, 2, 3, 4, 0, 5, 17, 6, 16, 7, 8, 9, 10, 11, 12, 13, 14, 15];
/** By the next four bits: the length of a code-length code, and how many of the bits it is. */
const CODE_LENGTH_VALUE = [0, 4, 3, 2, 0, 4, 3, 1, 0, 4, 3, 2, 0, 4, 3, 5];
const CODE_LENGTH_BITS = [2, 2, 2, 3, 2, 2, 2, 4, 2, 2, 2, 3, 2, 2, 2, 4];

/** Scratch; shared by all decoders. */
const lengths = new Uint8Array(LARGEST_ALPHABET);
const codeLengths = new Uint8Array(18);
const lengthCodes = new CodeArena();
const simple = new Int32Array(4);
/** The symbols that have a code, in ascending order. */
const used = new Uint16Array(LARGEST_ALPHABET);
let usedCount = 0;

/** @returns place of the code in the arena, -1 where there is none: the input is short, or no valid code */
export function readPrefixCode(source: BitSource, alphabet: number, arena: CodeArena): number {
  const kind = source.take(2);
  lengths.fill(0, 0, alphabet);
  usedCount = 0;
  const good = kind === 1 ? readSimpleCode(source, alphabet) : readLengths(source, alphabet, kind);
  return good && !source.short ? arena.add(lengths, used, usedCount) : -1;
}

function readSimpleCode(source: BitSource, alphabet: number): boolean {
  const count = source.take(2) + 1;
  const width = 32 - Math.clz32(alphabet - 1);
  for (let i = 0; i < count; i++) {
    const symbol = source.take(width);
    if (source.short || symbol >= alphabet || lengths[symbol] !== 0) return false;
    lengths[symbol] = 2;
    simple[i] = symbol;
    let place = usedCount++;
    for (; place > 0 && used[place - 1] > symbol; place--) used[place] = used[place - 1];
    used[place] = symbol;
  }
  if (count === 1) lengths[simple[0]] = 1;
  else if (count === 2) {
    lengths[simple[0]] = 1;
    lengths[simple[1]] = 1;
  } else if (count === 3) lengths[simple[0]] = 1;
  else if (source.take(1) === 1) {
    lengths[simple[0]] = 1;
    lengths[simple[2]] = 3;
    lengths[simple[3]] = 3;
  }
  return true;
}

function readLengths(source: BitSource, alphabet: number, skip: number): boolean {
  codeLengths.fill(0);
  let space = 32;
  let count = 0;
  for (let i = skip; i < 18 && space > 0; i++) {
    const next = source.peekFour();
    source.take(CODE_LENGTH_BITS[next]);
    if (source.short) return false;
    const length = CODE_LENGTH_VALUE[next];
    codeLengths[CODE_LENGTH_ORDER[i]] = length;
    if (length !== 0) {
      space -= 32 >> length;
      count++;
    }
  }
  if (count !== 1 && space !== 0) return false;
  lengthCodes.end = 0;
  let lengthsUsed = 0;
  for (let symbol = 0; symbol < 18; symbol++) if (codeLengths[symbol] !== 0) used[lengthsUsed++] = symbol;
  const code = lengthCodes.add(codeLengths, used, lengthsUsed);

  let at = 0;
  let before = 8;
  let repeat = 0;
  let repeated = 0;
  space = 1 << 15;
  while (at < alphabet && space > 0) {
    const length = source.symbol(lengthCodes, code);
    if (length < 16) {
      if (source.short) return false;
      repeat = 0;
      if (length !== 0) used[usedCount++] = at;
      lengths[at++] = length;
      if (length !== 0) {
        before = length;
        space -= (1 << 15) >> length;
      }
      continue;
    }
    const width = length - 14;
    const value = length === 16 ? before : 0;
    if (value !== repeated) {
      repeat = 0;
      repeated = value;
    }
    const old = repeat;
    if (repeat > 0) repeat = (repeat - 2) << width;
    repeat += source.take(width) + 3;
    if (source.short) return false;
    const more = repeat - old;
    if (at + more > alphabet) return false;
    lengths.fill(value, at, at + more);
    if (value !== 0) {
      for (let symbol = at; symbol < at + more; symbol++) used[usedCount++] = symbol;
      space -= more << (15 - value);
    }
    at += more;
  }
  return space === 0;
}
