import { SLACK } from './key-bytes';
import { MAX_HOST, MAX_LABEL, MAX_PATH } from './limits';

const DOT = 0x2e;
const COLON = 0x3a;
const SLASH = 0x2f;
const QUESTION = 0x3f;
const HASH = 0x23;
const AT = 0x40;
const PERCENT = 0x25;
const OPEN = 0x5b;
const CLOSE = 0x5d;

/** What each byte of a host name becomes; 0: it takes more than a look to tell. */
const HOST_BYTE = new Uint8Array(256);
for (let byte = 0x61; byte <= 0x7a; byte++) {
  HOST_BYTE[byte] = byte;
  HOST_BYTE[byte - 0x20] = byte;
}
for (let byte = 0x30; byte <= 0x39; byte++) HOST_BYTE[byte] = byte;
for (const byte of [0x2d, 0x5f, DOT]) HOST_BYTE[byte] = byte;

const HEX = new Int8Array(256).fill(-1);
for (let digit = 0; digit < 16; digit++) {
  const [small, large] = [digit.toString(16), digit.toString(16).toUpperCase()];
  HEX[small.charCodeAt(0)] = digit;
  HEX[large.charCodeAt(0)] = digit;
}
const UPPER_HEX = Buffer.from('0123456789ABCDEF', 'latin1');

/** Bytes of an authority that are no part of a host name: 1; those behind it: ENDS. */
const ENDS = 2;
const AUTHORITY_MARK = new Uint8Array(256);
for (const byte of [COLON, AT, OPEN, CLOSE]) AUTHORITY_MARK[byte] = 1;
for (const byte of [SLASH, QUESTION, HASH]) AUTHORITY_MARK[byte] = ENDS;

/** Bytes of a path that change its form: anywhere, or behind a slash. */
const NOT_BEHIND_SLASH = 1;
const UNUSUAL = 2;
const PATH_MARK = new Uint8Array(256);
for (const byte of [SLASH, DOT]) PATH_MARK[byte] = NOT_BEHIND_SLASH;
for (const byte of [PERCENT, QUESTION, HASH]) PATH_MARK[byte] = UNUSUAL;

/** The ports that a scheme stands for, which need not be said. */
const HTTP_PORT = 80;
const HTTPS_PORT = 443;

/**
 * One web address in normal form: what stands in a list and what a client asks for are the same bytes when they mean
 * the same. A flyweight; what one `read…` leaves is valid until the next.
 *
 * - Host: lower case, without final dots, IDN in punycode, IP addresses as the URL standard writes them (`0x7f.1` is
 *   `127.0.0.1`; IPv6 compressed and in brackets).
 * - Port: 80 and 443 are none.
 * - Path: percent-encoding undone where that changes no meaning, `.` and `..` resolved, empty segments and a final slash
 *   gone; the root is the empty path. The query is kept with the question mark, the fragment is not.
 */
export class WebAddress {
  readonly host = new Uint8Array(MAX_HOST + 1 + SLACK);
  readonly hostWords = new DataView(this.host.buffer);
  hostEnd = 0;
  /** Labels of the host name; 1 for an IPv6 address, 0 where there is no host. */
  labels = 0;
  /** Where each of them begins in `host`. */
  readonly labelStarts = new Uint8Array(MAX_HOST + 1);
  isIpAddress = false;
  /** 0: none, or that of the scheme. */
  port = 0;
  /** Path, then query. */
  readonly path = new Uint8Array(MAX_PATH + SLACK);
  readonly pathWords = new DataView(this.path.buffer);
  pathEnd = 0;
  segments = 0;
  /** Where each segment of the path begins, with its slash; behind them `pathEnd`. */
  readonly segmentStarts = new Uint16Array(MAX_PATH + 1);
  /** End of the query; `pathEnd` where there is none. */
  queryEnd = 0;
  /** Path or query have more bytes than are kept. */
  cut = false;

  /** @returns whether it is a host name or an IP address */
  readHost(bytes: Uint8Array, start: number, end: number): boolean {
    this.hostEnd = 0;
    this.labels = 0;
    this.isIpAddress = false;
    while (end > start && bytes[end - 1] === DOT) end--;
    const length = end - start;
    if (length === 0) return false;
    if (length > MAX_HOST) return false;
    const { host, labelStarts } = this;
    let label = 0;
    let labels = 1;
    for (let at = 0; at < length; at++) {
      const byte = HOST_BYTE[bytes[start + at] as number] as number;
      if (byte === 0) return this.readUnusualHost(bytes, start, end);
      if (byte === DOT) {
        if (label === 0) return false;
        label = 0;
        labelStarts[labels++] = at + 1;
      } else if (++label > MAX_LABEL) return false;
      host[at] = byte;
    }
    this.hostEnd = length;
    // A name that ends in a number is an address (URL standard, "ends in a number"), in one of many notations.
    const digit = ((host[labelStarts[labels - 1] as number] as number) ^ 0x30) <= 9;
    if (digit && !this.isDottedQuad()) return this.readUnusualHost(bytes, start, end);
    this.labels = labels;
    this.isIpAddress = digit;
    return true;
  }

  /** `[user@]host[:port]`. */
  readAuthority(bytes: Uint8Array, start: number, end: number): boolean {
    this.port = 0;
    for (let at = end - 1; at >= start; at--) {
      if (bytes[at] !== AT) continue;
      start = at + 1;
      break;
    }
    let hostEnd = end;
    if (bytes[start] === OPEN) {
      const close = find(bytes, CLOSE, start, end);
      if (close < 0) return false;
      hostEnd = close + 1;
    } else {
      const colon = find(bytes, COLON, start, end);
      if (colon >= 0) hostEnd = colon;
    }
    if (hostEnd < end && !this.readPort(bytes, hostEnd, end)) return false;
    return this.readHost(bytes, start, hostEnd);
  }

  /** `[scheme://]authority[/path][?query][#fragment]`; the scheme is not kept. */
  readUrl(bytes: Uint8Array, start: number, end: number): boolean {
    let from = start;
    let at = start;
    let plain = true;
    // One pass over nearly every authority: nothing but the host stands in it.
    for (; at < end; at++) {
      const mark = AUTHORITY_MARK[bytes[at] as number];
      if (mark === 0) continue;
      if (mark === ENDS) break;
      const scheme = from === start && plain && bytes[at] === COLON ? afterScheme(bytes, start, end) : start;
      if (scheme > at) {
        from = scheme;
        at = scheme - 1;
      } else plain = false;
    }
    if (plain) this.port = 0;
    if (!(plain ? this.readHost(bytes, from, at) : this.readAuthority(bytes, from, at))) return false;
    this.readPath(bytes, at, end);
    return true;
  }

  /** The target of a request: a path, a whole address, or a bare authority (CONNECT). Leaves host and port alone. */
  readTarget(bytes: Uint8Array, start: number, end: number): void {
    let at = bytes[start] === SLASH ? start : afterScheme(bytes, start, end);
    while (at < end && bytes[at] !== SLASH && bytes[at] !== QUESTION) at++;
    this.readPath(bytes, at, end);
  }

  /** `[/path][?query][#fragment]`. */
  readPath(bytes: Uint8Array, start: number, end: number): void {
    if (!this.readPlainPath(bytes, start, end)) this.readAnyPath(bytes, start, end);
  }

  /** In one pass, nearly every path. @returns false where it takes more to bring it into normal form */
  private readPlainPath(bytes: Uint8Array, start: number, end: number): boolean {
    const { path, segmentStarts } = this;
    const length = end - start;
    if (length > MAX_PATH - 3 || (length > 0 && bytes[start] !== SLASH)) return false;
    let behindSlash = false;
    let segments = 0;
    let at = 0;
    for (; at < length; at++) {
      const byte = bytes[start + at] as number;
      if (byte === QUESTION) break;
      const mark = PATH_MARK[byte] as number;
      if (mark >= (behindSlash ? NOT_BEHIND_SLASH : UNUSUAL)) return false;
      behindSlash = byte === SLASH;
      if (behindSlash) segmentStarts[segments++] = at;
      path[at] = byte;
    }
    this.cut = false;
    this.pathEnd = behindSlash ? at - 1 : at;
    this.segments = behindSlash ? segments - 1 : segments;
    segmentStarts[this.segments] = this.pathEnd;
    this.queryEnd = this.pathEnd;
    if (at < length) this.readQuery(bytes, start + at, end);
    return true;
  }

  private readAnyPath(bytes: Uint8Array, start: number, end: number): void {
    let query = start;
    while (query < end && bytes[query] !== QUESTION && bytes[query] !== HASH) query++;
    this.cut = false;
    this.pathEnd = 0;
    this.write(bytes, start, query);
    this.pathEnd = this.cut ? this.queryEnd : withoutDots(this.path, this.queryEnd);
    this.markSegments();
    this.queryEnd = this.pathEnd;
    if (!this.cut) this.readQuery(bytes, query, end);
  }

  /** From the question mark to the fragment. */
  private readQuery(bytes: Uint8Array, start: number, end: number): void {
    const fragment = find(bytes, HASH, start, end);
    this.write(bytes, start, fragment < 0 ? end : fragment);
  }

  forgetPath(): void {
    this.pathEnd = 0;
    this.segments = 0;
    this.queryEnd = 0;
    this.cut = false;
  }

  /** Host, port, path and query as text, as they stand in an event. */
  get text(): string {
    return this.hostText + Buffer.from(this.path.buffer, 0, this.queryEnd).toString('latin1');
  }

  get hostText(): string {
    const name = Buffer.from(this.host.buffer, 0, this.hostEnd).toString('latin1');
    return this.port === 0 ? name : `${name}:${this.port}`;
  }

  setPort(port: number): void {
    this.port = port === HTTP_PORT || port === HTTPS_PORT ? 0 : port;
  }

  private readPort(bytes: Uint8Array, colon: number, end: number): boolean {
    if (bytes[colon] !== COLON || end - colon > 6) return false;
    let port = 0;
    for (let at = colon + 1; at < end; at++) {
      const digit = (bytes[at] as number) ^ 0x30;
      if (digit > 9) return false;
      port = port * 10 + digit;
    }
    if (port > 65_535) return false;
    this.setPort(port);
    return true;
  }

  /** Other alphabets, percent-encoding and the many ways to write an IP address: as the URL standard reads them. */
  private readUnusualHost(bytes: Uint8Array, start: number, end: number): boolean {
    this.hostEnd = 0;
    for (let at = start; at < end; at++) {
      const byte = bytes[at] as number;
      if (
        byte <= 0x20 ||
        byte === SLASH ||
        byte === QUESTION ||
        byte === HASH ||
        byte === AT ||
        byte === 0x5c
      )
        return false;
    }
    const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
    let name: string;
    try {
      name = new URL(`http://${text}/`).hostname;
    } catch {
      return false;
    }
    while (name.endsWith('.')) name = name.slice(0, -1);
    if (name === '' || name.length > MAX_HOST) return false;
    this.host.set(Buffer.from(name, 'latin1'));
    this.hostEnd = name.length;
    this.markLabels();
    this.isIpAddress = name[0] === '[' || this.isDottedQuad();
    return true;
  }

  private markLabels(): void {
    const { host, hostEnd, labelStarts } = this;
    let labels = 1;
    for (let at = 0; at < hostEnd; at++) if (host[at] === DOT) labelStarts[labels++] = at + 1;
    this.labels = labels;
  }

  private markSegments(): void {
    const { path, pathEnd, segmentStarts } = this;
    let segments = 0;
    for (let at = 0; at < pathEnd; at++) if (path[at] === SLASH) segmentStarts[segments++] = at;
    segmentStarts[segments] = pathEnd;
    this.segments = segments;
  }

  private isDottedQuad(): boolean {
    const { host, hostEnd } = this;
    let parts = 1;
    let value = -1;
    for (let at = 0; at < hostEnd; at++) {
      const byte = host[at] as number;
      if (byte === DOT) {
        if (value < 0 || ++parts > 4) return false;
        value = -1;
        continue;
      }
      const digit = byte ^ 0x30;
      // A leading zero means octal.
      if (digit > 9 || value === 0) return false;
      value = Math.max(value, 0) * 10 + digit;
      if (value > 255) return false;
    }
    return parts === 4 && value >= 0;
  }

  /** Appends to path or query. Encoded bytes are decoded unless they would mean something else then. */
  private write(bytes: Uint8Array, start: number, end: number): void {
    const { path } = this;
    let to = this.pathEnd;
    for (let at = start; at < end; at++) {
      if (to + 3 > MAX_PATH) {
        this.cut = true;
        break;
      }
      const byte = bytes[at] as number;
      const high = byte === PERCENT && at + 2 < end ? (HEX[bytes[at + 1] as number] as number) : -1;
      const low = high < 0 ? -1 : (HEX[bytes[at + 2] as number] as number);
      if (low < 0) {
        path[to++] = byte;
        continue;
      }
      const value = (high << 4) | low;
      at += 2;
      if (value > 0x20 && value !== 0x7f && value !== PERCENT && value !== QUESTION && value !== HASH) {
        path[to++] = value;
        continue;
      }
      path[to++] = PERCENT;
      path[to++] = UPPER_HEX[high] as number;
      path[to++] = UPPER_HEX[low] as number;
    }
    this.queryEnd = to;
  }
}

/** `indexOf` that ends at `end`: lines and fields lie in large buffers. @returns -1 where it is not there */
export function find(bytes: Uint8Array, byte: number, start: number, end: number): number {
  for (let at = start; at < end; at++) if (bytes[at] === byte) return at;
  return -1;
}

/** @returns where the authority begins */
function afterScheme(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at + 2 < end; at++) {
    const byte = bytes[at] as number;
    if (byte === COLON) return bytes[at + 1] === SLASH && bytes[at + 2] === SLASH ? at + 3 : start;
    const letter =
      ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a) || (byte >= 0x2b && byte <= 0x39 && byte !== SLASH);
    if (!letter) return start;
  }
  return start;
}

/** Resolves `.` and `..` (RFC 3986 §5.2.4) and takes empty segments away, in place. @returns the new end */
function withoutDots(path: Uint8Array, end: number): number {
  if (isPlain(path, end)) return end;
  let to = 0;
  let at = 0;
  while (at < end) {
    while (at < end && path[at] === SLASH) at++;
    const start = at;
    while (at < end && path[at] !== SLASH) at++;
    const length = at - start;
    const dots = path[start] === DOT && (length === 1 || (length === 2 && path[start + 1] === DOT));
    if (dots) {
      if (length === 2) while (to > 0 && path[--to] !== SLASH);
    } else if (length > 0) {
      path[to++] = SLASH;
      for (let from = start; from < at; from++) path[to++] = path[from] as number;
    }
  }
  return to;
}

/** Nearly every path: it begins with a slash, and behind each slash stands something other than a slash or a dot. */
function isPlain(path: Uint8Array, end: number): boolean {
  if (end === 0) return true;
  if (path[0] !== SLASH) return false;
  for (let at = 0; at < end; at++) {
    if (path[at] !== SLASH) continue;
    const next = path[at + 1];
    if (at + 1 === end || next === SLASH || next === DOT) return false;
  }
  return true;
}
