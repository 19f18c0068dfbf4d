/** Base64 (RFC 2045 section 6.8), piece by piece: what is not of its alphabet is passed over, as mail readers do. */

const SKIP = 64;
const PAD = 65;
const INVALID = 66;

const VALUE = new Uint8Array(256).fill(INVALID);
for (const [place, letter] of [
  ...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
].entries())
  VALUE[letter.charCodeAt(0)] = place;
for (const blank of [0x20, 0x09, 0x0d, 0x0a]) VALUE[blank] = SKIP;
VALUE[0x3d] = PAD;

export class Base64Decoder {
  /** Some byte was neither of the alphabet nor blank since `begin`. */
  invalid = false;
  private bits = 0;
  private letters = 0;

  begin(): void {
    this.invalid = false;
    this.bits = 0;
    this.letters = 0;
  }

  /**
   * Decodes into `out`, which has room for three quarters of the input and three bytes more.
   * @returns index behind the last byte written
   */
  push(bytes: Uint8Array, start: number, end: number, out: Uint8Array, at: number): number {
    let { bits, letters } = this;
    let w = at;
    let i = start;
    while (i < end) {
      // Whole groups of letters: nearly everything.
      while (letters === 0 && i + 4 <= end) {
        const a = VALUE[bytes[i]];
        const b = VALUE[bytes[i + 1]];
        const c = VALUE[bytes[i + 2]];
        const d = VALUE[bytes[i + 3]];
        if ((a | b | c | d) >= SKIP) break;
        out[w] = (a << 2) | (b >> 4);
        out[w + 1] = (b << 4) | (c >> 2);
        out[w + 2] = (c << 6) | d;
        w += 3;
        i += 4;
      }
      if (i >= end) break;
      const value = VALUE[bytes[i++]];
      if (value < SKIP) {
        bits = (bits << 6) | value;
        if (++letters < 4) continue;
        out[w++] = bits >> 16;
        out[w++] = bits >> 8;
        out[w++] = bits;
      } else if (value === PAD) {
        w = flush(bits, letters, out, w);
      } else {
        if (value === INVALID) this.invalid = true;
        continue;
      }
      bits = 0;
      letters = 0;
    }
    this.bits = bits;
    this.letters = letters;
    return w;
  }

  /** The text has ended, padded or not. */
  finish(out: Uint8Array, at: number): number {
    const w = flush(this.bits, this.letters, out, at);
    this.bits = 0;
    this.letters = 0;
    return w;
  }
}

/** Writes the bytes that are whole in a group of less than four letters. */
function flush(bits: number, letters: number, out: Uint8Array, at: number): number {
  if (letters === 2) {
    out[at] = bits >> 4;
    return at + 1;
  }
  if (letters === 3) {
    out[at] = bits >> 10;
    out[at + 1] = bits >> 2;
    return at + 2;
  }
  return at;
}
