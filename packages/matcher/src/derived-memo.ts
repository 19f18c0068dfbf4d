import type { BufferView } from '@portcullis/protocols';

/** Longer keys are not kept. */
const KEY_LENGTH = 1024;
const ENTRIES = 32;
const MOST_RULES = 24;
/** Bytes of the key that tell which entry it may be in. */
const SAMPLES = 8;

/**
 * Rules that the patterns in some buffers called for, by the bytes those buffers are made of. One client's requests on a
 * connection have the same header fields, mostly: comparing them is many times quicker than taking them apart, writing
 * each buffer, and scanning it.
 */
export class DerivedMemo {
  private readonly keys = new Uint8Array(ENTRIES * KEY_LENGTH);
  private readonly lengths = new Int32Array(ENTRIES);
  /** What else the rules depend on; 0: nothing is kept. */
  private readonly facts = new Int32Array(ENTRIES);
  private readonly rules = new Int32Array(ENTRIES * MOST_RULES);
  private readonly counts = new Int32Array(ENTRIES);
  private readonly key = new Uint8Array(KEY_LENGTH);
  private length = 0;
  private sum = 0;
  private entry = 0;

  /** Begins a key. */
  begin(): void {
    this.length = 0;
    this.sum = 0;
  }

  /** Adds a buffer to the key. @returns false where the key grows too long */
  add({ bytes, start, end }: BufferView): boolean {
    const { key } = this;
    const size = end - start;
    let write = this.length;
    if (write + size + 2 > KEY_LENGTH) return false;
    // The length before the bytes: no two lists of buffers have the same key.
    key[write++] = size;
    key[write++] = size >> 8;
    for (let i = start; i < end; i++) key[write++] = bytes[i];
    this.length = write;
    const step = (size >> 3) + 1;
    for (let i = 0, at = end - 1; i < SAMPLES && at >= start; i++, at -= step) {
      this.sum = (this.sum * 31 + bytes[at]) | 0;
    }
    return true;
  }

  /** @returns true where the rules for this key are known: `count` of them, by `rule` */
  find(facts: number): boolean {
    const { key, keys, length } = this;
    const mixed = (this.sum + length * 7) | 0;
    const entry = (mixed ^ (mixed >>> 7) ^ (mixed >>> 15)) & (ENTRIES - 1);
    this.entry = entry;
    if (this.facts[entry] !== facts || this.lengths[entry] !== length) return false;
    const first = entry * KEY_LENGTH;
    for (let i = 0; i < length; i++) if (keys[first + i] !== key[i]) return false;
    return true;
  }

  get count(): number {
    return this.counts[this.entry];
  }

  rule(index: number): number {
    return this.rules[this.entry * MOST_RULES + index];
  }

  /** Keeps the rules for the key that was not found. */
  store(facts: number, rules: Int32Array, count: number): void {
    const { entry, length } = this;
    this.facts[entry] = 0;
    if (count > MOST_RULES) return;
    this.facts[entry] = facts;
    this.lengths[entry] = length;
    const first = entry * KEY_LENGTH;
    for (let i = 0; i < length; i++) this.keys[first + i] = this.key[i];
    this.counts[entry] = count;
    for (let i = 0; i < count; i++) this.rules[entry * MOST_RULES + i] = rules[i];
  }
}
