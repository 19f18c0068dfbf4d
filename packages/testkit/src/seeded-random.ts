/**
 * Random numbers that can be repeated. The seed is taken from the environment variable PORTCULLIS_SEED, else from
 * the clock; `SeededRandom.run` prints it when the test fails.
 *
 * The generator is xorshift with 128 bits of state (Marsaglia 2003): fast, and good enough for tests.
 */
export class SeededRandom {
  private readonly state = new Uint32Array(4);

  constructor(readonly seed: number = SeededRandom.chooseSeed()) {
    // Neighbouring seeds must not begin alike: the state is filled by a multiplicative mix of the seed.
    let mixed = seed >>> 0;
    for (let word = 0; word < 4; word++) {
      mixed = Math.imul(mixed ^ (mixed >>> 16), 0x45d9f3b) + 0x9e3779b9;
      this.state[word] = mixed | 1;
    }
    for (let round = 0; round < 8; round++) this.next();
  }

  static chooseSeed(): number {
    const given = process.env.PORTCULLIS_SEED;
    if (given === undefined || given === '') return (Date.now() ^ (process.pid << 16)) >>> 0;
    const seed = Number(given);
    if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff)
      throw new RangeError(`PORTCULLIS_SEED must be 0 … 4294967295, not ${given}`);
    return seed;
  }

  /** Runs a test with a generator; when it throws, the seed that repeats it is put into the message. */
  static run<T>(body: (random: SeededRandom) => T, seed?: number): T {
    const random = new SeededRandom(seed);
    try {
      return body(random);
    } catch (error) {
      if (error instanceof Error) error.message = `${random.hint}\n${error.message}`;
      throw error;
    }
  }

  /** The words that tell how to repeat this run. */
  get hint(): string {
    return `repeat with PORTCULLIS_SEED=${this.seed}`;
  }

  /** 0 … 2³²-1. */
  next(): number {
    const { state } = this;
    const mixed = state[0] ^ (state[0] << 11);
    state[0] = state[1];
    state[1] = state[2];
    state[2] = state[3];
    state[3] = state[3] ^ (state[3] >>> 19) ^ mixed ^ (mixed >>> 8);
    return state[3];
  }

  /** 0 … limit-1. */
  below(limit: number): number {
    return Math.floor((this.next() / 2 ** 32) * limit);
  }

  /** From `first` to `last`, both included. */
  between(first: number, last: number): number {
    return first + this.below(last - first + 1);
  }

  /** True with the given probability. */
  chance(probability = 0.5): boolean {
    return this.next() / 2 ** 32 < probability;
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at++) bytes[at] = this.next() >>> 24;
    return bytes;
  }

  pick<T>(choices: readonly T[]): T {
    if (choices.length === 0) throw new RangeError('there is nothing to pick from');
    return choices[this.below(choices.length)];
  }

  /** A new array with the same elements in random order. */
  shuffled<T>(elements: Iterable<T>): T[] {
    const result = [...elements];
    for (let last = result.length - 1; last > 0; last--) {
      const other = this.below(last + 1);
      [result[last], result[other]] = [result[other], result[last]];
    }
    return result;
  }
}
