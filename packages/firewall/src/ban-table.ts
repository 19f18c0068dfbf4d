import { randomBytes } from 'node:crypto';
import { type Ban, type BanOrigin, LONGEST_ID, ORIGINS, PERMANENT } from './ban';
import type { Family } from './names';
import { PackedPrefix, packedContains, packPrefix, printPrefix } from './packed-prefix';

/** Rows of one chunk. Tables grow by chunks, so that nothing is ever copied at once. */
const CHUNK_BITS = 14;
const CHUNK_ROWS = 1 << CHUNK_BITS;
const CHUNK_MASK = CHUNK_ROWS - 1;
/** Parts of the index; each is rehashed by itself when it fills up. */
const SHARDS = 256;
const SMALLEST_SHARD = 8;
const FREE = 0;
/** A slot of the index whose row is gone; looking on behind it is necessary. */
const GONE = -1;
/** Added to the length of IPv6 prefixes, so that one number tells family and length. */
const IPV6 = 256;
const widthOf = ({ family, length }: Readonly<PackedPrefix>): number =>
  family === 6 ? IPV6 + length : length;

class Chunk {
  readonly words = new Int32Array(4 * CHUNK_ROWS);
  /** As `widthOf`. */
  readonly width = new Uint16Array(CHUNK_ROWS);
  readonly since = new Float64Array(CHUNK_ROWS);
  readonly until = new Float64Array(CHUNK_ROWS);
  readonly sid = new Uint32Array(CHUNK_ROWS);
  readonly count = new Uint32Array(CHUNK_ROWS);
  readonly reason = new Uint32Array(CHUNK_ROWS);
  /** FREE, or one more than the place in ORIGINS. */
  readonly origin = new Uint8Array(CHUNK_ROWS);
  /** ASCII, with a zero behind where there is room. */
  readonly id = Buffer.alloc(LONGEST_ID * CHUNK_ROWS);
}

/**
 * Bans by prefix, in typed arrays: 96 bytes each, and nothing for the garbage collector to walk through. A million
 * objects would make it stop the thread that decides on bans for tenths of a second. Times are kept as given.
 *
 * A row number stays the same while its ban is there, and is given to another one later.
 */
export class BanTable {
  private readonly chunks: Chunk[] = [];
  private readonly shards: Int32Array[] = [];
  /** Slots in use or gone, for each shard. */
  private readonly filled = new Uint32Array(SHARDS);
  private readonly alive = new Uint32Array(SHARDS);
  private readonly freed: number[] = [];
  private readonly reasons = new SharedTexts();
  private readonly seed = randomBytes(4).readUInt32LE();
  /** What is being looked for: a prefix, its text and its hash. */
  private readonly key = new PackedPrefix();
  private keyText = '';
  private keyHash = 0;
  /** To print prefixes from, and to look at them. */
  private readonly shown = new PackedPrefix();
  /** Rows ever used. */
  private rows = 0;
  size = 0;
  /** Of what the last `set` has replaced; undefined: there was nothing. */
  replacedUntil: number | undefined;
  /** By origin, IPv4 and IPv6 of each. */
  private readonly kinds = new Uint32Array(2 * ORIGINS.length);
  /** By prefix length, IPv6 after IPv4. */
  private readonly widths = new Uint32Array(2 * IPV6);

  constructor() {
    this.clear();
  }

  clear(): void {
    this.chunks.length = 0;
    this.freed.length = 0;
    this.rows = 0;
    this.size = 0;
    this.kinds.fill(0);
    this.widths.fill(0);
    this.reasons.clear();
    this.filled.fill(0);
    this.alive.fill(0);
    for (let shard = 0; shard < SHARDS; shard++) this.shards[shard] = new Int32Array(SMALLEST_SHARD);
  }

  /** Of a prefix in normal form; -1: it is not there. */
  find(prefix: string): number {
    return this.setKey(prefix) ? this.rowOfKey() : -1;
  }

  get(prefix: string): Ban | undefined {
    const row = this.find(prefix);
    return row < 0 ? undefined : this.at(row);
  }

  /**
   * Replaces what stood for that prefix; `replacedUntil` tells when that would have ended.
   *
   * @returns the row; -1 when the prefix is not in normal form
   */
  set(ban: Ban): number {
    if (!this.setKey(ban.prefix)) return -1;
    let row = this.rowOfKey();
    this.replacedUntil = row < 0 ? undefined : this.untilOf(row);
    if (row < 0) row = this.addKey();
    else {
      this.reasons.release(this.chunkOf(row).reason[row & CHUNK_MASK]);
      this.kinds[this.kindOf(row)]--;
    }
    const chunk = this.chunkOf(row);
    const at = row & CHUNK_MASK;
    chunk.since[at] = ban.since;
    chunk.until[at] = ban.until;
    chunk.sid[at] = ban.sid;
    chunk.count[at] = ban.count;
    chunk.origin[at] = ORIGINS.indexOf(ban.origin) + 1;
    this.kinds[this.kindOf(row)]++;
    chunk.reason[at] = this.reasons.keep(ban.reason);
    const { length } = ban.id;
    for (let i = 0; i < length; i++) chunk.id[at * LONGEST_ID + i] = ban.id.charCodeAt(i);
    if (length < LONGEST_ID) chunk.id[at * LONGEST_ID + length] = 0;
    return row;
  }

  /** @returns whether it was there */
  delete(prefix: string): boolean {
    const row = this.find(prefix);
    if (row < 0) return false;
    const shard = this.shardOf(this.keyHash);
    (this.shards[shard] as Int32Array)[this.slotOf(row)] = GONE;
    this.alive[shard]--;
    const chunk = this.chunkOf(row);
    this.reasons.release(chunk.reason[row & CHUNK_MASK]);
    this.kinds[this.kindOf(row)]--;
    this.widths[chunk.width[row & CHUNK_MASK]]--;
    chunk.origin[row & CHUNK_MASK] = FREE;
    this.freed.push(row);
    this.size--;
    return true;
  }

  /** How many bans there are of an origin and family. */
  count(origin: BanOrigin, family: Family): number {
    return this.kinds[2 * ORIGINS.indexOf(origin) + (family === 6 ? 1 : 0)];
  }

  private kindOf(row: number): number {
    const chunk = this.chunkOf(row);
    const at = row & CHUNK_MASK;
    return 2 * (chunk.origin[at] - 1) + (chunk.width[at] >= IPV6 ? 1 : 0);
  }

  /** Whether there are bans of prefixes of a family and length. */
  hasLength(family: Family, length: number): boolean {
    return this.widths[family === 6 ? IPV6 + length : length] > 0;
  }

  /** When the ban of a row ends; undefined: there is none. */
  untilOf(row: number): number | undefined {
    const chunk = this.chunks[row >> CHUNK_BITS];
    return chunk === undefined || chunk.origin[row & CHUNK_MASK] === FREE
      ? undefined
      : chunk.until[row & CHUNK_MASK];
  }

  at(row: number): Ban {
    const chunk = this.chunkOf(row);
    const at = row & CHUNK_MASK;
    const idAt = at * LONGEST_ID;
    let idEnd = idAt;
    while (idEnd < idAt + LONGEST_ID && chunk.id[idEnd] !== 0) idEnd++;
    return {
      id: chunk.id.toString('latin1', idAt, idEnd),
      prefix: this.prefixOf(row),
      since: chunk.since[at],
      until: chunk.until[at],
      reason: this.reasons.get(chunk.reason[at]),
      sid: chunk.sid[at],
      origin: ORIGINS[chunk.origin[at] - 1] as BanOrigin,
      count: chunk.count[at],
    };
  }

  familyOf(row: number): Family {
    return this.chunkOf(row).width[row & CHUNK_MASK] >= IPV6 ? 6 : 4;
  }

  prefixOf(row: number): string {
    this.read(row, this.shown);
    return printPrefix(this.shown);
  }

  private read(row: number, into: PackedPrefix): void {
    const chunk = this.chunkOf(row);
    const at = row & CHUNK_MASK;
    const width = chunk.width[at];
    into.family = width >= IPV6 ? 6 : 4;
    into.length = width & (IPV6 - 1);
    into.w0 = chunk.words[4 * at];
    into.w1 = chunk.words[4 * at + 1];
    into.w2 = chunk.words[4 * at + 2];
    into.w3 = chunk.words[4 * at + 3];
  }

  /** Rows are below this. */
  get rowLimit(): number {
    return this.rows;
  }

  /** Rows that have a ban, from `from` on. Bans may come and go meanwhile; a new one may be passed over. */
  *rowsFrom(from = 0): IterableIterator<number> {
    for (let row = from; row < this.rows; row++) if (this.untilOf(row) !== undefined) yield row;
  }

  /** Whether the prefix of a row lies inside another, or is the same. */
  isInside(row: number, outer: Readonly<PackedPrefix>): boolean {
    this.read(row, this.shown);
    return packedContains(outer, this.shown);
  }

  /** What was made later than `present`, by a clock that was set back since, lasts as long as it was given from now on. */
  bringBack(row: number, present: number): void {
    const chunk = this.chunkOf(row);
    const at = row & CHUNK_MASK;
    if (chunk.since[at] <= present || chunk.until[at] === PERMANENT) return;
    chunk.until[at] = present + (chunk.until[at] - chunk.since[at]);
    chunk.since[at] = present;
  }

  private chunkOf(row: number): Chunk {
    return this.chunks[row >> CHUNK_BITS] as Chunk;
  }

  // ── The index: open addressing with linear probing; slots hold row + 1 ──

  /** @returns false when it is not a prefix in normal form */
  private setKey(prefix: string): boolean {
    // What is put in has been looked for just before.
    if (prefix === this.keyText) return true;
    this.keyText = '';
    if (!packPrefix(prefix, this.key)) return false;
    this.keyText = prefix;
    this.keyHash = this.hashOf(this.key);
    return true;
  }

  /** As in MurmurHash3; the seed keeps an attacker from choosing addresses that collide. */
  private hashOf(prefix: Readonly<PackedPrefix>): number {
    let hash = mixed(this.seed ^ widthOf(prefix), prefix.w0);
    if (prefix.family === 6) hash = mixed(mixed(mixed(hash, prefix.w1), prefix.w2), prefix.w3);
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return hash ^ (hash >>> 16);
  }

  private shardOf(hash: number): number {
    return hash >>> 24;
  }

  private rowOfKey(): number {
    const slots = this.shards[this.shardOf(this.keyHash)] as Int32Array;
    const mask = slots.length - 1;
    for (let slot = this.keyHash & mask; slots[slot] !== FREE; slot = (slot + 1) & mask)
      if (slots[slot] !== GONE && this.keyIs(slots[slot] - 1)) return slots[slot] - 1;
    return -1;
  }

  /** The slot of the row that `this.key` leads to. */
  private slotOf(row: number): number {
    const slots = this.shards[this.shardOf(this.keyHash)] as Int32Array;
    const mask = slots.length - 1;
    let slot = this.keyHash & mask;
    while (slots[slot] !== row + 1) slot = (slot + 1) & mask;
    return slot;
  }

  private keyIs(row: number): boolean {
    const { words, width } = this.chunkOf(row);
    const at = row & CHUNK_MASK;
    const { key } = this;
    return (
      words[4 * at] === key.w0 &&
      words[4 * at + 1] === key.w1 &&
      words[4 * at + 2] === key.w2 &&
      words[4 * at + 3] === key.w3 &&
      width[at] === widthOf(key)
    );
  }

  /** A row for `this.key`, which is not there yet. */
  private addKey(): number {
    const { key, keyHash } = this;
    const shard = this.shardOf(keyHash);
    if (this.filled[shard] + 1 > this.shards[shard].length * 0.7) this.rehash(shard);
    const slots = this.shards[shard] as Int32Array;
    const mask = slots.length - 1;
    let slot = keyHash & mask;
    while (slots[slot] > FREE) slot = (slot + 1) & mask;
    if (slots[slot] === FREE) this.filled[shard]++;
    this.alive[shard]++;
    const row = this.freed.pop() ?? this.rows++;
    if (row >> CHUNK_BITS === this.chunks.length) this.chunks.push(new Chunk());
    const { words, width } = this.chunkOf(row);
    const at = row & CHUNK_MASK;
    words[4 * at] = key.w0;
    words[4 * at + 1] = key.w1;
    words[4 * at + 2] = key.w2;
    words[4 * at + 3] = key.w3;
    width[at] = widthOf(key);
    this.widths[width[at]]++;
    slots[slot] = row + 1;
    this.size++;
    return row;
  }

  /** Makes room in a shard, without the slots that are gone. Some thousand rows at most in a table of a million. */
  private rehash(shard: number): void {
    const before = this.shards[shard] as Int32Array;
    let length = SMALLEST_SHARD;
    while (length * 0.35 < this.alive[shard] + 1) length *= 2;
    const slots = new Int32Array(length);
    for (const slot of before) {
      if (slot === FREE || slot === GONE) continue;
      this.read(slot - 1, this.shown);
      let place = this.hashOf(this.shown) & (length - 1);
      while (slots[place] !== FREE) place = (place + 1) & (length - 1);
      slots[place] = slot;
    }
    this.shards[shard] = slots;
    this.filled[shard] = this.alive[shard];
  }
}

function mixed(hash: number, word: number): number {
  let mixed = Math.imul(word, 0xcc9e2d51);
  mixed = Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
  mixed ^= hash;
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}

/** Texts that many rows have in common, each kept once and as long as somebody has it. */
class SharedTexts {
  private readonly places = new Map<string, number>();
  private readonly texts: (string | undefined)[] = [];
  private readonly holders: number[] = [];
  private readonly free: number[] = [];
  /** The place that was told last. */
  private last = 0;

  clear(): void {
    this.places.clear();
    this.texts.length = 0;
    this.holders.length = 0;
    this.free.length = 0;
  }

  keep(text: string): number {
    // Most often the same as before.
    const known = this.texts[this.last] === text ? this.last : this.places.get(text);
    if (known !== undefined) {
      this.holders[known]++;
      this.last = known;
      return known;
    }
    const place = this.free.pop() ?? this.texts.length;
    this.texts[place] = text;
    this.holders[place] = 1;
    this.places.set(text, place);
    return place;
  }

  get(place: number): string {
    return this.texts[place] as string;
  }

  release(place: number): void {
    if (--this.holders[place] > 0) return;
    this.places.delete(this.texts[place] as string);
    this.texts[place] = undefined;
    this.free.push(place);
  }
}
