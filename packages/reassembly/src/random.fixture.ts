/** What a scenario asks: of random numbers, or of the bytes of a fuzzer. */
export interface Choices {
  /** 0 … 2^32 - 1 */
  word(): number;
  /** 0 … limit - 1 */
  below(limit: number): number;
  between(low: number, high: number): number;
  chance(probability: number): boolean;
  bytes(length: number): Uint8Array;
  /** Nothing is left to choose by: the scenario ends. */
  readonly exhausted: boolean;
}

/** Repeatable pseudo-random numbers (mulberry32). */
export class Random implements Choices {
  readonly exhausted = false;
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** 0 … 2^32 - 1 */
  word(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = this.state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** 0 … limit - 1 */
  below(limit: number): number {
    return Math.floor((this.word() / 2 ** 32) * limit);
  }

  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  chance(probability: number): boolean {
    return this.word() < probability * 2 ** 32;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }
}

/**
 * Seeds to try: SEED from the environment alone, or some that stay and one that is new in each run. FUZZ=n tries n
 * times as many.
 */
export function seeds(fixed: number): number[] {
  if (process.env.SEED !== undefined) return [Number(process.env.SEED)];
  const count = fixed * Number(process.env.FUZZ ?? 1);
  return [...Array.from({ length: count }, (_, index) => index + 1), Date.now() >>> 0];
}
