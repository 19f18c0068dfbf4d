/**
 * The head of one message: start line and header fields, as positions in the bytes they came in.
 *
 * The scan can stop after any byte and goes on from there; every byte is looked at a bounded number of times,
 * whatever the sizes of the pieces. All positions are relative to `base`, so they stay right when the head moves
 * from the fed bytes into a buffer of its own (`own`).
 *
 * What ends a line follows libhtp, which the rules are written for: LF in requests (CRs before it belong to the
 * line end; a CR alone ends request line and head, as lenient servers have it), and LF, CRLF, LFCR or CR alone in responses.
 */

import { type BufferPool, NO_BYTES } from '../buffer-pool';
import * as characters from './characters';
import * as fieldNames from './field-names';
import * as table from './field-table';
import type { FieldsMemo } from './fields-memo';
import type { Http1Limits } from './limits';
import { StartLine } from './start-line';

// An import is a property load at each use in CommonJS; the loops below want constants.
const { CLASS, COLON, CR, DIGIT, equalRanges, LF, SP, SPACE, TAB, TOKEN } = characters;
const { FIELD_COUNT, Field, HASH_START, HASH_STEP, hashName, identifyField, isToken } = fieldNames;
const {
  HASH,
  KIND,
  KIND_FIELD,
  KIND_FOLDED,
  KIND_REPEATED,
  LAST,
  NAME_END,
  NAME_START,
  NEXT,
  ROW,
  VALUE_END,
  VALUE_START,
} = table;

/** What a scan found. */
const HeadStatus = {
  INCOMPLETE: 0,
  /** The empty line was seen; `length` is the end of the head. */
  COMPLETE: 1,
  /** The start line has ended (reported once, by `scanStartLine`). */
  START_LINE: 2,
  /** More than `headBytes` without an end. */
  TOO_LONG: 3,
} as const;

/** Bits of `Head.flags`: what was odd, over the whole head. */
const HeadFlag = {
  FIELD_TOO_LONG: 1,
  MISSING_COLON: 2,
  NAME_INVALID: 4,
  INVALID_FOLDING: 8,
  TOO_MANY_FIELDS: 16,
  REPETITION: 32,
  SPACE_BEHIND_NAME: 64,
  NAME_EMPTY: 128,
  ODD_LINE_END: 256,
} as const;

export { HeadFlag, HeadStatus };

/** `HTTP/` and two numbers of a digit. */
const ANY_DIGIT = 0;
const VERSION_FORM = [...'HTTP/0.0'].map((c) => (c === '0' ? ANY_DIGIT : c.charCodeAt(0)));

const LineEnding = { CRLF: 0, CR: 1, LF: 2 } as const;

const INITIAL_ROWS = 32;
/** Lines that one field name may be spread over. */
const LONGEST_NAME_LINES = 4;
/** Characters of a line end that went wrong. */
const LONGEST_ODD_LINE_END = 32;

/** Where the rows of names were put, over all heads of the worker; entries of older heads are stale by their stamp. */
const SLOT_BITS = 12;
const SLOT_MASK = (1 << SLOT_BITS) - 1;
const slotStamp = new Uint32Array(1 << SLOT_BITS);
const slotRow = new Int32Array(1 << SLOT_BITS);
let stamp = 0;

export class Head {
  bytes: Uint8Array = NO_BYTES;
  /** Index in `bytes` of the first byte of the head. */
  base = 0;
  /** Bytes of the head that are there. */
  length = 0;
  /** `bytes` is a pooled buffer of this head. */
  owned = false;
  /** The bytes are gone: they were borrowed and the call that lent them is over. */
  released = false;
  rows = new Int32Array(INITIAL_ROWS * ROW);
  count = 0;
  flags = 0;
  /** Start line without its line end; -1 as end while it is not complete. */
  lineStart = 0;
  lineEnd = -1;
  /** The header block: from behind the start line to behind the empty line. */
  blockStart = 0;
  blockEnd = 0;
  /** Row index of the first field of each known name, or -1. */
  readonly firstOf = new Int16Array(FIELD_COUNT);
  /** Where the walk over the first fields of each name stands: the field with this number has this row index. */
  walkNumber = -1;
  walkIndex = -1;
  private scanned = 0;
  private fieldStart = 0;
  /** How the line before the current one ended. */
  private lineEnding: number = LineEnding.CRLF;
  private repetitions = 0;

  /** Responses end lines at a lone CR too. */
  response = false;
  /** Parts of the start line, once it was parsed. */
  readonly line = new StartLine();

  constructor(
    private readonly limits: Http1Limits,
    private readonly pool: BufferPool,
    private readonly memo: FieldsMemo,
  ) {
    this.firstOf.fill(-1);
  }

  /** Begins a head at `start` of borrowed bytes. */
  begin(bytes: Uint8Array, start: number, end: number, response: boolean): void {
    this.bytes = bytes;
    this.base = start;
    this.response = response;
    this.length = Math.min(end - start, this.limits.headBytes);
  }

  /** Begins a head of fields only (trailers). */
  beginFields(bytes: Uint8Array, start: number, end: number, response: boolean): void {
    this.begin(bytes, start, end, response);
    this.lineEnd = 0;
  }

  /** Adds bytes to a head that was begun in an earlier call. @returns how many were taken */
  append(bytes: Uint8Array, start: number, end: number): number {
    if (!this.owned) this.own();
    const taken = Math.min(end - start, this.limits.headBytes - this.length);
    const needed = this.length + taken;
    if (needed > this.bytes.length) {
      const larger = this.pool.take(needed);
      larger.set(this.bytes.subarray(0, this.length));
      this.pool.give(this.bytes);
      this.bytes = larger;
    }
    for (let i = 0; i < taken; i++) this.bytes[this.length + i] = bytes[start + i];
    this.length = needed;
    return taken;
  }

  /** Moves the head into a buffer of its own. */
  own(): void {
    if (this.owned) return;
    const buffer = this.pool.take(this.length);
    const { bytes, base, length } = this;
    for (let i = 0; i < length; i++) buffer[i] = bytes[base + i];
    this.bytes = buffer;
    this.base = 0;
    this.owned = true;
  }

  /** Memory of this head that is not borrowed, in bytes. */
  heldBytes(): number {
    return (this.owned ? this.bytes.length : 0) + this.rows.length * 4;
  }

  /** Makes the head as new and gives its memory back. */
  clear(): void {
    if (this.owned) this.pool.give(this.bytes);
    this.bytes = NO_BYTES;
    this.base = 0;
    this.length = 0;
    this.owned = false;
    this.released = false;
    if (this.rows.length > 4 * INITIAL_ROWS * ROW) this.rows = new Int32Array(INITIAL_ROWS * ROW);
    this.count = 0;
    this.flags = 0;
    this.lineStart = 0;
    this.lineEnd = -1;
    this.blockStart = 0;
    this.blockEnd = 0;
    // Few entries: a loop is ahead of the built-in `fill`.
    for (let field = 0; field < FIELD_COUNT; field++) this.firstOf[field] = -1;
    this.walkNumber = -1;
    this.walkIndex = -1;
    this.scanned = 0;
    this.fieldStart = 0;
    this.lineEnding = LineEnding.CRLF;
    this.repetitions = 0;
  }

  /** Looks for the end of the start line. @param closed no more bytes will come: what is there is the line */
  scanStartLine(closed: boolean): number {
    const { bytes, base, response } = this;
    const end = base + this.length;
    for (;;) {
      let i = base + this.scanned;
      while (i < end && bytes[i] !== LF && !(bytes[i] === CR && (response || this.endsRequestLine(i, end))))
        i++;
      let next = i + 1;
      this.lineEnding = i > base && bytes[i - 1] === CR ? LineEnding.CRLF : LineEnding.LF;
      if (i < end && bytes[i] === CR) {
        if (next < end) {
          if (bytes[next] === LF) next++;
          this.lineEnding = next > i + 1 ? LineEnding.CRLF : LineEnding.CR;
        } else if (!closed) i = end;
        if (i === end) {
          this.scanned = end - 1 - base;
          return this.length >= this.limits.headBytes ? HeadStatus.TOO_LONG : HeadStatus.INCOMPLETE;
        }
      }
      if (i >= end) {
        this.scanned = this.length;
        // What follows a CR tells whether it ends the line.
        if (!closed && bytes[end - 1] === CR && end > base) this.scanned--;
        if (!closed)
          return this.length >= this.limits.headBytes ? HeadStatus.TOO_LONG : HeadStatus.INCOMPLETE;
        next = end;
      }
      let lineEnd = i;
      while (lineEnd > base + this.lineStart && bytes[lineEnd - 1] === CR) lineEnd--;
      this.scanned = next - base;
      let first = base + this.lineStart;
      while (first < lineEnd && (CLASS[bytes[first]] & SPACE) !== 0) first++;
      if (first === lineEnd && next < end) {
        // A blank line before the start line is passed over (RFC 9112 section 2.2).
        this.lineStart = this.scanned;
        continue;
      }
      if (first === lineEnd && !closed) {
        this.lineStart = this.scanned;
        return this.length >= this.limits.headBytes ? HeadStatus.TOO_LONG : HeadStatus.INCOMPLETE;
      }
      this.lineEnd = lineEnd - base;
      this.fieldStart = this.scanned;
      this.blockStart = this.scanned;
      if (this.lineEnd - this.lineStart > this.limits.fieldBytes) this.flags |= HeadFlag.FIELD_TOO_LONG;
      return HeadStatus.START_LINE;
    }
  }

  /** A CR behind the version of a request line, without LF: lenient servers take it for the end of the line. */
  private endsRequestLine(cr: number, end: number): boolean {
    const { bytes } = this;
    if (cr + 1 >= end || bytes[cr + 1] === LF || bytes[cr + 1] === CR) return false;
    const version = cr - VERSION_FORM.length;
    if (version < this.base + this.lineStart) return false;
    for (let i = 0; i < VERSION_FORM.length; i++) {
      const form = VERSION_FORM[i];
      const c = bytes[version + i];
      if (form === ANY_DIGIT ? (CLASS[c] & DIGIT) === 0 : c !== form) return false;
    }
    this.flags |= HeadFlag.ODD_LINE_END;
    return true;
  }

  /** First byte behind the start line, -1 where it has not come yet. */
  behindStartLine(): number {
    return this.scanned < this.length ? this.bytes[this.base + this.scanned] : -1;
  }

  /** Forgets the start line that was found and takes what follows for it. */
  dropStartLine(): void {
    this.lineStart = this.scanned;
    this.lineEnd = -1;
  }

  /** Looks for header fields up to the empty line. @param closed no more bytes will come */
  scanFields(closed: boolean): number {
    const { base, fieldStart: start, memo } = this;
    const begins = this.scanned === start && this.count === 0 && this.flags === 0;
    // How the line before has ended may matter where it is not the ordinary way.
    const first = begins && !this.owned && this.lineEnding === LineEnding.CRLF;
    if (!first) return this.readFields(closed);
    const entry = memo.find(this.bytes, base + start, base + this.length);
    if (entry >= 0) return this.recall(entry);
    const status = this.readFields(closed);
    // Of fields with something odd about them each head is to tell for itself.
    if (status === HeadStatus.COMPLETE && this.flags === 0)
      memo.keep(base, start, this.length, this.rows, this.count);
    return status;
  }

  /** Takes over the fields of a block that was read before; none of them is repeated, or it would not have been kept. */
  private recall(entry: number): number {
    const { memo, rows, firstOf, fieldStart: start } = this;
    this.count = memo.recall(entry, rows, start);
    for (let index = 0; index < this.count; index++) firstOf[rows[index * ROW + KIND] & KIND_FIELD] = index;
    firstOf[Field.OTHER] = -1;
    this.length = start + memo.lengthOf(entry);
    this.blockEnd = this.length;
    return HeadStatus.COMPLETE;
  }

  private readFields(closed: boolean): number {
    const { bytes, base, response } = this;
    const { fieldBytes } = this.limits;
    const end = base + this.length;
    for (;;) {
      const start = base + this.fieldStart;
      let i = start;
      // The line was seen in part before: first find its end from where the search stopped.
      if (base + this.scanned > start) {
        i = base + this.scanned;
        while (i < end && bytes[i] !== LF && !(response && bytes[i] === CR)) i++;
        if (i >= end || (bytes[i] === CR && i + 1 >= end)) {
          if (!closed) return this.pause(i - base);
        }
        i = start;
      }
      if (i >= end) return closed ? this.finish(end) : this.pause(this.length);

      let c = bytes[i];
      if (c === LF) return this.finish(i + 1);
      if (c === CR) {
        if (response) {
          if (this.lineEnding === LineEnding.CR) return this.finish(i + 1);
          const odd = this.lineEnding === LineEnding.CRLF ? this.passOddLineEnd(i, end, closed) : 0;
          if (odd < 0) return this.pause(i - base);
          if (odd > 0) {
            this.flags |= HeadFlag.ODD_LINE_END;
            this.fieldStart = odd - base;
            this.scanned = this.fieldStart;
            continue;
          }
        }
        let j = i + 1;
        while (j < end && bytes[j] === CR && !response) j++;
        if (j >= end) return closed ? this.finish(end) : this.pause(i - base);
        if (bytes[j] === LF) return this.finish(j + 1);
        this.flags |= HeadFlag.ODD_LINE_END;
        // Servers that take a CR for the end of an empty line have the whole head now; the others refuse it.
        if (!response) return this.finish(i + 1);
        // LFCR as a line end: the line begins behind the CR.
        this.fieldStart++;
        this.scanned = this.fieldStart;
        continue;
      }

      if (c === SP || c === TAB || c === 0) {
        const folded = this.fold(start, end, closed);
        if (folded < 0) return this.pause(this.length);
        if (folded === 2) {
          while (bytes[i] !== LF) i++;
          // An empty line behind it belongs to it.
          if (++i >= end && !closed) return this.pause(i - 1 - base);
          return this.finish(i < end && bytes[i] === LF ? i + 1 : i);
        }
        if (folded > 0) continue;
      }

      // The ordinary line: `name: value` and its line end.
      let hash = HASH_START;
      while (i < end) {
        c = bytes[i];
        if ((CLASS[c] & TOKEN) === 0) break;
        hash = Math.imul(hash ^ (c | 0x20), HASH_STEP);
        i++;
      }
      let nameStart = start;
      let nameEnd = i;
      let colon = i;
      if (i >= end || c !== COLON) {
        for (let joined = 0; ; joined++) {
          while (i < end) {
            c = bytes[i];
            if (c === COLON || c === LF || (response && c === CR)) break;
            i++;
          }
          if (i >= end || c === COLON || joined === LONGEST_NAME_LINES) break;
          // A line that goes on with a space may bring the colon: the name is in pieces.
          let j = i + 1;
          if (c === CR && j < end && bytes[j] === LF) j++;
          if (j >= end) {
            if (!closed) return this.pause(i - base);
            break;
          }
          if (bytes[j] !== SP) break;
          i = j;
        }
        if (i >= end && !closed) return this.pause(this.length);
        colon = i;
        if (i < end && c === COLON) {
          nameEnd = i;
          while (nameEnd > nameStart && (CLASS[bytes[nameEnd - 1]] & SPACE) !== 0) nameEnd--;
          if ((CLASS[bytes[nameStart]] & SPACE) !== 0) this.flags |= HeadFlag.INVALID_FOLDING;
          while (nameStart < nameEnd && (CLASS[bytes[nameStart]] & SPACE) !== 0) nameStart++;
          if (nameEnd !== i) this.flags |= HeadFlag.SPACE_BEHIND_NAME;
          if (nameEnd === nameStart) this.flags |= HeadFlag.NAME_EMPTY;
          else if (!isToken(bytes, nameStart, nameEnd)) this.flags |= HeadFlag.NAME_INVALID;
          hash = hashName(bytes, nameStart, nameEnd);
        } else {
          // No colon: a field without a name, whose value is the line.
          this.flags |= HeadFlag.MISSING_COLON;
          nameEnd = start;
          colon = start - 1;
          hash = HASH_START;
        }
      } else if (nameEnd === nameStart) {
        this.flags |= HeadFlag.NAME_EMPTY;
      }

      let valueStart = colon + 1;
      if (i < valueStart) i = valueStart;
      for (;;) {
        // Almost every byte of a value is above CR: one comparison each.
        while (i < end) {
          c = bytes[i];
          if (c <= CR) break;
          i++;
        }
        if (i >= end || c === LF || (c === CR && response)) break;
        i++;
      }
      if (i >= end && !closed) return this.pause(this.length);
      let valueEnd = i;
      let next = i + 1;
      this.lineEnding = LineEnding.LF;
      if (i < end && c === CR) {
        if (next >= end) {
          if (!closed) return this.pause(i - base);
        } else if (bytes[next] === LF) next++;
        this.lineEnding = next > i + 1 ? LineEnding.CRLF : LineEnding.CR;
      }
      if (next > end) next = end;
      while (valueEnd > valueStart && (CLASS[bytes[valueEnd - 1]] & SPACE) !== 0) valueEnd--;
      while (valueStart < valueEnd && (CLASS[bytes[valueStart]] & SPACE) !== 0) valueStart++;

      if (valueEnd - nameStart > fieldBytes) this.flags |= HeadFlag.FIELD_TOO_LONG;
      this.addRow(nameStart - base, nameEnd - base, valueStart - base, valueEnd - base, hash);
      this.fieldStart = next - base;
      this.scanned = this.fieldStart;
    }
  }

  /** Continues the last field with a line that begins with white space. @returns 1 done, 2 the head ends, 0 not a folded line, -1 wait */
  private fold(start: number, end: number, closed: boolean): number {
    const { bytes, base, response } = this;
    let i = start;
    while (i < end && (bytes[i] === SP || bytes[i] === TAB || bytes[i] === 0)) i++;
    const content = i;
    while (i < end && bytes[i] !== LF && !(response && bytes[i] === CR)) i++;
    if (i >= end && !closed) return -1;
    let next = i + 1;
    let lineEnding: number = LineEnding.LF;
    if (i < end && bytes[i] === CR) {
      if (next >= end) {
        if (!closed) return -1;
      } else if (bytes[next] === LF) next++;
      lineEnding = next > i + 1 ? LineEnding.CRLF : LineEnding.CR;
    }
    if (this.count === 0) return 0;
    if (response) {
      // Browsers take an indented `name:` in a response for a field, not for a folded value.
      let j = content;
      while (j < i && (CLASS[bytes[j]] & TOKEN) !== 0) j++;
      if (j > content && j < i && bytes[j] === COLON) return 0;
    }
    let valueEnd = i;
    while (valueEnd > content && (CLASS[bytes[valueEnd - 1]] & SPACE) !== 0) valueEnd--;
    // A line of white space ends the head of a response where line feeds alone end its lines, as browsers have it.
    if (response && valueEnd === content && lineEnding === LineEnding.LF && i < end) return 2;
    const row = (this.count - 1) * ROW;
    if (valueEnd > content) {
      this.rows[row + VALUE_END] = valueEnd - base;
      this.rows[row + KIND] |= KIND_FOLDED;
      if (valueEnd - base - this.rows[row + NAME_START] > this.limits.fieldBytes)
        this.flags |= HeadFlag.FIELD_TOO_LONG;
    }
    if (next > end) next = end;
    this.lineEnding = lineEnding;
    this.fieldStart = next - base;
    this.scanned = this.fieldStart;
    return 1;
  }

  /**
   * A CR at the start of a line of a response, with CRs or white space behind it: a line end that went wrong, unless
   * the head ends there. @returns where the next line begins, 0 where it is something else, -1 wait
   */
  private passOddLineEnd(start: number, end: number, closed: boolean): number {
    const { bytes } = this;
    let i = start + 1;
    const limit = Math.min(end, start + LONGEST_ODD_LINE_END);
    while (i < limit && (bytes[i] === CR || bytes[i] === SP || bytes[i] === TAB)) i++;
    if (i === limit && limit < end) return 0;
    if (i === start + 1) return i < end || closed ? 0 : -1;
    if (i < end && bytes[i] === LF) i++;
    if (i >= end) return closed ? 0 : -1;
    if (bytes[i] === LF) return 0;
    if (bytes[i] !== CR) return i;
    if (i + 1 >= end) return closed ? 0 : -1;
    return bytes[i + 1] === LF ? 0 : i;
  }

  private pause(scanned: number): number {
    // A CR at the very end is looked at again: what follows tells how far the line end reaches.
    const atCr = scanned > 0 && scanned === this.length && this.bytes[this.base + scanned - 1] === CR;
    this.scanned = atCr ? scanned - 1 : scanned;
    return this.length >= this.limits.headBytes ? HeadStatus.TOO_LONG : HeadStatus.INCOMPLETE;
  }

  private finish(end: number): number {
    this.length = end - this.base;
    this.blockEnd = this.length;
    this.joinRepetitions();
    return HeadStatus.COMPLETE;
  }

  /** Takes what was read so far for the whole head. */
  cut(): void {
    this.blockEnd = this.length;
    this.joinRepetitions();
  }

  private addRow(
    nameStart: number,
    nameEnd: number,
    valueStart: number,
    valueEnd: number,
    hash: number,
  ): void {
    const { count } = this;
    if (count >= this.limits.headerCount) {
      this.flags |= HeadFlag.TOO_MANY_FIELDS;
      return;
    }
    const row = count * ROW;
    if (row >= this.rows.length) {
      const larger = new Int32Array(this.rows.length * 2);
      larger.set(this.rows);
      this.rows = larger;
    }
    const { rows } = this;
    rows[row + NAME_START] = nameStart;
    rows[row + NAME_END] = nameEnd;
    rows[row + VALUE_START] = valueStart;
    rows[row + VALUE_END] = valueEnd;
    rows[row + KIND] = 0;
    rows[row + HASH] = hash;
    rows[row + NEXT] = -1;
    rows[row + LAST] = count;
    this.count = count + 1;
  }

  /** Links the fields of one name, in order, and finds the first field of each known name. */
  private joinRepetitions(): void {
    const { bytes, base, rows, count, firstOf } = this;
    stamp = (stamp + 1) >>> 0;
    if (stamp === 0) {
      slotStamp.fill(0);
      stamp = 1;
    }
    for (let index = 0; index < count; index++) {
      const row = index * ROW;
      const hash = rows[row + HASH];
      const start = base + rows[row + NAME_START];
      const end = base + rows[row + NAME_END];
      const field = identifyField(bytes, start, end, hash);
      let first = -1;
      if (field !== Field.OTHER) {
        rows[row + KIND] |= field;
        first = firstOf[field];
        if (first < 0) firstOf[field] = index;
      } else {
        let slot = (hash ^ (hash >>> SLOT_BITS)) & SLOT_MASK;
        while (slotStamp[slot] === stamp) {
          const other = slotRow[slot] * ROW;
          if (
            rows[other + HASH] === hash &&
            equalRanges(bytes, start, end, base + rows[other + NAME_START], base + rows[other + NAME_END])
          ) {
            first = slotRow[slot];
            break;
          }
          slot = (slot + 1) & SLOT_MASK;
        }
        if (first < 0) {
          slotStamp[slot] = stamp;
          slotRow[slot] = index;
        }
      }
      if (first < 0) continue;
      this.flags |= HeadFlag.REPETITION;
      rows[row + KIND] |= KIND_REPEATED;
      rows[row + LAST] = -1;
      if (++this.repetitions > this.limits.headerRepetitions) continue;
      const last = rows[first * ROW + LAST];
      rows[last * ROW + NEXT] = index;
      rows[first * ROW + LAST] = index;
    }
  }
}
