const FREE = 0;
const TAKEN = 1;
/** Looks at a lock before its holder is taken for one that waits for a processor: it has it for a microsecond. */
const LOOKS = 1000;
const NAP_MILLISECONDS = 1;
/** Naps before its holder is taken for one that was ended, unless more is at stake. */
const NAPS = 20;

/**
 * Locks for the parts of a table that threads share, a word each. A thread that was ended while it had one keeps others
 * only for a moment: one of them goes ahead, and the worst that comes of it is a wrong count.
 */
export class PlaceLocks {
  /** @param words zero where nobody has the lock; in memory that is not shared nobody else ever has */
  constructor(
    private readonly words: Int32Array,
    private readonly naps = NAPS,
  ) {}

  take(part: number): void {
    for (let looks = 0; looks < LOOKS; looks++) if (this.tries(part)) return;
    for (let naps = 0; naps < this.naps; naps++) {
      Atomics.wait(this.words, part, TAKEN, NAP_MILLISECONDS);
      if (this.tries(part)) return;
    }
  }

  release(part: number): void {
    Atomics.store(this.words, part, FREE);
  }

  private tries(part: number): boolean {
    return Atomics.compareExchange(this.words, part, FREE, TAKEN) === FREE;
  }
}
