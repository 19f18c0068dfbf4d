/** Looks at a lock before its holder is taken for one that waits for a processor: it has it for a microsecond. */
const LOOKS = 1000;
const NAP_MILLISECONDS = 1;
/** Naps that one holder is given before it is taken for one that was ended: no scheduler keeps a thread waiting that long. */
const NAPS = 200;

/**
 * Locks for the parts of a table that threads share, a word each: odd while somebody has it, and another number each time.
 * So a holder that was ended is told from many who have it one after the other; its lock is taken from it, once, and it
 * frees nobody else's should it have lived after all. A thread has one at a time.
 */
export class PlaceLocks {
  private mine = 0;

  /** @param words zero before the first thread comes; in memory that is not shared nobody else ever has them */
  constructor(private readonly words: Int32Array) {}

  take(part: number): void {
    for (let looks = 0; looks < LOOKS; looks++) {
      const seen = Atomics.load(this.words, part);
      if ((seen & 1) === 0 && this.becomes(part, seen, seen + 1)) return;
    }
    let holder = 0;
    for (let naps = 0; ; naps++) {
      const seen = Atomics.load(this.words, part);
      if (seen !== holder) {
        holder = seen;
        naps = 0;
      }
      if ((seen & 1) === 0) {
        if (this.becomes(part, seen, seen + 1)) return;
      } else if (naps < NAPS) Atomics.wait(this.words, part, seen, NAP_MILLISECONDS);
      else if (this.becomes(part, seen, seen + 2)) return;
    }
  }

  release(part: number): void {
    Atomics.compareExchange(this.words, part, this.mine, (this.mine + 1) | 0);
  }

  /** @returns whether the lock is this thread's now */
  private becomes(part: number, seen: number, next: number): boolean {
    if (Atomics.compareExchange(this.words, part, seen, next | 0) !== seen) return false;
    this.mine = next | 0;
    return true;
  }
}
