/** Payloads of ISAKMP and IKE (RFC 2408 section 3, RFC 7296 section 3): a header with a length and the next one's type. */

const HEADER = 4;

/**
 * Calls `visit` for each payload of `bytes[start, end)`.
 * @param type of the first one
 * @returns place behind the last whole payload
 */
export function eachPayload(
  bytes: Uint8Array,
  start: number,
  end: number,
  type: number,
  visit: (type: number, start: number, end: number) => void,
): number {
  let i = start;
  let present = type;
  while (end - i >= HEADER) {
    // Some peers write lengths that do not even hold the header: such a payload is empty.
    const length = Math.max(HEADER, (bytes[i + 2] << 8) | bytes[i + 3]);
    if (length > end - i) break;
    visit(present, i + HEADER, i + length);
    present = bytes[i];
    i += length;
  }
  return i;
}

export function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 8) | bytes[at + 1];
}

export function u32(bytes: Uint8Array, at: number): number {
  return u16(bytes, at) * 65536 + u16(bytes, at + 2);
}
