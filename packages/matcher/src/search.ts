import { findLiteral } from '@portcullis/pattern-binding';

/** Lower case of every byte, ASCII only: what `nocase` means. */
export const LOWER = new Uint8Array(256);
for (let i = 0; i < 256; i++) LOWER[i] = i >= 0x41 && i <= 0x5a ? i + 0x20 : i;

/** Windows from this length on are searched with a skip table. */
const SKIP_FROM = 96;
/** Windows from this length on are searched by native code: more than what the call costs. */
const NATIVE_FROM = 768;

/** One literal to be searched in windows of bytes. */
export class Literal {
  readonly bytes: Uint8Array;
  readonly caseless: boolean;
  private skip: Uint8Array | null = null;

  /** @param bytes as written; kept in lower case where `caseless` */
  constructor(bytes: Uint8Array, caseless: boolean) {
    this.bytes = caseless ? bytes.map((byte) => LOWER[byte]) : bytes;
    this.caseless = caseless;
  }

  /** @returns place of the first occurrence that lies within `[from, to)`, or -1 */
  find(text: Uint8Array, from: number, to: number): number {
    const length = this.bytes.length;
    if (to - from < length) return -1;
    if (to - from >= NATIVE_FROM) return findLiteral(text, from, to, this.bytes, this.caseless);
    if (length > 2 && to - from >= SKIP_FROM) return this.findSkipping(text, from, to);
    return this.caseless ? this.findCaseless(text, from, to) : this.findExact(text, from, to);
  }

  private findExact(text: Uint8Array, from: number, to: number): number {
    const bytes = this.bytes;
    const length = bytes.length;
    const first = bytes[0];
    const last = to - length;
    for (let at = from; at <= last; at++) {
      if (text[at] !== first) continue;
      let i = 1;
      while (i < length && text[at + i] === bytes[i]) i++;
      if (i === length) return at;
    }
    return -1;
  }

  private findCaseless(text: Uint8Array, from: number, to: number): number {
    const bytes = this.bytes;
    const length = bytes.length;
    const first = bytes[0];
    const last = to - length;
    for (let at = from; at <= last; at++) {
      if (LOWER[text[at]] !== first) continue;
      let i = 1;
      while (i < length && LOWER[text[at + i]] === bytes[i]) i++;
      if (i === length) return at;
    }
    return -1;
  }

  /** Horspool: the byte under the pattern's end tells how far the pattern may move. */
  private findSkipping(text: Uint8Array, from: number, to: number): number {
    const skip = this.skip ?? this.makeSkip();
    const bytes = this.bytes;
    const end = bytes.length - 1;
    const last = bytes[end];
    const caseless = this.caseless;
    let at = from + end;
    while (at < to) {
      const byte = caseless ? LOWER[text[at]] : text[at];
      if (byte === last) {
        let i = end - 1;
        let k = at - 1;
        if (caseless) {
          while (i >= 0 && LOWER[text[k]] === bytes[i]) {
            i--;
            k--;
          }
        } else {
          while (i >= 0 && text[k] === bytes[i]) {
            i--;
            k--;
          }
        }
        if (i < 0) return at - end;
      }
      at += skip[byte];
    }
    return -1;
  }

  private makeSkip(): Uint8Array {
    const bytes = this.bytes;
    const longest = Math.min(bytes.length, 255);
    const skip = new Uint8Array(256).fill(longest);
    for (let i = 0; i < bytes.length - 1; i++) skip[bytes[i]] = Math.min(255, bytes.length - 1 - i);
    this.skip = skip;
    return skip;
  }
}
