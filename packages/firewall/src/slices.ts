/** A ban waits no longer for other work of its thread. */
const SLICE_MILLISECONDS = 2;

/** Long work cut into slices, so that whoever waits for the thread goes first: `if (slices.over) await slices.next()`. */
export class Slices {
  private began = performance.now();

  get over(): boolean {
    return performance.now() - this.began > SLICE_MILLISECONDS;
  }

  async next(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.began = performance.now();
  }
}
