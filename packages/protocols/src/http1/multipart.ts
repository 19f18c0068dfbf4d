/**
 * The files of a `multipart/form-data` body (RFC 7578), as places in the body: parts whose Content-Disposition names a
 * file. The body is held by whoever asks; each byte of it is looked at a bounded number of times.
 */

import { ascii, equalsLower } from './characters';
import { Parameter } from './parameters';

const CR = 0x0d;
const LF = 0x0a;
const DASH = 0x2d;
const COLON = 0x3a;

const BOUNDARY = ascii('boundary');
const FILENAME = ascii('filename');
const CONTENT_DISPOSITION = ascii('content-disposition');
const MULTIPART = ascii('multipart/');

/** Longest boundary; RFC 2046 allows 70 characters. */
export const LONGEST_BOUNDARY = 200;
/** Header bytes of one part. */
export const LONGEST_HEADER = 16_384;
/** Files of one body; further ones are passed over. */
export const MOST_FILES = 512;

/** Columns of a row: places in the body; `DATA_END` is -1 while the file goes on. */
const NAME_START = 0;
const NAME_END = 1;
const DATA_START = 2;
const DATA_END = 3;
const SHOWN = 4;
const ROW = 5;

/** Bits of the result of `scan`. */
export const MultipartNotice = { NONE: 0, INVALID_HEADER: 1, NO_FILE_DATA: 2, LIMIT: 4 } as const;

const State = {
  /** Looking for the first delimiter, or for the next behind a part that is no file. */
  DELIMITER: 0,
  /** Behind a delimiter: what follows on its line tells whether it is the last. */
  DELIMITER_LINE: 1,
  HEADER: 2,
  FILE: 3,
  OVER: 4,
} as const;

const parameter = new Parameter();

/** A place in the body. */
export interface BodyRange {
  start: number;
  end: number;
}

export class MultipartReader {
  /** Number of files so far. */
  count = 0;
  private state: number = State.OVER;
  /** `--` and the boundary. */
  private readonly delimiter = new Uint8Array(LONGEST_BOUNDARY + 2);
  private delimiterLength = 0;
  /** Everything before this place in the body was looked at. */
  private at = 0;
  private headerStart = 0;
  private lineStart = 0;
  private rows = new Int32Array(4 * ROW);
  /** End of what surely belongs to the file that goes on. */
  private sure = 0;
  /** The part's Content-Disposition has named a file. */
  private open = false;
  /** The last file had no delimiter behind it. */
  private cut = false;
  /** Files that have ended, and that the listener has seen whole. */
  seen = 0;
  /** There was more of something than is followed. */
  beyond = false;

  /** Begins a body with this Content-Type. @returns false where it is not multipart, or has no boundary that can be */
  begin(bytes: Uint8Array, start: number, end: number): boolean {
    this.state = State.OVER;
    this.count = 0;
    this.at = 0;
    this.sure = 0;
    this.cut = false;
    this.seen = 0;
    this.beyond = false;
    if (end - start <= MULTIPART.length || !equalsLower(bytes, start, start + MULTIPART.length, MULTIPART))
      return false;
    if (!parameter.find(bytes, start, end, BOUNDARY)) return false;
    const length = parameter.end - parameter.start;
    this.beyond = length > LONGEST_BOUNDARY;
    if (length < 1 || this.beyond) return false;
    this.delimiter[0] = DASH;
    this.delimiter[1] = DASH;
    for (let i = 0; i < length; i++) this.delimiter[2 + i] = bytes[parameter.start + i];
    this.delimiterLength = length + 2;
    this.state = State.DELIMITER;
    return true;
  }

  /**
   * Reads on.
   * @param bytes the body lies at `bytes[start, end)`, from its first byte on
   * @param complete no more will come
   * @returns bits of `MultipartNotice`
   */
  scan(bytes: Uint8Array, start: number, end: number, complete: boolean): number {
    let notices = 0;
    while (start + this.at < end && this.state !== State.OVER) {
      const before = this.at;
      const state = this.state;
      switch (state) {
        case State.DELIMITER:
        case State.FILE:
          notices |= this.passContent(bytes, start, end);
          break;
        case State.DELIMITER_LINE:
          this.passDelimiterLine(bytes, start, end);
          break;
        default:
          notices |= this.readHeader(bytes, start, end);
      }
      if (this.at === before && this.state === state) break;
    }
    if (complete) {
      if (this.state === State.FILE) {
        notices |= this.closeFile(end - start);
        this.cut = true;
      }
      this.state = State.OVER;
    }
    return notices;
  }

  /** The body has lost its beginning: no file is known from here on. */
  abandon(): void {
    this.state = State.OVER;
    this.count = 0;
    this.seen = 0;
  }

  /** Place of the name of a file in the body. @returns false where there is no such file */
  name(index: number, out: BodyRange): boolean {
    if (index < 0 || index >= this.count) return false;
    out.start = this.rows[index * ROW + NAME_START];
    out.end = this.rows[index * ROW + NAME_END];
    return true;
  }

  /** Place of what is there of a file. @returns false where there is no such file */
  content(index: number, out: BodyRange): boolean {
    if (index < 0 || index >= this.count) return false;
    out.start = this.rows[index * ROW + DATA_START];
    out.end = this.closed(index) ? this.rows[index * ROW + DATA_END] : Math.max(out.start, this.sure);
    return true;
  }

  /** Whether the file has come to its end. */
  closed(index: number): boolean {
    return this.rows[index * ROW + DATA_END] >= 0;
  }

  /** Whether the file has come to its end and all of it is there. */
  whole(index: number): boolean {
    return this.closed(index) && !(this.cut && index === this.count - 1);
  }

  /** Place in the body up to which the file was shown. */
  shownUpTo(index: number): number {
    return this.rows[index * ROW + SHOWN];
  }

  /** The listener has seen all there is. */
  shown(): void {
    for (let index = this.seen; index < this.count; index++) {
      const row = index * ROW;
      const end = this.rows[row + DATA_END];
      this.rows[row + SHOWN] = end >= 0 ? end : Math.max(this.rows[row + DATA_START], this.sure);
    }
    while (this.seen < this.count && this.closed(this.seen)) this.seen++;
  }

  /** Looks for the next delimiter. */
  private passContent(bytes: Uint8Array, start: number, end: number): number {
    const { delimiter, delimiterLength } = this;
    let i = start + this.at;
    const last = end - delimiterLength;
    for (; i <= last; i++) {
      if (bytes[i] !== DASH || bytes[i + 1] !== DASH) continue;
      let k = 2;
      while (k < delimiterLength && bytes[i + k] === delimiter[k]) k++;
      if (k < delimiterLength) continue;
      const found = i - start;
      let notices = 0;
      if (this.state === State.FILE) {
        // The line end before a delimiter belongs to it.
        let dataEnd = i;
        if (dataEnd > start && bytes[dataEnd - 1] === LF) dataEnd--;
        if (dataEnd > start && bytes[dataEnd - 1] === CR) dataEnd--;
        notices = this.closeFile(dataEnd - start);
      }
      this.at = found + delimiterLength;
      this.state = State.DELIMITER_LINE;
      return notices;
    }
    this.at = i - start;
    // A delimiter may begin here, with its line end before it.
    this.sure = Math.max(0, this.at - 2);
    return 0;
  }

  private closeFile(end: number): number {
    const row = (this.count - 1) * ROW;
    const begin = this.rows[row + DATA_START];
    this.rows[row + DATA_END] = Math.max(begin, end);
    return end <= begin ? MultipartNotice.NO_FILE_DATA : 0;
  }

  private passDelimiterLine(bytes: Uint8Array, start: number, end: number): void {
    let i = start + this.at;
    if (bytes[i] === DASH) {
      if (i + 1 >= end) return;
      if (bytes[i + 1] === DASH) {
        this.state = State.OVER;
        return;
      }
    }
    while (i < end && bytes[i] !== LF) i++;
    if (i < end) {
      i++;
      this.state = State.HEADER;
      this.headerStart = i - start;
      this.lineStart = this.headerStart;
      this.open = false;
    }
    this.at = i - start;
  }

  private readHeader(bytes: Uint8Array, start: number, end: number): number {
    let notices = 0;
    let i = start + this.at;
    const stop = Math.min(end, start + this.headerStart + LONGEST_HEADER + 1);
    for (; i < stop; i++) {
      if (bytes[i] !== LF) continue;
      const line = start + this.lineStart;
      const lineEnd = i > line && bytes[i - 1] === CR ? i - 1 : i;
      this.lineStart = i + 1 - start;
      if (lineEnd > line) {
        notices |= this.readField(bytes, start, line, lineEnd);
        continue;
      }
      this.at = this.lineStart;
      if (!this.open) this.state = State.DELIMITER;
      else {
        this.state = State.FILE;
        this.rows[(this.count - 1) * ROW + DATA_START] = this.at;
        this.rows[(this.count - 1) * ROW + SHOWN] = this.at;
        this.sure = this.at;
      }
      return notices;
    }
    this.at = i - start;
    if (this.at - this.headerStart > LONGEST_HEADER) {
      notices |= MultipartNotice.INVALID_HEADER | this.goBeyond();
      if (this.open) this.count--;
      this.state = State.DELIMITER;
    }
    return notices;
  }

  /** Told once. */
  private goBeyond(): number {
    const notice = this.beyond ? MultipartNotice.NONE : MultipartNotice.LIMIT;
    this.beyond = true;
    return notice;
  }

  private readField(bytes: Uint8Array, start: number, line: number, lineEnd: number): number {
    let colon = line;
    while (colon < lineEnd && bytes[colon] !== COLON) colon++;
    if (colon >= lineEnd - 1) return MultipartNotice.INVALID_HEADER;
    if (this.open || !equalsLower(bytes, line, colon, CONTENT_DISPOSITION)) return 0;
    if (!parameter.find(bytes, colon + 1, lineEnd, FILENAME) || parameter.end === parameter.start) return 0;
    if (this.count >= MOST_FILES) return this.goBeyond();
    const row = this.count * ROW;
    if (row >= this.rows.length) {
      const larger = new Int32Array(this.rows.length * 2);
      larger.set(this.rows);
      this.rows = larger;
    }
    this.rows[row + NAME_START] = parameter.start - start;
    this.rows[row + NAME_END] = parameter.end - start;
    this.rows[row + DATA_START] = lineEnd - start;
    this.rows[row + DATA_END] = -1;
    this.rows[row + SHOWN] = lineEnd - start;
    this.count++;
    this.open = true;
    return 0;
  }
}
