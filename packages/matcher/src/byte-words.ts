/**
 * Bytes in steps of four: where the same bytes are compared for every packet, one at a time is what takes the time.
 * The bytes stand anywhere, so they are read through a `DataView`; the last ones asked for are kept.
 */

const NO_BYTES = new Uint8Array(0);
const NO_VIEW = new DataView(NO_BYTES.buffer);
let firstBytes: Uint8Array = NO_BYTES;
let firstView: DataView = NO_VIEW;
let secondBytes: Uint8Array = NO_BYTES;
let secondView: DataView = NO_VIEW;

/** The same bytes as a `DataView`. */
export function viewOf(bytes: Uint8Array): DataView {
  if (bytes === firstBytes) return firstView;
  const view =
    bytes === secondBytes ? secondView : new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  secondBytes = firstBytes;
  secondView = firstView;
  firstBytes = bytes;
  firstView = view;
  return view;
}

/** True where both hold the same `length` bytes from `a` and from `b` on. */
export function sameBytes(one: DataView, a: number, other: DataView, b: number, length: number): boolean {
  if (length < 4) {
    for (let i = 0; i < length; i++) if (one.getUint8(a + i) !== other.getUint8(b + i)) return false;
    return true;
  }
  // The last four overlap those before them.
  const last = length - 4;
  if (one.getInt32(a + last) !== other.getInt32(b + last)) return false;
  for (let i = 0; i < last; i += 4) if (one.getInt32(a + i) !== other.getInt32(b + i)) return false;
  return true;
}

/** A number that differs for most bytes that differ: of the length and some of them. */
export function sampleBytes(view: DataView, start: number, end: number): number {
  const length = end - start;
  if (length < 4) {
    let sum = length;
    for (let at = start; at < end; at++) sum = Math.imul(sum, 31) + view.getUint8(at);
    return sum;
  }
  const last = end - 4;
  const quarter = (length - 4) >> 2;
  let sum = Math.imul(length ^ view.getInt32(last), 0x9e3779b1);
  sum = Math.imul(sum ^ (sum >>> 15) ^ view.getInt32(start + quarter), 0x85ebca6b);
  sum = Math.imul(sum ^ (sum >>> 13) ^ view.getInt32(start + 2 * quarter), 0xc2b2ae35);
  sum = Math.imul(sum ^ (sum >>> 16) ^ view.getInt32(start + 3 * quarter), 0x27d4eb2f);
  return sum ^ (sum >>> 15);
}
