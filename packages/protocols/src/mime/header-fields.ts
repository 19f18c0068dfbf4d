/** The header fields of one message or part (RFC 5322 section 2.2), bounded. */

import { NO_BYTES } from '../buffer-pool';
import { COPY_OVERHEAD, copied } from '../lines/copied';

const COLON = 0x3a;

/** Fields of one header that are kept. */
export const MOST_FIELDS = 256;
/** Bytes of one field's value that are kept, folded lines included. */
export const LONGEST_VALUE = 8192;
/** The same of one that says how what follows is to be read: nobody hides a boundary behind other parameters. */
export const LONGEST_STEERING_VALUE = 65_536;
/** Bytes of all fields of one header that are kept. */
export const HEADER_BYTES = 65_536;
/** Bytes of a field's name that are kept. */
const LONGEST_NAME = 256;
/** What a field takes besides its value, as measured. */
const FIELD_OVERHEAD = 120;
/** Those that say how what follows is to be read: the first of each is kept however many fields there are. */
const STEERING: ReadonlySet<string> = new Set([
  'content-type',
  'content-transfer-encoding',
  'content-disposition',
]);

export interface HeaderField {
  /** In lower case. */
  readonly name: string;
  value: Uint8Array;
  /** Memory that the value lies at the beginning of: a folded line is not to copy all lines before it. */
  memory: Uint8Array;
}

export class HeaderFields {
  readonly fields: HeaderField[] = [];
  /** Bytes of all fields. */
  bytes = 0;
  /** The field that is being read; null: it is not kept. */
  private current: HeaderField | null = null;

  /**
   * Adds a line `name: value`.
   * @returns false where it is no such line
   */
  add(line: Uint8Array, start: number, end: number): boolean {
    let colon = start;
    while (colon < end && line[colon] !== COLON) colon++;
    if (colon >= end) return false;
    let from = colon + 1;
    while (from < end && isSpace(line[from])) from++;
    const name = Buffer.from(line.subarray(start, Math.min(colon, start + LONGEST_NAME)))
      .toString('latin1')
      .toLowerCase();
    const steering = STEERING.has(name);
    const to = Math.min(end, from + (steering ? LONGEST_STEERING_VALUE : LONGEST_VALUE));
    const size = name.length + to - from;
    const room = this.fields.length < MOST_FIELDS && this.bytes + size <= HEADER_BYTES;
    if (room || (steering && this.find(name) === null)) {
      const value = copied(line, from, to);
      this.current = { name, value, memory: value };
      this.fields.push(this.current);
      this.bytes += size;
    } else this.current = null;
    return true;
  }

  /** Adds a folded line, without the blank that it begins with, to the field before it. */
  continue(line: Uint8Array, start: number, end: number): void {
    const { current } = this;
    if (current === null) return;
    const { length } = current.value;
    const room = STEERING.has(current.name)
      ? LONGEST_STEERING_VALUE - length
      : Math.min(LONGEST_VALUE - length, HEADER_BYTES - this.bytes);
    const more = Math.min(end - start, room);
    if (more <= 0) return;
    if (length + more > current.memory.length) {
      current.memory = new Uint8Array(Math.max(length + more, 2 * current.memory.length));
      current.memory.set(current.value);
    }
    current.memory.set(line.subarray(start, start + more), length);
    current.value = current.memory.subarray(0, length + more);
    this.bytes += more;
  }

  heldBytes(): number {
    return this.bytes + this.fields.length * (FIELD_OVERHEAD + COPY_OVERHEAD);
  }

  /** @param index number of the field among those of that name */
  find(name: string, index = 0): Uint8Array | null {
    let left = index;
    for (const field of this.fields) if (field.name === name && left-- === 0) return field.value;
    return null;
  }

  /** Value of a field in lower case, blanks around it left out; empty where there is none. */
  token(name: string): string {
    return Buffer.from(this.find(name) ?? NO_BYTES)
      .toString('latin1')
      .trim()
      .toLowerCase();
  }

  clear(): void {
    this.fields.length = 0;
    this.bytes = 0;
    this.current = null;
  }
}

function isSpace(c: number): boolean {
  return c === 0x20 || c === 0x09 || c === 0x0a || c === 0x0d;
}
