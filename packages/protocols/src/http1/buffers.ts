/** The buffers that HTTP/1 has for rules, with Suricata's names, and how each comes about. */

import {
  type BufferDefinition,
  type BufferView,
  type Direction,
  Direction as Directions,
} from '../transaction';
import { Http1Buffer } from './buffer-ids';
import * as characters from './characters';
import { Field } from './field-names';
import * as table from './field-table';
import { fillFileBuffer } from './files';
import { type Head, HeadFlag } from './head';
import type { Http1Transaction } from './message';
import { Method } from './methods';
import { Http1Progress } from './progress';
import { endOfHost, isNormalUri, UriParts, writeNormalUri } from './uri';

// Bound once: an import is a property load at each use in CommonJS.
const {
  KIND,
  KIND_FIELD,
  KIND_FOLDED,
  KIND_REPEATED,
  NAME_END,
  NAME_START,
  NEXT,
  ROW,
  VALUE_END,
  VALUE_START,
} = table;
const { COLON, CR, LF, SP, SPACE, CLASS, TAB } = characters;
const DOT = 0x2e;
const SLASH = 0x2f;
const QUESTION = 0x3f;

export { Http1Buffer };

const B = Http1Buffer;
const REQUEST = [Directions.TO_SERVER] as const;
const RESPONSE = [Directions.TO_CLIENT] as const;
const BOTH = [Directions.TO_SERVER, Directions.TO_CLIENT] as const;
const { LINE, HEADERS, BODY_BEGUN, BODY, COMPLETE } = Http1Progress;

function row(
  id: number,
  name: string,
  directions: readonly Direction[],
  progress: number,
  kind: '' | 'streaming' | 'multiple' | 'streaming, multiple' = '',
): BufferDefinition {
  const streaming = kind.startsWith('streaming');
  const multiple = kind.endsWith('multiple');
  return { name, id, protocol: 'http', directions, progress, streaming, multiple, ...derivation(id) };
}

/**
 * What is made of the start line alone, of the fields alone, and what of the whole head. (The host may be in the request
 * target.)
 */
function derivation(id: number): { derivedFrom?: readonly string[] } {
  switch (id) {
    case B.HEADER:
    case B.HEADER_RAW:
    case B.HEADER_NAMES:
    case B.USER_AGENT:
    case B.COOKIE:
    case B.REFERER:
    case B.ACCEPT:
    case B.ACCEPT_ENC:
    case B.ACCEPT_LANG:
    case B.CONNECTION:
    case B.CONTENT_TYPE:
    case B.CONTENT_LEN:
    case B.SERVER:
    case B.LOCATION:
      return { derivedFrom: ['http.header.raw'] };
    case B.METHOD:
    case B.URI:
    case B.URI_RAW:
    case B.REQUEST_LINE:
      return { derivedFrom: ['http.request_line'] };
    case B.STAT_CODE:
    case B.STAT_MSG:
    case B.RESPONSE_LINE:
      return { derivedFrom: ['http.response_line'] };
    case B.PROTOCOL:
      return { derivedFrom: ['http.request_line', 'http.response_line'] };
    case B.HOST:
    case B.HOST_RAW:
      return { derivedFrom: ['http.request_line', 'http.header.raw'] };
    case B.START:
      return { derivedFrom: ['http.request_line', 'http.response_line', 'http.header.raw'] };
    default:
      return {};
  }
}

export const HTTP1_BUFFERS: readonly BufferDefinition[] = [
  row(B.METHOD, 'http.method', REQUEST, LINE),
  row(B.URI, 'http.uri', REQUEST, LINE),
  row(B.URI_RAW, 'http.uri.raw', REQUEST, LINE),
  row(B.PROTOCOL, 'http.protocol', BOTH, LINE),
  row(B.REQUEST_LINE, 'http.request_line', REQUEST, LINE),
  row(B.HEADER, 'http.header', BOTH, HEADERS),
  row(B.HEADER_RAW, 'http.header.raw', BOTH, HEADERS),
  row(B.HEADER_NAMES, 'http.header_names', BOTH, HEADERS),
  row(B.HOST, 'http.host', REQUEST, HEADERS),
  row(B.HOST_RAW, 'http.host.raw', REQUEST, HEADERS),
  row(B.USER_AGENT, 'http.user_agent', REQUEST, HEADERS),
  row(B.COOKIE, 'http.cookie', BOTH, HEADERS),
  row(B.REFERER, 'http.referer', REQUEST, HEADERS),
  row(B.ACCEPT, 'http.accept', REQUEST, HEADERS),
  row(B.ACCEPT_ENC, 'http.accept_enc', REQUEST, HEADERS),
  row(B.ACCEPT_LANG, 'http.accept_lang', REQUEST, HEADERS),
  row(B.CONNECTION, 'http.connection', BOTH, HEADERS),
  row(B.CONTENT_TYPE, 'http.content_type', BOTH, HEADERS),
  row(B.CONTENT_LEN, 'http.content_len', BOTH, HEADERS),
  row(B.START, 'http.start', BOTH, HEADERS),
  row(B.REQUEST_BODY, 'http.request_body', REQUEST, BODY, 'streaming'),
  row(B.REQUEST_HEADER, 'http.request_header', REQUEST, HEADERS, 'multiple'),
  row(B.RESPONSE_HEADER, 'http.response_header', RESPONSE, HEADERS, 'multiple'),
  row(B.STAT_CODE, 'http.stat_code', RESPONSE, LINE),
  row(B.STAT_MSG, 'http.stat_msg', RESPONSE, LINE),
  row(B.RESPONSE_LINE, 'http.response_line', RESPONSE, LINE),
  row(B.RESPONSE_BODY, 'http.response_body', RESPONSE, BODY, 'streaming'),
  row(B.SERVER, 'http.server', RESPONSE, HEADERS),
  row(B.LOCATION, 'http.location', RESPONSE, HEADERS),
  row(B.FILE_DATA, 'file.data', RESPONSE, BODY, 'streaming'),
  row(B.TRAILER, 'http.trailer', BOTH, COMPLETE),
  row(B.REQUEST_FILE_DATA, 'file.data', REQUEST, BODY, 'streaming, multiple'),
  row(B.FILE_NAME, 'file.name', BOTH, BODY_BEGUN, 'multiple'),
  { ...row(B.FILE_SIZE, 'file.size', BOTH, BODY, 'multiple'), integer: { bytes: 8 } },
  row(B.FILE_MD5, 'file.md5', BOTH, BODY, 'multiple'),
  row(B.FILE_SHA1, 'file.sha1', BOTH, BODY, 'multiple'),
  row(B.FILE_SHA256, 'file.sha256', BOTH, BODY, 'multiple'),
];

const BUFFER_COUNT = HTTP1_BUFFERS.length;

/** Field of each buffer that is the value of one header field; -1 for the others. */
const FIELD_OF = new Int8Array(BUFFER_COUNT).fill(-1);
FIELD_OF[B.USER_AGENT] = Field.USER_AGENT;
FIELD_OF[B.REFERER] = Field.REFERER;
FIELD_OF[B.ACCEPT] = Field.ACCEPT;
FIELD_OF[B.ACCEPT_ENC] = Field.ACCEPT_ENCODING;
FIELD_OF[B.ACCEPT_LANG] = Field.ACCEPT_LANGUAGE;
FIELD_OF[B.CONNECTION] = Field.CONNECTION;
FIELD_OF[B.CONTENT_TYPE] = Field.CONTENT_TYPE;
FIELD_OF[B.CONTENT_LEN] = Field.CONTENT_LENGTH;
FIELD_OF[B.SERVER] = Field.SERVER;
FIELD_OF[B.LOCATION] = Field.LOCATION;

/** 0 request only, 1 response only, 2 both. */
const SIDE_OF = new Uint8Array(BUFFER_COUNT);
for (const definition of HTTP1_BUFFERS) {
  SIDE_OF[definition.id] = definition.directions.length === 2 ? 2 : definition.directions[0];
}

const uriParts = new UriParts();

/** `Transaction.buffer` of HTTP/1. */
export function fillBuffer(tx: Http1Transaction, id: number, index: number, out: BufferView): boolean {
  if (id < 0 || id >= BUFFER_COUNT) return false;
  const side = SIDE_OF[id];
  const direction = side === 2 ? tx.direction : (side as Direction);
  if (id === B.REQUEST_BODY || id === B.RESPONSE_BODY || id === B.FILE_DATA) {
    if (index !== 0) return false;
    const body = tx.bodies[direction];
    if (body === null || (body.length === 0 && body.streamOffset === 0)) return false;
    body.view(out);
    return true;
  }
  if (id >= B.REQUEST_FILE_DATA) return fillFileBuffer(tx, direction, id, index, out);
  if (!fillHeadBuffer(tx, direction, id, index, out)) return false;
  out.streamOffset = 0;
  out.fresh = out.start;
  out.complete = true;
  return true;
}

function fillHeadBuffer(
  tx: Http1Transaction,
  direction: Direction,
  id: number,
  index: number,
  out: BufferView,
): boolean {
  const head = id === B.TRAILER ? tx.trailers[direction] : tx.heads[direction];
  if (head === null || head.released) return false;
  const progress = tx.progress(direction);
  if (progress < LINE) return false;
  if (index !== 0 && id !== B.REQUEST_HEADER && id !== B.RESPONSE_HEADER) return false;
  const { line } = head;
  switch (id) {
    case B.METHOD:
      return part(head, line.firstStart, line.firstEnd, out);
    case B.URI:
      return fillUri(tx, head, out);
    case B.URI_RAW:
      return part(head, line.secondStart, line.secondEnd, out);
    case B.PROTOCOL:
      return direction === Directions.TO_SERVER
        ? part(head, line.thirdStart, line.thirdEnd, out)
        : part(head, line.firstStart, line.firstEnd, out);
    case B.STAT_CODE:
      return part(head, line.secondStart, line.secondEnd, out);
    case B.STAT_MSG:
      return part(head, line.thirdStart, line.thirdEnd, out);
    case B.REQUEST_LINE:
    case B.RESPONSE_LINE:
      return part(head, head.lineStart, head.lineEnd, out);
    default:
  }
  if (progress < HEADERS) return false;
  switch (id) {
    case B.HEADER:
      return head.count > 0 && fillBlock(tx, direction, head, id, out);
    case B.START:
      return fillBlock(tx, direction, head, id, out);
    case B.TRAILER:
      return progress >= COMPLETE && head.count > 0 && fillBlock(tx, direction, head, id, out);
    case B.HEADER_RAW:
      return head.blockEnd > head.blockStart && part(head, head.blockStart, head.blockEnd, out);
    case B.HEADER_NAMES:
      return head.count > 0 && fillNames(tx, direction, head, out);
    case B.HOST:
      return fillHost(tx, head, out);
    case B.HOST_RAW:
      return fillHostRaw(tx, head, out);
    case B.COOKIE:
      return fillValue(
        tx,
        direction,
        head,
        direction === Directions.TO_SERVER ? Field.COOKIE : Field.SET_COOKIE,
        id,
        out,
      );
    case B.REQUEST_HEADER:
    case B.RESPONSE_HEADER:
      return fillField(tx, head, index, out);
    default:
      return fillValue(tx, direction, head, FIELD_OF[id], id, out);
  }
}

function part(head: Head, start: number, end: number, out: BufferView): boolean {
  if (end < 0) return false;
  out.bytes = head.bytes;
  out.start = head.base + start;
  out.end = head.base + end;
  return true;
}

/** Finds the parts of the request target in `uriParts`. */
function parseUri(tx: Http1Transaction, head: Head): boolean {
  const { line } = head;
  if (line.secondEnd < 0) return false;
  const start = head.base + line.secondStart;
  const end = head.base + line.secondEnd;
  if (tx.method === Method.CONNECT && !hasPath(head.bytes, start, end))
    uriParts.parseAuthorityForm(head.bytes, start, end);
  else uriParts.parse(head.bytes, start, end);
  return true;
}

/** Applications may take a target for what it looks like, whatever the method. */
function hasPath(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] === SLASH || bytes[i] === QUESTION) return true;
  return false;
}

function fillUri(tx: Http1Transaction, head: Head, out: BufferView): boolean {
  const { line, bytes, base } = head;
  const how = tx.context.options.uri;
  if (line.secondEnd < 0) return false;
  if (isNormalUri(bytes, base + line.secondStart, base + line.secondEnd, how.plusIsSpace)) {
    return part(head, line.secondStart, line.secondEnd, out);
  }
  const { derived } = tx.context;
  const slot = B.URI * 2;
  if (!derived.find(tx, tx.serial, slot, out)) {
    parseUri(tx, head);
    derived.room(tx, tx.serial, line.secondEnd - line.secondStart + 2);
    derived.finish(slot, writeNormalUri(bytes, uriParts, derived.bytes, derived.end, how), out);
  }
  return out.end > out.start;
}

function fillHostRaw(tx: Http1Transaction, head: Head, out: BufferView): boolean {
  if (parseUri(tx, head) && uriParts.hostEnd >= 0) {
    out.bytes = head.bytes;
    out.start = uriParts.hostStart;
    out.end = uriParts.hostEnd;
    return true;
  }
  return fillValue(tx, Directions.TO_SERVER, head, Field.HOST, B.HOST_RAW, out);
}

/** The host in lower case and without port. */
function fillHost(tx: Http1Transaction, head: Head, out: BufferView): boolean {
  const { derived } = tx.context;
  const slot = B.HOST * 2;
  if (derived.find(tx, tx.serial, slot, out)) return out.end > out.start;
  if (!fillHostRaw(tx, head, out)) return false;
  const { bytes, start } = out;
  const end = endOfHost(bytes, start, out.end);
  let trimmed = end;
  while (trimmed > start && bytes[trimmed - 1] === SP) trimmed--;
  // As libhtp has it, a host in the target loses its last dots, one in the field does not.
  if (uriParts.hostEnd >= 0) while (trimmed > start && bytes[trimmed - 1] === DOT) trimmed--;
  let upper = false;
  for (let i = start; i < trimmed; i++) if (bytes[i] >= 0x41 && bytes[i] <= 0x5a) upper = true;
  if (!upper) {
    out.end = trimmed;
    return trimmed > start;
  }
  derived.room(tx, tx.serial, trimmed - start);
  const to = derived.bytes;
  let w = derived.end;
  for (let i = start; i < trimmed; i++) {
    const c = bytes[i];
    to[w++] = c >= 0x41 && c <= 0x5a ? c | 0x20 : c;
  }
  derived.finish(slot, w, out);
  return true;
}

/** Value of a known field; repetitions joined by ", ". */
function fillValue(
  tx: Http1Transaction,
  direction: Direction,
  head: Head,
  field: number,
  id: number,
  out: BufferView,
): boolean {
  const first = head.firstOf[field];
  if (first < 0) return false;
  const { rows } = head;
  const at = first * ROW;
  if (rows[at + NEXT] < 0 && (rows[at + KIND] & KIND_FOLDED) === 0) {
    return part(head, rows[at + VALUE_START], rows[at + VALUE_END], out);
  }
  const { derived } = tx.context;
  const slot = id * 2 + direction;
  if (derived.find(tx, tx.serial, slot, out)) return true;
  derived.room(tx, tx.serial, valueRoom(head, first));
  derived.finish(slot, writeValue(head, first, derived.bytes, derived.end), out);
  return true;
}

/** Room that the joined value of a field can take. */
function valueRoom(head: Head, first: number): number {
  const { rows } = head;
  let size = 0;
  for (let index = first; index >= 0; index = rows[index * ROW + NEXT]) {
    size += rows[index * ROW + VALUE_END] - rows[index * ROW + VALUE_START] + 2;
  }
  return size;
}

/** Writes the joined value of a field. The first Content-Length stands alone. @returns its end */
function writeValue(head: Head, first: number, to: Uint8Array, at: number): number {
  const { rows } = head;
  let w = at;
  for (let index = first; index >= 0; index = rows[index * ROW + NEXT]) {
    const row = index * ROW;
    if (index !== first) {
      if ((rows[row + KIND] & KIND_FIELD) === Field.CONTENT_LENGTH) break;
      to[w++] = 0x2c;
      to[w++] = SP;
    }
    w = writeOneValue(head, row, to, w);
  }
  return w;
}

function writeOneValue(head: Head, row: number, to: Uint8Array, at: number): number {
  const { rows, bytes, base } = head;
  const end = base + rows[row + VALUE_END];
  let i = base + rows[row + VALUE_START];
  let w = at;
  if ((rows[row + KIND] & KIND_FOLDED) === 0) {
    while (i < end) to[w++] = bytes[i++];
    return w;
  }
  // A folded value: the line end and the white space behind it are one character of that white space.
  const { response } = head;
  while (i < end) {
    const c = bytes[i];
    let j = i;
    while (j < end && bytes[j] === CR) j++;
    const breaks = j < end && (bytes[j] === LF || (response && j > i));
    if (!breaks) {
      to[w++] = c;
      i++;
      continue;
    }
    while (w > at && (CLASS[to[w - 1]] & SPACE) !== 0) w--;
    while (j < end && (bytes[j] === LF || bytes[j] === CR)) j++;
    const fold = j < end && (bytes[j] === SP || bytes[j] === TAB) ? bytes[j] : SP;
    while (j < end && (CLASS[bytes[j]] & SPACE) !== 0) j++;
    if (w > at) to[w++] = fold;
    i = j;
  }
  return w;
}

/** Room that all fields with their separators can take. */
function blockRoom(head: Head): number {
  return head.length + head.count * 6 + 8;
}

/** `Name: value` lines; `http.header` without cookies, `http.start` with the start line and an empty line. */
function fillBlock(
  tx: Http1Transaction,
  direction: Direction,
  head: Head,
  id: number,
  out: BufferView,
): boolean {
  const { derived } = tx.context;
  const slot = id * 2 + direction;
  if (derived.find(tx, tx.serial, slot, out)) return out.end > out.start;
  derived.room(tx, tx.serial, blockRoom(head));
  const to = derived.bytes;
  const { rows, bytes, base } = head;
  let w = derived.end;
  if (id === B.START) {
    for (let i = base + head.lineStart, end = base + head.lineEnd; i < end; i++) to[w++] = bytes[i];
    to[w++] = CR;
    to[w++] = LF;
  }
  const cookie = id !== B.HEADER ? -1 : direction === Directions.TO_SERVER ? Field.COOKIE : Field.SET_COOKIE;
  for (let index = 0; index < head.count; index++) {
    const kind = rows[index * ROW + KIND];
    if ((kind & KIND_REPEATED) !== 0 || (kind & KIND_FIELD) === cookie) continue;
    w = writeField(head, index, to, w);
    to[w++] = CR;
    to[w++] = LF;
  }
  if (id === B.START && head.count > 0) {
    to[w++] = CR;
    to[w++] = LF;
  }
  derived.finish(slot, w, out);
  return out.end > out.start;
}

function writeField(head: Head, index: number, to: Uint8Array, at: number): number {
  const { rows, bytes, base } = head;
  let w = at;
  for (
    let i = base + rows[index * ROW + NAME_START], end = base + rows[index * ROW + NAME_END];
    i < end;
    i++
  ) {
    to[w++] = bytes[i];
  }
  to[w++] = COLON;
  to[w++] = SP;
  return writeValue(head, index, to, w);
}

function fillNames(tx: Http1Transaction, direction: Direction, head: Head, out: BufferView): boolean {
  const { derived } = tx.context;
  const slot = B.HEADER_NAMES * 2 + direction;
  if (derived.find(tx, tx.serial, slot, out)) return true;
  derived.room(tx, tx.serial, blockRoom(head));
  const to = derived.bytes;
  const { rows, bytes, base } = head;
  let w = derived.end;
  to[w++] = CR;
  to[w++] = LF;
  for (let index = 0; index < head.count; index++) {
    const row = index * ROW;
    if ((rows[row + KIND] & KIND_REPEATED) !== 0) continue;
    for (let i = base + rows[row + NAME_START], end = base + rows[row + NAME_END]; i < end; i++)
      to[w++] = bytes[i];
    to[w++] = CR;
    to[w++] = LF;
  }
  to[w++] = CR;
  to[w++] = LF;
  derived.finish(slot, w, out);
  return true;
}

/** The `index`-th field as `Name: value`; repetitions are in the first field of their name. */
function fillField(tx: Http1Transaction, head: Head, index: number, out: BufferView): boolean {
  const { rows, bytes, base } = head;
  let at = -1;
  if ((head.flags & HeadFlag.REPETITION) === 0) at = index < head.count ? index : -1;
  else {
    // Asked for one after the other: go on from the last one.
    if (index < head.walkNumber) {
      head.walkNumber = -1;
      head.walkIndex = -1;
    }
    while (head.walkNumber < index && head.walkIndex < head.count) {
      head.walkIndex++;
      if (head.walkIndex < head.count && (rows[head.walkIndex * ROW + KIND] & KIND_REPEATED) === 0)
        head.walkNumber++;
    }
    at = head.walkIndex < head.count ? head.walkIndex : -1;
  }
  if (at < 0) return false;
  const row = at * ROW;
  const gap = rows[row + VALUE_START] - rows[row + NAME_END];
  const plain = rows[row + NEXT] < 0 && (rows[row + KIND] & KIND_FOLDED) === 0;
  if (
    plain &&
    gap === 2 &&
    bytes[base + rows[row + NAME_END]] === COLON &&
    bytes[base + rows[row + NAME_END] + 1] === SP
  ) {
    return part(head, rows[row + NAME_START], rows[row + VALUE_END], out);
  }
  const { derived } = tx.context;
  derived.room(tx, tx.serial, valueRoom(head, at) + rows[row + NAME_END] - rows[row + NAME_START] + 2);
  derived.finish(-1, writeField(head, at, derived.bytes, derived.end), out);
  return true;
}
