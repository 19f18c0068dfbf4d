import { showBytes } from './buffer-view';
import type { BufferView } from './transaction';

/** Numbers of one transaction that rules can look at together; views are kept for as long as it is looked at. */
const RING = 1024;
const ring = new Uint8Array(RING * 8);
let next = 0;

/** Fills `out` with `value` (below 2^53) as an unsigned big-endian number of `bytes` bytes. */
export function writeInteger(out: BufferView, value: number, bytes: 1 | 2 | 4 | 8): true {
  next = next + 1 === RING ? 0 : next + 1;
  const start = next * 8;
  let rest = value;
  for (let i = start + bytes - 1; i >= start; i--) {
    ring[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return showBytes(out, ring, start, start + bytes);
}
