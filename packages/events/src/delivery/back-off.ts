export interface BackOffOptions {
  /** Milliseconds before the first retry. */
  first?: number;
  /** Milliseconds between retries at most. */
  most?: number;
}

/** How long to wait between attempts: twice as long after each failure, with jitter so that senders part company. */
export class BackOff {
  private failures = 0;
  private readonly first: number;
  private readonly most: number;

  constructor(
    { first = 500, most = 30_000 }: BackOffOptions = {},
    private readonly random: () => number = Math.random,
  ) {
    this.first = first;
    this.most = most;
  }

  /** @returns milliseconds: between half of what is due and all of it */
  next(): number {
    const due = Math.min(this.most, this.first * 2 ** Math.min(this.failures, 30));
    this.failures++;
    return due * (0.5 + this.random() / 2);
  }

  reset(): void {
    this.failures = 0;
  }
}
