/**
 * Inputs that are several things in a row (pieces of a conversation, packets, messages): a byte that says what each is,
 * its length in two bytes (the most significant first), and its bytes. The last may be cut short.
 */

export interface FuzzRecord {
  readonly kind: number;
  readonly bytes: Uint8Array;
}

const HEAD = 3;
export const LARGEST_RECORD = 0xffff;

export function encodeRecords(records: readonly FuzzRecord[]): Uint8Array {
  const size = records.reduce((sum, { bytes }) => sum + HEAD + bytes.length, 0);
  const out = new Uint8Array(size);
  let at = 0;
  for (const { kind, bytes } of records) {
    out[at] = kind;
    out[at + 1] = bytes.length >> 8;
    out[at + 2] = bytes.length & 0xff;
    out.set(bytes, at + HEAD);
    at += HEAD + bytes.length;
  }
  return out;
}

/** Views into the input; never throws. */
export function decodeRecords(input: Uint8Array): FuzzRecord[] {
  const records: FuzzRecord[] = [];
  for (let at = 0; at + HEAD <= input.length; ) {
    const length = ((input[at + 1] as number) << 8) | (input[at + 2] as number);
    const start = at + HEAD;
    const end = Math.min(input.length, start + length);
    records.push({ kind: input[at] as number, bytes: input.subarray(start, end) });
    at = end;
  }
  return records;
}

/** Longer bytes become several records. */
export function recordsOf(kind: number, bytes: Uint8Array): FuzzRecord[] {
  const records: FuzzRecord[] = [];
  for (let at = 0; at < bytes.length; at += LARGEST_RECORD)
    records.push({ kind, bytes: bytes.subarray(at, at + LARGEST_RECORD) });
  return records;
}
