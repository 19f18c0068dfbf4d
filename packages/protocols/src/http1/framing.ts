/** How a message's body is delimited (RFC 9112 section 6), decided as libhtp does where messages contradict themselves. */

import * as characters from './characters';
import { Field } from './field-names';
import * as table from './field-table';
import type { Head } from './head';

// Bound once: an import is a property load at each use in CommonJS.
const { NEXT, ROW, VALUE_END, VALUE_START } = table;
const { ascii, CLASS, DIGIT, equalsLower, equalsWithoutNull, indexWithoutNull, SPACE } = characters;

const CHUNKED = ascii('chunked');
const IDENTITY = ascii('identity');

export const Framing = { NONE: 0, LENGTH: 1, CHUNKED: 2, TO_CLOSE: 3 } as const;

/** Bits of `BodyFraming.flags`. */
export const FramingFlag = {
  INVALID_TRANSFER_ENCODING: 1,
  ABNORMAL_TRANSFER_ENCODING: 2,
  INVALID_LENGTH: 4,
  DUPLICATE_LENGTH: 8,
  LENGTH_PRECEDED: 16,
  LENGTH_FOLLOWED: 32,
} as const;

/** What the fields of a head say about the body. Reused: filled by `readFraming`. */
export class BodyFraming {
  hasTransferEncoding = false;
  hasLength = false;
  chunked = false;
  /** Of the first Content-Length; -1 where that is not a number. */
  length = -1;
  flags = 0;

  read(head: Head): void {
    const { bytes, base, rows, firstOf } = head;
    this.flags = 0;
    this.chunked = false;
    this.length = -1;

    let index: number = firstOf[Field.TRANSFER_ENCODING];
    this.hasTransferEncoding = index >= 0;
    for (let nth = 0; index >= 0; nth++) {
      const row = index * ROW;
      const start = base + rows[row + VALUE_START];
      const end = base + rows[row + VALUE_END];
      const next = rows[row + NEXT];
      if (indexWithoutNull(bytes, start, end, CHUNKED) >= 0) {
        this.chunked = true;
        if (nth > 0 || next >= 0 || !equalsLower(bytes, start, end, CHUNKED)) {
          this.flags |= FramingFlag.ABNORMAL_TRANSFER_ENCODING;
        }
      } else if (!equalsLower(bytes, start, end, IDENTITY))
        this.flags |= FramingFlag.INVALID_TRANSFER_ENCODING;
      index = next;
    }

    index = firstOf[Field.CONTENT_LENGTH];
    this.hasLength = index >= 0;
    if (index < 0) return;
    this.length = readLength(head, index);
    if (this.length < 0) this.flags |= FramingFlag.INVALID_LENGTH;
    else {
      const row = index * ROW;
      if ((CLASS[bytes[base + rows[row + VALUE_START]]] & DIGIT) === 0)
        this.flags |= FramingFlag.LENGTH_PRECEDED;
      if ((CLASS[bytes[base + rows[row + VALUE_END] - 1]] & DIGIT) === 0)
        this.flags |= FramingFlag.LENGTH_FOLLOWED;
    }
    for (let next = rows[index * ROW + NEXT]; next >= 0; next = rows[next * ROW + NEXT]) {
      if (readLength(head, next) !== this.length) this.flags |= FramingFlag.DUPLICATE_LENGTH;
    }
  }
}

/** First number in the value, whatever stands round it; -1 where there is none or it is too large to be true. */
function readLength(head: Head, index: number): number {
  const { bytes, base, rows } = head;
  const end = base + rows[index * ROW + VALUE_END];
  let i = base + rows[index * ROW + VALUE_START];
  while (i < end && (CLASS[bytes[i]] & DIGIT) === 0) i++;
  if (i === end) return -1;
  let value = 0;
  while (i < end && (CLASS[bytes[i]] & DIGIT) !== 0) {
    value = value * 10 + bytes[i++] - 0x30;
    if (value > Number.MAX_SAFE_INTEGER / 16) return -1;
  }
  return value;
}

const GZIP = ascii('gzip');
const DEFLATE = ascii('deflate');

/** What the Content-Encoding of a head asks to undo. Reused: filled by `read`. */
export class Codings {
  /** gzip and deflate layers. */
  layers = 0;
  tooMany = false;
  /** A name that is no coding, or that only holds one. */
  abnormal = false;

  read(head: Head, layerLimit: number): void {
    this.layers = 0;
    this.tooMany = false;
    this.abnormal = false;
    const { bytes, base, rows } = head;
    let opaque = false;
    let index: number = head.firstOf[Field.CONTENT_ENCODING];
    while (index >= 0) {
      const row = index * ROW;
      const end = base + rows[row + VALUE_END];
      let i = base + rows[row + VALUE_START];
      while (i < end) {
        while (i < end && isSeparator(bytes[i])) i++;
        let start = i;
        while (i < end && !isSeparator(bytes[i])) i++;
        if (start === i) break;
        if (i - start > 2 && (bytes[start] | 0x20) === 0x78 && bytes[start + 1] === 0x2d) start += 2;
        const exact = equalsWithoutNull(bytes, start, i, GZIP) || equalsWithoutNull(bytes, start, i, DEFLATE);
        if (exact || holds(bytes, start, i, GZIP) || holds(bytes, start, i, DEFLATE)) {
          // `gzip;` is gzip to a browser.
          if (!exact) this.abnormal = true;
          if (this.layers < layerLimit) this.layers++;
          else this.tooMany = true;
        } else if (isOneOf(bytes, start, i, OPAQUE)) opaque = true;
        else if (!isOneOf(bytes, start, i, NO_CODING)) this.abnormal = true;
      }
      index = rows[row + NEXT];
    }
    // What lies under a coding that cannot be undone cannot be undone either.
    if (opaque) this.layers = 0;
  }
}

/** `inflate` and `none` are what some servers send for "not coded". */
const NO_CODING = ['identity', 'none', 'inflate'].map(ascii);
/** Codings that are not undone: their bodies are inspected as they are. The place for brotli is a decoder beside gzip's. */
const OPAQUE = ['br', 'zstd', 'compress'].map(ascii);

function holds(bytes: Uint8Array, start: number, end: number, name: Uint8Array): boolean {
  return indexWithoutNull(bytes, start, end, name) >= 0;
}

function isOneOf(bytes: Uint8Array, start: number, end: number, names: readonly Uint8Array[]): boolean {
  for (const name of names) if (equalsLower(bytes, start, end, name)) return true;
  return false;
}

function isSeparator(c: number): boolean {
  return c === 0x2c || (CLASS[c] & SPACE) !== 0;
}
