/** Methods that are told apart, and how a request line begins. */

import { ascii } from './characters';

export const Method = { UNKNOWN: 0, GET: 1, POST: 2, HEAD: 3, CONNECT: 4, OTHER: 5, PUT: 6 } as const;

/** What IANA has registered as methods of HTTP, and what crawlers and proxies use besides. */
const OTHER_METHODS = [
  'DELETE', 'OPTIONS', 'TRACE', 'PATCH', 'PROPFIND', 'PROPPATCH', 'MKCOL', 'COPY', 'MOVE', 'LOCK', 'UNLOCK',
  'VERSION-CONTROL', 'CHECKOUT', 'UNCHECKOUT', 'CHECKIN', 'UPDATE', 'LABEL', 'REPORT', 'MKWORKSPACE', 'MKACTIVITY',
  'BASELINE-CONTROL', 'MERGE', 'INVALID', 'SEARCH', 'PURGE', 'NOTIFY', 'SUBSCRIBE', 'UNSUBSCRIBE', 'M-SEARCH',
  'BCOPY', 'BMOVE', 'BDELETE', 'BPROPFIND', 'BPROPPATCH', 'POLL', 'ACL', 'BIND', 'REBIND', 'UNBIND', 'LINK', 'UNLINK',
  'MKCALENDAR', 'ORDERPATCH', 'TRACK', 'DEBUG', 'SOURCE', 'RPC_IN_DATA', 'RPC_OUT_DATA',
  'QUERY', 'MKREDIRECTREF', 'UPDATEREDIRECTREF',
].map(ascii); // biome-ignore format: a table

const GET = ascii('GET');
const POST = ascii('POST');
const HEAD = ascii('HEAD');
const PUT = ascii('PUT');
const CONNECT = ascii('CONNECT');

function equals(bytes: Uint8Array, start: number, end: number, text: Uint8Array): boolean {
  if (end - start !== text.length) return false;
  for (let i = 0; i < text.length; i++) if (bytes[start + i] !== text[i]) return false;
  return true;
}

/** Kind of the method in `bytes[start, end)`; methods are case-sensitive (RFC 9110 section 9.1). */
export function identifyMethod(bytes: Uint8Array, start: number, end: number): number {
  if (equals(bytes, start, end, GET)) return Method.GET;
  if (equals(bytes, start, end, POST)) return Method.POST;
  if (equals(bytes, start, end, HEAD)) return Method.HEAD;
  if (equals(bytes, start, end, CONNECT)) return Method.CONNECT;
  if (equals(bytes, start, end, PUT)) return Method.PUT;
  for (const text of OTHER_METHODS) if (equals(bytes, start, end, text)) return Method.OTHER;
  return Method.UNKNOWN;
}

/** Longest method name, in bytes. */
export const LONGEST_METHOD = Math.max(...OTHER_METHODS.map((text) => text.length));
