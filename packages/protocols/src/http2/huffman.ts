/**
 * The Huffman code of HPACK (RFC 7541 appendix B). It is canonical: the lengths of its codes tell all of it.
 *
 * Decoding goes by the number of codes of each length: `firstCode` is the first code of a length, read as a number, and
 * `firstIndex` the place of its symbol in `SYMBOLS`.
 */

const END_OF_STRING = 256;
const LONGEST_CODE = 30;

/** Length of the code of each symbol, from 0 to 256. */
export const CODE_LENGTHS: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28,
  28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6, 5,
  6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22,
  23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23,
  21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22,
  23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20,
  21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
]; // biome-ignore format: a table

const COUNTS = new Uint16Array(LONGEST_CODE + 1);
for (const length of CODE_LENGTHS) COUNTS[length]++;
/** Symbols by length of their code, then by value. */
const SYMBOLS = Uint16Array.from(
  CODE_LENGTHS.map((length, symbol) => length * 1024 + symbol).sort((a, b) => a - b),
  (packed) => packed % 1024,
);
const FIRST_CODE = new Uint32Array(LONGEST_CODE + 1);
const FIRST_INDEX = new Uint16Array(LONGEST_CODE + 1);
for (let length = 1, code = 0, index = 0; length <= LONGEST_CODE; length++) {
  code *= 2;
  FIRST_CODE[length] = code;
  FIRST_INDEX[length] = index;
  code += COUNTS[length];
  index += COUNTS[length];
}

/** Bits that are looked up at once: all codes of letters and digits are shorter. */
const TABLE_BITS = 8;
/** By the next `TABLE_BITS` bits: symbol times 16 plus length of its code; 0 where the code is longer. */
const TABLE = new Uint16Array(1 << TABLE_BITS);
for (let length = 1; length <= TABLE_BITS; length++) {
  for (let i = 0; i < COUNTS[length]; i++) {
    const first = (FIRST_CODE[length] + i) << (TABLE_BITS - length);
    const entry = SYMBOLS[FIRST_INDEX[length] + i] * 16 + length;
    TABLE.fill(entry, first, first + (1 << (TABLE_BITS - length)));
  }
}

/** Bytes that a coded string of `length` bytes has at most when decoded. */
export function decodedBound(length: number): number {
  return Math.floor((length * 8) / 5);
}

/**
 * Decodes `bytes[start, end)` into `out` from `at` on.
 * @returns the end of what was written, or -1 where it is no such code
 */
export function decodeHuffman(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  at: number,
): number {
  let written = at;
  // The next `bits` bits, from the highest on. Never more than 15 before a byte is added.
  let window = 0;
  let bits = 0;
  let i = start;
  for (;;) {
    while (bits < TABLE_BITS && i < end) {
      window = (window << 8) | bytes[i++];
      bits += 8;
    }
    if (bits === 0) return written;
    const next = bits >= TABLE_BITS ? window >>> (bits - TABLE_BITS) : (window << (TABLE_BITS - bits)) & 0xff;
    const entry = TABLE[next];
    const length = entry & 15;
    if (length > 0 && length <= bits) {
      out[written++] = entry >> 4;
      bits -= length;
      window &= (1 << bits) - 1;
      continue;
    }
    // Padding: at most seven bits, all set.
    if (i === end && bits < 8 && window === (1 << bits) - 1) return written;
    if (length > 0) return -1;
    let code = window;
    let taken = bits;
    for (;;) {
      if (taken > TABLE_BITS) {
        // Codes end within a byte: look whether one ends within the last one.
        const found = longCode(code, taken, Math.max(TABLE_BITS + 1, taken - 7));
        if (found >= 0) {
          const symbol = found >> 5;
          const used = found & 31;
          if (symbol === END_OF_STRING) return -1;
          out[written++] = symbol;
          bits = taken - used;
          window = code % 2 ** bits;
          break;
        }
      }
      if (i === end || taken > LONGEST_CODE) {
        // What is left may be padding behind nothing: only up to seven set bits.
        return -1;
      }
      code = code * 256 + bytes[i++];
      taken += 8;
    }
  }
}

/** Looks for a code in the first bits of `code`. @returns symbol times 32 plus its length, or -1 */
function longCode(code: number, bits: number, from: number): number {
  const most = Math.min(bits, LONGEST_CODE);
  for (let length = from; length <= most; length++) {
    const prefix = Math.floor(code / 2 ** (bits - length));
    const place = prefix - FIRST_CODE[length];
    if (place >= 0 && place < COUNTS[length]) return SYMBOLS[FIRST_INDEX[length] + place] * 32 + length;
  }
  return -1;
}
