import type { BufferView } from '@portcullis/protocols';

/** Longer keys are not kept. */
const KEY_LENGTH = 1024;
const ENTRIES = 32;
const MOST_RULES = 24;
/** Bytes of the key that tell which entry it may be in. */
const SAMPLES = 8;
/** Buffers that a key is of, at most. */
const MOST_RUNS = 4;

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
  // The key in hand: runs of bytes, one after the other.
  private readonly runs: Uint8Array[] = [];
  private readonly starts = new Int32Array(MOST_RUNS);
  private readonly ends = new Int32Array(MOST_RUNS);
  private runCount = 0;
  private length = 0;
  private sum = 0;
  private entry = 0;

  /** Begins a key. */
  begin(): void {
    this.runCount = 0;
    this.length = 0;
    this.sum = 0;
  }

  /** Adds a buffer to the key: its bytes must stay until the key is stored. @returns false where the key grows too long */
  add({ bytes, start, end }: BufferView): boolean {
    const size = end - start;
    const { runCount } = this;
    if (this.length + size + 2 > KEY_LENGTH || runCount === MOST_RUNS) return false;
    this.runs[runCount] = bytes;
    this.starts[runCount] = start;
    this.ends[runCount] = end;
    this.runCount++;
    // Two bytes for the length: no two lists of buffers have the same key.
    this.length += size + 2;
    const step = (size >> 3) + 1;
    for (let i = 0, at = end - 1; i < SAMPLES && at >= start; i++, at -= step) {
      this.sum = (this.sum * 31 + bytes[at]) | 0;
    }
    return true;
  }

  /** @returns true where the rules for this key are known: `count` of them, by `rule` */
  find(facts: number): boolean {
    const { keys, length, runCount } = this;
    const mixed = (this.sum + length * 7) | 0;
    const entry = (mixed ^ (mixed >>> 7) ^ (mixed >>> 15)) & (ENTRIES - 1);
    this.entry = entry;
    if (this.facts[entry] !== facts || this.lengths[entry] !== length) return false;
    let at = entry * KEY_LENGTH;
    for (let run = 0; run < runCount; run++) {
      const bytes = this.runs[run];
      const start = this.starts[run];
      const end = this.ends[run];
      const size = end - start;
      if (keys[at] !== (size & 0xff) || keys[at + 1] !== size >> 8) return false;
      at += 2;
      for (let i = start; i < end; i++) if (keys[at++] !== bytes[i]) return false;
    }
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
    const { keys, runCount } = this;
    let at = entry * KEY_LENGTH;
    for (let run = 0; run < runCount; run++) {
      const bytes = this.runs[run];
      const end = this.ends[run];
      const size = end - this.starts[run];
      keys[at++] = size;
      keys[at++] = size >> 8;
      for (let i = this.starts[run]; i < end; i++) keys[at++] = bytes[i];
    }
    this.counts[entry] = count;
    for (let i = 0; i < count; i++) this.rules[entry * MOST_RULES + i] = rules[i];
  }
}
