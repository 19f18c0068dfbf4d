/** For tests: DEFLATE streams (RFC 1951) that cost much and hold nothing. */

import { constants, deflateRawSync } from 'node:zlib';

/** Dynamic blocks that hold only their end, and a fixed one that holds `x` and is the last. */
export function emptyBlocks(count: number): Buffer {
  const bits: number[] = [];
  const put = (value: number, count: number) => {
    for (let i = 0; i < count; i++) bits.push((value >> i) & 1);
  };
  for (let block = 0; block < count; block++) {
    put(0, 1);
    put(2, 2);
    put(0, 5); // 257 literal codes
    put(0, 5); // 1 distance code
    put(14, 4); // 18 code-length codes
    // Code lengths: 18 (repeat zero) and 1 get one bit each.
    for (const symbol of [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1])
      put(symbol === 18 || symbol === 1 ? 1 : 0, 3);
    // 1 is code 0, 18 is code 1.
    put(1, 1);
    put(127, 7); // 138 zeros
    put(1, 1);
    put(107, 7); // 118 zeros: up to symbol 255
    put(0, 1); // length 1 for the end of block
    put(0, 1); // length 1 for the distance
    put(0, 1); // end of block
  }
  for (const byte of deflateRawSync('x', { strategy: constants.Z_FIXED })) put(byte, 8);
  const bytes = Buffer.alloc(Math.ceil(bits.length / 8));
  bits.forEach((bit, i) => {
    bytes[i >> 3] |= bit << (i & 7);
  });
  return bytes;
}
