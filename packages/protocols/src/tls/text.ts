/** Text that is made for buffers: it grows, up to a bound, and stays where it is until it is begun anew. */

const FIRST = 1 << 12;
const HEX_LOWER = Uint8Array.from('0123456789abcdef', (c) => c.charCodeAt(0));
const HEX_UPPER = Uint8Array.from('0123456789ABCDEF', (c) => c.charCodeAt(0));

export class Text {
  bytes = new Uint8Array(FIRST);
  end = 0;
  /** Something did not fit: what was written last is not whole. */
  overflow = false;

  constructor(private readonly limit: number) {}

  clear(): void {
    this.end = 0;
    this.overflow = false;
  }

  byte(value: number): void {
    if (this.room(1)) this.bytes[this.end++] = value;
  }

  /** Characters below 256. */
  latin(text: string): void {
    if (!this.room(text.length)) return;
    for (let i = 0; i < text.length; i++) this.bytes[this.end++] = text.charCodeAt(i);
  }

  copy(from: Uint8Array, start: number, end: number): void {
    if (!this.room(end - start)) return;
    for (let i = start; i < end; i++) this.bytes[this.end++] = from[i];
  }

  /** The character as UTF-8. */
  character(code: number): void {
    if (code < 0x80) this.byte(code);
    else if (code < 0x800) {
      this.byte(0xc0 | (code >> 6));
      this.byte(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
      this.byte(0xe0 | (code >> 12));
      this.byte(0x80 | ((code >> 6) & 0x3f));
      this.byte(0x80 | (code & 0x3f));
    } else {
      this.byte(0xf0 | (code >> 18));
      this.byte(0x80 | ((code >> 12) & 0x3f));
      this.byte(0x80 | ((code >> 6) & 0x3f));
      this.byte(0x80 | (code & 0x3f));
    }
  }

  /** Two digits for each byte. @param separator between bytes; -1: none */
  hex(from: Uint8Array, start: number, end: number, upper: boolean, separator: number): void {
    const digits = upper ? HEX_UPPER : HEX_LOWER;
    if (!this.room((end - start) * 3)) return;
    for (let i = start; i < end; i++) {
      if (i > start && separator >= 0) this.bytes[this.end++] = separator;
      this.bytes[this.end++] = digits[from[i] >> 4];
      this.bytes[this.end++] = digits[from[i] & 15];
    }
  }

  private room(count: number): boolean {
    const needed = this.end + count;
    if (needed <= this.bytes.length) return true;
    if (needed > this.limit) {
      this.overflow = true;
      return false;
    }
    // Views of the old array keep it.
    const larger = new Uint8Array(Math.min(this.limit, Math.max(needed, this.bytes.length * 2)));
    larger.set(this.bytes.subarray(0, this.end));
    this.bytes = larger;
    return true;
  }
}
