/** Repeatable random numbers (xorshift32) with the seed in the open, so that a failure can be repeated. */
export class Random {
  readonly seed: number;
  #state: number;

  /** PORTCULLIS_SEED repeats a run. */
  constructor(seed = Number(process.env.PORTCULLIS_SEED ?? Date.now() & 0x7fffffff)) {
    this.seed = seed;
    this.#state = seed | 1;
  }

  word(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return x >>> 0;
  }

  /** 0 … bound - 1 */
  below(bound: number): number {
    return this.word() % bound;
  }

  chance(oneIn: number): boolean {
    return this.below(oneIn) === 0;
  }

  pick<T>(items: ArrayLike<T>): T {
    return items[this.below(items.length)];
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.alloc(length);
    for (let i = 0; i < length; i++) bytes[i] = this.word() >>> 11;
    return bytes;
  }
}
