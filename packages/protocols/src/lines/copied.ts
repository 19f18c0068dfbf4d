const { slice } = Uint8Array.prototype;

/** A copy of `bytes[start, end)`. (`Buffer` has a `slice` of its own that copies nothing.) */
export function copied(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return slice.call(bytes, start, end);
}
