/** The body of one message: what its head announces, its bytes, the parts of a form, and what is odd about them. */

import { type Direction, Direction as Directions, type TransactionListener } from '../transaction';
import type { Body } from './body';
import type { Http1Context } from './context';
import { Http1Event } from './events';
import { Field } from './field-names';
import { ROW, VALUE_END, VALUE_START } from './field-table';
import { scanMultipart } from './files';
import { emit, hasField, reportDecoding } from './findings';
import { Codings } from './framing';
import type { Head } from './head';
import type { Http1Transaction } from './message';
import { MultipartNotice } from './multipart';
import { Http1Progress } from './progress';

const { TO_SERVER } = Directions;

/** Content codings of the head that was read last. */
const codings = new Codings();

/** Reads the content codings that a head announces. @returns how many layers they are, for `beginBody` */
export function readCodings(
  context: Http1Context,
  listener: TransactionListener,
  tx: Http1Transaction,
  direction: Direction,
  head: Head,
): number {
  const { limits, lzma } = context.options;
  if (!hasField(head, Field.CONTENT_ENCODING)) return 0;
  codings.read(head, limits.codingLayers, lzma);
  if (codings.tooMany) emit(listener, tx, direction, Http1Event.TOO_MANY_ENCODING_LAYERS);
  if (codings.abnormal) emit(listener, tx, direction, Http1Event.ABNORMAL_CE_HEADER);
  return codings.layers;
}

/** @param layers of content coding, as `readCodings` has just found them */
export function beginBody(
  context: Http1Context,
  tx: Http1Transaction,
  direction: Direction,
  layers: number,
): void {
  const { limits } = context.options;
  const body = context.takeBody();
  body.begin(
    direction === TO_SERVER ? limits.requestBody : limits.responseBody,
    layers,
    codings.kinds,
    limits.bombRatio,
  );
  body.chunks.lenient = direction === TO_SERVER;
  tx.bodies[direction] = body;
}

/** More of the body, without its framing. */
export function appendToBody(
  listener: TransactionListener,
  tx: Http1Transaction,
  direction: Direction,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  const body = tx.bodies[direction]!;
  reportDecoding(listener, tx, direction, body.append(bytes, start, end));
  if (direction === TO_SERVER && tx.multipart !== null) readMultipart(listener, tx, body, false);
  if (!body.grown) return;
  tx.dirty |= 1 << direction;
  if (direction === TO_SERVER) tx.requestProgress = Http1Progress.BODY_BEGUN;
  else tx.responseProgress = Http1Progress.BODY_BEGUN;
}

/** All of the body has come. */
export function endBody(
  listener: TransactionListener,
  tx: Http1Transaction,
  direction: Direction,
  body: Body,
): void {
  reportDecoding(listener, tx, direction, body.finish());
  if (direction === TO_SERVER && tx.multipart !== null) readMultipart(listener, tx, body, true);
}

/** Where the head announces a form in parts, its files are looked for. */
export function beginMultipart(
  context: Http1Context,
  listener: TransactionListener,
  tx: Http1Transaction,
  head: Head,
): void {
  const index = head.firstOf[Field.CONTENT_TYPE];
  if (index < 0) return;
  const start = head.base + head.rows[index * ROW + VALUE_START];
  const end = head.base + head.rows[index * ROW + VALUE_END];
  const multipart = context.takeMultipart();
  if (multipart.begin(head.bytes, start, end)) tx.multipart = multipart;
  else {
    if (multipart.beyond) emit(listener, tx, TO_SERVER, Http1Event.MULTIPART_LIMIT_REACHED);
    context.giveMultipart(multipart);
  }
}

function readMultipart(
  listener: TransactionListener,
  tx: Http1Transaction,
  body: Body,
  complete: boolean,
): void {
  const notices = scanMultipart(tx.multipart!, body, complete);
  if ((notices & MultipartNotice.INVALID_HEADER) !== 0)
    emit(listener, tx, TO_SERVER, Http1Event.MULTIPART_INVALID_HEADER);
  if ((notices & MultipartNotice.NO_FILE_DATA) !== 0)
    emit(listener, tx, TO_SERVER, Http1Event.MULTIPART_NO_FILEDATA);
  if ((notices & MultipartNotice.LIMIT) !== 0)
    emit(listener, tx, TO_SERVER, Http1Event.MULTIPART_LIMIT_REACHED);
}
