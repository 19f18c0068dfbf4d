import { randomBytes } from 'node:crypto';
import { type AddressTableData, CHUNK_BITS, CHUNK_BYTES, RecordField, writePort } from './address-table';
import { hashEnd, hashPart, SLACK } from './key-bytes';
import { MAX_CATEGORIES, MAX_ENTRIES, MAX_HOST, MAX_LISTS, MAX_PATH } from './limits';
import {
  hostBit,
  LINE_BYTES,
  LINE_WORDS,
  LineField,
  lineOf,
  lineScale,
  linesFor,
  PathShape,
  pathsBit,
  segmentsBit,
} from './lines';
import type { WebAddress } from './web-address';

const { FLAGS, LIST, CATEGORY, LENGTH, KEY } = RecordField;
const CHUNK_MASK = CHUNK_BYTES - 1;
const MAX_CHUNKS = 2 ** (32 - CHUNK_BITS);
const FIRST_SLOTS = 1024;
/** Fullest that the table of hashes gets before it is doubled. */
const FULLEST = 0.7;
/** Of the flags while the table is built: the key is more than a host. Bits above those of `EntryFlag`. */
const HAS_PATH = 0x80;
const DOT = 0x2e;
const SLASH = 0x2f;
const COLON = 0x3a;
const QUESTION = 0x3f;

/** The table is as large as it may get. */
export class TableFullError extends Error {
  readonly code = 'WEB_ADDRESSES_TOO_MANY';
}

/**
 * Called with memory of a table before anything is written there.
 *
 * @returns bytes in front of its first whole line of the processor's cache, a multiple of four
 */
export type PrepareMemory = (memory: SharedArrayBuffer) => number;

/** Puts addresses into a table that workers can share. */
export class AddressTableBuilder {
  entries = 0;
  private slots = new Int32Array(new SharedArrayBuffer(FIRST_SLOTS * 8));
  private mask = FIRST_SLOTS - 1;
  private readonly chunks: Uint8Array[] = [];
  private used = CHUNK_BYTES;
  /** First byte of the chunk in hand at which a line of the processor's cache begins. */
  private lineAt = 0;
  private readonly seed: number;
  private readonly multiplier: number;
  private depths = 0;
  private readonly key = new Uint8Array(MAX_HOST + 6 + MAX_PATH + SLACK);
  private readonly keyWords = new DataView(this.key.buffer);
  private readonly lists: string[] = [];
  private readonly categories: string[] = ['allowed'];
  private readonly categoryNumbers = new Map<string, number>();

  /** @param random two 32-bit numbers; tests give their own */
  constructor(
    private readonly prepare: PrepareMemory = () => 0,
    random: Int32Array = randomWords(),
  ) {
    this.seed = random[0] as number;
    // Odd, and with bits in its upper half: anything less would not mix.
    this.multiplier = ((random[1] as number) & 0x0ffffff8) | 0x50000005;
  }

  /** @returns the number that its entries have */
  addList(name: string): number {
    if (this.lists.length >= MAX_LISTS) throw new RangeError(`there are more than ${MAX_LISTS} lists`);
    return this.lists.push(name) - 1;
  }

  /** @returns the number that its entries have; -1: there are too many */
  categoryNumber(name: string): number {
    const known = this.categoryNumbers.get(name);
    if (known !== undefined) return known;
    if (this.categories.length > MAX_CATEGORIES) return -1;
    const number = this.categories.push(name) - 1;
    this.categoryNumbers.set(name, number);
    return number;
  }

  /**
   * @param flags of `EntryFlag`
   * @returns false where an entry of the same category has said the same before; that of the earlier list stays
   * @throws TableFullError
   */
  add(address: WebAddress, flags: number, list: number, category: number): boolean {
    const { key, multiplier } = this;
    const { host, hostEnd, path, pathEnd, queryEnd, segments, segmentStarts } = address;
    for (let at = 0; at < hostEnd; at++) key[at] = host[at] as number;
    const pathAt = hostEnd + writePort(address.port, key, hostEnd);
    for (let at = 0; at < queryEnd; at++) key[pathAt + at] = path[at] as number;
    const length = pathAt + queryEnd;
    let state = hashHost(this.keyWords, 0, hostEnd, this.seed, multiplier);
    state = hashPart(this.keyWords, hostEnd, pathAt, state, multiplier);
    for (let segment = 0; segment < segments; segment++) {
      const start = pathAt + (segmentStarts[segment] as number);
      const end = pathAt + (segmentStarts[segment + 1] as number);
      state = hashPart(this.keyWords, start, end, state, multiplier);
    }
    state = hashPart(this.keyWords, pathAt + pathEnd, length, state, multiplier);
    if (!this.insert(hashEnd(state), length, flags, list, category, length > hostEnd)) return false;
    this.depths |= 1 << Math.min(address.labels, 31);
    return true;
  }

  private insert(
    hash: number,
    length: number,
    flags: number,
    list: number,
    category: number,
    hasPath: boolean,
  ): boolean {
    let place = hash & this.mask;
    /** The record of this list, which says it of the name or of its subdomains only. */
    let own: Uint8Array | null = null;
    let ownAt = 0;
    for (; this.slots[place * 2 + 1] !== 0; place = (place + 1) & this.mask) {
      if (this.slots[place * 2] !== hash) continue;
      const record = ((this.slots[place * 2 + 1] as number) - 1) >>> 0;
      const chunk = this.chunks[record >>> CHUNK_BITS] as Uint8Array;
      const at = record & CHUNK_MASK;
      if (chunk[at + CATEGORY] !== category || !this.isKey(chunk, at, length)) continue;
      if (((chunk[at + FLAGS] as number) & flags) === flags) return false;
      if (chunk[at + LIST] !== list) continue;
      own = chunk;
      ownAt = at;
    }
    if (own !== null) {
      own[ownAt + FLAGS] = (own[ownAt + FLAGS] as number) | flags;
      return true;
    }
    if (this.entries >= MAX_ENTRIES)
      throw new TableFullError(`there are more than ${MAX_ENTRIES} web addresses`);
    const record = this.write(length, flags | (hasPath ? HAS_PATH : 0), list, category);
    this.slots[place * 2] = hash;
    this.slots[place * 2 + 1] = record + 1;
    this.entries++;
    if (this.entries > (this.mask + 1) * FULLEST) this.grow();
    return true;
  }

  private isKey(chunk: Uint8Array, record: number, length: number): boolean {
    if (((chunk[record + LENGTH] as number) | ((chunk[record + LENGTH + 1] as number) << 8)) !== length)
      return false;
    for (let at = 0; at < length; at++) if (chunk[record + KEY + at] !== this.key[at]) return false;
    return true;
  }

  private write(length: number, flags: number, list: number, category: number): number {
    if (this.used + KEY + length + SLACK > CHUNK_BYTES) {
      if (this.chunks.length >= MAX_CHUNKS)
        throw new TableFullError('the web addresses take more than 4 GiB');
      const chunk = new SharedArrayBuffer(CHUNK_BYTES);
      this.lineAt = this.prepare(chunk) % LINE_BYTES;
      this.chunks.push(new Uint8Array(chunk));
      this.used = 0;
    }
    const chunk = this.chunks[this.chunks.length - 1] as Uint8Array;
    const at = this.placeFor(KEY + length);
    chunk[at + FLAGS] = flags;
    chunk[at + LIST] = list;
    chunk[at + CATEGORY] = category;
    chunk[at + LENGTH] = length;
    chunk[at + LENGTH + 1] = length >> 8;
    for (let i = 0; i < length; i++) chunk[at + KEY + i] = this.key[i] as number;
    this.used = at + KEY + length;
    return (this.chunks.length - 1) * CHUNK_BYTES + at;
  }

  /** Where the next record lies: not in two lines of the processor's cache where one is enough, if the chunk has room. */
  private placeFor(length: number): number {
    const within = (this.used - this.lineAt + LINE_BYTES) % LINE_BYTES;
    if (within === 0 || within + length <= LINE_BYTES || length > LINE_BYTES) return this.used;
    const next = this.used + LINE_BYTES - within;
    return next + length + SLACK <= CHUNK_BYTES ? next : this.used;
  }

  private grow(): void {
    const before = this.slots;
    const slots = new Int32Array(new SharedArrayBuffer(before.byteLength * 2));
    const mask = slots.length / 2 - 1;
    for (let from = 0; from < before.length; from += 2) {
      if (before[from + 1] === 0) continue;
      let place = (before[from] as number) & mask;
      while (slots[place * 2 + 1] !== 0) place = (place + 1) & mask;
      slots[place * 2] = before[from] as number;
      slots[place * 2 + 1] = before[from + 1] as number;
    }
    this.slots = slots;
    this.mask = mask;
  }

  /** The table as it is; nothing may be added afterwards. */
  finish(): AddressTableData {
    const last = this.chunks.length - 1;
    const chunks = this.chunks.map((chunk, number) =>
      number < last
        ? (chunk.buffer as SharedArrayBuffer)
        : (chunk.buffer as SharedArrayBuffer).slice(0, this.used + SLACK),
    );
    return {
      ...this.lines(),
      chunks,
      seed: this.seed,
      multiplier: this.multiplier,
      depths: this.depths,
      entries: this.entries,
      lists: this.lists,
      categories: this.categories,
    };
  }

  /** What is only a host first: an address with a path can as well stand in a line of its own. */
  private lines(): Pick<AddressTableData, 'lines' | 'linesAt' | 'lineCount'> {
    const lineCount = linesFor(this.entries);
    const shared = new SharedArrayBuffer((lineCount + 1) * LINE_BYTES);
    const linesAt = this.prepare(shared);
    const lines = new Int32Array(shared, linesAt, lineCount * LINE_WORDS);
    const scale = lineScale(lineCount);
    for (const paths of [false, true])
      for (let slot = 0; slot < this.slots.length; slot += 2) {
        const reference = this.slots[slot + 1] as number;
        if (reference === 0) continue;
        const record = (reference - 1) >>> 0;
        const chunk = this.chunks[record >>> CHUNK_BITS] as Uint8Array;
        const at = record & CHUNK_MASK;
        if ((((chunk[at + FLAGS] as number) & HAS_PATH) !== 0) !== paths) continue;
        const hash = this.slots[slot] as number;
        if (!paths) {
          const line = lineOf(hash, scale);
          lines[line + LineField.HOSTS] |= hostBit(hash);
          putFrom(lines, line, hash, reference);
          continue;
        }
        const hostHash = this.hashOfHost(chunk, at);
        const hostLine = lineOf(hostHash, scale);
        lines[hostLine + LineField.PATHS] |= pathsBit(hostHash) | shapeOf(chunk, at);
        if (putInto(lines, hostLine, hash, reference)) continue;
        lines[hostLine + LineField.PATHS] |= PathShape.ELSEWHERE;
        putFrom(lines, lineOf(hash, scale), hash, reference);
      }
    return { lines: shared, linesAt, lineCount };
  }

  private hashOfHost(chunk: Uint8Array, record: number): number {
    const length = (chunk[record + LENGTH] as number) | ((chunk[record + LENGTH + 1] as number) << 8);
    const end = hostLength(chunk, record + KEY, length);
    const words = new DataView(chunk.buffer);
    return hashEnd(hashHost(words, record + KEY, record + KEY + end, this.seed, this.multiplier));
  }
}

/** @returns false: the line is full */
function putInto(lines: Int32Array, line: number, hash: number, reference: number): boolean {
  let pair = line + LineField.FIRST_PAIR;
  while (pair < line + LINE_WORDS && lines[pair + 1] !== 0) pair += 2;
  if (pair === line + LINE_WORDS) return false;
  lines[pair] = hash;
  lines[pair + 1] = reference;
  return true;
}

/** Into the first line that has room; half of all pairs have. */
function putFrom(lines: Int32Array, firstLine: number, hash: number, reference: number): void {
  let line = firstLine;
  while (!putInto(lines, line, hash, reference))
    line = line + LINE_WORDS < lines.length ? line + LINE_WORDS : 0;
}

/** Label by label, the last one first, each but the last with the dot behind it. */
function hashHost(bytes: DataView, from: number, to: number, seed: number, multiplier: number): number {
  let state = seed;
  let partEnd = to;
  for (let at = to - 1; at >= from - 1; at--) {
    if (at >= from && bytes.getUint8(at) !== DOT) continue;
    state = hashPart(bytes, at + 1, partEnd, state, multiplier);
    partEnd = at + 1;
  }
  return state;
}

/** What its line says of a record with a port, path or query. */
function shapeOf(chunk: Uint8Array, record: number): number {
  const start = record + KEY;
  const length = (chunk[record + LENGTH] as number) | ((chunk[record + LENGTH + 1] as number) << 8);
  let at = hostLength(chunk, start, length);
  let shape = chunk[start + at] === COLON ? PathShape.PORT : 0;
  let segments = 0;
  for (; at < length && chunk[start + at] !== QUESTION; at++) if (chunk[start + at] === SLASH) segments++;
  if (at < length) shape |= PathShape.QUERY;
  else if (segments > 0) shape |= segmentsBit(segments);
  return shape;
}

/** Bytes of a key that are its host: up to the port, path or query. */
function hostLength(chunk: Uint8Array, start: number, length: number): number {
  const bracketed = chunk[start] === 0x5b;
  for (let at = bracketed ? chunk.indexOf(0x5d, start) - start : 0; at < length; at++) {
    const byte = chunk[start + at];
    if (byte === COLON || byte === SLASH || byte === QUESTION) return at;
  }
  return length;
}

function randomWords(): Int32Array {
  const bytes = randomBytes(8);
  return Int32Array.of(bytes.readInt32LE(0), bytes.readInt32LE(4));
}
