/** What an alert tells of an HTTP transaction: the fields of EVE's `http` object. Only made when something has matched. */

import type { BufferView } from '../transaction';
import { Http1Buffer } from './buffer-ids';
import type { Http1Transaction } from './message';
import { RequestPart, type RequestPartView, requestPart } from './request-notes';
import { endOfHost, parsePort, UriParts } from './uri';

/** Bytes of a text that are told. */
const LONGEST_TEXT = 4096;
const SEMICOLON = 0x3b;

const noBytes = new Uint8Array(0);
const view: BufferView = { bytes: noBytes, start: 0, end: 0, streamOffset: 0, fresh: 0, complete: false };
const part: RequestPartView = { bytes: noBytes, start: 0, end: 0 };
const uri = new UriParts();

export function describeHttp1(tx: Http1Transaction): Record<string, unknown> {
  const facts: Record<string, unknown> = {};
  const { direction } = tx;
  const hasUri = requestPart(tx, RequestPart.URI, part);
  if (hasUri) uri.parse(part.bytes, part.start, part.end);
  if (hasUri && uri.hostEnd > uri.hostStart) {
    facts.hostname = text(part.bytes, uri.hostStart, uri.hostEnd).toLowerCase();
    addPort(facts, part.bytes, uri.portStart, uri.portEnd);
  } else if (requestPart(tx, RequestPart.HOST, part)) {
    const end = endOfHost(part.bytes, part.start, part.end);
    facts.hostname = text(part.bytes, part.start, end).toLowerCase();
    addPort(facts, part.bytes, end + 1, part.end);
  }
  if (requestPart(tx, RequestPart.URI, part)) facts.url = text(part.bytes, part.start, part.end);
  if (requestPart(tx, RequestPart.USER_AGENT, part))
    facts.http_user_agent = text(part.bytes, part.start, part.end);
  // What has one name in both directions is the response's here.
  tx.direction = 1;
  if (tx.buffer(Http1Buffer.CONTENT_TYPE, 0, view)) {
    let end = view.start;
    while (end < view.end && view.bytes[end] !== SEMICOLON) end++;
    facts.http_content_type = text(view.bytes, view.start, end).trim();
  }
  tx.direction = direction;
  if (requestPart(tx, RequestPart.REFERER, part)) facts.http_refer = text(part.bytes, part.start, part.end);
  if (requestPart(tx, RequestPart.METHOD, part)) facts.http_method = text(part.bytes, part.start, part.end);
  if (requestPart(tx, RequestPart.PROTOCOL, part)) facts.protocol = text(part.bytes, part.start, part.end);
  if (tx.buffer(Http1Buffer.STAT_CODE, 0, view)) {
    const status = text(view.bytes, view.start, view.end);
    const code = Number(status);
    if (/^\d{3}$/.test(status)) facts.status = code;
    else facts.status_string = status;
    if (code >= 300 && code < 400 && tx.buffer(Http1Buffer.LOCATION, 0, view))
      facts.redirect = text(view.bytes, view.start, view.end);
  }
  facts.length = tx.bodies[1]?.transferred ?? 0;
  return facts;
}

function addPort(facts: Record<string, unknown>, bytes: Uint8Array, start: number, end: number): void {
  const port = end > start ? parsePort(bytes, start, end) : -1;
  if (port > 0) facts.http_port = port;
}

function text(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, Math.min(end - start, LONGEST_TEXT)).toString(
    'latin1',
  );
}
