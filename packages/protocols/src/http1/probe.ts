/** Whether bytes look like the start of an HTTP/1 message. */

import { ascii, CLASS, CR, LF, SP, SPACE, TAB, TOKEN } from './characters';
import { identifyMethod, LONGEST_METHOD, Method } from './methods';

const H = 0x48;
const HTTP = [H, 0x54, 0x54, 0x50];
const SLASH = 0x2f;

/**
 * A known method and white space behind it.
 * @returns 1 yes, 0 too few bytes to tell, -1 no
 */
export function looksLikeRequest(bytes: Uint8Array, start: number, end: number): number {
  let i = start;
  while (i < end && i < start + 8 && (CLASS[bytes[i]] & SPACE) !== 0) i++;
  const method = i;
  const limit = Math.min(end, method + LONGEST_METHOD);
  while (i < limit && (CLASS[bytes[i]] & TOKEN) !== 0) i++;
  if (i === end) return 0;
  if ((CLASS[bytes[i]] & SPACE) === 0 || i === method) return -1;
  return identifyMethod(bytes, method, i) === Method.UNKNOWN ? -1 : 1;
}

/** What a line is that follows a request. */
export const LineKind = { REQUEST: 0, BLANK: 1, OTHER: 2 } as const;

/**
 * Tells a line that may be the next request from one that is not.
 * @param whole the line has ended; else what cannot be told yet counts as a request
 */
export function classifyLine(bytes: Uint8Array, start: number, end: number, whole: boolean): number {
  let i = start;
  while (i < end && (CLASS[bytes[i]] & SPACE) !== 0) i++;
  const method = i;
  while (i < end && (CLASS[bytes[i]] & SPACE) === 0) i++;
  if (i === end && !whole && i - method <= LONGEST_METHOD) return LineKind.REQUEST;
  if (i === method) return LineKind.BLANK;
  if (identifyMethod(bytes, method, i) !== Method.UNKNOWN) return LineKind.REQUEST;
  return hasFormOfRequest(bytes, method, i, end, whole) ? LineKind.REQUEST : LineKind.OTHER;
}

/**
 * A token, a target and `HTTP/`: servers pass methods that they do not know on to programs, which may take any.
 * @param methodEnd of what begins at `start`, up to white space
 */
function hasFormOfRequest(
  bytes: Uint8Array,
  start: number,
  methodEnd: number,
  end: number,
  whole: boolean,
): boolean {
  for (let i = start; i < methodEnd; i++) if ((CLASS[bytes[i]] & TOKEN) === 0) return false;
  let last = end;
  while (last > methodEnd && (CLASS[bytes[last - 1]] & SPACE) !== 0) last--;
  // What has come of the line may end before its protocol: then the target tells.
  if (!whole) return methodEnd + 1 >= last || bytes[methodEnd + 1] === SLASH;
  while (last > methodEnd && (CLASS[bytes[last - 1]] & SPACE) === 0) last--;
  if (last === methodEnd) return false;
  for (let k = 0; k < HTTP.length; k++) if ((bytes[last + k] & 0xdf) !== HTTP[k]) return false;
  return bytes[last + HTTP.length] === SLASH;
}

/**
 * `HTTP`, in any case and after white space, as browsers accept it.
 * @returns 1 yes, 0 too few bytes to tell, -1 no
 */
export function looksLikeResponse(bytes: Uint8Array, start: number, end: number): number {
  let i = start;
  while (i < end && ((CLASS[bytes[i]] & SPACE) !== 0 || bytes[i] === 0)) i++;
  for (let k = 0; k < HTTP.length; k++, i++) {
    if (i >= end) return 0;
    if ((bytes[i] & 0xdf) !== HTTP[k]) return -1;
  }
  return 1;
}

/** Bytes in which the protocol is looked for at the end of the line. */
const REQUEST_LINE_PROBE = 1024;

/**
 * Like `looksLikeRequest`, for the first bytes of a flow: servers pass methods that they do not know on to scripts, however
 * long those are, so a line that ends in a protocol (`ANY /script HTTP/1.0`) is a request too, and another protocol's
 * `OPTIONS` is none.
 * @returns 1 yes, 0 too few bytes to tell, -1 no
 */
export function looksLikeHttpRequest(bytes: Uint8Array, start: number, end: number): number {
  let i = start;
  // Servers pass over blank lines, however many (RFC 9112 section 2.2).
  while (i < end && (CLASS[bytes[i]] & SPACE) !== 0) i++;
  const method = i;
  const limit = Math.min(end, method + REQUEST_LINE_PROBE);
  const more = limit - method < REQUEST_LINE_PROBE;
  while (i < limit && (CLASS[bytes[i]] & TOKEN) !== 0) i++;
  // Nothing else begins with so long a word.
  if (i === limit) return more ? 0 : 1;
  if (i === method || (CLASS[bytes[i]] & SPACE) === 0 || bytes[i] === LF || bytes[i] === CR) return -1;
  const methodEnd = i;
  const known = identifyMethod(bytes, method, i) !== Method.UNKNOWN;
  while (i < limit && (bytes[i] === SP || bytes[i] === TAB)) i++;
  if (known) {
    // RTSP and SIP share methods with HTTP; their targets tell.
    return -Math.max(hasScheme(bytes, i, end, RTSP), hasScheme(bytes, i, end, SIP));
  }
  const target = i;
  while (i < limit && bytes[i] !== LF) i++;
  if (i < limit) return hasFormOfRequest(bytes, method, methodEnd, i, true) ? 1 : -1;
  if (more) return 0;
  // The line is longer than is looked: its target tells.
  return bytes[target] === SLASH || hasScheme(bytes, target, limit, HTTP_SCHEME) === 1 ? 1 : -1;
}

/** `HTTP/` and a digit, as servers answer. @returns 1 yes, 0 too few bytes to tell, -1 no */
export function looksLikeHttpResponse(bytes: Uint8Array, start: number, end: number): number {
  for (let k = 0; k < HTTP.length; k++) {
    if (start + k >= end) return 0;
    if (bytes[start + k] !== HTTP[k]) return -1;
  }
  if (start + 4 >= end) return 0;
  return bytes[start + 4] === SLASH || bytes[start + 4] === SP ? 1 : -1;
}

const RTSP = ascii('rtsp:');
const SIP = ascii('sip:');
const HTTP_SCHEME = ascii('http');

/** 1 the scheme stands there, 0 it may come to, -1 it does not. */
function hasScheme(bytes: Uint8Array, at: number, end: number, scheme: Uint8Array): number {
  const stop = Math.min(end, at + scheme.length);
  for (let i = at; i < stop; i++) if ((bytes[i] | 0x20) !== (scheme[i - at] | 0x20)) return -1;
  return stop - at === scheme.length ? 1 : 0;
}
