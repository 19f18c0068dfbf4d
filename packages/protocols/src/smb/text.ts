/** Texts of SMB: UTF-16LE mostly, of which rules see the bytes that are not zero. */

/** Bytes of a name or path that are kept. */
export const LONGEST_TEXT = 2048;

/** The bytes of `bytes[start, end)` without zero bytes, at most `LONGEST_TEXT`. */
export function withoutZeros(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const stop = Math.min(end, start + 2 * LONGEST_TEXT);
  const text = new Uint8Array(Math.min(LONGEST_TEXT, Math.max(0, stop - start)));
  let length = 0;
  for (let i = start; i < stop && length < text.length; i++) if (bytes[i] !== 0) text[length++] = bytes[i];
  return text.subarray(0, length);
}

/** End of a text that a zero character ends, or `end`. */
export function endOfText(bytes: Uint8Array, start: number, end: number, wide: boolean): number {
  const step = wide ? 2 : 1;
  for (let i = start; i + step <= end; i += step) {
    if (bytes[i] === 0 && (!wide || bytes[i + 1] === 0)) return i;
  }
  return end;
}

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

/** Little-endian numbers. */
export function le16(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8);
}

export function le32(bytes: Uint8Array, at: number): number {
  return le16(bytes, at) + le16(bytes, at + 2) * 0x10000;
}

/** Exact up to 2^53. */
export function le64(bytes: Uint8Array, at: number): number {
  return le32(bytes, at) + le32(bytes, at + 4) * 0x100000000;
}
