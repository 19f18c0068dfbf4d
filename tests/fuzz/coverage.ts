/** What `instrumented.cjs` counts: how often each branch was taken by the present input. */

interface Counted {
  readonly counters: Uint8Array;
  used: number;
  readonly modules: { first: number; count: number; tokens: string[]; filename: string }[];
}

/** Counts that mean the same: 1, 2, 3, 4 … 7, 8 … 15, 16 … 31, 32 … 127, more. */
const BUCKET = new Uint8Array(256);
for (let count = 1; count < 256; count++) {
  const larger = [2, 3, 4, 8, 16, 32, 128].filter((least) => count >= least).length;
  BUCKET[count] = 1 << larger;
}

export class Coverage {
  private readonly counted: Counted;
  private readonly words: Int32Array;
  /** Buckets of each branch that some input has filled. */
  private readonly seen: Uint8Array;
  /** Branches that some input has taken. */
  branches = 0;

  /** @throws where the process was not started with `instrumented.cjs` */
  constructor() {
    const counted = (globalThis as { portcullisFuzzCoverage?: Counted }).portcullisFuzzCoverage;
    if (counted === undefined) throw new Error('coverage needs node --require tests/fuzz/instrumented.cjs');
    this.counted = counted;
    this.words = new Int32Array(counted.counters.buffer);
    this.seen = new Uint8Array(counted.counters.length);
  }

  /** How many there are in the modules that have been loaded. */
  get known(): number {
    return this.counted.used;
  }

  /** Forgets what was counted since the last call. @returns whether something had not been seen before */
  take(): boolean {
    const { words, seen } = this;
    const { counters, used } = this.counted;
    let fresh = false;
    for (let word = 0; word << 2 < used; word++) {
      if (words[word] === 0) continue;
      for (let at = word << 2; at < (word << 2) + 4; at++) {
        const bucket = BUCKET[counters[at] as number] as number;
        const before = seen[at] as number;
        if ((before | bucket) === before) continue;
        if (before === 0) this.branches++;
        seen[at] = before | bucket;
        fresh = true;
      }
      words[word] = 0;
    }
    return fresh;
  }

  /** Forgets what was counted, as if it had not run. */
  drop(): void {
    this.words.fill(0, 0, (this.counted.used >> 2) + 1);
  }

  /** Literals of the modules of which some branch was taken. */
  tokens(): Set<string> {
    const tokens = new Set<string>();
    for (const { first, count, tokens: words } of this.counted.modules) {
      if (!this.seen.subarray(first, first + count).some((bucket) => bucket !== 0)) continue;
      for (const word of words) tokens.add(word);
    }
    return tokens;
  }
}
