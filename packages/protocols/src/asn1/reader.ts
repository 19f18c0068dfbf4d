/**
 * A cursor over the elements of ASN.1 in its Basic or Distinguished Encoding Rules (X.690): tag, length, contents.
 *
 * Every length is checked against what surrounds it, so the bounds of an element that `next` has accepted can be used
 * without further checks. Lengths of indefinite form are refused (neither DER nor the protocols here use them).
 */

/** First byte of the elements that are met most: class, form and number in one. */
export const Tag = {
  BOOLEAN: 0x01,
  INTEGER: 0x02,
  BIT_STRING: 0x03,
  OCTET_STRING: 0x04,
  NULL: 0x05,
  OBJECT_IDENTIFIER: 0x06,
  ENUMERATED: 0x0a,
  UTF8_STRING: 0x0c,
  SEQUENCE: 0x30,
  SET: 0x31,
  NUMERIC_STRING: 0x12,
  PRINTABLE_STRING: 0x13,
  TELETEX_STRING: 0x14,
  IA5_STRING: 0x16,
  UTC_TIME: 0x17,
  GENERALIZED_TIME: 0x18,
  GENERAL_STRING: 0x1b,
  UNIVERSAL_STRING: 0x1c,
  BMP_STRING: 0x1e,
} as const;

/** Why no element could be read. */
export const Asn1Fault = {
  NONE: 0,
  /** The element goes on behind the end of what is here. */
  TRUNCATED: 1,
  /** What stands here is no element. */
  MALFORMED: 2,
} as const;

/** Bytes of a tag with a high number that are read: numbers below 2^28. */
const TAG_BYTES = 4;
/** Bytes of a length that are read: contents below 2^32. */
const LENGTH_BYTES = 4;
const NOTHING = new Uint8Array(0);

export class Asn1Reader {
  bytes: Uint8Array = NOTHING;
  /** Where the next element begins. */
  at = 0;
  /** End of what may be read. */
  end = 0;
  /** Set where `next` could not read an element though there are bytes left; stays until `over`. */
  fault: number = Asn1Fault.NONE;

  /** The element that was read last: its first byte (class, form, low number), as in `Tag`. */
  first = 0;
  /** Number of its tag; for numbers above 30 `first` does not tell. */
  number = 0;
  /** Where it begins, its tag included. */
  from = 0;
  /** Its contents. */
  start = 0;
  stop = 0;

  /** Puts the cursor before `bytes[start, end)`. */
  over(bytes: Uint8Array, start: number, end: number): this {
    this.bytes = bytes;
    this.end = Math.min(end, bytes.length);
    this.at = Math.max(0, Math.min(start, this.end));
    this.fault = Asn1Fault.NONE;
    this.first = 0;
    this.number = 0;
    this.from = this.at;
    this.start = this.at;
    this.stop = this.at;
    return this;
  }

  /** Puts the cursor into the contents of the element that `outer` has read last. */
  inside(outer: Asn1Reader): this {
    return this.over(outer.bytes, outer.start, outer.stop);
  }

  get done(): boolean {
    return this.at >= this.end;
  }

  /** Class of the element, the two high bits of its tag: 0 universal, 1 application, 2 context, 3 private. */
  get tagClass(): number {
    return this.first >> 6;
  }

  /** The element consists of elements. */
  get constructed(): boolean {
    return (this.first & 0x20) !== 0;
  }

  /** Bytes of the contents. */
  get length(): number {
    return this.stop - this.start;
  }

  /** First byte of the next element without reading it; -1 at the end. */
  peek(): number {
    return this.at < this.end && this.fault === Asn1Fault.NONE ? this.bytes[this.at] : -1;
  }

  /** Reads the next element and moves behind it. @returns false at the end, and where there is none (see `fault`) */
  next(): boolean {
    if (this.fault !== Asn1Fault.NONE || this.at >= this.end) return false;
    const { bytes, end } = this;
    let i = this.at;
    const first = bytes[i++];
    let number = first & 0x1f;
    if (number === 0x1f) {
      number = 0;
      let count = 0;
      for (;;) {
        if (i >= end) return this.refuse(Asn1Fault.TRUNCATED);
        const c = bytes[i++];
        if (++count > TAG_BYTES) return this.refuse(Asn1Fault.MALFORMED);
        number = (number << 7) | (c & 0x7f);
        if (c < 0x80) break;
      }
    }
    if (i >= end) return this.refuse(Asn1Fault.TRUNCATED);
    let length = bytes[i++];
    if (length >= 0x80) {
      const count = length & 0x7f;
      if (count === 0 || count > LENGTH_BYTES) return this.refuse(Asn1Fault.MALFORMED);
      length = 0;
      for (let k = 0; k < count; k++) {
        if (i >= end) return this.refuse(Asn1Fault.TRUNCATED);
        length = length * 256 + bytes[i++];
      }
    }
    if (length > end - i) return this.refuse(Asn1Fault.TRUNCATED);
    this.first = first;
    this.number = number;
    this.from = this.at;
    this.start = i;
    this.stop = i + length;
    this.at = this.stop;
    return true;
  }

  /** Reads the next element if it begins with this byte (`Tag`); else the cursor stays where it is. */
  take(first: number): boolean {
    return this.peek() === first && this.next();
  }

  /** Value of an INTEGER, an ENUMERATED or a BOOLEAN of at most 6 bytes; NaN where it is longer or empty. */
  integer(): number {
    const { bytes, start, stop } = this;
    if (stop === start || stop - start > 6) return Number.NaN;
    let value = bytes[start] >= 0x80 ? bytes[start] - 256 : bytes[start];
    for (let i = start + 1; i < stop; i++) value = value * 256 + bytes[i];
    return value;
  }

  /** Whether the contents are these bytes. */
  holds(value: Uint8Array): boolean {
    const { bytes, start, stop } = this;
    if (stop - start !== value.length) return false;
    for (let i = 0; i < value.length; i++) if (bytes[start + i] !== value[i]) return false;
    return true;
  }

  /** Arcs of an OBJECT IDENTIFIER, joined by dots; '' where it is none or has more than `arcs`. */
  objectIdentifier(arcs = 32): string {
    const { bytes, start, stop } = this;
    let text = '';
    let value = 0;
    let count = 0;
    for (let i = start; i < stop; i++) {
      const c = bytes[i];
      value = value * 128 + (c & 0x7f);
      if (value > Number.MAX_SAFE_INTEGER / 256) return '';
      if (c >= 0x80) continue;
      if (++count >= arcs) return '';
      if (text === '') {
        const root = Math.min(2, Math.floor(value / 40));
        text = `${root}.${value - root * 40}`;
      } else text += `.${value}`;
      value = 0;
    }
    return stop > start && bytes[stop - 1] < 0x80 ? text : '';
  }

  private refuse(fault: number): false {
    this.fault = fault;
    return false;
  }
}

/**
 * Size of the element at the start of `bytes[start, end)`, tag and length included, without needing its contents: for
 * protocols whose messages are elements in a byte stream.
 * @returns its bytes, 0 where more are needed to tell, -1 where no element begins here
 */
export function elementSize(bytes: Uint8Array, start: number, end: number): number {
  let i = start;
  if (i >= end) return 0;
  if ((bytes[i++] & 0x1f) === 0x1f) {
    let count = 0;
    do {
      if (i >= end) return 0;
      if (++count > TAG_BYTES) return -1;
    } while (bytes[i++] >= 0x80);
  }
  if (i >= end) return 0;
  let length = bytes[i++];
  if (length >= 0x80) {
    const count = length & 0x7f;
    if (count === 0 || count > LENGTH_BYTES) return -1;
    if (i + count > end) return 0;
    length = 0;
    for (let k = 0; k < count; k++) length = length * 256 + bytes[i++];
  }
  return i - start + length;
}
