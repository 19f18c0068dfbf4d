/** Longer buffers seldom repeat, and comparing them costs what a scan does. */
export const MEMO_LENGTH = 96;
const ENTRIES = 16;
const MOST_IDS = 14;
const NONE = 255;

/**
 * What the last scans of short buffers found. One client's requests have the same method, host, user agent and so on:
 * comparing a few bytes is several times quicker than scanning them again.
 */
export class ScanMemo {
  private readonly bytes = new Uint8Array(ENTRIES * MEMO_LENGTH);
  private readonly lengths = new Uint8Array(ENTRIES).fill(NONE);
  /** Ids that the scan of entry `e` found: from `e * MOST_IDS` on, `counts[e]` of them. */
  readonly ids = new Uint32Array(ENTRIES * MOST_IDS);
  readonly counts = new Uint8Array(ENTRIES);

  /** The only entry that may hold these bytes. At most MEMO_LENGTH of them, at least one. */
  entryOf(text: Uint8Array, from: number, to: number): number {
    const length = to - from;
    const sum = length * 5 + text[from] * 3 + text[to - 1] * 7 + text[from + (length >> 1)];
    return (sum ^ (sum >> 4)) & (ENTRIES - 1);
  }

  /** True where the entry holds exactly these bytes. */
  holds(entry: number, text: Uint8Array, from: number, to: number): boolean {
    if (this.lengths[entry] !== to - from) return false;
    const { bytes } = this;
    let at = entry * MEMO_LENGTH;
    for (let i = from; i < to; i++) if (bytes[at++] !== text[i]) return false;
    return true;
  }

  /** First id of an entry in `ids`. */
  firstId(entry: number): number {
    return entry * MOST_IDS;
  }

  /** Keeps what a scan has found: `count` ids of `found` from `at` on. */
  store(
    entry: number,
    text: Uint8Array,
    from: number,
    to: number,
    found: Uint32Array,
    at: number,
    count: number,
  ): void {
    if (count > MOST_IDS) {
      this.lengths[entry] = NONE;
      return;
    }
    this.lengths[entry] = to - from;
    let write = entry * MEMO_LENGTH;
    for (let i = from; i < to; i++) this.bytes[write++] = text[i];
    this.counts[entry] = count;
    const first = entry * MOST_IDS;
    for (let i = 0; i < count; i++) this.ids[first + i] = found[at + i];
  }
}
