/** A thread may lose its processor between two looks at two clocks: the quickest of some attempts counts. */
const ATTEMPTS = 8;

/**
 * What has to be added to this thread's `performance.now`, which counts from the thread's start, for the milliseconds of
 * the clock that all threads share (`process.hrtime`).
 */
export function sharedClockOffset(): number {
  let offset = 0;
  let shortest = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const before = performance.now();
    const shared = Number(process.hrtime.bigint()) / 1e6;
    const after = performance.now();
    if (after - before >= shortest) continue;
    shortest = after - before;
    offset = shared - (before + after) / 2;
  }
  return offset;
}
