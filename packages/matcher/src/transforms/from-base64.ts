import { type Base64Mode, base64Bound, decodeBase64 } from '../base64';
import { FAILED, type Transform } from '../transform';

/**
 * What the buffer's base64 stands for. A buffer that ends before `offset`, or that has no more than `bytes` behind it,
 * stays as it is; one that cannot be decoded is none.
 * @param bytes 0: all
 */
export function fromBase64(bytes: number, offset: number, mode: Base64Mode): Transform {
  return {
    key: `from_base64:${bytes},${offset},${mode}`,
    outputBound: (length) => Math.max(length, base64Bound(length)),
    apply(input, start, end, output, at) {
      if (end === start) return at;
      const rest = end - start - offset;
      if (rest <= 0 || (bytes > 0 && bytes >= rest)) {
        for (let i = start; i < end; i++) output[at++] = input[i];
        return at;
      }
      const from = start + offset;
      const written = decodeBase64(input, from, bytes > 0 ? from + bytes : end, output, at, mode);
      return written > at ? written : FAILED;
    },
  };
}
