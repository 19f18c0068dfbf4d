import { sameBytes, sampleBytes, viewOf } from './byte-words';

/** Longer payloads are not kept. */
export const LONGEST_PAYLOAD = 1024;
const ENTRIES = 16;
const MOST_IDS = 16;
const NOTHING = -1;

/**
 * What the last scans of small payloads found, by both prefilters of a pattern set. Clients ask for the same thing again
 * and again, and get the same answer: comparing it is several times quicker than scanning it.
 */
export class PayloadMemo {
  /** Of the entry in hand: ids that each of the two prefilters found; those of the second stand behind. */
  anywhereCount = 0;
  headCount = 0;

  private readonly keys = new DataView(new ArrayBuffer(ENTRIES * LONGEST_PAYLOAD));
  private readonly lengths = new Int32Array(ENTRIES).fill(NOTHING);
  private readonly ids = new Uint32Array(ENTRIES * MOST_IDS);
  private readonly counts = new Uint8Array(ENTRIES * 2);
  private entry = 0;
  /** The entry in hand waits for a scan: no other may be looked for. */
  filling = false;

  /** @param first number of the first prefilter; -1: the set has the second only */
  constructor(readonly first: number) {}

  /** @returns true where these bytes, at most LONGEST_PAYLOAD, are known; else `store…` fills their entry */
  find(bytes: Uint8Array, start: number, end: number): boolean {
    const view = viewOf(bytes);
    const entry = sampleBytes(view, start, end) & (ENTRIES - 1);
    this.entry = entry;
    const length = end - start;
    if (this.lengths[entry] !== length) return false;
    if (!sameBytes(view, start, this.keys, entry * LONGEST_PAYLOAD, length)) return false;
    this.anywhereCount = this.counts[entry * 2];
    this.headCount = this.counts[entry * 2 + 1];
    return true;
  }

  id(index: number): number {
    return this.ids[this.entry * MOST_IDS + index];
  }

  /** Begins the entry of the bytes that were not found. */
  store(bytes: Uint8Array, start: number, end: number): void {
    const { entry, keys } = this;
    this.lengths[entry] = end - start;
    this.counts[entry * 2] = 0;
    this.counts[entry * 2 + 1] = 0;
    let at = entry * LONGEST_PAYLOAD;
    for (let i = start; i < end; i++) keys.setUint8(at++, bytes[i]);
  }

  /** Adds what a prefilter found: `count` of `found` from `at` on. First `anywhere`, then `head`. */
  storeIds(head: boolean, found: Uint32Array, at: number, count: number): void {
    const { entry, counts } = this;
    const before = head ? counts[entry * 2] : 0;
    if (before + count > MOST_IDS) {
      this.lengths[entry] = NOTHING;
      return;
    }
    counts[entry * 2 + (head ? 1 : 0)] = count;
    const first = entry * MOST_IDS + before;
    for (let i = 0; i < count; i++) this.ids[first + i] = found[at + i];
  }

  /** More was found than can be told. */
  forget(): void {
    this.lengths[this.entry] = NOTHING;
  }
}
