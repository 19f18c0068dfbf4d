import type { Transform } from '../transform';

/** The buffer xored with a repeated key. */
export function xor(key: Uint8Array): Transform {
  return {
    key: `xor:${Buffer.from(key).toString('hex')}`,
    outputBound: (length) => length,
    apply(input, start, end, output, at) {
      let k = 0;
      for (let i = start; i < end; i++) {
        output[at++] = input[i] ^ key[k];
        if (++k === key.length) k = 0;
      }
      return at;
    },
  };
}
