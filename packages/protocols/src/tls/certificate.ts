/** X.509 certificates (RFC 5280 section 4.1), read as far as the rules can ask. Only places are kept. */

import { Asn1Fault, Asn1Reader, elementSize, Tag } from '../asn1/reader';
import { TlsEvent } from './events';
import { ALTERNATIVE_NAMES } from './limits';
import { isName } from './names';

const NO_BYTES = new Uint8Array(0);
const VERSION = 0xa0;
const ISSUER_ID = 0x81;
const SUBJECT_ID = 0x82;
const EXTENSIONS = 0xa3;
const ALTERNATIVE_NAME = Uint8Array.from([0x55, 0x1d, 0x11]);

const outer = new Asn1Reader();
const body = new Asn1Reader();
const inner = new Asn1Reader();
const extension = new Asn1Reader();
const names = new Asn1Reader();

export class Certificate {
  bytes: Uint8Array = NO_BYTES;
  /** The whole certificate. */
  start = 0;
  end = 0;
  serialStart = 0;
  serialEnd = 0;
  /** Contents of the SEQUENCE of a name. */
  issuerStart = 0;
  issuerEnd = 0;
  subjectStart = 0;
  subjectEnd = 0;
  /** Seconds since 1970. */
  notBefore = 0;
  notAfter = 0;
  /** Contents of the SEQUENCE of alternative names; empty where there are none. */
  namesStart = 0;
  namesEnd = 0;
  private nextName = 0;
  private nextNameAt = 0;

  /** Reads `bytes[start, end)`, which it keeps. @returns '' or the event that tells what is wrong */
  read(bytes: Uint8Array, start: number, end: number): string {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.namesStart = 0;
    this.namesEnd = 0;
    this.nextName = -1;
    outer.over(bytes, start, end);
    if (!outer.take(Tag.SEQUENCE)) return notSequence();
    outer.inside(outer);
    if (!outer.take(Tag.SEQUENCE)) return notSequence();
    body.inside(outer);
    const wrong = this.readBody();
    if (wrong !== '') return wrong;
    // What the signature is, nobody asks; that there is one belongs to the form.
    if (!outer.take(Tag.SEQUENCE)) return TlsEvent.CERTIFICATE_INVALID_ALGORITHMIDENTIFIER;
    return outer.take(Tag.BIT_STRING) ? '' : TlsEvent.INVALID_CERTIFICATE;
  }

  /** Its bytes now lie in another array, `by` further ahead. */
  moveTo(bytes: Uint8Array, by: number): void {
    this.bytes = bytes;
    this.start -= by;
    this.end -= by;
    this.serialStart -= by;
    this.serialEnd -= by;
    this.issuerStart -= by;
    this.issuerEnd -= by;
    this.subjectStart -= by;
    this.subjectEnd -= by;
    this.namesStart -= by;
    this.namesEnd -= by;
    this.nextName = -1;
  }

  private readBody(): string {
    const { bytes } = body;
    if (body.take(VERSION)) {
      inner.inside(body);
      if (!inner.take(Tag.INTEGER) || !(inner.integer() >= 0)) return TlsEvent.CERTIFICATE_INVALID_VERSION;
    }
    if (!body.take(Tag.INTEGER) || body.length === 0) return TlsEvent.CERTIFICATE_INVALID_SERIAL;
    this.serialStart = body.start;
    this.serialEnd = body.stop;
    if (!body.take(Tag.SEQUENCE)) return TlsEvent.CERTIFICATE_INVALID_ALGORITHMIDENTIFIER;
    inner.inside(body);
    if (!inner.take(Tag.OBJECT_IDENTIFIER)) return TlsEvent.CERTIFICATE_INVALID_ALGORITHMIDENTIFIER;
    if (!body.take(Tag.SEQUENCE) || !isName(bytes, body.start, body.stop)) {
      return TlsEvent.CERTIFICATE_INVALID_X509NAME;
    }
    this.issuerStart = body.start;
    this.issuerEnd = body.stop;
    if (!body.take(Tag.SEQUENCE) || !this.readValidity()) return TlsEvent.CERTIFICATE_INVALID_DATE;
    if (!body.take(Tag.SEQUENCE) || !isName(bytes, body.start, body.stop)) {
      return TlsEvent.CERTIFICATE_INVALID_X509NAME;
    }
    this.subjectStart = body.start;
    this.subjectEnd = body.stop;
    if (!body.take(Tag.SEQUENCE)) return TlsEvent.INVALID_CERTIFICATE;
    if (body.peek() === ISSUER_ID) body.next();
    if (body.peek() === SUBJECT_ID) body.next();
    if (body.take(EXTENSIONS) && !this.readExtensions()) return TlsEvent.CERTIFICATE_INVALID_EXTENSIONS;
    return '';
  }

  private readValidity(): boolean {
    inner.inside(body);
    if (!inner.next()) return false;
    this.notBefore = timeOf(inner);
    if (!inner.next()) return false;
    this.notAfter = timeOf(inner);
    return !Number.isNaN(this.notBefore) && !Number.isNaN(this.notAfter);
  }

  private readExtensions(): boolean {
    inner.inside(body);
    if (!inner.take(Tag.SEQUENCE)) return false;
    inner.inside(inner);
    let found = 0;
    while (inner.next()) {
      if (inner.first !== Tag.SEQUENCE) return false;
      extension.inside(inner);
      if (!extension.take(Tag.OBJECT_IDENTIFIER)) return false;
      const wanted = extension.holds(ALTERNATIVE_NAME);
      if (extension.peek() === Tag.BOOLEAN) extension.next();
      if (!extension.take(Tag.OCTET_STRING)) return false;
      if (!wanted) continue;
      found++;
      names.inside(extension);
      if (!names.take(Tag.SEQUENCE)) continue;
      this.namesStart = names.start;
      this.namesEnd = names.stop;
    }
    // Twice the same extension is none.
    if (found > 1) this.namesEnd = this.namesStart;
    if (this.namesEnd > this.namesStart && !areNames(this.bytes, this.namesStart, this.namesEnd)) {
      this.namesEnd = this.namesStart;
    }
    return inner.done;
  }

  /** Reads the `index`-th alternative name. @returns the reader that has read it, or null; use it at once */
  alternativeName(index: number): Asn1Reader | null {
    if (index >= ALTERNATIVE_NAMES) return null;
    // Asked for one after the other: go on from the last one.
    if (index !== this.nextName) {
      this.nextName = 0;
      this.nextNameAt = this.namesStart;
    }
    names.over(this.bytes, this.nextNameAt, this.namesEnd);
    do if (!names.next()) return null;
    while (this.nextName++ < index);
    this.nextNameAt = names.at;
    return names;
  }
}

/** Why `outer` has no SEQUENCE to read. */
function notSequence(): string {
  const { bytes, at, end, fault } = outer;
  if (fault === Asn1Fault.TRUNCATED) {
    return elementSize(bytes, at, end) === 0
      ? TlsEvent.CERTIFICATE_INVALID_LENGTH
      : TlsEvent.INVALID_CERTIFICATE;
  }
  return at >= end ? TlsEvent.CERTIFICATE_INVALID_LENGTH : TlsEvent.CERTIFICATE_INVALID_DER;
}

function areNames(bytes: Uint8Array, start: number, end: number): boolean {
  names.over(bytes, start, end);
  while (names.next()) if (names.tagClass !== 2 || names.number > 8) return false;
  return names.done;
}

/** Seconds since 1970 of a UTCTime or a GeneralizedTime; NaN where it is neither. */
function timeOf(reader: Asn1Reader): number {
  const { bytes, start, stop, first } = reader;
  let i = start;
  let wrong = false;
  const number = (digits: number) => {
    let value = 0;
    for (let k = 0; k < digits; k++) {
      const c = i < stop ? bytes[i++] - 0x30 : -1;
      if (c < 0 || c > 9) wrong = true;
      value = value * 10 + c;
    }
    return value;
  };
  let year: number;
  if (first === Tag.UTC_TIME) {
    year = number(2);
    year += year >= 50 ? 1900 : 2000;
  } else if (first === Tag.GENERALIZED_TIME) year = number(4);
  else return Number.NaN;
  const month = number(2);
  const day = number(2);
  const hour = number(2);
  const minute = number(2);
  const second = i < stop && bytes[i] >= 0x30 && bytes[i] <= 0x39 ? number(2) : 0;
  if (i < stop && bytes[i] === 0x2e) {
    i++;
    while (i < stop && bytes[i] >= 0x30 && bytes[i] <= 0x39) i++;
  }
  let shift = 0;
  if (i < stop && (bytes[i] === 0x2b || bytes[i] === 0x2d)) {
    const sign = bytes[i++] === 0x2b ? -1 : 1;
    const hours = number(2);
    shift = sign * (hours * 60 + number(2)) * 60;
  } else if (i < stop && bytes[i] === 0x5a) i++;
  else if (first === Tag.UTC_TIME) wrong = true;
  if (wrong || i !== stop || month < 1 || month > 12 || day < 1 || day > 31) return Number.NaN;
  if (hour > 23 || minute > 59 || second > 59) return Number.NaN;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  return date.getUTCDate() === day ? date.getTime() / 1000 + shift : Number.NaN;
}
