/**
 * Very many values with a number each, made once and then looked up by all threads where they lie.
 *
 * Layout, in words of 32 bits as the machine has them: how many values; how many slots less one, which is a mask; the slots,
 * each the place of a record behind them plus one, or zero; then the records, bytes: the number (16 bits), the length
 * (32 bits, both little-endian), the value.
 */

const HEADER_WORDS = 2;
const WORD = 4;
const RECORD_HEADER = 6;
const FEWEST_SLOTS = 16;
/** Places of records have 32 bits. */
const MOST_BYTES = 0xffff_fff0;
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

export type ValueTableBytes = Uint8Array<SharedArrayBuffer>;

/** FNV-1a, with the high bits brought to where a mask looks. @param value characters are bytes */
function hashOf(value: string): number {
  let hash = FNV_OFFSET;
  for (let i = 0; i < value.length; i++) hash = Math.imul(hash ^ value.charCodeAt(i), FNV_PRIME);
  return hash ^ (hash >>> 15);
}

function holds(records: Buffer, place: number, value: string): boolean {
  if (records.readUInt32LE(place + 2) !== value.length) return false;
  for (let i = 0, at = place + RECORD_HEADER; i < value.length; i++, at++) {
    if (records[at] !== value.charCodeAt(i)) return false;
  }
  return true;
}

/** @returns the slot that has the value, or else the one that it belongs into */
function slotOf(slots: Uint32Array, mask: number, records: Buffer, value: string): number {
  let slot = hashOf(value) & mask;
  while (slots[slot] !== 0 && !holds(records, slots[slot] - 1, value)) slot = (slot + 1) & mask;
  return slot;
}

/** Values are strings whose characters are bytes. */
export class ValueTable {
  readonly size: number;
  private readonly mask: number;
  private readonly slots: Uint32Array;
  private readonly records: Buffer;

  /** @param bytes that a `ValueTableBuilder` has made */
  constructor(readonly bytes: ValueTableBytes) {
    const { buffer } = bytes;
    const header = new Uint32Array(buffer, 0, HEADER_WORDS);
    this.size = header[0];
    this.mask = header[1];
    this.slots = new Uint32Array(buffer, HEADER_WORDS * WORD, this.mask + 1);
    this.records = Buffer.from(buffer, (HEADER_WORDS + this.mask + 1) * WORD);
  }

  has(value: string): boolean {
    return this.number(value) !== undefined;
  }

  /** @returns undefined where the value is not in the table */
  number(value: string): number | undefined {
    const record = this.slots[slotOf(this.slots, this.mask, this.records, value)];
    return record === 0 ? undefined : this.records.readUInt16LE(record - 1);
  }

  /** In the order in which they were added. */
  *values(): Generator<string> {
    for (let place = 0; place < this.records.length; ) {
      const end = place + RECORD_HEADER + this.records.readUInt32LE(place + 2);
      yield this.records.toString('latin1', place + RECORD_HEADER, end);
      place = end;
    }
  }
}

export class ValueTableBuilder {
  private slots = new Uint32Array(FEWEST_SLOTS);
  private records = Buffer.alloc(1024);
  private end = 0;
  private count = 0;

  get size(): number {
    return this.count;
  }

  /** Bytes of the table as it stands. */
  get byteLength(): number {
    return (HEADER_WORDS + this.slots.length) * WORD + this.end;
  }

  /**
   * Adds a value, or gives it another number.
   * @param value characters are bytes
   * @param number 16 bits
   * @throws RangeError where the table would be larger than 4 GB
   */
  set(value: string, number: number): void {
    const record = this.slots[this.slotOf(value)];
    if (record === 0) this.append(value, number);
    else this.records.writeUInt16LE(number, record - 1);
  }

  /** Adds a value; one that is there keeps its number. @throws as `set` */
  add(value: string, number = 0): void {
    if (this.slots[this.slotOf(value)] === 0) this.append(value, number);
  }

  build(): ValueTableBytes {
    const { slots, records, end, count } = this;
    const bytes = new Uint8Array(new SharedArrayBuffer(this.byteLength));
    const words = new Uint32Array(bytes.buffer, 0, HEADER_WORDS + slots.length);
    words[0] = count;
    words[1] = slots.length - 1;
    words.set(slots, HEADER_WORDS);
    bytes.set(records.subarray(0, end), words.byteLength);
    return bytes;
  }

  private slotOf(value: string): number {
    return slotOf(this.slots, this.slots.length - 1, this.records, value);
  }

  private append(value: string, number: number): void {
    if (this.count * 2 >= this.slots.length) this.growSlots();
    const length = RECORD_HEADER + value.length;
    if (this.end + length > MOST_BYTES) throw new RangeError('more values than a table holds');
    if (this.end + length > this.records.length) {
      const grown = Buffer.alloc(Math.max(this.records.length * 2, this.end + length));
      this.records.copy(grown, 0, 0, this.end);
      this.records = grown;
    }
    this.slots[this.slotOf(value)] = this.end + 1;
    this.records.writeUInt16LE(number, this.end);
    this.records.writeUInt32LE(value.length, this.end + 2);
    this.records.write(value, this.end + RECORD_HEADER, 'latin1');
    this.end += length;
    this.count++;
  }

  private growSlots(): void {
    const { records, end } = this;
    const slots = new Uint32Array(this.slots.length * 2);
    const mask = slots.length - 1;
    for (let place = 0; place < end; ) {
      const length = records.readUInt32LE(place + 2);
      const value = records.toString('latin1', place + RECORD_HEADER, place + RECORD_HEADER + length);
      let slot = hashOf(value) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = place + 1;
      place += RECORD_HEADER + length;
    }
    this.slots = slots;
  }
}
