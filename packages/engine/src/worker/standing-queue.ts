/** A queue that has not run empty for so long (ms) stands: its worker cannot keep up, for the moment or for good. */
const STANDS_AFTER = 200;
/** From this share of its length on a queue that stands is full: what comes now passes or is dropped. */
const FULL = 7 / 8;
/**
 * What waits in a queue that is full is no more than the worker gets through in so many ms. Where what exceeds that passes,
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
 * One that still stands after so long (ms) gets it for a trial: what fills a short queue may be senders that wait for
 * answers, of which a long one holds all.
 */
const TRIED_AFTER = 5000;

/** The queue as its worker knows it. */
export interface AdjustableQueue {
  /** `maxLength` is what the configuration asks for. */
  readonly effective: { maxLength: number };
  setMaxLength(length: number): void;
  /** Packets in it now, by the kernel's account. */
  waiting(): number;
}

/**
 * Shortens a queue that is full because its worker cannot keep up. What exceeds the worker's speed goes past or is dropped
 * (`fail-open`) however long the queue is; but in a long one every packet of a good connection waits behind thousands of a
 * flood's. A queue that stands and still has room is left alone: everything in it will be inspected.
 */
export class StandingQueue {
  /** Packets that may wait now. */
  length: number;
  private readonly policy: keyof typeof LONGEST_WAIT;
  private readonly longest: number;
  private emptyAt: number;
  private packets = 0;
  private fullAt = Number.NEGATIVE_INFINITY;
  private shortenedAt = 0;

  /** @param batchSize a smaller batch has taken all that was there */
  constructor(
    private readonly queue: AdjustableQueue,
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
    if (elapsed >= STANDS_AFTER) this.stands(now, elapsed);
    if (count >= this.batchSize) return;
    this.emptyAt = now;
    this.packets = 0;
    if (this.length < this.longest && now - this.fullAt >= RECOVERED_AFTER) this.setLength(this.longest);
  }

  private stands(now: number, elapsed: number): void {
    const { length, longest, policy } = this;
    const rate = this.packets / elapsed;
    this.emptyAt = now - STANDS_AFTER / 2;
    this.packets = Math.round((rate * STANDS_AFTER) / 2);
    if (length < longest && now - this.shortenedAt >= TRIED_AFTER) {
      this.setLength(longest);
      return;
    }
    if (this.queue.waiting() < length * FULL) return;
    this.fullAt = now;
    if (length === longest) this.shortenedAt = now;
    this.setLength(Math.min(longest, Math.max(SHORTEST[policy], Math.round(rate * LONGEST_WAIT[policy]))));
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
