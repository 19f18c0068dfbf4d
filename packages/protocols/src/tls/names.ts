/** Names in certificates (RFC 5280 sections 4.1.2.4 and 4.2.1.6) as text, as Suricata's library writes them. */

import { Asn1Reader, Tag } from '../asn1/reader';
import type { Text } from './text';

const LABELS: ReadonlyMap<string, string> = new Map([
  ['2.5.4.3', 'CN'],
  ['2.5.4.6', 'C'],
  ['2.5.4.7', 'L'],
  ['2.5.4.8', 'ST'],
  ['2.5.4.10', 'O'],
  ['2.5.4.11', 'OU'],
  ['0.9.2342.19200300.100.1.25', 'DC'],
  ['1.2.840.113549.1.9.1', 'Email'],
  ['1.2.840.113549.1.9.2', 'unstructuredName'],
  ['2.5.4.0', 'objectClass'],
  ['2.5.4.1', 'aliasedEntryName'],
  ['2.5.4.2', 'knowledgeInformation'],
  ['2.5.4.4', 'surname'],
  ['2.5.4.5', 'serialNumber'],
  ['2.5.4.9', 'streetAddress'],
  ['2.5.4.12', 'title'],
  ['2.5.4.13', 'description'],
  ['2.5.4.14', 'searchGuide'],
  ['2.5.4.15', 'businessCategory'],
  ['2.5.4.16', 'postalAddress'],
  ['2.5.4.17', 'postalCode'],
  ['2.5.4.41', 'name'],
  ['2.5.4.42', 'givenName'],
  ['2.5.4.43', 'initials'],
  ['2.5.4.44', 'generationQualifier'],
  ['2.5.4.45', 'uniqueIdentifier'],
  ['2.5.4.46', 'dnQualifier'],
]);

const INVALID = '<X509Error: Invalid X.509 name>';
const VISIBLE_STRING = 0x1a;
const GRAPHIC_STRING = 0x19;
const VIDEOTEX_STRING = 0x15;
const OBJECT_DESCRIPTOR = 0x07;

const sets = new Asn1Reader();
const attributes = new Asn1Reader();
const parts = new Asn1Reader();

/** Whether bytes are UTF-8 without surrogates and over-long forms (RFC 3629). */
export function isUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; ) {
    const c = bytes[i++];
    if (c < 0x80) continue;
    const count = c >= 0xc2 && c < 0xe0 ? 1 : c >= 0xe0 && c < 0xf0 ? 2 : c >= 0xf0 && c < 0xf5 ? 3 : 0;
    if (count === 0 || i + count > end) return false;
    const second = bytes[i];
    if (c === 0xe0 && second < 0xa0) return false;
    if (c === 0xed && second > 0x9f) return false;
    if (c === 0xf0 && second < 0x90) return false;
    if (c === 0xf4 && second > 0x8f) return false;
    for (let k = 0; k < count; k++) if ((bytes[i++] & 0xc0) !== 0x80) return false;
  }
  return true;
}

/** Writes the value of one attribute. @returns false where it is no text though its type says so */
function writeValue(tag: number, bytes: Uint8Array, start: number, end: number, to: Text): boolean {
  switch (tag) {
    case Tag.UTF8_STRING:
    case Tag.PRINTABLE_STRING:
    case Tag.IA5_STRING:
    case Tag.TELETEX_STRING:
    case Tag.NUMERIC_STRING:
    case Tag.GENERAL_STRING:
    case VISIBLE_STRING:
    case GRAPHIC_STRING:
    case VIDEOTEX_STRING:
    case OBJECT_DESCRIPTOR:
      if (!isUtf8(bytes, start, end)) return false;
      to.copy(bytes, start, end);
      return true;
    case Tag.BMP_STRING:
      return writeUtf16(bytes, start, end, to);
    case Tag.UNIVERSAL_STRING:
      if ((end - start) % 4 !== 0) return false;
      for (let i = start; i < end; i += 4) {
        const code = ((bytes[i] << 24) | (bytes[i + 1] << 16) | (bytes[i + 2] << 8) | bytes[i + 3]) >>> 0;
        if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return false;
        to.character(code);
      }
      return true;
    default:
      to.hex(bytes, start, end, true, -1);
      return true;
  }
}

function writeUtf16(bytes: Uint8Array, start: number, end: number, to: Text): boolean {
  if ((end - start) % 2 !== 0) return false;
  for (let i = start; i < end; i += 2) {
    let code = (bytes[i] << 8) | bytes[i + 1];
    if (code >= 0xd800 && code < 0xe000) {
      const low = i + 3 < end ? (bytes[i + 2] << 8) | bytes[i + 3] : 0;
      if (code >= 0xdc00 || low < 0xdc00 || low >= 0xe000) return false;
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
      i += 2;
    }
    to.character(code);
  }
  return true;
}

/**
 * Writes a distinguished name, given by the contents of its SEQUENCE, which `isName` accepts: `C=US, O=Some, CN=Name`;
 * attributes of one set joined by ` + `. Where a value is not the text it should be, the whole name is a text that
 * says so.
 */
export function writeName(bytes: Uint8Array, start: number, end: number, to: Text): void {
  const begin = to.end;
  sets.over(bytes, start, end);
  while (sets.next()) {
    if (to.end > begin) to.latin(', ');
    attributes.inside(sets);
    let first = true;
    while (attributes.next()) {
      if (!first) to.latin(' + ');
      first = false;
      parts.inside(attributes);
      if (!parts.next()) continue;
      const identifier = parts.objectIdentifier();
      to.latin(LABELS.get(identifier) ?? `OID(${identifier})`);
      to.byte(0x3d);
      if (parts.next() && !writeValue(parts.first, bytes, parts.start, parts.stop, to)) {
        to.end = begin;
        to.latin(INVALID);
        return;
      }
    }
  }
}

/** Whether the contents of a SEQUENCE are a name: sets of pairs of an identifier and a value. */
export function isName(bytes: Uint8Array, start: number, end: number): boolean {
  sets.over(bytes, start, end);
  while (sets.next()) {
    if (sets.first !== Tag.SET) return false;
    attributes.inside(sets);
    while (attributes.next()) {
      if (attributes.first !== Tag.SEQUENCE) return false;
      parts.inside(attributes);
      if (!parts.take(Tag.OBJECT_IDENTIFIER) || !parts.next()) return false;
    }
    if (!attributes.done) return false;
  }
  return sets.done;
}

/** Kinds of alternative names: the numbers of their context tags. */
const GeneralName = {
  OTHER: 0,
  EMAIL: 1,
  DNS: 2,
  X400: 3,
  DIRECTORY: 4,
  EDI: 5,
  URI: 6,
  ADDRESS: 7,
  IDENTIFIER: 8,
} as const;

/** Whether a name of this kind is shown as it stands. */
export function isPlainName(kind: number): boolean {
  return kind === GeneralName.DNS || kind === GeneralName.URI;
}

const inner = new Asn1Reader();

/** Writes an alternative name of a kind that has a notation: `RFC822Name(a@b)`, `[192, 0, 2, 1]` for an address. */
export function writeGeneralName(
  kind: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  to: Text,
): void {
  switch (kind) {
    case GeneralName.EMAIL:
      to.latin('RFC822Name(');
      to.copy(bytes, start, end);
      to.latin(')');
      return;
    case GeneralName.DIRECTORY:
      to.latin('DirectoryName(');
      inner.over(bytes, start, end);
      if (inner.take(Tag.SEQUENCE) && isName(bytes, inner.start, inner.stop)) {
        writeName(bytes, inner.start, inner.stop, to);
      }
      to.latin(')');
      return;
    case GeneralName.ADDRESS:
      to.latin(`[${Array.from(bytes.subarray(start, end)).join(', ')}]`);
      return;
    case GeneralName.OTHER:
      inner.over(bytes, start, end);
      to.latin(`OtherName(${inner.take(Tag.OBJECT_IDENTIFIER) ? inner.objectIdentifier() : ''}, [...])`);
      return;
    case GeneralName.IDENTIFIER:
      inner.over(bytes, start, end);
      inner.start = start;
      inner.stop = end;
      to.latin(`RegisteredID(${inner.objectIdentifier()})`);
      return;
    case GeneralName.X400:
      to.latin('X400Address(<unparsed>)');
      return;
    default:
      to.latin('EDIPartyName(<unparsed>)');
  }
}
