/** Input of brotli as bits, lowest first; what runs out of it says so once and for all of a step. */

import { NO_BYTES } from '../buffer-pool';
import type { CodeArena } from './brotli-codes';

export class BitSource {
  /** Index of the next input byte that was not taken. */
  position = 0;
  /** The step in hand has run out of input: what it reads is worth nothing. */
  short = false;
  /** Bits that were taken from the input and not used yet, and how many. */
  bits = 0;
  bitCount = 0;
  input: Uint8Array = NO_BYTES;
  end = 0;

  /** Makes it as new, without input. */
  clear(): void {
    this.bits = 0;
    this.bitCount = 0;
    this.input = NO_BYTES;
  }

  open(bytes: Uint8Array, start: number, end: number): void {
    this.input = bytes;
    this.position = start;
    this.end = end;
    this.short = false;
  }

  /** The next `count` bits (at most 24). 0 where the input is short. */
  take(count: number): number {
    while (this.bitCount < count) {
      if (this.position >= this.end) {
        this.short = true;
        return 0;
      }
      this.bits |= this.input[this.position++] << this.bitCount;
      this.bitCount += 8;
    }
    const value = this.bits & ((1 << count) - 1);
    this.bits >>>= count;
    this.bitCount -= count;
    return value;
  }

  /** The next four bits, not taken; zeros behind the end. */
  peekFour(): number {
    if (this.bitCount < 4 && this.position < this.end) {
      this.bits |= this.input[this.position++] << this.bitCount;
      this.bitCount += 8;
    }
    return this.bits & 15;
  }

  /** The next symbol of a code; 0 where the input is short. */
  symbol(arena: CodeArena, code: number): number {
    while (this.bitCount < 15 && this.position < this.end) {
      this.bits |= this.input[this.position++] << this.bitCount;
      this.bitCount += 8;
    }
    const found = arena.find(code, this.bits, this.bitCount);
    if (found < 0) {
      this.short = true;
      return 0;
    }
    this.bits >>>= found & 15;
    this.bitCount -= found & 15;
    return found >> 4;
  }

  /** A number from 1 to 256 (section 9.2). */
  readSmall(): number {
    if (this.take(1) === 0) return 1;
    const count = this.take(3);
    return (1 << count) + 1 + this.take(count);
  }

  /** Leaves out the rest of the byte. @returns whether it was zero */
  align(): boolean {
    return this.take(this.bitCount & 7) === 0;
  }
}
