/** What is odd about a complete head, told to the listener as events. */

import { DecoderNotice } from '../content-coding/decoder';
import { type Direction, Direction as Directions, type TransactionListener } from '../transaction';
import { ascii, equalRanges, equalsLower, indexWithoutNull } from './characters';
import { DirectedEvent, Http1Event } from './events';
import { Field } from './field-names';
import * as table from './field-table';
import { type BodyFraming, FramingFlag } from './framing';
import { type Head, HeadFlag } from './head';
import type { Http1Transaction } from './message';
import { Method } from './methods';
import { LineFlag, Version } from './start-line';
import { endOfHost, isDoubleEncoded, isValidHost, parsePort, type UriNormalization, UriParts } from './uri';

// Bound once: an import is a property load at each use in CommonJS.
const { NEXT, ROW, VALUE_END, VALUE_START } = table;

export function hasField(head: Head, field: number): boolean {
  return head.firstOf[field] >= 0;
}

const uri = new UriParts();
const BYTE_RANGES = ascii('multipart/byteranges');
/** Bytes of a Content-Range that are looked at. */
const LONGEST_RANGE = 80;
const AUTHORIZATION_SCHEMES = ['basic', 'digest', 'bearer'].map(ascii);

/** Tells of an event of a transaction, of which the listener knows from then on. */
export function emit(
  listener: TransactionListener,
  tx: Http1Transaction,
  direction: Direction,
  event: string,
): void {
  tx.direction = direction;
  tx.announced = true;
  listener.onEvent(tx, direction, event);
}

function reportFields(
  listener: TransactionListener,
  tx: Http1Transaction,
  direction: Direction,
  head: Head,
): void {
  const { flags } = head;
  if ((flags & HeadFlag.FIELD_TOO_LONG) !== 0)
    emit(listener, tx, direction, DirectedEvent.FIELD_TOO_LONG[direction]);
  if ((flags & HeadFlag.MISSING_COLON) !== 0)
    emit(listener, tx, direction, DirectedEvent.FIELD_MISSING_COLON[direction]);
  if ((flags & HeadFlag.NAME_INVALID) !== 0)
    emit(listener, tx, direction, DirectedEvent.NAME_NOT_TOKEN[direction]);
  if ((flags & HeadFlag.SPACE_BEHIND_NAME) !== 0)
    emit(listener, tx, direction, DirectedEvent.SPACE_BEHIND_NAME[direction]);
  if ((flags & HeadFlag.NAME_EMPTY) !== 0) emit(listener, tx, direction, DirectedEvent.NAME_EMPTY[direction]);
  if ((flags & HeadFlag.ODD_LINE_END) !== 0) emit(listener, tx, direction, Http1Event.DEFORMED_EOL);
  if ((flags & HeadFlag.INVALID_FOLDING) !== 0)
    emit(listener, tx, direction, DirectedEvent.INVALID_FIELD_FOLDING[direction]);
  if ((flags & HeadFlag.TOO_MANY_FIELDS) !== 0)
    emit(listener, tx, direction, DirectedEvent.TOO_MANY_HEADERS[direction]);
  if ((flags & HeadFlag.REPETITION) !== 0)
    emit(listener, tx, direction, DirectedEvent.HEADER_REPETITION[direction]);
}

/** @param overflow the head was cut at its limit */
export function reportRequestHead(
  listener: TransactionListener,
  tx: Http1Transaction,
  head: Head,
  overflow: boolean,
): void {
  if (overflow) head.flags |= HeadFlag.FIELD_TOO_LONG;
  if (head.flags !== 0) reportFields(listener, tx, Directions.TO_SERVER, head);
  const { line } = head;
  if (line.flags !== 0) {
    if ((line.flags & LineFlag.LEADING_WHITESPACE) !== 0) {
      emit(listener, tx, Directions.TO_SERVER, Http1Event.REQUEST_LINE_LEADING_WHITESPACE);
    }
    if ((line.flags & LineFlag.METHOD_DELIMITER) !== 0) {
      emit(listener, tx, Directions.TO_SERVER, Http1Event.METHOD_DELIM_NON_COMPLIANT);
    }
    if ((line.flags & LineFlag.URI_DELIMITER) !== 0) {
      emit(listener, tx, Directions.TO_SERVER, Http1Event.URI_DELIM_NON_COMPLIANT);
    }
    if ((line.flags & LineFlag.PROTOCOL_PADDED) !== 0) {
      emit(listener, tx, Directions.TO_SERVER, Http1Event.PROTOCOL_CONTAINS_EXTRA_DATA);
    }
  }
  if (
    line.method === Method.UNKNOWN &&
    line.version !== Version.HTTP_1_1 &&
    line.version !== Version.HTTP_1_0
  ) {
    emit(listener, tx, Directions.TO_SERVER, Http1Event.REQUEST_LINE_INVALID);
    let event: string = Http1Event.REQUEST_LINE_UNKNOWN_METHOD;
    if (line.thirdEnd >= 0) event = Http1Event.REQUEST_LINE_UNKNOWN_METHOD_INVALID_PROTOCOL;
    else if (line.secondEnd >= 0) event = Http1Event.REQUEST_LINE_UNKNOWN_METHOD_NO_PROTOCOL;
    emit(listener, tx, Directions.TO_SERVER, event);
  }
  if (tx.simple && head.count > 0) {
    tx.simple = false;
    emit(listener, tx, Directions.TO_SERVER, Http1Event.REQUEST_LINE_MISSING_PROTOCOL);
  }
  reportHost(listener, tx, head);
  const { uri: how } = tx.context.options;
  if (how.doubleDecodePath || how.doubleDecodeQuery) reportDoubleEncoding(listener, tx, head, how);
  if (hasField(head, Field.AUTHORIZATION)) reportAuthorization(listener, tx, head);
}

function reportHost(listener: TransactionListener, tx: Http1Transaction, head: Head): void {
  const { line, bytes, base, rows } = head;
  const direction = Directions.TO_SERVER;
  const uriStart = base + line.secondStart;
  // Almost every target is in origin form and names no host.
  const named = line.secondEnd >= 0 && bytes[uriStart] !== 0x2f;
  let hostInUri = false;
  if (named) {
    if (tx.method === Method.CONNECT) uri.parseAuthorityForm(bytes, uriStart, base + line.secondEnd);
    else uri.parse(bytes, uriStart, base + line.secondEnd);
    hostInUri = uri.hostEnd >= 0;
    if (
      hostInUri &&
      (!isValidHost(bytes, uri.hostStart, uri.hostEnd) || !isPort(bytes, uri.portStart, uri.portEnd))
    ) {
      emit(listener, tx, direction, Http1Event.REQUEST_URI_HOST_INVALID);
    }
  }
  const index = head.firstOf[Field.HOST];
  if (index < 0) {
    if (line.version === Version.HTTP_1_1) emit(listener, tx, direction, Http1Event.MISSING_HOST_HEADER);
    return;
  }
  const start = base + rows[index * ROW + VALUE_START];
  const end = base + rows[index * ROW + VALUE_END];
  const hostEnd = endOfHost(bytes, start, end);
  if (
    rows[index * ROW + NEXT] >= 0 ||
    !isValidHost(bytes, start, hostEnd) ||
    (hostEnd < end && (bytes[hostEnd] !== 0x3a || !isPort(bytes, hostEnd + 1, end)))
  ) {
    emit(listener, tx, direction, Http1Event.REQUEST_HEADER_HOST_INVALID);
  }
  if (hostInUri && !equalRanges(bytes, start, hostEnd, uri.hostStart, uri.hostEnd)) {
    emit(listener, tx, direction, Http1Event.HOST_HEADER_AMBIGUOUS);
  }
}

function reportDoubleEncoding(
  listener: TransactionListener,
  tx: Http1Transaction,
  head: Head,
  how: UriNormalization,
): void {
  const { line, bytes, base } = head;
  if (line.secondEnd < 0 || tx.method === Method.CONNECT) return;
  uri.parse(bytes, base + line.secondStart, base + line.secondEnd);
  const scratch = new Uint8Array(line.secondEnd - line.secondStart);
  if (isDoubleEncoded(bytes, uri, scratch, how))
    emit(listener, tx, Directions.TO_SERVER, Http1Event.DOUBLE_ENCODED_URI);
}

function isPort(bytes: Uint8Array, start: number, end: number): boolean {
  return end < 0 || parsePort(bytes, start, end) > 0;
}

function reportAuthorization(listener: TransactionListener, tx: Http1Transaction, head: Head): void {
  const { bytes, base, rows } = head;
  const row = head.firstOf[Field.AUTHORIZATION] * ROW;
  const start = base + rows[row + VALUE_START];
  const end = base + rows[row + VALUE_END];
  for (const scheme of AUTHORIZATION_SCHEMES) {
    if (end - start >= scheme.length && equalsLower(bytes, start, start + scheme.length, scheme)) return;
  }
  emit(listener, tx, Directions.TO_SERVER, Http1Event.REQUEST_AUTH_UNRECOGNIZED);
}

/** @param overflow the head was cut at its limit */
export function reportResponseHead(
  listener: TransactionListener,
  tx: Http1Transaction,
  head: Head,
  overflow: boolean,
): void {
  if (overflow) head.flags |= HeadFlag.FIELD_TOO_LONG;
  if (head.flags !== 0) reportFields(listener, tx, Directions.TO_CLIENT, head);
  const { line } = head;
  if (line.version === Version.INVALID) {
    emit(listener, tx, Directions.TO_CLIENT, Http1Event.RESPONSE_INVALID_PROTOCOL);
    emit(listener, tx, Directions.TO_CLIENT, Http1Event.RESPONSE_LINE_INVALID_PROTOCOL);
  }
  if (line.flags !== 0) emit(listener, tx, Directions.TO_CLIENT, Http1Event.PROTOCOL_CONTAINS_EXTRA_DATA);
  if (line.status === 0) {
    emit(listener, tx, Directions.TO_CLIENT, Http1Event.RESPONSE_INVALID_STATUS);
    emit(listener, tx, Directions.TO_CLIENT, Http1Event.RESPONSE_LINE_INVALID_RESPONSE_STATUS);
  }
  if (hasField(head, Field.CONTENT_RANGE) && !isValidRange(head))
    emit(listener, tx, Directions.TO_CLIENT, Http1Event.RANGE_INVALID);
}

/** Whether the body is parts of a file (RFC 9110 section 14.6), whose own framing would end it. */
export function hasByteRanges(head: Head): boolean {
  const index = head.firstOf[Field.CONTENT_TYPE];
  if (index < 0) return false;
  const start = head.base + head.rows[index * ROW + VALUE_START];
  const end = head.base + head.rows[index * ROW + VALUE_END];
  return indexWithoutNull(head.bytes, start, end, BYTE_RANGES) >= 0;
}

/** `bytes 0-9/100`, with `*` for a size that is not known, or `bytes *` and a size (RFC 9110 section 14.4). */
function isValidRange(head: Head): boolean {
  const { bytes, base, rows } = head;
  const row = head.firstOf[Field.CONTENT_RANGE] * ROW;
  const end = Math.min(base + rows[row + VALUE_END], base + rows[row + VALUE_START] + LONGEST_RANGE);
  const value = Buffer.from(
    bytes.buffer,
    bytes.byteOffset + base + rows[row + VALUE_START],
    end - base - rows[row + VALUE_START],
  );
  const found = /^\s*bytes\s+(?:(\d{1,15})-(\d{1,15})|\*)\/(\d{1,15}|\*)/i.exec(value.toString('latin1'));
  if (found === null) return false;
  if (found[1] === undefined) return true;
  const last = Number(found[2]);
  return Number(found[1]) <= last && (found[3] === '*' || last < Number(found[3]));
}

/** What happened while a body was decoded. @param notices bits of `DecoderNotice` */
export function reportDecoding(
  listener: TransactionListener,
  tx: Http1Transaction,
  direction: Direction,
  notices: number,
): void {
  if (notices === DecoderNotice.NONE) return;
  if ((notices & DecoderNotice.FAILED) !== 0)
    emit(listener, tx, direction, Http1Event.GZIP_DECOMPRESSION_FAILED);
  if ((notices & DecoderNotice.BOMB) !== 0) emit(listener, tx, direction, Http1Event.COMPRESSION_BOMB);
  if ((notices & DecoderNotice.LIMIT) !== 0 && direction === Directions.TO_SERVER)
    emit(listener, tx, direction, Http1Event.REQUEST_BODY_LIMIT_REACHED);
}

/** What is odd about how a message says where its body ends. */
export function reportFraming(
  listener: TransactionListener,
  tx: Http1Transaction,
  direction: Direction,
  framing: BodyFraming,
  version: number,
): void {
  const { flags } = framing;
  if (framing.chunked && version < Version.HTTP_1_1) {
    if (direction === Directions.TO_CLIENT)
      emit(listener, tx, direction, Http1Event.RESPONSE_CHUNKED_OLD_PROTO);
    else emit(listener, tx, direction, DirectedEvent.INVALID_TRANSFER_ENCODING[direction]);
  }
  if (flags === 0) return;
  if (
    ((flags & FramingFlag.INVALID_TRANSFER_ENCODING) !== 0 && !framing.chunked) ||
    (flags & FramingFlag.AMBIGUOUS_TRANSFER_ENCODING) !== 0
  ) {
    emit(listener, tx, direction, DirectedEvent.INVALID_TRANSFER_ENCODING[direction]);
  }
  if (direction === Directions.TO_CLIENT && (flags & FramingFlag.ABNORMAL_TRANSFER_ENCODING) !== 0) {
    emit(listener, tx, direction, Http1Event.RESPONSE_ABNORMAL_TRANSFER_ENCODING);
  }
  if ((flags & FramingFlag.INVALID_LENGTH) !== 0) {
    emit(listener, tx, direction, DirectedEvent.INVALID_CONTENT_LENGTH[direction]);
  }
  if ((flags & FramingFlag.LENGTH_PRECEDED) !== 0) {
    emit(listener, tx, direction, Http1Event.CONTENT_LENGTH_EXTRA_DATA_START);
  }
  if ((flags & FramingFlag.LENGTH_FOLLOWED) !== 0) {
    emit(listener, tx, direction, Http1Event.CONTENT_LENGTH_EXTRA_DATA_END);
  }
  if ((flags & FramingFlag.DUPLICATE_LENGTH) !== 0) {
    emit(listener, tx, direction, DirectedEvent.DUPLICATE_CONTENT_LENGTH[direction]);
  }
}
