/** Devices of one of the two halves of the memory. */
const HALF = 65_536;

/** Who was unblocked by hand, and when (wall clock, ms): at least the last 65 536 devices, at most twice as many. */
export class UnblockedByHand {
  /** When `newer` is full it becomes `older`, which is forgotten as a whole: removing one by one would take a while. */
  private newer = new Map<string, number>();
  private older = new Map<string, number>();
  /** When all were. */
  private all = Number.NEGATIVE_INFINITY;

  note(prefix: string, now: number): void {
    if (this.newer.size >= HALF) {
      this.older = this.newer;
      this.newer = new Map();
    }
    // In the order of their times, which is what forgetting goes by.
    this.newer.delete(prefix);
    this.newer.set(prefix, now);
  }

  /** All devices were, also those that nobody names. */
  noteAll(now: number): void {
    this.all = now;
  }

  /** undefined: it was not by itself, as far as is remembered. */
  at(prefix: string): number | undefined {
    return this.newer.get(prefix) ?? this.older.get(prefix);
  }

  /**
   * Why a device is not banned for what a packet of it showed, as a stable word; undefined when it is.
   *
   * @param seenAt when the packet was seen; undefined: nobody knows
   * @param graceMilliseconds so long after its unblocking no packet counts
   */
  refusal(
    prefix: string,
    seenAt: number | undefined,
    now: number,
    graceMilliseconds: number,
  ): 'unblocked-since' | 'grace-after-unblocking' | undefined {
    const unblocked = this.at(prefix) ?? Number.NEGATIVE_INFINITY;
    if (seenAt !== undefined && seenAt <= Math.max(unblocked, this.all)) return 'unblocked-since';
    return now < unblocked + graceMilliseconds ? 'grace-after-unblocking' : undefined;
  }

  /** The clock was set forward by so much. */
  shiftClock(milliseconds: number): void {
    this.all += milliseconds;
    for (const half of [this.newer, this.older])
      for (const [prefix, at] of half) half.set(prefix, at + milliseconds);
  }

  /** Those of before a moment. */
  forget(before: number): void {
    for (const half of [this.newer, this.older])
      for (const [prefix, at] of half) {
        if (at >= before) break;
        half.delete(prefix);
      }
  }
}
