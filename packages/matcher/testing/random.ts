/** Rounds of a test with random input: few, or with PORTCULLIS_LONG (`npm run test:long`) many. */
export function rounds(few: number, many: number): number {
  return process.env.PORTCULLIS_LONG ? many : few;
}

/** A seeded generator (mulberry32): a failing test prints its seed and can be repeated. */
export class Random {
  private state: number;

  constructor(readonly seed: number) {
    this.state = seed >>> 0;
  }

  /** 0 ≤ result < limit */
  below(limit: number): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 0x100000000) * limit);
  }

  chance(probability: number): boolean {
    return this.below(1000) < probability * 1000;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }

  text(alphabet: string, shortest: number, longest: number): string {
    const length = shortest + this.below(longest - shortest + 1);
    let text = '';
    for (let i = 0; i < length; i++) text += alphabet[this.below(alphabet.length)];
    return text;
  }
}
