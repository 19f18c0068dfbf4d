/**
 * A latency histogram in shared memory. Bounds are powers of two of a microsecond, so that finding the bucket
 * is one count-leading-zeros; Prometheus is given them in seconds.
 */
export class SharedHistogram {
  static readonly BUCKETS = 24;
  /** Upper bounds in seconds; what is longer falls into the last, unbounded one. */
  static readonly BOUNDS: readonly number[] = Array.from(
    { length: SharedHistogram.BUCKETS - 1 },
    (_, power) => 2 ** power / 1e6,
  );
  static readonly BYTES = (SharedHistogram.BUCKETS + 1) * 8;

  private readonly values: Float64Array;

  constructor(readonly buffer: SharedArrayBuffer = new SharedArrayBuffer(SharedHistogram.BYTES)) {
    this.values = new Float64Array(buffer);
  }

  /** Counts `times` observations of `micros` microseconds each. */
  observe(micros: number, times = 1): void {
    const whole = micros <= 1 ? 0 : 32 - Math.clz32(Math.min(Math.ceil(micros) - 1, 0x7fffffff));
    const bucket = Math.min(whole, SharedHistogram.BUCKETS - 1);
    this.values[bucket] = (this.values[bucket] as number) + times;
    const sum = SharedHistogram.BUCKETS;
    this.values[sum] = (this.values[sum] as number) + micros * times;
  }

  /** `counts[i]` observations fell into bucket i (not cumulative). */
  read(): { counts: number[]; sumSeconds: number; count: number } {
    const counts = Array.from(this.values.subarray(0, SharedHistogram.BUCKETS));
    return {
      counts,
      sumSeconds: (this.values[SharedHistogram.BUCKETS] as number) / 1e6,
      count: counts.reduce((total, n) => total + n, 0),
    };
  }
}
