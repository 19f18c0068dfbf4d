import { hashEnd, hashPart, SLACK, sameBytes } from './key-bytes';
import { MAX_HOST, MAX_SEGMENTS } from './limits';
import { hostBit, LINE_WORDS, LineField, lineOf, lineScale, PathShape, pathsBit, segmentsBit } from './lines';
import type { WebAddress } from './web-address';

/** The bits of a table that threads share: plain data, no copy is made when it crosses them. */
export interface AddressTableData {
  /** See lines.ts. */
  readonly lines: SharedArrayBuffer;
  /** Byte at which the first line begins: so that each is one line of the processor's cache. */
  readonly linesAt: number;
  readonly lineCount: number;
  /** Records, one after the other; none lies in two chunks. */
  readonly chunks: readonly SharedArrayBuffer[];
  readonly seed: number;
  /** Odd. Chosen at random, so that nobody can write a feed whose addresses all fall into one place. */
  readonly multiplier: number;
  /** Bit n: there are entries whose host has n labels (31: or more). */
  readonly depths: number;
  readonly entries: number;
  /** By the number that records have. */
  readonly lists: readonly string[];
  readonly categories: readonly string[];
}

/** Fields of a record. */
export const RecordField = { FLAGS: 0, LIST: 1, CATEGORY: 2, LENGTH: 3, KEY: 5 } as const;

/** What a record covers. */
export const EntryFlag = {
  /** The host, or this address of it. */
  ITSELF: 1,
  /** The same of its subdomains. */
  SUBDOMAINS: 2,
} as const;

/** Bytes of a chunk: a power of two. Places in all of them together are 32-bit numbers. */
export const CHUNK_BITS = 24;
export const CHUNK_BYTES = 1 << CHUNK_BITS;
const CHUNK_MASK = CHUNK_BYTES - 1;

const { FLAGS, LIST, CATEGORY, LENGTH, KEY } = RecordField;
const { ITSELF, SUBDOMAINS } = EntryFlag;
const { HOSTS, PATHS, FIRST_PAIR } = LineField;
const COLON = 0x3a;

/** The category of exceptions: what is in it is in no other. */
export const ALLOWED = 0;
/** Of `AddressTable.rank`: what is allowed wins over everything. */
const ALLOWED_RANK = 255;

/**
 * Looks addresses up. A host is looked up with all its parent domains, an address with all paths above it; the whole key
 * is compared, so nothing is found that no list holds. Nothing is allocated.
 */
export class AddressTable {
  /** What was found last: number of its category, its list, the place of its record. */
  category = ALLOWED;
  list = 0;
  private found = 0;
  private best = 0;
  private readonly lines: Int32Array;
  private readonly lineScale: number;
  private readonly chunks: readonly DataView[];
  /** States of the hash of what begins at each label: the host, then its parent domains. */
  private readonly states = new Int32Array(MAX_HOST + 1);
  /** `:port`, and its length. */
  private readonly portText = new Uint8Array(6 + SLACK);
  private readonly portWords = new DataView(this.portText.buffer);
  private portLength = 0;
  /** Of the host whose paths are being looked for: its line, and what that says. */
  private hostLine = 0;
  private shapes = 0;

  /**
   * @param rank by number of a category: how much an entry of it weighs against others that fit as well, 1 … 254; 0: it
   *   is as if it were not there
   */
  constructor(
    private readonly data: AddressTableData,
    private readonly rank: Uint8Array,
  ) {
    this.lines = new Int32Array(data.lines, data.linesAt, data.lineCount * LINE_WORDS);
    this.lineScale = lineScale(data.lineCount);
    this.chunks = data.chunks.map((chunk) => new DataView(chunk));
  }

  /**
   * Finds the entry that weighs most among those that cover an address: what is allowed, then by rank, then by the order of
   * the lists; among those of one list the narrowest domain.
   * @param withPath also entries with a port or a path are looked for
   * @returns whether there is one, and it is not an exception
   */
  find(address: WebAddress, withPath: boolean): boolean {
    const { states, lines } = this;
    const { seed, multiplier, depths } = this.data;
    const { hostWords, labels, labelStarts } = address;
    this.best = 0;
    let state = seed;
    let labelEnd = address.hostEnd;
    for (let label = labels - 1; label >= 0; label--) {
      const start = labelStarts[label] as number;
      state = hashPart(hostWords, start, labelEnd, state, multiplier);
      states[label] = state;
      labelEnd = start;
    }
    if (withPath) this.writePort(address.port);
    for (let label = 0; label < labels; label++) {
      if ((depths & (1 << Math.min(labels - label, 31))) === 0) continue;
      const from = labelStarts[label] as number;
      const flag = label === 0 ? ITSELF : SUBDOMAINS;
      const hash = hashEnd(states[label] as number);
      const line = lineOf(hash, this.lineScale);
      if (((lines[line + HOSTS] as number) & hostBit(hash)) !== 0)
        this.probe(hash, line, flag, address, from, 0, 0);
      if (!withPath || ((lines[line + PATHS] as number) & pathsBit(hash)) === 0) continue;
      this.shapes = lines[line + PATHS] as number;
      this.hostLine = line;
      this.probePaths(states[label] as number, flag, address, from);
    }
    return this.best !== 0 && this.best !== ALLOWED_RANK;
  }

  /** The entry that was found last, as it stands in the table: for people. */
  get entry(): string {
    const chunk = this.chunks[this.found >>> CHUNK_BITS] as DataView;
    const at = this.found & CHUNK_MASK;
    const length = chunk.getUint16(at + LENGTH, true);
    const key = Buffer.from(new Uint8Array(chunk.buffer, at + KEY, length)).toString('latin1');
    return (chunk.getUint8(at + FLAGS) & ITSELF) === 0 ? `*.${key}` : key;
  }

  get listName(): string {
    return this.data.lists[this.list] as string;
  }

  get categoryName(): string {
    return this.data.categories[this.category] as string;
  }

  /** Entries with a path or a port, of the host whose line was looked at. */
  private probePaths(hostState: number, flag: number, address: WebAddress, from: number): void {
    this.probePathsBehind(hostState, flag, address, from, 0);
    const { portLength } = this;
    if (portLength === 0 || (this.shapes & PathShape.PORT) === 0) return;
    const state = hashPart(this.portWords, 0, portLength, hostState, this.data.multiplier);
    this.probePath(hashEnd(state), flag, address, from, portLength, 0);
    this.probePathsBehind(state, flag, address, from, portLength);
  }

  private probePathsBehind(
    start: number,
    flag: number,
    address: WebAddress,
    from: number,
    port: number,
  ): void {
    const { pathWords, segments, segmentStarts, pathEnd, queryEnd } = address;
    const { multiplier } = this.data;
    const { shapes } = this;
    let state = start;
    for (let segment = 1; segment <= segments; segment++) {
      const end = segmentStarts[segment] as number;
      state = hashPart(pathWords, segmentStarts[segment - 1] as number, end, state, multiplier);
      // An entry may end here, and cover what follows; the whole path is another matter.
      if (segment < segments && segment < MAX_SEGMENTS && (shapes & segmentsBit(segment)) !== 0)
        this.probePath(hashEnd(state), flag, address, from, port, end);
    }
    const whole = queryEnd > pathEnd || !address.cut;
    if (pathEnd > 0 && whole && (shapes & segmentsBit(segments)) !== 0)
      this.probePath(hashEnd(state), flag, address, from, port, pathEnd);
    if (queryEnd === pathEnd || address.cut || (shapes & PathShape.QUERY) === 0) return;
    state = hashPart(pathWords, pathEnd, queryEnd, state, multiplier);
    this.probePath(hashEnd(state), flag, address, from, port, queryEnd);
  }

  /** In the line of the host, which is at hand, and where its entries have found no room in there. */
  private probePath(
    hash: number,
    flag: number,
    address: WebAddress,
    from: number,
    port: number,
    path: number,
  ): void {
    const { lines, hostLine } = this;
    for (let pair = hostLine + FIRST_PAIR; pair < hostLine + LINE_WORDS; pair += 2)
      if (lines[pair] === hash && lines[pair + 1] !== 0)
        this.consider(lines[pair + 1] as number, flag, address, from, port, path);
    if ((this.shapes & PathShape.ELSEWHERE) !== 0)
      this.probe(hash, lineOf(hash, this.lineScale), flag, address, from, port, path);
  }

  /** Looks for one key from a line on: the host from `from` on, `port` bytes of the port, `path` bytes of path and query. */
  private probe(
    hash: number,
    firstLine: number,
    flag: number,
    address: WebAddress,
    from: number,
    port: number,
    path: number,
  ): void {
    const { lines } = this;
    for (let line = firstLine; ; line = line + LINE_WORDS < lines.length ? line + LINE_WORDS : 0) {
      for (let pair = line + FIRST_PAIR; pair < line + LINE_WORDS; pair += 2) {
        const reference = lines[pair + 1] as number;
        if (reference === 0) return;
        if (lines[pair] === hash) this.consider(reference, flag, address, from, port, path);
      }
    }
  }

  /** Whether a record is of the key, and weighs more than what was found before. */
  private consider(
    reference: number,
    flag: number,
    address: WebAddress,
    from: number,
    port: number,
    path: number,
  ): void {
    const record = (reference - 1) >>> 0;
    const chunk = this.chunks[record >>> CHUNK_BITS] as DataView;
    const at = record & CHUNK_MASK;
    // Flags, list and category in one.
    const head = chunk.getInt32(at + FLAGS, true);
    if ((head & flag) === 0) return;
    const category = (head >> (8 * CATEGORY)) & 0xff;
    const weight = category === ALLOWED ? ALLOWED_RANK : (this.rank[category] as number);
    const list = (head >> (8 * LIST)) & 0xff;
    if (weight < this.best || weight === 0) return;
    if (weight === this.best && list >= this.list) return;
    if (!this.isKey(chunk, at, address, from, port, path)) return;
    this.best = weight;
    this.category = category;
    this.list = list;
    this.found = record;
  }

  private isKey(
    chunk: DataView,
    record: number,
    address: WebAddress,
    from: number,
    port: number,
    pathLength: number,
  ): boolean {
    const hostLength = address.hostEnd - from;
    if (chunk.getUint16(record + LENGTH, true) !== hostLength + port + pathLength) return false;
    const at = record + KEY;
    if (!sameBytes(chunk, at, address.hostWords, from, hostLength)) return false;
    if (port > 0 && !sameBytes(chunk, at + hostLength, this.portWords, 0, port)) return false;
    return pathLength === 0 || sameBytes(chunk, at + hostLength + port, address.pathWords, 0, pathLength);
  }

  private writePort(port: number): void {
    this.portLength = writePort(port, this.portText, 0);
  }
}

/** Writes `:port`. @returns its length, 0 for no port */
export function writePort(port: number, into: Uint8Array, at: number): number {
  if (port === 0) return 0;
  const text = String(port);
  into[at] = COLON;
  for (let digit = 0; digit < text.length; digit++) into[at + 1 + digit] = text.charCodeAt(digit);
  return text.length + 1;
}

/** Memory of a table in bytes, which all threads share. */
export function tableBytes({ lines, chunks }: AddressTableData): number {
  return chunks.reduce((sum, chunk) => sum + chunk.byteLength, lines.byteLength);
}
