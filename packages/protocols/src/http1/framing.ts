/** How a message's body is delimited (RFC 9112 section 6), decided as libhtp does where messages contradict themselves. */

import { Coding } from '../content-coding/decoder';
import * as characters from './characters';
import { Field } from './field-names';
import * as table from './field-table';
import type { Head } from './head';

// Bound once: an import is a property load at each use in CommonJS.
const { KIND, KIND_FOLDED, NEXT, ROW, VALUE_END, VALUE_START } = table;
const { ascii, CLASS, CR, DIGIT, equalsLower, equalsWithoutNull, indexWithoutNull, LF, SPACE, TAB } =
  characters;

const CHUNKED = ascii('chunked');
const IDENTITY = ascii('identity');

/** Bits of `BodyFraming.flags`. */
export const FramingFlag = {
  INVALID_TRANSFER_ENCODING: 1,
  ABNORMAL_TRANSFER_ENCODING: 2,
  INVALID_LENGTH: 4,
  DUPLICATE_LENGTH: 8,
  LENGTH_PRECEDED: 16,
  LENGTH_FOLLOWED: 32,
  /** Of a request: servers differ about which transfer coding that is. */
  AMBIGUOUS_TRANSFER_ENCODING: 64,
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
    let last = false;
    for (let nth = 0; index >= 0; nth++) {
      const row = index * ROW;
      const start = base + rows[row + VALUE_START];
      const end = base + rows[row + VALUE_END];
      const next = rows[row + NEXT];
      last = endsWithChunked(bytes, start, end);
      if (
        !head.response &&
        ((rows[row + KIND] & KIND_FOLDED) !== 0 || hasOddCharacter(bytes, start - 1, end + 1))
      )
        this.flags |= FramingFlag.AMBIGUOUS_TRANSFER_ENCODING;
      if (indexWithoutNull(bytes, start, end, CHUNKED) >= 0) {
        this.chunked = true;
        if (nth > 0 || next >= 0 || !equalsLower(bytes, start, end, CHUNKED)) {
          this.flags |= FramingFlag.ABNORMAL_TRANSFER_ENCODING;
        }
      } else if (!equalsLower(bytes, start, end, IDENTITY))
        this.flags |= FramingFlag.INVALID_TRANSFER_ENCODING;
      index = next;
    }
    // Browsers look for the word; servers take a body for chunks only where that is the coding that was applied last.
    if (!head.response) {
      if (this.chunked && !last) this.flags |= FramingFlag.AMBIGUOUS_TRANSFER_ENCODING;
      this.chunked = last;
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

/** Whether `chunked` is the last of the codings in a field. */
function endsWithChunked(bytes: Uint8Array, start: number, end: number): boolean {
  let from = end;
  while (from > start && !isSeparator(bytes[from - 1])) from--;
  return equalsWithoutNull(bytes, from, end, CHUNKED);
}

/** Controls in and round a value are white space to some servers, and letters or an error to others. */
function hasOddCharacter(bytes: Uint8Array, start: number, end: number): boolean {
  const stop = Math.min(end, bytes.length);
  for (let i = start; i < stop; i++) {
    const c = bytes[i];
    if (c < 0x20 && c !== TAB && c !== LF && c !== CR) return true;
  }
  return false;
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
const BROTLI = ascii('br');
const LZMA = ascii('lzma');
/** Most layers that any configuration allows. */
const MOST_LAYERS = 4;

/** What the Content-Encoding of a head asks to undo. Reused: filled by `read`. */
export class Codings {
  /** Number of codings that are undone. */
  layers = 0;
  /** Their `Coding`, the one that was applied last first. */
  readonly kinds = new Uint8Array(MOST_LAYERS);
  tooMany = false;
  /** A name that is no coding, or that only holds one. */
  abnormal = false;

  /** @param lzma undo LZMA too (one layer of it) */
  read(head: Head, layerLimit: number, lzma: boolean): void {
    this.layers = 0;
    this.tooMany = false;
    this.abnormal = false;
    const { bytes, base, rows } = head;
    let opaque = false;
    let lzmaLayers = lzma ? 1 : 0;
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
          this.add(Coding.DEFLATE, layerLimit);
        } else if (equalsWithoutNull(bytes, start, i, BROTLI)) this.add(Coding.BROTLI, layerLimit);
        else if (equalsWithoutNull(bytes, start, i, LZMA) && lzmaLayers > 0) {
          lzmaLayers--;
          this.add(Coding.LZMA, layerLimit);
        } else if (isOneOf(bytes, start, i, OPAQUE)) opaque = true;
        else if (!isOneOf(bytes, start, i, NO_CODING)) this.abnormal = true;
      }
      index = rows[row + NEXT];
    }
    // What lies under a coding that cannot be undone cannot be undone either.
    if (opaque) this.layers = 0;
    this.kinds.subarray(0, this.layers).reverse();
  }

  private add(coding: number, layerLimit: number): void {
    if (this.layers < layerLimit) this.kinds[this.layers++] = coding;
    else this.tooMany = true;
  }
}

/** `inflate` and `none` are what some servers send for "not coded". */
const NO_CODING = ['identity', 'none', 'inflate'].map(ascii);
/** Codings that are not undone: their bodies are inspected as they are. */
const OPAQUE = ['zstd', 'compress', 'lzma'].map(ascii);

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
