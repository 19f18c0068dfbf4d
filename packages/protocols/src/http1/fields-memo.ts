import * as characters from './characters';
import * as table from './field-table';

// An import is a property load at each use in CommonJS.
const { CR, LF } = characters;
const { NAME_END, NAME_START, ROW, VALUE_END, VALUE_START } = table;

/** Longer header blocks are not kept. */
const LONGEST = 1024;
const SHORTEST = 16;
const ENTRIES = 32;
const MOST_FIELDS = 24;
/** Sums of header blocks that were seen, whether kept or not. */
const SEEN = 256;
/** Bytes of a block by which its entry is found: where it ends is not known yet. */
const SAMPLED = 96;
const NO_BYTES = new Uint8Array(0);

/**
 * Where the fields stand in header blocks that have come before. One client's requests have the same fields, mostly, and so have
 * a server's answers within a second: comparing the bytes is many times quicker than reading them. Only ordinary blocks are
 * kept, whose every line ends with CRLF and of which there is nothing to tell.
 */
export class FieldsMemo {
  /** Rows of entry `e`, as in a head of which the block is the beginning: from `e * MOST_FIELDS * ROW` on. */
  private readonly rows = new Int32Array(ENTRIES * MOST_FIELDS * ROW);
  private readonly counts = new Uint8Array(ENTRIES);
  /** 0: nothing is kept. */
  private readonly lengths = new Int32Array(ENTRIES);
  private readonly blockBytes = new Uint8Array(ENTRIES * LONGEST);
  private readonly blocks = new DataView(this.blockBytes.buffer);
  private readonly seen = new Int32Array(SEEN);
  private sum = 0;
  // The bytes that were looked at last, and those before, for reading four of them at once.
  private bytes: Uint8Array = NO_BYTES;
  private view: DataView = new DataView(NO_BYTES.buffer);
  private otherBytes: Uint8Array = NO_BYTES;
  private otherView: DataView = this.view;

  /** @returns the entry with the block that stands in `bytes` from `start` on, and that ends at or before `end`; -1: none */
  find(bytes: Uint8Array, start: number, end: number): number {
    this.sum = 0;
    if (end - start < SHORTEST) return -1;
    if (bytes !== this.bytes) this.turnTo(bytes);
    const { view, blocks } = this;
    let sum = 1;
    const last = Math.min(end, start + SAMPLED) - 4;
    for (let at = start; at <= last; at += 12)
      sum = Math.imul(sum ^ (sum >>> 15) ^ view.getInt32(at), 0x9e3779b1);
    this.sum = sum ^ (sum >>> 16);
    const entry = this.sum & (ENTRIES - 1);
    const length = this.lengths[entry] as number;
    if (length === 0 || length > end - start) return -1;
    const kept = entry * LONGEST;
    // The last four overlap those before them.
    if (view.getInt32(start + length - 4) !== blocks.getInt32(kept + length - 4)) return -1;
    for (let i = 0; i < length - 4; i += 4) {
      if (view.getInt32(start + i) !== blocks.getInt32(kept + i)) return -1;
    }
    return entry;
  }

  private turnTo(bytes: Uint8Array): void {
    const { bytes: lastBytes, view: lastView } = this;
    this.view =
      bytes === this.otherBytes
        ? this.otherView
        : new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.bytes = bytes;
    this.otherBytes = lastBytes;
    this.otherView = lastView;
  }

  lengthOf(entry: number): number {
    return this.lengths[entry] as number;
  }

  /** Writes the rows of an entry, for a block that begins at `start` of its head. @returns how many */
  recall(entry: number, into: Int32Array, start: number): number {
    const { rows } = this;
    const count = this.counts[entry] as number;
    let from = entry * MOST_FIELDS * ROW;
    for (let row = 0; row < count * ROW; row += ROW, from += ROW) {
      for (let column = 0; column < ROW; column++) into[row + column] = rows[from + column] as number;
      into[row + NAME_START] += start;
      into[row + NAME_END] += start;
      into[row + VALUE_START] += start;
      into[row + VALUE_END] += start;
    }
    return count;
  }

  /**
   * Keeps what was read of the block that `find` did not find, from the second time on: most never come again.
   * @param start of the block in its head, at `base` of the bytes
   */
  keep(base: number, start: number, end: number, rows: Int32Array, count: number): void {
    const { bytes, sum, seen } = this;
    const at = base + start;
    const length = end - start;
    if (sum === 0 || length < SHORTEST || length > LONGEST || count > MOST_FIELDS) return;
    const place = (sum >>> 8) & (SEEN - 1);
    const again = seen[place] === sum;
    seen[place] = sum;
    if (!again || !isOrdinary(bytes, at, at + length)) return;
    const entry = sum & (ENTRIES - 1);
    this.lengths[entry] = length;
    this.counts[entry] = count;
    this.blockBytes.set(bytes.subarray(at, at + length), entry * LONGEST);
    const first = entry * MOST_FIELDS * ROW;
    for (let row = 0; row < count * ROW; row += ROW) {
      for (let column = 0; column < ROW; column++)
        this.rows[first + row + column] = rows[row + column] as number;
      for (const column of [NAME_START, NAME_END, VALUE_START, VALUE_END])
        this.rows[first + row + column] -= start;
    }
  }
}

/** Nothing but lines that end with CRLF, the last one empty: what follows has no part in how it is read. */
function isOrdinary(bytes: Uint8Array, start: number, end: number): boolean {
  if ((bytes[start] as number) <= CR) return false;
  for (let at = start; at < end; at++) {
    if (bytes[at] === CR && bytes[at + 1] !== LF) return false;
    if (bytes[at] === LF && bytes[at - 1] !== CR) return false;
  }
  return bytes[end - 1] === LF && bytes[end - 3] === LF;
}
