import { copyBytes } from '../buffer-pool';

/** A copy of `bytes[start, end)`. (`Buffer` has a `slice` of its own that copies nothing.) */
export function copied(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const copy = new Uint8Array(Math.max(0, end - start));
  copyBytes(bytes, start, end, copy, 0);
  return copy;
}
