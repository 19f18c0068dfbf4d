/** One SIP message (RFC 3261 section 7) as runs of bytes. */

import type { HeldTransaction } from '../records/held-transaction';
import type { Direction } from '../transaction';
import { SIP_FIELDS, SipBuffer } from './buffers';
import { endOfLine, nextLine } from './lines';
import { readSessionDescription } from './session-description';

const CR = 0x0d;
const LF = 0x0a;
const SP = 0x20;
const TAB = 0x09;
const COLON = 0x3a;
/** Bytes of the longest field name that is looked up. */
const LONGEST_NAME = 14;
const SDP = 'application/sdp';

/** What a start line says. */
export const StartLine = { INVALID: -1, OPEN: 0, REQUEST: 1, RESPONSE: 2 } as const;

/** Whether `SIP/` and two numbers stand in `bytes[start, end)` and nothing else. */
function isVersion(bytes: Uint8Array, start: number, end: number): boolean {
  return (
    end - start >= 7 &&
    end - start <= 12 &&
    bytes[start] === 0x53 &&
    bytes[start + 1] === 0x49 &&
    bytes[start + 2] === 0x50 &&
    bytes[start + 3] === 0x2f &&
    isDigit(bytes[start + 4])
  );
}

function isDigit(c: number): boolean {
  return c >= 0x30 && c <= 0x39;
}

function isLetter(c: number): boolean {
  return (c >= 0x41 && c <= 0x5a) || (c >= 0x61 && c <= 0x7a);
}

/** Where the parts of the start line lie that was read last. */
export const startLine = { firstEnd: 0, secondStart: 0, secondEnd: 0, thirdStart: 0, end: 0 };

/** Where the parts of the message begin that was read last; `headersEnd` is before the blank line. */
export const messageParts = { headers: 0, headersEnd: 0, body: 0 };

/** Longest start line that is waited for. */
const LONGEST_START_LINE = 4096;
const LONGEST_METHOD = 32;

/** Reads the start line that begins at `start` into `startLine`. @returns one of `StartLine` */
export function readStartLine(bytes: Uint8Array, start: number, end: number): number {
  // A version or a method comes first: letters, digits, "/", ".".
  let i = start;
  const limit = Math.min(end, start + LONGEST_METHOD);
  while (
    i < limit &&
    (isLetter(bytes[i]) || isDigit(bytes[i]) || bytes[i] === 0x2f || bytes[i] === 0x2e || bytes[i] === 0x2d)
  )
    i++;
  if (i === end) return i - start < LONGEST_METHOD ? StartLine.OPEN : StartLine.INVALID;
  if (i === start || bytes[i] !== SP) return StartLine.INVALID;
  const firstEnd = i;
  const stop = endOfLine(bytes, i, Math.min(end, start + LONGEST_START_LINE));
  const whole = stop < end && (bytes[stop] === CR || bytes[stop] === LF);
  if (!whole && end - start >= LONGEST_START_LINE) return StartLine.INVALID;
  startLine.firstEnd = firstEnd;
  startLine.secondStart = firstEnd + 1;
  startLine.end = stop;
  if (isVersion(bytes, start, firstEnd)) {
    // SIP/2.0 200 OK
    for (let k = 1; k <= 3; k++) {
      if (firstEnd + k >= stop) return whole ? StartLine.INVALID : StartLine.OPEN;
      if (!isDigit(bytes[firstEnd + k])) return StartLine.INVALID;
    }
    startLine.secondEnd = firstEnd + 4;
    startLine.thirdStart = Math.min(stop, firstEnd + 5);
    if (startLine.secondEnd < stop && bytes[startLine.secondEnd] !== SP) return StartLine.INVALID;
    return whole ? StartLine.RESPONSE : StartLine.OPEN;
  }
  if (!isLetter(bytes[start])) return StartLine.INVALID;
  if (!whole) return StartLine.OPEN;
  // INVITE sip:user@host SIP/2.0
  let last = stop;
  while (last > firstEnd && bytes[last - 1] !== SP) last--;
  if (last <= firstEnd + 2 || !isVersion(bytes, last, stop)) return StartLine.INVALID;
  startLine.secondEnd = last - 1;
  startLine.thirdStart = last;
  return StartLine.REQUEST;
}

/** Index behind the blank line that ends the head beginning at `start`, or -1. @param from where to look on */
export function endOfHead(bytes: Uint8Array, start: number, end: number, from: number): number {
  for (let i = Math.max(start + 1, from); i < end; i++) {
    if (bytes[i] !== LF) continue;
    if (bytes[i - 1] === LF || (i >= start + 3 && bytes[i - 1] === CR && bytes[i - 2] === LF)) return i + 1;
  }
  return -1;
}

/** Value of Content-Length in the head `bytes[start, end)`; -1 where there is none or it is no number. */
export function contentLength(bytes: Uint8Array, start: number, end: number): number {
  let at = nextLine(bytes, endOfLine(bytes, start, end), end);
  while (at < end) {
    const stop = endOfLine(bytes, at, end);
    const colon = bytes.indexOf(COLON, at);
    if (colon >= 0 && colon < stop && SIP_FIELDS.get(nameOf(bytes, at, colon)) === SipBuffer.CONTENT_LENGTH) {
      let i = colon + 1;
      while (i < stop && (bytes[i] === SP || bytes[i] === TAB)) i++;
      let value = -1;
      for (; i < stop && isDigit(bytes[i]) && value < 1e12; i++)
        value = Math.max(0, value) * 10 + bytes[i] - 0x30;
      return value;
    }
    at = nextLine(bytes, stop, end);
  }
  return -1;
}

function nameOf(bytes: Uint8Array, start: number, colon: number): string {
  let end = colon;
  while (end > start && (bytes[end - 1] === SP || bytes[end - 1] === TAB)) end--;
  if (end - start > LONGEST_NAME) return '';
  let name = '';
  for (let i = start; i < end; i++)
    name += String.fromCharCode(isLetter(bytes[i]) ? bytes[i] | 0x20 : bytes[i]);
  return name;
}

/**
 * Puts the buffers of a message into its transaction; the start line was read into `startLine`.
 * @param kind what `readStartLine` said
 * @returns false where a line of the head is no header field
 */
export function readMessage(
  tx: HeldTransaction,
  direction: Direction,
  kind: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean {
  const { firstEnd, secondStart, secondEnd, thirdStart } = startLine;
  const lineEnd = startLine.end;
  if (kind === StartLine.REQUEST) {
    tx.put(direction, SipBuffer.METHOD, bytes, start, firstEnd);
    tx.put(direction, SipBuffer.URI, bytes, secondStart, secondEnd);
    tx.put(direction, SipBuffer.PROTOCOL, bytes, thirdStart, lineEnd);
    tx.put(direction, SipBuffer.REQUEST_LINE, bytes, start, lineEnd);
  } else {
    tx.put(direction, SipBuffer.PROTOCOL, bytes, start, firstEnd);
    tx.put(direction, SipBuffer.STAT_CODE, bytes, secondStart, secondEnd);
    tx.put(direction, SipBuffer.STAT_MSG, bytes, thirdStart, lineEnd);
    tx.put(direction, SipBuffer.RESPONSE_LINE, bytes, start, lineEnd);
  }
  let valid = true;
  let describesSession = false;
  let at = nextLine(bytes, lineEnd, end);
  const headers = at;
  let headersEnd = end;
  while (at < end) {
    let stop = endOfLine(bytes, at, end);
    if (stop === at) {
      headersEnd = at;
      at = nextLine(bytes, at, end);
      break;
    }
    let next = nextLine(bytes, stop, end);
    // Lines that begin with white space go on with the field before them.
    while (next < end && next > stop && (bytes[next] === SP || bytes[next] === TAB)) {
      stop = endOfLine(bytes, next, end);
      next = nextLine(bytes, stop, end);
    }
    const colon = bytes.indexOf(COLON, at);
    if (colon < at || colon >= stop) valid = false;
    else {
      const id = SIP_FIELDS.get(nameOf(bytes, at, colon));
      if (id !== undefined) {
        let from = colon + 1;
        while (from < stop && (bytes[from] === SP || bytes[from] === TAB)) from++;
        let to = stop;
        while (to > from && (bytes[to - 1] === SP || bytes[to - 1] === TAB)) to--;
        tx.put(direction, id, bytes, from, to);
        if (id === SipBuffer.CONTENT_TYPE) describesSession = startsWithSdp(bytes, from, to);
      }
    }
    at = next;
  }
  messageParts.headers = headers;
  messageParts.headersEnd = headersEnd;
  messageParts.body = Math.min(at, end);
  if (describesSession && at < end) readSessionDescription(tx, direction, bytes, at, end);
  return valid;
}

function startsWithSdp(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < SDP.length) return false;
  for (let i = 0; i < SDP.length; i++) {
    const c = bytes[start + i];
    if ((isLetter(c) ? c | 0x20 : c) !== SDP.charCodeAt(i)) return false;
  }
  return true;
}
