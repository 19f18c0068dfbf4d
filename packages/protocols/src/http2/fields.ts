/** The header fields of one direction of a stream, and the buffers that are made of them. */

import { NO_BYTES } from '../buffer-pool';
import { isNormalUri, UriParts, writeNormalUri } from '../http1/uri';
import { type Direction, Direction as Directions } from '../transaction';
import { Http2Buffer } from './buffers';
import { FIELD_OVERHEAD, type FieldSink, type HeaderField } from './hpack';

/** Fields of a message that are kept, and bytes of them; what is beyond is left out. */
export const MOST_FIELDS = 1024;
const MOST_FIELD_BYTES = 65_536;
/** What a buffer that was made takes besides its bytes, as measured. */
const MADE_OVERHEAD = 250;
/** And of the knowledge that there is no such buffer. */
const ABSENT_OVERHEAD = 40;
const REFERENCE = 8;
/** Never written to. */
const NO_UPDATES: number[] = [];

const B = Http2Buffer;
const COLON = 0x3a;

const ascii = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));
const LINE_END = ascii('\r\n');
const BETWEEN = ascii(': ');
const COMMA = ascii(', ');
const PROTOCOL = ascii('HTTP/2');
const BLANK = ascii(' ');

const NAMES: ReadonlyMap<number, Uint8Array> = new Map(
  (
    [
      [B.METHOD, ':method'],
      [B.URI_RAW, ':path'],
      [B.STAT_CODE, ':status'],
      [B.USER_AGENT, 'user-agent'],
      [B.REFERER, 'referer'],
      [B.ACCEPT, 'accept'],
      [B.ACCEPT_ENC, 'accept-encoding'],
      [B.ACCEPT_LANG, 'accept-language'],
      [B.CONNECTION, 'connection'],
      [B.CONTENT_TYPE, 'content-type'],
      [B.CONTENT_LEN, 'content-length'],
      [B.SERVER, 'server'],
      [B.LOCATION, 'location'],
    ] as const
  ).map(([id, name]) => [id, ascii(name)] as const),
);
const AUTHORITY = ascii(':authority');
const HOST = ascii('host');
const COOKIE = ascii('cookie');
const SET_COOKIE = ascii('set-cookie');
const METHOD = ascii(':method');
const PATH = ascii(':path');
const STATUS = ascii(':status');
const CONTENT_ENCODING = ascii('content-encoding');

export class Fields implements FieldSink {
  readonly list: HeaderField[] = [];
  /** Sizes that the header block sets for the dynamic table. */
  sizeUpdates = NO_UPDATES;
  /** There were more than are looked at. */
  cut = false;
  private bytes = 0;
  /** Bytes of memory that the fields take. */
  private held = 0;
  /** Buffers that were made, by number; null as long as none was asked for. Very many requests wait at a time. */
  private made: Map<number, Uint8Array | null> | null = null;
  private madeBytes = 0;

  constructor(private readonly direction: Direction) {}

  field(field: HeaderField): void {
    const size = field.name.length + field.value.length;
    if (this.list.length >= MOST_FIELDS || this.bytes + size > MOST_FIELD_BYTES) {
      this.cut = true;
      return;
    }
    this.list.push(field);
    this.bytes += size;
    this.held += field.common ? REFERENCE : FIELD_OVERHEAD + size;
    this.made = null;
    this.madeBytes = 0;
  }

  sizeUpdate(size: number): void {
    if (this.sizeUpdates === NO_UPDATES) this.sizeUpdates = [size];
    else if (this.sizeUpdates.length < MOST_FIELDS) this.sizeUpdates.push(size);
  }

  /** A buffer that a direction has once; null where it has none. */
  buffer(id: number): Uint8Array | null {
    this.made ??= new Map();
    let made = this.made.get(id);
    if (made === undefined) {
      made = this.make(id);
      this.made.set(id, made);
      this.madeBytes += made === null ? ABSENT_OVERHEAD : MADE_OVERHEAD + made.length;
    }
    return made;
  }

  /** One of a buffer that occurs several times. */
  buffers(id: number, index: number): Uint8Array | null {
    if (index >= this.list.length) return null;
    const { name, value } = this.list[index];
    return id === B.FRAME_HEADER_NAME ? name : join([name, BETWEEN, value]);
  }

  /** All values of that name, joined by commas; null where there is none. */
  value(name: Uint8Array): Uint8Array | null {
    let first: Uint8Array | null = null;
    let parts: Uint8Array[] | null = null;
    for (const field of this.list) {
      if (!same(field.name, name)) continue;
      if (first === null) first = field.value;
      else {
        parts ??= [first];
        parts.push(COMMA, field.value);
      }
    }
    return parts === null ? first : join(parts);
  }

  get authority(): Uint8Array | null {
    return this.value(AUTHORITY);
  }

  get host(): Uint8Array | null {
    return this.value(HOST);
  }

  get contentEncoding(): Uint8Array | null {
    return this.value(CONTENT_ENCODING);
  }

  get path(): Uint8Array | null {
    return this.value(PATH);
  }

  heldBytes(): number {
    return this.held + this.sizeUpdates.length * REFERENCE + this.madeBytes;
  }

  private make(id: number): Uint8Array | null {
    if (this.list.length === 0) return null;
    const request = this.direction === Directions.TO_SERVER;
    switch (id) {
      case B.PROTOCOL:
        return PROTOCOL;
      case B.URI:
        return normalUri(this.path);
      case B.REQUEST_LINE:
        return join([
          this.value(METHOD) ?? NO_BYTES,
          BLANK,
          this.value(PATH) ?? NO_BYTES,
          BLANK,
          PROTOCOL,
          LINE_END,
        ]);
      case B.RESPONSE_LINE:
        return join([PROTOCOL, BLANK, this.value(STATUS) ?? NO_BYTES, LINE_END]);
      case B.HOST:
        return normalHost(this.authority ?? this.host);
      case B.HOST_RAW:
        return this.authority ?? this.host;
      case B.COOKIE:
        return this.value(request ? COOKIE : SET_COOKIE);
      case B.HEADER:
        return this.block(request ? COOKIE : SET_COOKIE);
      case B.HEADER_RAW:
        return this.block(null);
      case B.HEADER_NAMES:
        return join([LINE_END, ...this.list.flatMap(({ name }) => [name, LINE_END]), LINE_END]);
      default: {
        const name = NAMES.get(id);
        return name === undefined ? null : this.value(name);
      }
    }
  }

  /** All fields as lines. @param without a name that is left out, and white space around values with it */
  private block(without: Uint8Array | null): Uint8Array | null {
    const parts: Uint8Array[] = [];
    for (const { name, value } of this.list) {
      if (without !== null && same(name, without)) continue;
      parts.push(name, BETWEEN, without === null ? value : trimmed(value), LINE_END);
    }
    return parts.length === 0 ? null : join(parts);
  }
}

const uriParts = new UriParts();

/** The form in which HTTP/1 shows a target: applications decode it whatever brings it. */
function normalUri(path: Uint8Array | null): Uint8Array | null {
  if (path === null || isNormalUri(path, 0, path.length)) return path;
  uriParts.parse(path, 0, path.length);
  const normal = new Uint8Array(path.length + 2);
  return normal.subarray(0, writeNormalUri(path, uriParts, normal, 0));
}

function normalHost(host: Uint8Array | null): Uint8Array | null {
  if (host === null) return null;
  const colon = host.indexOf(COLON);
  const normal = Uint8Array.prototype.slice.call(host, 0, colon < 0 ? host.length : colon);
  for (let i = 0; i < normal.length; i++) if (normal[i] >= 0x41 && normal[i] <= 0x5a) normal[i] |= 0x20;
  return normal;
}

function trimmed(value: Uint8Array): Uint8Array {
  let start = 0;
  let end = value.length;
  while (start < end && (value[start] === 0x20 || value[start] === 0x09)) start++;
  while (end > start && (value[end - 1] === 0x20 || value[end - 1] === 0x09)) end--;
  return value.subarray(start, end);
}

export function same(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const joined = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
