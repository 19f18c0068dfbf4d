/** Request lines and status lines (RFC 9112 sections 3 and 4), taken apart as tolerantly as libhtp does. */

import * as characters from './characters';
import type { Head } from './head';
import * as methods from './methods';

// Bound once: an import is a property load at each use in CommonJS.
const { ascii, CLASS, CR, DIGIT, equalsLower, SP, SPACE } = characters;
const { identifyMethod, Method } = methods;

export const Version = { INVALID: 0, HTTP_0_9: 9, HTTP_1_0: 10, HTTP_1_1: 11 } as const;

/** Bits of `StartLine.flags`. */
export const LineFlag = {
  LEADING_WHITESPACE: 1,
  METHOD_DELIMITER: 2,
  URI_DELIMITER: 4,
  PROTOCOL_PADDED: 8,
} as const;

const HTTP = ascii('http');
/** Of `HTTP/1.1`. */
const LONGEST_VERSION = 8;

/** Parts of a start line, as positions relative to the head's base. An absent part has end -1. */
export class StartLine {
  /** Method of a request, protocol of a response. */
  firstStart = 0;
  firstEnd = -1;
  /** URI of a request, status code of a response. */
  secondStart = 0;
  secondEnd = -1;
  /** Protocol of a request, reason phrase of a response. */
  thirdStart = 0;
  thirdEnd = -1;
  version: number = Version.INVALID;
  method: number = Method.UNKNOWN;
  /** Status code, 0 where there is no valid one. */
  status = 0;
  flags = 0;

  clear(): void {
    this.firstStart = 0;
    this.firstEnd = -1;
    this.secondStart = 0;
    this.secondEnd = -1;
    this.thirdStart = 0;
    this.thirdEnd = -1;
    this.version = Version.INVALID;
    this.method = Method.UNKNOWN;
    this.status = 0;
    this.flags = 0;
  }

  /**
   * Method, white space, URI (which may hold spaces), space, protocol. The protocol is what follows the last space;
   * a line without one is HTTP/0.9.
   */
  parseRequest(head: Head): void {
    this.clear();
    const { bytes, base } = head;
    const end = base + head.lineEnd;
    let i = base + head.lineStart;
    const start = i;
    while (i < end && (CLASS[bytes[i]] & SPACE) !== 0) i++;
    if (i > start) this.flags |= LineFlag.LEADING_WHITESPACE;
    this.firstStart = i - base;
    while (i < end && (CLASS[bytes[i]] & SPACE) === 0) i++;
    this.firstEnd = i - base;
    this.method = identifyMethod(bytes, base + this.firstStart, i);
    while (i < end && (CLASS[bytes[i]] & SPACE) !== 0) {
      if (bytes[i] !== SP) this.flags |= LineFlag.METHOD_DELIMITER;
      i++;
    }
    this.version = Version.HTTP_0_9;
    if (i === end) return;
    const uri = i;
    let last = end;
    while (last > uri && (CLASS[bytes[last - 1]] & SPACE) !== 0) last--;
    let space = last;
    while (space > uri && bytes[space - 1] !== SP) space--;
    if (space === uri) {
      // No space behind the URI: other white space may part it from the protocol.
      space = last;
      while (space > uri && (CLASS[bytes[space - 1]] & SPACE) === 0) space--;
      if (space > uri) this.flags |= LineFlag.URI_DELIMITER;
    }
    this.secondStart = uri - base;
    if (space === uri) {
      this.secondEnd = last - base;
      return;
    }
    let uriEnd = space;
    while (uriEnd > uri && (CLASS[bytes[uriEnd - 1]] & SPACE) !== 0) uriEnd--;
    this.secondEnd = uriEnd - base;
    for (let at = uri; at < uriEnd; at++)
      if (bytes[at] < SP && (CLASS[bytes[at]] & SPACE) !== 0) this.flags |= LineFlag.URI_DELIMITER;
    this.thirdStart = space - base;
    this.thirdEnd = last - base;
    this.version = parseVersion(bytes, space, last);
    if (this.version > Version.INVALID && last - space > LONGEST_VERSION)
      this.flags |= LineFlag.PROTOCOL_PADDED;
  }

  /** Protocol, white space, status code, white space, reason phrase. */
  parseStatus(head: Head): void {
    this.clear();
    const { bytes, base } = head;
    const end = base + head.lineEnd;
    let i = base + head.lineStart;
    while (i < end && ((CLASS[bytes[i]] & SPACE) !== 0 || bytes[i] === 0)) i++;
    this.firstStart = i - base;
    while (i < end && (CLASS[bytes[i]] & SPACE) === 0) i++;
    this.firstEnd = i - base;
    this.version = parseVersion(bytes, base + this.firstStart, i);
    if (this.version > Version.INVALID && this.firstEnd - this.firstStart > LONGEST_VERSION)
      this.flags |= LineFlag.PROTOCOL_PADDED;
    while (i < end && (CLASS[bytes[i]] & SPACE) !== 0) i++;
    if (i === end) return;
    this.secondStart = i - base;
    while (i < end && (CLASS[bytes[i]] & SPACE) === 0) i++;
    this.secondEnd = i - base;
    this.status = parseStatusCode(bytes, base + this.secondStart, i);
    if (i === end) return;
    while (i < end && (CLASS[bytes[i]] & SPACE) !== 0) i++;
    this.thirdStart = i - base;
    let last = end;
    while (last > i && bytes[last - 1] === CR) last--;
    this.thirdEnd = last - base;
  }
}

/** `HTTP/1.1` and its kin; leading zeros and white space round the slash are forgiven. */
function parseVersion(bytes: Uint8Array, start: number, end: number): number {
  let i = start;
  if (end - i < 6 || !equalsLower(bytes, i, i + 4, HTTP)) return Version.INVALID;
  i += 4;
  while (i < end && (CLASS[bytes[i]] & SPACE) !== 0) i++;
  if (bytes[i] !== 0x2f) return Version.INVALID;
  i++;
  while (i < end && (bytes[i] === 0x30 || (CLASS[bytes[i]] & SPACE) !== 0)) i++;
  if (end - i === 2 && bytes[i] === 0x2e && bytes[i + 1] === 0x39) return Version.HTTP_0_9;
  if (end - i !== 3 || bytes[i] !== 0x31 || bytes[i + 1] !== 0x2e) return Version.INVALID;
  if (bytes[i + 2] === 0x30) return Version.HTTP_1_0;
  return bytes[i + 2] === 0x31 ? Version.HTTP_1_1 : Version.INVALID;
}

function parseStatusCode(bytes: Uint8Array, start: number, end: number): number {
  if (end - start !== 3) return 0;
  let value = 0;
  for (let i = start; i < end; i++) {
    if ((CLASS[bytes[i]] & DIGIT) === 0) return 0;
    value = value * 10 + bytes[i] - 0x30;
  }
  return value >= 100 ? value : 0;
}
