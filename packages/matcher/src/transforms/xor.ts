import type { Transform } from '../transform';

/** A key that stands in the buffer itself. */
export interface KeyPlace {
  readonly offset: number;
  readonly length: number;
}

/**
 * The buffer from `offset` on xored with a repeated key; what stands before stays. Where the buffer does not reach so
 * far, or does not hold the key, it stays as it is.
 */
export function xor(key: Uint8Array | KeyPlace, offset = 0): Transform {
  const written = key instanceof Uint8Array ? key : null;
  const place = key instanceof Uint8Array ? null : key;
  const name = written ? Buffer.from(written).toString('hex') : `at ${place?.offset}+${place?.length}`;
  return {
    key: `xor:${name} from ${offset}`,
    outputBound: (length) => length,
    apply(input, start, end, output, at) {
      const plain = Math.min(end, start + offset);
      const missing = offset > end - start || (place !== null && place.offset + place.length > end - start);
      const until = missing ? end : plain;
      for (let i = start; i < until; i++) output[at++] = input[i];
      if (missing) return at;
      const keys = written ?? input;
      const first = place === null ? 0 : start + place.offset;
      const length = place === null ? keys.length : place.length;
      let k = 0;
      for (let i = plain; i < end; i++) {
        output[at++] = input[i] ^ keys[first + k];
        if (++k === length) k = 0;
      }
      return at;
    },
  };
}
