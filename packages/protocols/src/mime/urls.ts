/** Addresses of web pages in the text of a mail. */

import { copyBytes } from '../buffer-pool';
import { COPY_OVERHEAD, copied } from '../lines/copied';

/** Addresses of one message that are kept. */
const MOST_URLS = 256;
/** Bytes of one address that are kept. */
const LONGEST_URL = 2048;

/** Bytes of an address that comes in pieces: its scheme stands before what is kept. */
const LONGEST_CARRY = LONGEST_URL + 32;
const ENDS = new Uint8Array(256);
for (const c of ' "\'<>]\t\r\n') ENDS[c.charCodeAt(0)] = 1;

export class UrlCollector {
  readonly urls: Uint8Array[] = [];
  private readonly schemes: readonly Uint8Array[];
  /** The beginning of an address that was cut. */
  private carry: Uint8Array | null = null;
  private carried = 0;
  /** Where it began in the last piece. */
  private keptFrom = 0;

  /**
   * @param schemes such as `http`
   * @param keepScheme whether `http://` stays before what is found
   */
  constructor(
    schemes: readonly string[],
    private readonly keepScheme: boolean,
  ) {
    this.schemes = schemes.map((scheme) =>
      Uint8Array.from(`${scheme.toLowerCase()}://`, (c) => c.charCodeAt(0)),
    );
  }

  /** Takes decoded text, which comes in pieces that know nothing of lines. */
  push(bytes: Uint8Array, start: number, end: number): void {
    const i = this.carried > 0 ? this.resume(bytes, start, end) : start;
    for (const scheme of this.schemes) this.find(bytes, i, end, scheme, true);
  }

  /** The text has ended. */
  flush(): void {
    const { carry, carried } = this;
    this.carried = 0;
    if (carry !== null && carried > 0) this.scan(carry, 0, carried);
  }

  /** Looks through a line. */
  scan(bytes: Uint8Array, start: number, end: number): void {
    for (const scheme of this.schemes) this.find(bytes, start, end, scheme, false);
  }

  heldBytes(): number {
    let held = this.carry?.length ?? 0;
    for (const url of this.urls) held += url.length + COPY_OVERHEAD;
    return held;
  }

  /** @param open the text goes on behind `end` */
  private find(bytes: Uint8Array, start: number, end: number, scheme: Uint8Array, open: boolean): void {
    const first = scheme[0];
    const last = open ? end - 1 : end - scheme.length;
    for (let i = start; i <= last; i++) {
      if ((bytes[i] | 0x20) !== first) continue;
      const present = Math.min(scheme.length, end - i);
      if (!hasScheme(bytes, i, scheme, present)) continue;
      let stop = i + present;
      if (present === scheme.length) while (stop < end && ENDS[bytes[stop]] === 0) stop++;
      if (open && stop === end) {
        this.keep(bytes, i, end);
        return;
      }
      this.add(bytes, i, stop, scheme.length);
      i = stop - 1;
    }
  }

  private add(bytes: Uint8Array, start: number, end: number, scheme: number): void {
    if (this.urls.length >= MOST_URLS) return;
    const from = this.keepScheme ? start : start + scheme;
    this.urls.push(copied(bytes, from, Math.min(end, from + LONGEST_URL)));
  }

  /** An address, or what may become one, that the end of a piece has cut. */
  private keep(bytes: Uint8Array, start: number, end: number): void {
    // One that began before has this one within it.
    if (this.carried > 0 && start >= this.keptFrom) return;
    this.keptFrom = start;
    this.carry ??= new Uint8Array(LONGEST_CARRY);
    this.carried = Math.min(LONGEST_CARRY, end - start);
    copyBytes(bytes, start, start + this.carried, this.carry, 0);
  }

  /** Goes on with what the last piece has cut. @returns index from which on nothing is known */
  private resume(bytes: Uint8Array, start: number, end: number): number {
    const carry = this.carry as Uint8Array;
    for (let i = start; i < end; i++) {
      const c = bytes[i];
      if (this.carried < LONGEST_CARRY) {
        carry[this.carried] = c;
        const begun = this.schemes.some((scheme) =>
          hasScheme(carry, 0, scheme, Math.min(scheme.length, this.carried + 1)),
        );
        if (begun && ENDS[c] === 0) {
          this.carried++;
          continue;
        }
      } else if (ENDS[c] === 0) continue;
      this.flush();
      return i;
    }
    return end;
  }
}

/** @param length bytes of the scheme that are compared */
function hasScheme(bytes: Uint8Array, at: number, scheme: Uint8Array, length: number): boolean {
  for (let i = 0; i < length; i++) {
    const c = bytes[at + i];
    if ((c >= 0x41 && c <= 0x5a ? c | 0x20 : c) !== scheme[i]) return false;
  }
  return true;
}
