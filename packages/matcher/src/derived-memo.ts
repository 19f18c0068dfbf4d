import type { BufferView } from '@portcullis/protocols';
import { sameBytes, sampleBytes, viewOf } from './byte-words';

/** Longer keys are not kept. */
const KEY_LENGTH = 1024;
const ENTRIES = 32;
const MOST_RULES = 24;
/** Buffers that a key is of, at most. */
const MOST_RUNS = 4;

/** What is known of a rule whose buffers are settled by the key. */
export const Verdict = { UNKNOWN: 0, FAILS: 1, MATCHES: 2 } as const;

/**
 * Rules that the patterns in some buffers called for, by the bytes those buffers are made of. One client's requests on a
 * connection have the same header fields, mostly: comparing them is many times quicker than taking them apart, writing
 * each buffer, and scanning it.
 */
export class DerivedMemo {
  private readonly keys = new DataView(new ArrayBuffer(ENTRIES * KEY_LENGTH));
  private readonly lengths = new Int32Array(ENTRIES);
  /** What else the rules depend on; 0: nothing is kept. */
  private readonly facts = new Int32Array(ENTRIES);
  private readonly rules = new Int32Array(ENTRIES * MOST_RULES);
  private readonly counts = new Int32Array(ENTRIES);
  private readonly verdicts = new Uint8Array(ENTRIES * MOST_RULES);
  // The key in hand: runs of bytes, one after the other.
  private readonly runs: DataView[] = [];
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
    const view = viewOf(bytes);
    this.runs[runCount] = view;
    this.starts[runCount] = start;
    this.ends[runCount] = end;
    this.runCount++;
    // Two bytes for the length: no two lists of buffers have the same key.
    this.length += size + 2;
    this.sum = (Math.imul(this.sum, 31) + sampleBytes(view, start, end)) | 0;
    return true;
  }

  /** @returns true where the rules for this key are known: `count` of them, by `rule` */
  find(facts: number): boolean {
    const { keys, length, runCount } = this;
    const mixed = this.sum + Math.imul(facts, 0x9e3779b1);
    const entry = (mixed ^ (mixed >>> 9) ^ (mixed >>> 17)) & (ENTRIES - 1);
    this.entry = entry;
    if (this.facts[entry] !== facts || this.lengths[entry] !== length) return false;
    let at = entry * KEY_LENGTH;
    for (let run = 0; run < runCount; run++) {
      const start = this.starts[run];
      const size = this.ends[run] - start;
      if (keys.getUint16(at) !== size) return false;
      if (!sameBytes(this.runs[run], start, keys, at + 2, size)) return false;
      at += 2 + size;
    }
    return true;
  }

  get count(): number {
    return this.counts[this.entry];
  }

  rule(index: number): number {
    return this.rules[this.entry * MOST_RULES + index];
  }

  /** Whether the buffers of the rule match: a `Verdict`. */
  verdict(index: number): number {
    return this.verdicts[this.entry * MOST_RULES + index];
  }

  /** What has come out for the rule; only while the key is the one that was found or stored last. */
  settle(index: number, verdict: number): void {
    this.verdicts[this.entry * MOST_RULES + index] = verdict;
  }

  /** Keeps the rules for the key that was not found. @returns false where there are too many */
  store(facts: number, rules: Int32Array, count: number): boolean {
    const { entry, length } = this;
    this.facts[entry] = 0;
    if (count > MOST_RULES) return false;
    this.facts[entry] = facts;
    this.lengths[entry] = length;
    const { keys, runCount } = this;
    let at = entry * KEY_LENGTH;
    for (let run = 0; run < runCount; run++) {
      const view = this.runs[run];
      const end = this.ends[run];
      keys.setUint16(at, end - this.starts[run]);
      at += 2;
      for (let i = this.starts[run]; i < end; i++) keys.setUint8(at++, view.getUint8(i));
    }
    this.counts[entry] = count;
    for (let i = 0; i < count; i++) {
      this.rules[entry * MOST_RULES + i] = rules[i];
      this.verdicts[entry * MOST_RULES + i] = Verdict.UNKNOWN;
    }
    return true;
  }
}
