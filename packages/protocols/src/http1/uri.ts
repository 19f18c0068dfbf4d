/**
 * Request targets (RFC 9112 section 3.2): their parts, and the normal form that `http.uri` shows.
 *
 * The normal form is that of libhtp's IDS personality as Suricata sets it up: the path percent-decoded once
 * (`%2e`, `%u002e`), UTF-8 brought to one byte, backslashes made slashes, separators compressed, dot segments removed;
 * the query percent-decoded once, and there overlong forms of ASCII characters brought to one byte (which libhtp does in
 * the path only); letters keep their case; `+` stays; what is not a valid encoding stays as it is.
 */

import { bestFit } from './best-fit';
import * as characters from './characters';

// Bound once: an import is a property load at each use in CommonJS.
const { CLASS, HEX, HEX_VALUE, SP } = characters;

const PERCENT = 0x25;
const SLASH = 0x2f;
const BACKSLASH = 0x5c;
const DOT = 0x2e;
const QUESTION = 0x3f;
const HASH = 0x23;
const COLON = 0x3a;
const AT = 0x40;
const PLUS = 0x2b;

/** How the normal form differs from the ordinary one, as Suricata can be told too. */
export interface UriNormalization {
  /** Percent-decode the path once more. */
  readonly doubleDecodePath: boolean;
  /** Percent-decode the query once more. */
  readonly doubleDecodeQuery: boolean;
  /** A `+` in the query is a space. */
  readonly plusIsSpace: boolean;
  /** The normal form of a target in absolute form begins with its scheme and authority. */
  readonly includeAll: boolean;
}

export const DEFAULT_URI_NORMALIZATION: UriNormalization = {
  doubleDecodePath: false,
  doubleDecodeQuery: false,
  plusIsSpace: false,
  includeAll: false,
};

/** Parts of a request target as positions in its bytes. An absent part has end -1. */
export class UriParts {
  /** End of scheme and authority, which begin where the target begins; its start where there are none. */
  authorityStart = 0;
  authorityEnd = 0;
  hostStart = 0;
  hostEnd = -1;
  portStart = 0;
  portEnd = -1;
  pathStart = 0;
  pathEnd = -1;
  queryStart = 0;
  queryEnd = -1;
  fragmentStart = 0;
  fragmentEnd = -1;

  private clear(): void {
    this.hostEnd = -1;
    this.portEnd = -1;
    this.pathEnd = -1;
    this.queryEnd = -1;
    this.fragmentEnd = -1;
  }

  /** Origin form (`/path?query`), absolute form (`http://host/path`) or anything else, without complaint. */
  parse(bytes: Uint8Array, start: number, end: number): void {
    this.clear();
    this.authorityStart = start;
    let i = start;
    if (i < end && bytes[i] !== SLASH) {
      let colon = i;
      while (colon < end && isSchemeCharacter(bytes[colon])) colon++;
      if (colon < end && bytes[colon] === COLON) i = this.parseAuthority(bytes, colon + 1, end);
    }
    const path = i;
    this.authorityEnd = path;
    while (i < end && bytes[i] !== QUESTION && bytes[i] !== HASH) i++;
    if (i > path) {
      this.pathStart = path;
      this.pathEnd = i;
    }
    if (i < end && bytes[i] === QUESTION) {
      this.queryStart = ++i;
      while (i < end && bytes[i] !== HASH) i++;
      this.queryEnd = i;
    }
    if (i < end) {
      this.fragmentStart = i + 1;
      this.fragmentEnd = end;
    }
  }

  /** The authority form of CONNECT: host and port. */
  parseAuthorityForm(bytes: Uint8Array, start: number, end: number): void {
    this.clear();
    this.authorityStart = start;
    this.authorityEnd = start;
    this.parseHostPort(bytes, start, end);
  }

  private parseAuthority(bytes: Uint8Array, start: number, end: number): number {
    let i = start;
    if (end - i >= 2 && bytes[i] === SLASH && bytes[i + 1] === SLASH) {
      if (end - i === 2 || bytes[i + 2] === SLASH) return i;
      i += 2;
    }
    if (i < end && bytes[i] === SLASH) return i;
    const authority = i;
    while (i < end && bytes[i] !== SLASH && bytes[i] !== QUESTION && bytes[i] !== HASH) i++;
    let host = i;
    while (host > authority && bytes[host - 1] !== AT) host--;
    this.parseHostPort(bytes, host, i);
    return i;
  }

  private parseHostPort(bytes: Uint8Array, start: number, end: number): void {
    if (start === end) return;
    const hostEnd = endOfHost(bytes, start, end);
    this.hostStart = start;
    this.hostEnd = hostEnd;
    if (hostEnd < end && bytes[hostEnd] === COLON) {
      this.portStart = hostEnd + 1;
      this.portEnd = end;
    }
  }
}

function isSchemeCharacter(c: number): boolean {
  return (
    (c >= 0x61 && c <= 0x7a) ||
    (c >= 0x41 && c <= 0x5a) ||
    (c >= 0x30 && c <= 0x39) ||
    c === 0x2b ||
    c === 0x2d ||
    c === DOT
  );
}

/** End of the host in `host:port`; an IPv6 address in brackets is one host. */
export function endOfHost(bytes: Uint8Array, start: number, end: number): number {
  let i = start;
  if (i < end && bytes[i] === 0x5b) {
    while (i < end && bytes[i] !== 0x5d) i++;
    return i < end ? i + 1 : end;
  }
  while (i < end && bytes[i] !== COLON && bytes[i] !== SLASH && bytes[i] !== QUESTION && bytes[i] !== HASH)
    i++;
  return i;
}

/** Whether the host is a name or address that can be (RFC 1123; brackets only round what looks like IPv6). */
export function isValidHost(bytes: Uint8Array, start: number, end: number): boolean {
  if (start >= end || end - start > 255) return false;
  if (bytes[start] === 0x5b) {
    if (bytes[end - 1] !== 0x5d || end - start < 4) return false;
    for (let i = start + 1; i < end - 1; i++) {
      if ((CLASS[bytes[i]] & HEX) === 0 && bytes[i] !== COLON && bytes[i] !== DOT) return false;
    }
    return true;
  }
  let label = 0;
  for (let i = start; i < end; i++) {
    const c = bytes[i];
    if (c === DOT) {
      if (label === 0) return false;
      label = 0;
      continue;
    }
    const letter = c | 0x20;
    const ordinary =
      (letter >= 0x61 && letter <= 0x7a) || (c >= 0x30 && c <= 0x39) || c === 0x2d || c === 0x5f;
    if (!ordinary || ++label > 63) return false;
  }
  return true;
}

/** Number of a port, or -1. */
export function parsePort(bytes: Uint8Array, start: number, end: number): number {
  if (start >= end || end - start > 5) return -1;
  let value = 0;
  for (let i = start; i < end; i++) {
    const digit = bytes[i] - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value > 0 && value < 65536 ? value : -1;
}

/** Whether the normal form of this origin-form target is the target itself, which it is for most. */
export function isNormalUri(bytes: Uint8Array, start: number, end: number, plusIsSpace = false): boolean {
  if (start >= end || bytes[start] !== SLASH) return false;
  let i = start;
  let previous = 0;
  while (i < end) {
    const c = bytes[i];
    if (c === QUESTION) break;
    if (c === PERCENT || c === BACKSLASH || c === HASH || c >= 0x80) return false;
    if (previous === SLASH && (c === SLASH || c === DOT)) return false;
    previous = c;
    i++;
  }
  while (i < end) {
    const c = bytes[i++];
    if (c === PERCENT || c >= 0x80 || (plusIsSpace && c === PLUS)) return false;
  }
  return true;
}

/**
 * Writes the normal form of path, query and fragment to `out` from `at` on.
 * It is never longer than the target. @returns the end of what was written
 */
export function writeNormalUri(
  bytes: Uint8Array,
  parts: UriParts,
  out: Uint8Array,
  at: number,
  how: UriNormalization = DEFAULT_URI_NORMALIZATION,
): number {
  let end = at;
  if (how.includeAll) for (let i = parts.authorityStart; i < parts.authorityEnd; i++) out[end++] = bytes[i];
  if (parts.pathEnd >= 0) {
    const path = end;
    end = writePath(bytes, parts.pathStart, parts.pathEnd, out, path);
    // In place: what is decoded is never longer.
    if (how.doubleDecodePath) end = writeDecoded(out, path, end, out, path);
  }
  if (parts.queryEnd >= 0) {
    out[end++] = QUESTION;
    end = writeQuery(bytes, parts, out, end, how);
  }
  if (parts.fragmentEnd >= 0) {
    out[end++] = HASH;
    for (let i = parts.fragmentStart; i < parts.fragmentEnd; i++) out[end++] = bytes[i];
  }
  return end;
}

function writeQuery(
  bytes: Uint8Array,
  parts: UriParts,
  out: Uint8Array,
  at: number,
  how: UriNormalization,
): number {
  let end = writeDecoded(bytes, parts.queryStart, parts.queryEnd, out, at, how.plusIsSpace);
  if (how.doubleDecodeQuery) end = writeDecoded(out, at, end, out, at, how.plusIsSpace);
  return narrowOverlong(out, at, end);
}

/**
 * Whether decoding for the second time, where that is asked for, changes something.
 * @param scratch as long as the target at least
 */
export function isDoubleEncoded(
  bytes: Uint8Array,
  parts: UriParts,
  scratch: Uint8Array,
  how: UriNormalization,
): boolean {
  if (how.doubleDecodePath && parts.pathEnd >= 0) {
    const end = writePath(bytes, parts.pathStart, parts.pathEnd, scratch, 0);
    if (writeDecoded(scratch, 0, end, scratch, 0) < end) return true;
  }
  if (how.doubleDecodeQuery && parts.queryEnd >= 0) {
    const end = writeDecoded(bytes, parts.queryStart, parts.queryEnd, scratch, 0);
    if (writeDecoded(scratch, 0, end, scratch, 0) < end) return true;
  }
  return false;
}

function isHex(bytes: Uint8Array, at: number, count: number, end: number): boolean {
  if (at + count > end) return false;
  for (let i = at; i < at + count; i++) if ((CLASS[bytes[i]] & HEX) === 0) return false;
  return true;
}

/** Percent-decodes once. */
function writeDecoded(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  at: number,
  plusIsSpace = false,
): number {
  let w = at;
  let i = start;
  while (i < end) {
    const c = bytes[i];
    if (c !== PERCENT) {
      out[w++] = plusIsSpace && c === PLUS ? SP : c;
      i++;
    } else if (isHex(bytes, i + 1, 2, end)) {
      out[w++] = (HEX_VALUE[bytes[i + 1]] << 4) | HEX_VALUE[bytes[i + 2]];
      i += 3;
    } else if (i + 1 < end && (bytes[i + 1] | 0x20) === 0x75 && isHex(bytes, i + 2, 4, end)) {
      out[w++] = decodeWide(bytes, i + 2);
      i += 6;
    } else {
      out[w++] = c;
      i++;
    }
  }
  return w;
}

/** The byte for the four digits of `%uXXXX`. */
function decodeWide(bytes: Uint8Array, at: number): number {
  let code = 0;
  for (let i = at; i < at + 4; i++) code = (code << 4) | HEX_VALUE[bytes[i]];
  return bestFit(code);
}

function writePath(bytes: Uint8Array, start: number, end: number, out: Uint8Array, at: number): number {
  let w = writeDecoded(bytes, start, end, out, at);
  let wide = false;
  const decoded = w;
  w = at;
  for (let i = at; i < decoded; i++) {
    let c = out[i];
    if (c === BACKSLASH) c = SLASH;
    if (c === SLASH && w > at && out[w - 1] === SLASH) continue;
    if (c >= 0x80) wide = true;
    out[w++] = c;
  }
  if (wide) w = narrowUtf8(out, at, w);
  return removeDotSegments(out, at, w);
}

/** UTF-8 to single bytes in place; overlong forms are decoded, what is not UTF-8 becomes `?`. */
function narrowUtf8(out: Uint8Array, start: number, end: number): number {
  let w = start;
  let i = start;
  while (i < end) {
    const c = out[i++];
    if (c < 0x80) {
      out[w++] = c;
      continue;
    }
    let more = c >= 0xf8 || c < 0xc0 ? 0 : c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
    if (more === 0) {
      out[w++] = QUESTION;
      continue;
    }
    let code = c & (0x3f >> more);
    while (more > 0 && i < end && (out[i] & 0xc0) === 0x80) {
      code = (code << 6) | (out[i++] & 0x3f);
      more--;
    }
    out[w++] = more > 0 ? QUESTION : bestFit(code);
  }
  return w;
}

/** Overlong forms of ASCII characters (RFC 3629 section 3), which no UTF-8 has, to single bytes in place. */
function narrowOverlong(out: Uint8Array, start: number, end: number): number {
  let w = start;
  for (let i = start; i < end; ) {
    const c = out[i];
    const more = c === 0xc0 || c === 0xc1 ? 1 : c === 0xe0 ? 2 : c === 0xf0 ? 3 : 0;
    let code = more === 1 ? c & 1 : 0;
    let at = i + 1;
    while (more > 0 && at <= i + more && at < end && (out[at] & 0xc0) === 0x80) {
      code = (code << 6) | (out[at++] & 0x3f);
    }
    if (more > 0 && at === i + more + 1 && code < 0x80) {
      out[w++] = code;
      i = at;
    } else out[w++] = out[i++];
  }
  return w;
}

/** RFC 3986 section 5.2.4 in place, with libhtp's ends: `/a/.` is `/a`, `one/..` is nothing. */
function removeDotSegments(out: Uint8Array, start: number, end: number): number {
  let w = start;
  let i = start;
  // A leading "." or ".." segment of a relative path goes with its slash.
  for (;;) {
    const dots = leadingDots(out, i, end);
    if (dots === 0) break;
    if (i + dots === end) return w;
    i += dots + 1;
  }
  while (i < end) {
    if (out[i] !== SLASH) {
      out[w++] = out[i++];
      continue;
    }
    const dots = leadingDots(out, i + 1, end);
    if (dots === 0) {
      out[w++] = out[i++];
      continue;
    }
    if (dots === 2) {
      while (w > start && out[w - 1] !== SLASH) w--;
      if (w > start) w--;
    }
    i += dots + 1;
    if (i === end - 1 && out[i] === SLASH) return w;
  }
  return w;
}

/** 1 or 2 where a whole segment of that many dots begins at `at`, else 0. */
function leadingDots(out: Uint8Array, at: number, end: number): number {
  if (at >= end || out[at] !== DOT) return 0;
  if (at + 1 === end || out[at + 1] === SLASH) return 1;
  if (out[at + 1] !== DOT) return 0;
  return at + 2 === end || out[at + 2] === SLASH ? 2 : 0;
}
