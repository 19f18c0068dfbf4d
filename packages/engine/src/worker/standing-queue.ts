/** A queue that has not run empty for so long (ms) stands: its packets wait, and a longer queue is only a longer wait. */
const STANDS_AFTER = 200;
/**
 * What waits in a queue that stands is no more than the worker gets through in so many ms. Where what exceeds that passes,
 * a short wait costs nobody anything; where it is dropped, senders find out after 200 ms at the earliest.
 */
const LONGEST_WAIT = { open: 5, closed: 50 } as const;
/** Packets: a worker that waits for a processor has to find some when it gets it. */
const SHORTEST = { open: 128, closed: 1024 } as const;
/** Another length is asked for when it differs by so much: the kernel is told, which costs a call. */
const DIFFERENCE = 1.5;
/** A queue that has run empty again and again for so long (ms) gets its full length back. */
const RECOVERED_AFTER = 1000;

/**
 * Shortens a queue while its worker cannot keep up. What exceeds its speed goes past or is dropped (`fail-open`) however
 * long the queue is; but in a long one every packet of a good connection waits behind thousands of a flood's.
 */
export class StandingQueue {
  /** Packets that may wait now. */
  length: number;
  private readonly policy: keyof typeof LONGEST_WAIT;
  private readonly longest: number;
  private emptyAt: number;
  private packets = 0;
  private stoodAt = Number.NEGATIVE_INFINITY;

  /**
   * @param queue `effective.maxLength` is what the configuration asks for
   * @param batchSize a smaller batch has taken all that was there
   */
  constructor(
    private readonly queue: { readonly effective: { maxLength: number }; setMaxLength(length: number): void },
    private readonly batchSize: number,
    failOpen: boolean,
    now: number,
  ) {
    this.policy = failOpen ? 'open' : 'closed';
    this.longest = queue.effective.maxLength;
    this.length = this.longest;
    this.emptyAt = now;
  }

  /** To be called after each batch, and each wait without one. @param now ms of a clock that only goes forward */
  took(count: number, now: number): void {
    this.packets += count;
    const elapsed = now - this.emptyAt;
    if (elapsed >= STANDS_AFTER) {
      const wanted = Math.round((this.packets / elapsed) * LONGEST_WAIT[this.policy]);
      this.stoodAt = now;
      this.emptyAt = now - STANDS_AFTER / 2;
      this.packets = Math.round(this.packets * (STANDS_AFTER / 2 / elapsed));
      this.setLength(Math.min(this.longest, Math.max(SHORTEST[this.policy], wanted)));
    }
    if (count >= this.batchSize) return;
    this.emptyAt = now;
    this.packets = 0;
    if (this.length < this.longest && now - this.stoodAt >= RECOVERED_AFTER) this.setLength(this.longest);
  }

  private setLength(length: number): void {
    const { length: before, longest } = this;
    if (length === before) return;
    if (length !== longest && length < before * DIFFERENCE && length > before / DIFFERENCE) return;
    try {
      this.queue.setMaxLength(length);
      this.length = length;
    } catch {
      // The queue works as it is; when it stands again it is tried again.
    }
  }
}
