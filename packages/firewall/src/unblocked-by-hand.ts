/** Devices of one of the two halves of the memory. */
const HALF = 65_536;

/** Who was unblocked by hand, and when (wall clock, ms): at least the last 65 536 devices, at most twice as many. */
export class UnblockedByHand {
  /** When `newer` is full it becomes `older`, which is forgotten as a whole: removing one by one would take a while. */
  private newer = new Map<string, number>();
  private older = new Map<string, number>();

  note(prefix: string, now: number): void {
    if (this.newer.size >= HALF) {
      this.older = this.newer;
      this.newer = new Map();
    }
    this.newer.set(prefix, now);
  }

  /** undefined: it was not, as far as is remembered. */
  at(prefix: string): number | undefined {
    return this.newer.get(prefix) ?? this.older.get(prefix);
  }

  /** The clock was set forward by so much. */
  shiftClock(milliseconds: number): void {
    for (const half of [this.newer, this.older])
      for (const [prefix, at] of half) half.set(prefix, at + milliseconds);
  }

  /** Those of before a moment. */
  forget(before: number): void {
    for (const half of [this.newer, this.older])
      for (const [prefix, at] of half) if (at < before) half.delete(prefix);
  }
}
