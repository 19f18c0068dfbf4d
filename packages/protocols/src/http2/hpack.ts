/** HPACK (RFC 7541): header blocks of one direction of a connection. */

import { NO_BYTES } from '../buffer-pool';
import { decodedBound, decodeHuffman } from './huffman';

/** Size of a dynamic table that is followed. No client uses more, whatever its server allows. */
const LARGEST_TABLE = 65_536;
const DEFAULT_TABLE = 4096;
/** What an entry counts besides its name and value (section 4.1). */
const ENTRY_OVERHEAD = 32;
const LARGEST_INTEGER = 0x7fffffff;

/** A name and value. The bytes are never changed. */
export interface HeaderField {
  readonly name: Uint8Array;
  readonly value: Uint8Array;
  /** One of the static table, which takes no memory however often it is named. */
  readonly common: boolean;
}

/** What a field that is not `common` takes besides its bytes, as measured: an object with two arrays of their own. */
export const FIELD_OVERHEAD = 480;

/** Who takes what a block says. */
export interface FieldSink {
  field(field: HeaderField): void;
  sizeUpdate(size: number): void;
}

export const HpackStatus = {
  OK: 0,
  /** The block makes no sense: later ones cannot be understood either. */
  INVALID: 1,
  /** An integer is longer than any that makes sense. */
  OVERFLOW: 2,
} as const;

const ascii = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));

/** Appendix A. */
const STATIC_TABLE: readonly HeaderField[] = (
  [
    [':authority', ''], [':method', 'GET'], [':method', 'POST'], [':path', '/'], [':path', '/index.html'],
    [':scheme', 'http'], [':scheme', 'https'], [':status', '200'], [':status', '204'], [':status', '206'],
    [':status', '304'], [':status', '400'], [':status', '404'], [':status', '500'], ['accept-charset', ''],
    ['accept-encoding', 'gzip, deflate'], ['accept-language', ''], ['accept-ranges', ''], ['accept', ''],
    ['access-control-allow-origin', ''], ['age', ''], ['allow', ''], ['authorization', ''], ['cache-control', ''],
    ['content-disposition', ''], ['content-encoding', ''], ['content-language', ''], ['content-length', ''],
    ['content-location', ''], ['content-range', ''], ['content-type', ''], ['cookie', ''], ['date', ''], ['etag', ''],
    ['expect', ''], ['expires', ''], ['from', ''], ['host', ''], ['if-match', ''], ['if-modified-since', ''],
    ['if-none-match', ''], ['if-range', ''], ['if-unmodified-since', ''], ['last-modified', ''], ['link', ''],
    ['location', ''], ['max-forwards', ''], ['proxy-authenticate', ''], ['proxy-authorization', ''], ['range', ''],
    ['referer', ''], ['refresh', ''], ['retry-after', ''], ['server', ''], ['set-cookie', ''],
    ['strict-transport-security', ''], ['transfer-encoding', ''], ['user-agent', ''], ['vary', ''], ['via', ''],
    ['www-authenticate', ''],
  ] as const
).map(([name, value]) => ({ name: ascii(name), value: ascii(value), common: true })); // biome-ignore format: a table

/** Entries of a direction, newest first; `size` never exceeds `limit`. */
export class DynamicTable {
  size = 0;
  private limit = DEFAULT_TABLE;
  /** Oldest first; those before `first` are gone. */
  private entries: HeaderField[] = [];
  private first = 0;

  get count(): number {
    return this.entries.length - this.first;
  }

  /** @param index from 0, the newest */
  at(index: number): HeaderField | undefined {
    return index < this.count ? this.entries[this.entries.length - 1 - index] : undefined;
  }

  add(entry: HeaderField): void {
    const size = sizeOf(entry);
    this.shrink(this.limit - size);
    if (size > this.limit) return;
    this.entries.push(entry);
    this.size += size;
  }

  resize(limit: number): void {
    this.limit = Math.min(limit, LARGEST_TABLE);
    this.shrink(this.limit);
  }

  clear(): void {
    this.entries = [];
    this.first = 0;
    this.size = 0;
    this.limit = DEFAULT_TABLE;
  }

  private shrink(size: number): void {
    while (this.size > Math.max(0, size)) this.size -= sizeOf(this.entries[this.first++]);
    if (this.first > 64 && this.first * 2 > this.entries.length) {
      this.entries = this.entries.slice(this.first);
      this.first = 0;
    }
  }
}

function sizeOf({ name, value }: HeaderField): number {
  return name.length + value.length + ENTRY_OVERHEAD;
}

/** Where a text is decoded before it is known how long it is; of all decoders, which decode one after the other. */
let scratch = new Uint8Array(256);

export class HpackDecoder {
  readonly table = new DynamicTable();
  private bytes: Uint8Array = NO_BYTES;
  private at = 0;
  private end = 0;
  private status: number = HpackStatus.OK;

  /** Decodes a whole block, as far as it can be. @returns one of `HpackStatus` */
  decode(bytes: Uint8Array, start: number, end: number, sink: FieldSink): number {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
    this.status = HpackStatus.OK;
    while (this.at < this.end && this.status === HpackStatus.OK) this.representation(sink);
    // The bytes are the caller's, who may want to get rid of them.
    this.bytes = NO_BYTES;
    return this.status;
  }

  clear(): void {
    this.table.clear();
  }

  private representation(sink: FieldSink): void {
    const first = this.bytes[this.at];
    if ((first & 0x80) !== 0) {
      const entry = this.entry(this.integer(7));
      if (entry !== null) sink.field(entry);
      return;
    }
    if ((first & 0xe0) === 0x20) {
      const size = this.integer(5);
      if (this.status !== HpackStatus.OK) return;
      // What the other side allows (SETTINGS_HEADER_TABLE_SIZE) may not have been seen, and counts from its
      // acknowledgement on; the size in use is always told here (RFC 7541 section 4.2).
      if (size > LARGEST_TABLE) this.status = HpackStatus.INVALID;
      this.table.resize(size);
      sink.sizeUpdate(size);
      return;
    }
    const indexed = (first & 0x40) !== 0;
    const place = this.integer(indexed ? 6 : 4);
    if (this.status !== HpackStatus.OK) return;
    const name = place === 0 ? this.text() : this.entry(place)?.name;
    if (this.status !== HpackStatus.OK || name == null) return;
    const value = this.text();
    if (value === null) return;
    const field = { name, value, common: false };
    if (indexed) this.table.add(field);
    sink.field(field);
  }

  private entry(index: number): HeaderField | null {
    if (this.status !== HpackStatus.OK) return null;
    const entry =
      index > STATIC_TABLE.length ? this.table.at(index - STATIC_TABLE.length - 1) : STATIC_TABLE[index - 1];
    if (entry !== undefined) return entry;
    this.status = HpackStatus.INVALID;
    return null;
  }

  /** An integer whose first bits share a byte with something else (section 5.1). */
  private integer(prefix: number): number {
    const mask = (1 << prefix) - 1;
    if (this.at >= this.end) {
      this.status = HpackStatus.INVALID;
      return 0;
    }
    let value = this.bytes[this.at++] & mask;
    if (value < mask) return value;
    for (let factor = 1; ; factor *= 128) {
      if (this.at >= this.end) {
        this.status = HpackStatus.INVALID;
        return 0;
      }
      const c = this.bytes[this.at++];
      value += (c & 0x7f) * factor;
      if (value > LARGEST_INTEGER) {
        this.status = HpackStatus.OVERFLOW;
        return 0;
      }
      if (c < 0x80) return value;
      // Zeros without end would make it longer and not larger.
      if (factor > LARGEST_INTEGER) {
        this.status = HpackStatus.OVERFLOW;
        return 0;
      }
    }
  }

  private text(): Uint8Array | null {
    if (this.at >= this.end) {
      this.status = HpackStatus.INVALID;
      return null;
    }
    const coded = (this.bytes[this.at] & 0x80) !== 0;
    const length = this.integer(7);
    if (this.status !== HpackStatus.OK || length > this.end - this.at) {
      if (this.status === HpackStatus.OK) this.status = HpackStatus.INVALID;
      return null;
    }
    const { bytes, at } = this;
    this.at += length;
    if (!coded) return Uint8Array.prototype.slice.call(bytes, at, at + length);
    const bound = decodedBound(length);
    if (bound > scratch.length) scratch = new Uint8Array(bound * 2);
    const decoded = decodeHuffman(bytes, at, at + length, scratch, 0);
    if (decoded >= 0) return scratch.slice(0, decoded);
    this.status = HpackStatus.INVALID;
    return null;
  }
}
