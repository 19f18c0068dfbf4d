import type { BufferView } from './transaction';

/** Fills `out` with a run of bytes that is all there is of a buffer. */
export function showBytes(out: BufferView, bytes: Uint8Array, start: number, end: number): true {
  out.bytes = bytes;
  out.start = start;
  out.end = end;
  out.streamOffset = 0;
  out.fresh = start;
  out.complete = true;
  return true;
}
