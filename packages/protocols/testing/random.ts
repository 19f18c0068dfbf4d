/** A small generator of repeatable numbers (xorshift32). */
export class Random {
  private state: number;

  constructor(readonly seed: number) {
    this.state = seed | 0 || 1;
  }

  /** A whole number from 0 to `below` - 1. */
  next(below: number): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return (this.state >>> 0) % below;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.next(list.length)];
  }
}

/** Rounds of a test with random input: few, or with PORTCULLIS_LONG (`npm run test:long`) many. */
export function rounds(few: number, many: number): number {
  return process.env.PORTCULLIS_LONG ? many : few;
}

/** Seed of a property test: from SEED, else from the clock; print it with what fails. */
export function testSeed(): number {
  return process.env.SEED === undefined ? Date.now() & 0x7fffffff : Number(process.env.SEED);
}
