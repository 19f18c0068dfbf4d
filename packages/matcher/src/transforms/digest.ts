import { createHash } from 'node:crypto';
import type { Transform } from '../transform';

/** The binary digest of the buffer. */
function digest(key: string, algorithm: string, length: number): Transform {
  return {
    key,
    outputBound: () => length,
    apply(input, start, end, output, at) {
      output.set(createHash(algorithm).update(input.subarray(start, end)).digest(), at);
      return at + length;
    },
  };
}

export const toMd5 = digest('to_md5', 'md5', 16);
export const toSha1 = digest('to_sha1', 'sha1', 20);
export const toSha256 = digest('to_sha256', 'sha256', 32);
