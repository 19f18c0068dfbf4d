/** The files that HTTP/1 messages carry, as the rules see them: bodies of responses, of POST and of PUT, and parts of forms. */

import { createHash } from 'node:crypto';
import { FileHash } from '../files/policy';
import { writeInteger } from '../integer-view';
import { type BufferView, type Direction, Direction as Directions } from '../transaction';
import type { Body } from './body';
import { Http1Buffer } from './buffer-ids';
import { ascii } from './characters';
import { Field } from './field-names';
import * as table from './field-table';
import type { Head } from './head';
import type { Http1Transaction } from './message';
import { Method } from './methods';
import type { BodyRange, MultipartReader } from './multipart';
import { Parameter } from './parameters';
import { Http1Progress } from './progress';
import { RequestPart, type RequestPartView, requestPart } from './request-notes';
import { UriParts, writeNormalUri } from './uri';

// Bound once: an import is a property load at each use in CommonJS.
const { ROW, VALUE_END, VALUE_START } = table;

const FILENAME = ascii('filename');
/** Bytes of a file name that rules see. */
const LONGEST_NAME = 4096;

const noBytes = new Uint8Array(0);
const uri = new UriParts();
const part: RequestPartView = { bytes: noBytes, start: 0, end: 0 };
const range: BodyRange = { start: 0, end: 0 };
const parameter = new Parameter();
const scratch: BufferView = { bytes: noBytes, start: 0, end: 0, streamOffset: 0, fresh: 0, complete: false };

/** `Transaction.buffer` for the buffers of files but a response's content, which is its body. */
export function fillFileBuffer(
  tx: Http1Transaction,
  direction: Direction,
  id: number,
  index: number,
  out: BufferView,
): boolean {
  const body = tx.bodies[direction];
  if (body === null || !carriesFile(tx, direction)) return false;
  const { multipart } = tx;
  if (direction === Directions.TO_SERVER && multipart !== null)
    return fillPart(tx, multipart, body, id, index, out);
  if (index !== 0 || (body.length === 0 && body.streamOffset === 0)) return false;
  switch (id) {
    case Http1Buffer.REQUEST_FILE_DATA:
      body.view(out);
      return true;
    case Http1Buffer.FILE_NAME:
      return fillName(tx, direction, out);
    default:
      if (tx.progress(direction) < Http1Progress.BODY) return false;
      if (id === Http1Buffer.FILE_SIZE) return body.size >= 0 && writeInteger(out, body.size, 8);
      if (body.cut) return fillDigest(tx, body.digest(hashOf(id)), out);
      body.view(out);
      return fillHash(tx, id, out);
  }
}

/** Which messages have files is Suricata's choice: bodies of other methods are looked at as bodies only. */
function carriesFile(tx: Http1Transaction, direction: Direction): boolean {
  if (direction === Directions.TO_CLIENT) return tx.heads[direction] !== null;
  return tx.method === Method.POST || tx.method === Method.PUT;
}

function fillPart(
  tx: Http1Transaction,
  multipart: MultipartReader,
  body: Body,
  id: number,
  index: number,
  out: BufferView,
): boolean {
  // Places are known only while the body has its beginning.
  if (body.streamOffset > 0 || !multipart.content(index, range)) return false;
  body.view(out);
  const base = out.start;
  switch (id) {
    case Http1Buffer.REQUEST_FILE_DATA:
      out.start = base + range.start;
      out.end = base + range.end;
      out.fresh = Math.min(out.end, Math.max(out.start, base + multipart.shownUpTo(index)));
      out.complete = multipart.closed(index);
      return true;
    case Http1Buffer.FILE_NAME:
      multipart.name(index, range);
      out.start = base + range.start;
      out.end = Math.min(base + range.end, out.start + LONGEST_NAME);
      return whole(out);
    default: {
      const there = multipart.whole(index);
      // An empty buffer stands for what is not known of a file with others behind it.
      if (!there && index + 1 >= multipart.count) return false;
      out.start = base + range.start;
      out.end = there ? base + range.end : out.start;
      whole(out);
      if (!there) return true;
      return id === Http1Buffer.FILE_SIZE ? writeInteger(out, out.end - out.start, 8) : fillHash(tx, id, out);
    }
  }
}

function whole(out: BufferView): true {
  out.streamOffset = 0;
  out.fresh = out.start;
  out.complete = true;
  return true;
}

function algorithmOf(id: number): string {
  if (id === Http1Buffer.FILE_MD5) return 'md5';
  return id === Http1Buffer.FILE_SHA1 ? 'sha1' : 'sha256';
}

function hashOf(id: number): number {
  if (id === Http1Buffer.FILE_MD5) return FileHash.MD5;
  return id === Http1Buffer.FILE_SHA1 ? FileHash.SHA1 : FileHash.SHA256;
}

/** Replaces the bytes in `out` by their hash. Only done where a rule asks. */
function fillHash(tx: Http1Transaction, id: number, out: BufferView): boolean {
  return fillDigest(
    tx,
    createHash(algorithmOf(id)).update(out.bytes.subarray(out.start, out.end)).digest(),
    out,
  );
}

function fillDigest(tx: Http1Transaction, digest: Uint8Array | undefined, out: BufferView): boolean {
  if (digest === undefined) return false;
  const { derived } = tx.context;
  derived.room(tx, tx.serial, digest.length);
  derived.bytes.set(digest, derived.end);
  derived.finish(-1, derived.end + digest.length, out);
  return whole(out);
}

/** What Content-Disposition says, else the path of the request. */
function fillName(tx: Http1Transaction, direction: Direction, out: BufferView): boolean {
  const head = tx.heads[direction];
  if (direction === Directions.TO_CLIENT && head !== null && dispositionName(head, out)) return whole(out);
  const { derived } = tx.context;
  const slot = Http1Buffer.FILE_NAME * 2 + direction;
  if (!derived.find(tx, tx.serial, slot, out)) {
    if (!requestPart(tx, RequestPart.URI, part)) return false;
    uri.parse(part.bytes, part.start, part.end);
    if (uri.pathEnd < 0) return false;
    uri.queryEnd = -1;
    uri.fragmentEnd = -1;
    derived.room(tx, tx.serial, part.end - part.start);
    derived.finish(slot, writeNormalUri(part.bytes, uri, derived.bytes, derived.end), out);
  }
  out.end = Math.min(out.end, out.start + LONGEST_NAME);
  return out.end > out.start && whole(out);
}

function dispositionName(head: Head, out: BufferView): boolean {
  const index = head.firstOf[Field.CONTENT_DISPOSITION];
  if (index < 0 || head.released) return false;
  const { bytes, base, rows } = head;
  const end = base + rows[index * ROW + VALUE_END];
  if (!parameter.find(bytes, base + rows[index * ROW + VALUE_START], end, FILENAME)) return false;
  out.bytes = bytes;
  out.start = parameter.start;
  out.end = Math.min(parameter.end, parameter.start + LONGEST_NAME);
  return out.end > out.start;
}

/** Reads on in the files of a form. @returns bits of `MultipartNotice` */
export function scanMultipart(multipart: MultipartReader, body: Body, complete: boolean): number {
  if (body.streamOffset > 0) {
    multipart.abandon();
    return 0;
  }
  body.view(scratch);
  const notices = multipart.scan(scratch.bytes, scratch.start, scratch.end, complete);
  scratch.bytes = noBytes;
  return notices;
}
