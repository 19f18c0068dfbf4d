/** The connection-oriented PDUs of DCE/RPC (C706 chapter 12, MS-RPCE section 2.2.2). */

/** Length of the header that all PDUs have. */
export const PDU_HEADER = 16;

export const PduType = {
  REQUEST: 0,
  RESPONSE: 2,
  FAULT: 3,
  BIND: 11,
  BIND_ACK: 12,
  BIND_NAK: 13,
  ALTER_CONTEXT: 14,
  ALTER_CONTEXT_RESPONSE: 15,
  AUTH3: 16,
  /** The highest that is assigned. */
  LAST: 20,
} as const;

export const PduFlag = { FIRST_FRAGMENT: 1, LAST_FRAGMENT: 2 } as const;

/** First byte of the data representation: numbers are little-endian. */
const LITTLE_ENDIAN = 0x10;

/** The header that was read last. */
export class PduHeader {
  type = 0;
  flags = 0;
  little = false;
  /** Length of the PDU, header included. */
  length = 0;
  authLength = 0;
  callId = 0;

  /**
   * Reads at least the first 10 bytes; `authLength` and `callId` only where all `PDU_HEADER` are there.
   * @returns 1 read, 0 more bytes are needed, -1 no PDU begins here
   */
  read(bytes: Uint8Array, start: number, end: number): number {
    if (start < end && bytes[start] !== 5) return -1;
    if (start + 1 < end && bytes[start + 1] > 1) return -1;
    if (start + 2 < end && bytes[start + 2] > PduType.LAST) return -1;
    // Only the representations of integers and characters that exist (C706 section 14.2.5).
    if (start + 4 < end && (bytes[start + 4] & 0xee) !== 0) return -1;
    if (start + 10 > end) return 0;
    this.type = bytes[start + 2];
    this.flags = bytes[start + 3];
    this.little = (bytes[start + 4] & LITTLE_ENDIAN) !== 0;
    this.length = word(bytes, start + 8, this.little);
    if (this.length < PDU_HEADER) return -1;
    if (start + PDU_HEADER <= end) {
      this.authLength = word(bytes, start + 10, this.little);
      this.callId = long(bytes, start + 12, this.little);
    }
    return 1;
  }
}

export function word(bytes: Uint8Array, at: number, little: boolean): number {
  return little ? bytes[at] | (bytes[at + 1] << 8) : (bytes[at] << 8) | bytes[at + 1];
}

export function long(bytes: Uint8Array, at: number, little: boolean): number {
  const high = word(bytes, little ? at + 2 : at, little);
  return high * 0x10000 + word(bytes, little ? at : at + 2, little);
}

/** Copies a UUID as it is written: its first three parts are numbers. */
export function copyUuid(
  from: Uint8Array,
  at: number,
  little: boolean,
  to: Uint8Array,
  target: number,
): void {
  for (let i = 0; i < 16; i++) to[target + i] = from[at + (little ? UUID_ORDER[i] : i)];
}

const UUID_ORDER = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];

/** A UUID of `bytes` as text. */
export function uuidText(bytes: Uint8Array, at: number): string {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset + at, 16).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
