/** A ban waits no longer for other work of its thread. */
const SLICE_MILLISECONDS = 2;

/** Of work that takes a microsecond a step: the clock is looked at each so many. */
export const CLOCK_EVERY = 64;

/** Long work cut into slices, so that whoever waits for the thread goes first: `if (slices.over) await slices.next()`. */
export class Slices {
  private began = performance.now();
  private asked = 0;

  /** @param every the clock is looked at each so many questions; for short steps CLOCK_EVERY */
  constructor(private readonly every = 1) {}

  get over(): boolean {
    if (++this.asked < this.every) return false;
    this.asked = 0;
    return performance.now() - this.began > SLICE_MILLISECONDS;
  }

  async next(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.began = performance.now();
  }
}
