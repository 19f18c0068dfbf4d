import { CRYPTO_BYTES, CRYPTO_PIECES } from './limits';

const FIRST = 2048;
const NO_BYTES = new Uint8Array(0);

/** The bytes of CRYPTO frames of one direction, put in order (RFC 9000 section 19.6). */
export class CryptoStream {
  bytes: Uint8Array = NO_BYTES;
  /** Bytes from the start without a gap. */
  length = 0;
  /** Pieces behind a gap: starts and ends, in order and apart. */
  private readonly pieces: number[] = [];

  /** @returns false where they go beyond what is kept */
  add(offset: number, from: Uint8Array, start: number, end: number): boolean {
    const stop = offset + end - start;
    if (stop > CRYPTO_BYTES) return false;
    if (stop <= this.length) return true;
    this.reserve(stop);
    this.bytes.set(from.subarray(start, end), offset);
    return this.insert(Math.max(offset, this.length), stop);
  }

  clear(): void {
    this.bytes = NO_BYTES;
    this.length = 0;
    this.pieces.length = 0;
  }

  heldBytes(): number {
    return this.bytes.length;
  }

  private insert(start: number, end: number): boolean {
    const { pieces } = this;
    let low = start;
    let high = end;
    let at = 0;
    while (at < pieces.length && pieces[at + 1] < low) at += 2;
    let count = 0;
    while (at + count < pieces.length && pieces[at + count] <= high) {
      low = Math.min(low, pieces[at + count]);
      high = Math.max(high, pieces[at + count + 1]);
      count += 2;
    }
    if (low <= this.length) {
      // No piece lies before this one: there would be a gap.
      this.length = high;
      pieces.splice(0, at + count);
      return true;
    }
    pieces.splice(at, count, low, high);
    return pieces.length <= CRYPTO_PIECES * 2;
  }

  private reserve(size: number): void {
    if (size <= this.bytes.length) return;
    const larger = new Uint8Array(Math.min(CRYPTO_BYTES, Math.max(FIRST, size, this.bytes.length * 2)));
    larger.set(this.bytes);
    this.bytes = larger;
  }
}
