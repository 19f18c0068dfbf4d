/**
 * What rules have changed in data sets since these were loaded: values that were added, and values of files that do not count
 * any more. One table for all sets, and for all threads that share its memory.
 *
 * Layout, in words of 32 bits: the lock; how many records there are; end of what was ever used of the memory behind the heads,
 * in bytes; what hashes begin with, so that nobody can send values that all fall into one list; heads of the lists of free records, by size; heads of the lists of records, by hash; then the records. A head is
 * the place of a record, in bytes, or zero. A record:
 *
 * ```
 * word 0  place of the next one in its list
 * word 1  lower half of the set's id
 * word 2  upper half (16 bits), and above it what became of the value
 * word 3  length of the value, bytes; of a set's own record: bytes that the set takes
 * …       the value
 * ```
 */

import { randomInt } from 'node:crypto';
import { nameHash } from '../name-hash';
import { PlaceLocks } from '../place-locks';

/** What became of a value; NOTHING: it is as its file has it. OF_SET is no value but what is known of the set itself. */
export const Change = { NOTHING: 0, ADDED: 1, REMOVED: 2, OF_SET: 3 } as const;
export type ValueChange = 0 | 1 | 2;

const Word = { LOCK: 0, COUNT: 1, END: 2, SEED: 3, FREE: 4 } as const;
const Field = { NEXT: 0, ID: 1, CHANGE: 2, LENGTH: 3 } as const;
const RECORD_HEADER = 16;
/** Sizes of records: multiples of 32 bytes up to 2 KiB, then powers of two. */
const STEP = 32;
const STEPS = 64;
const LARGER = 5;
const LARGEST = (STEP * STEPS) << LARGER;
const SIZES = STEPS + 1 + LARGER;
/** Longer than any list gets but for one that was left half done. */
const MOST_STEPS = 10_000;
const BUCKETS = 1 << 16;
const BUCKETS_AT = Word.FREE + SIZES;
const RECORDS_AT = Math.ceil((BUCKETS_AT + BUCKETS) / 8) * 32;
const NO_WORDS = new Uint32Array(Word.COUNT + 1);

/** What a set is called in all threads. Sets of one name and different types are different sets. */
export function setIdOf(type: string, name: string): number {
  return nameHash(`${type} ${name}`);
}

/** Number of the smallest size that so many bytes fit into. */
function sizeFor(bytes: number): number {
  if (bytes <= STEP * STEPS) return Math.ceil(bytes / STEP);
  let size = STEPS + 1;
  while (bytesOf(size) < bytes) size++;
  return size;
}

function bytesOf(size: number): number {
  return size <= STEPS ? size * STEP : (STEP * STEPS) << (size - STEPS);
}

export class LearntValues {
  /** Of its memory: what all sets may learn together, and some. */
  static readonly BYTES = 1 << 27;

  private words: Uint32Array = NO_WORDS;
  private bytes: Buffer = Buffer.alloc(0);
  private lock = new PlaceLocks(new Int32Array(1));

  /** @param memory of `BYTES`, zero before the first table is made of it; null: its own, once something is learnt */
  constructor(memory: SharedArrayBuffer | null = null) {
    if (memory !== null) this.lieIn(memory);
  }

  private lieIn(memory: ArrayBuffer | SharedArrayBuffer): void {
    this.words = new Uint32Array(memory);
    this.bytes = Buffer.from(memory as ArrayBuffer);
    this.lock = new PlaceLocks(new Int32Array(memory, Word.LOCK, 1));
    // Whoever comes first: all that make tables of the memory do so before anything is learnt.
    Atomics.compareExchange(this.words, Word.SEED, 0, randomInt(1, 2 ** 32));
  }

  /** @param set by `setIdOf` */
  changeOf(set: number, value: string): ValueChange {
    if (this.words[Word.COUNT] === 0) return Change.NOTHING;
    this.lock.take(0);
    const place = this.find(set, value, this.bucketOf(set, value));
    const change = place === 0 ? Change.NOTHING : this.changeAt(place);
    this.lock.release(0);
    return change as ValueChange;
  }

  /**
   * @param room bytes that the set may take with all that it learns
   * @returns whether that is news; null: there is no room for it
   */
  change(set: number, value: string, to: ValueChange, room: number): boolean | null {
    if (this.words === NO_WORDS) {
      if (to === Change.NOTHING) return false;
      this.lieIn(new ArrayBuffer(LearntValues.BYTES));
    }
    this.lock.take(0);
    const changed = this.changeLocked(set, value, to, room);
    this.lock.release(0);
    return changed;
  }

  private changeLocked(set: number, value: string, to: ValueChange, room: number): boolean | null {
    const bucket = this.bucketOf(set, value);
    const place = this.find(set, value, bucket);
    if (place !== 0) {
      if (this.changeAt(place) === to) return false;
      if (to === Change.NOTHING) this.drop(bucket, place, set, value);
      else this.write(place, Field.CHANGE, upperHalf(set) | (to << 16));
      return true;
    }
    if (to === Change.NOTHING) return false;
    if (RECORD_HEADER + value.length > LARGEST) return null;
    const size = sizeFor(RECORD_HEADER + value.length);
    const account = this.accountOf(set);
    if (account === 0) return null;
    const taken = this.read(account, Field.LENGTH) + bytesOf(size);
    if (taken > room) return null;
    const record = this.take(size);
    if (record === 0) return null;
    this.write(account, Field.LENGTH, taken);
    this.bytes.write(value, record + RECORD_HEADER, 'latin1');
    this.link(bucket, record, set, to, value.length);
    return true;
  }

  /** Values of a set, with what became of them. */
  *changes(set: number): Generator<[value: string, change: ValueChange]> {
    if (this.words[Word.COUNT] === 0) return;
    for (let bucket = BUCKETS_AT; bucket < BUCKETS_AT + BUCKETS; bucket++) {
      // A list as it is now: none is long, and nobody waits for all of them to be read.
      const found: [string, ValueChange][] = [];
      this.lock.take(0);
      let place = this.words[bucket];
      for (let steps = 0; place !== 0 && steps < MOST_STEPS; steps++, place = this.read(place, Field.NEXT)) {
        const change = this.changeAt(place);
        if (this.isOf(place, set) && change !== Change.OF_SET)
          found.push([this.valueAt(place), change as ValueChange]);
      }
      this.lock.release(0);
      yield* found;
    }
  }

  /** Nothing was learnt. */
  forget(): void {
    if (this.words[Word.COUNT] === 0) return;
    this.lock.take(0);
    this.words.fill(0, Word.COUNT, Word.SEED);
    this.words.fill(0, Word.FREE, RECORDS_AT / 4);
    this.lock.release(0);
  }

  private read(place: number, field: number): number {
    return this.words[place / 4 + field];
  }

  private write(place: number, field: number, value: number): void {
    this.words[place / 4 + field] = value;
  }

  private changeAt(place: number): number {
    return this.read(place, Field.CHANGE) >>> 16;
  }

  private valueAt(place: number): string {
    const from = place + RECORD_HEADER;
    return this.bytes.toString('latin1', from, from + this.read(place, Field.LENGTH));
  }

  private isOf(place: number, set: number): boolean {
    return (
      this.read(place, Field.ID) === set >>> 0 && (this.read(place, Field.CHANGE) & 0xffff) === upperHalf(set)
    );
  }

  /** @returns the word that has the head of the list */
  private bucketOf(set: number, value: string): number {
    let hash = (set | 0) ^ this.words[Word.SEED];
    for (let i = 0; i < value.length; i++) hash = Math.imul(hash ^ value.charCodeAt(i), 0x01000193);
    hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
    return BUCKETS_AT + ((hash >>> 8) & (BUCKETS - 1));
  }

  /** @returns 0 where nothing became of the value */
  private find(set: number, value: string, bucket: number): number {
    let place = this.words[bucket];
    for (let steps = 0; place !== 0 && steps < MOST_STEPS; steps++, place = this.read(place, Field.NEXT)) {
      if (!this.isOf(place, set) || this.changeAt(place) === Change.OF_SET) continue;
      if (this.read(place, Field.LENGTH) === value.length && this.holds(place, value)) return place;
    }
    return 0;
  }

  private holds(place: number, value: string): boolean {
    const from = place + RECORD_HEADER;
    for (let i = 0; i < value.length; i++) if (this.bytes[from + i] !== value.charCodeAt(i)) return false;
    return true;
  }

  /** The record that says what a set takes. @returns 0 where there is no room for one */
  private accountOf(set: number): number {
    const bucket = this.bucketOf(set, '');
    let place = this.words[bucket];
    for (let steps = 0; place !== 0 && steps < MOST_STEPS; steps++, place = this.read(place, Field.NEXT))
      if (this.isOf(place, set) && this.changeAt(place) === Change.OF_SET) return place;
    const record = this.take(sizeFor(RECORD_HEADER));
    if (record !== 0) this.link(bucket, record, set, Change.OF_SET, 0);
    return record;
  }

  /** Memory for a record. @returns 0 where there is none */
  private take(size: number): number {
    const { words } = this;
    const free = words[Word.FREE + size - 1];
    if (free !== 0) {
      words[Word.FREE + size - 1] = this.read(free, Field.NEXT);
      return free;
    }
    const record = RECORDS_AT + words[Word.END];
    if (record + bytesOf(size) > this.bytes.length) return 0;
    words[Word.END] += bytesOf(size);
    return record;
  }

  private link(bucket: number, record: number, set: number, change: number, length: number): void {
    this.write(record, Field.ID, set >>> 0);
    this.write(record, Field.CHANGE, upperHalf(set) | (change << 16));
    this.write(record, Field.LENGTH, length);
    this.write(record, Field.NEXT, this.words[bucket]);
    this.words[bucket] = record;
    this.words[Word.COUNT]++;
  }

  private drop(bucket: number, record: number, set: number, value: string): void {
    const { words } = this;
    const size = sizeFor(RECORD_HEADER + value.length);
    const next = this.read(record, Field.NEXT);
    if (words[bucket] === record) words[bucket] = next;
    else {
      let place = words[bucket];
      for (let steps = 0; steps < MOST_STEPS && this.read(place, Field.NEXT) !== record; steps++)
        place = this.read(place, Field.NEXT);
      this.write(place, Field.NEXT, next);
    }
    words[Word.COUNT]--;
    const account = this.accountOf(set);
    if (account !== 0) this.write(account, Field.LENGTH, this.read(account, Field.LENGTH) - bytesOf(size));
    this.write(record, Field.NEXT, words[Word.FREE + size - 1]);
    words[Word.FREE + size - 1] = record;
  }
}

function upperHalf(set: number): number {
  return Math.floor(set / 0x100000000) & 0xffff;
}
