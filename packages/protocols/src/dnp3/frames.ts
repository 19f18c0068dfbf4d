/** DNP3's data link and transport (IEEE 1815-2012, clauses 8 and 9). */

/** Start, length, control, destination, source, checksum. */
export const HEADER_BYTES = 10;
/** Counted by a frame's length besides its data: control, destination, source. */
export const COUNTED_HEADER = 5;
/** Data come in blocks of so many bytes, each with a checksum behind it. */
export const BLOCK_BYTES = 16;
const CHECKSUM_BYTES = 2;
const START_0 = 0x05;
const START_1 = 0x64;
/** The longest frame: 250 bytes of data. */
export const LONGEST_FRAME = 292;

const CONFIRMED_DATA = 3;
const UNCONFIRMED_DATA = 4;

/** Bits of the transport header. */
export const TRANSPORT_FINAL = 0x80;
export const TRANSPORT_FIRST = 0x40;
export const TRANSPORT_SEQUENCE = 0x3f;

const POLYNOMIAL = 0xa6bc;
const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = (value & 1) !== 0 ? (value >> 1) ^ POLYNOMIAL : value >> 1;
  return value;
});

/** Checksum of some bytes (clause 9.2.4.1.3). */
export function checksum(bytes: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let i = start; i < end; i++) value = TABLE[(value ^ bytes[i]) & 255] ^ (value >> 8);
  return ~value & 0xffff;
}

/** Whether the two bytes behind `[start, end)` are its checksum, low byte first. */
export function hasChecksum(bytes: Uint8Array, start: number, end: number): boolean {
  return checksum(bytes, start, end) === (bytes[end] | (bytes[end + 1] << 8));
}

export function startsFrame(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === START_0 && bytes[at + 1] === START_1;
}

/** Bytes of a frame with its checksums. @param length as its header has it, 5 at least */
export function frameBytes(length: number): number {
  const data = length - COUNTED_HEADER;
  return HEADER_BYTES + data + Math.ceil(data / BLOCK_BYTES) * CHECKSUM_BYTES;
}

/** Whether a frame carries data for the application. */
export function carriesData(control: number): boolean {
  const code = control & 15;
  return code === CONFIRMED_DATA || code === UNCONFIRMED_DATA;
}

/** Whether all blocks of a frame's data have their checksum. */
export function blocksHold(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at += BLOCK_BYTES + CHECKSUM_BYTES) {
    const stop = Math.min(at + BLOCK_BYTES, end - CHECKSUM_BYTES);
    if (stop <= at || !hasChecksum(bytes, at, stop)) return false;
  }
  return true;
}

/** Copies a frame's data without checksums and transport header. @returns place behind what was written */
export function copyData(bytes: Uint8Array, start: number, end: number, out: Uint8Array, to: number): number {
  let at = to;
  for (let block = start; block < end; block += BLOCK_BYTES + CHECKSUM_BYTES) {
    const from = block === start ? block + 1 : block;
    const stop = Math.min(block + BLOCK_BYTES, end - CHECKSUM_BYTES);
    out.set(bytes.subarray(from, stop), at);
    at += Math.max(0, stop - from);
  }
  return at;
}
