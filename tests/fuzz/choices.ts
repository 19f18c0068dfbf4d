import type { Choices } from '../../packages/reassembly/src/random.fixture';

/**
 * The choices of a scenario, taken from the bytes of an input: so a property test whose steps are random becomes one
 * whose steps the fuzzer finds.
 */
export class ByteChoices implements Choices {
  private at = 0;

  constructor(private readonly input: Uint8Array) {}

  get exhausted(): boolean {
    return this.at >= this.input.length;
  }

  word(): number {
    return this.take(4);
  }

  below(limit: number): number {
    if (limit <= 1) return 0;
    return this.take(limit <= 1 << 8 ? 1 : limit <= 1 << 16 ? 2 : 4) % limit;
  }

  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  chance(probability: number): boolean {
    return this.take(1) < probability * 256;
  }

  /** Cheap: one byte says all of them. */
  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    let byte = this.take(1);
    for (let at = 0; at < length; at++) {
      byte = (byte * 5 + 1 + (at >> 8)) & 0xff;
      bytes[at] = byte;
    }
    return bytes;
  }

  private take(width: number): number {
    let value = 0;
    for (let i = 0; i < width; i++) value = value * 256 + (this.input[this.at++] ?? 0);
    return value;
  }
}
