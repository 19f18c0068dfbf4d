import { copyBytes } from '../buffer-pool';

/** What a small array of its own takes besides its bytes, as measured: it is counted where there may be many. */
export const COPY_OVERHEAD = 220;

/** A copy of `bytes[start, end)`. (`Buffer` has a `slice` of its own that copies nothing.) */
export function copied(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const copy = new Uint8Array(Math.max(0, end - start));
  copyBytes(bytes, start, end, copy, 0);
  return copy;
}
