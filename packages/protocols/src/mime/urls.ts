/** Addresses of web pages in the text of a mail. */

import { copied } from '../lines/copied';

/** Addresses of one message that are kept. */
export const MOST_URLS = 256;
/** Bytes of one address that are kept. */
export const LONGEST_URL = 2048;

const ENDS = new Uint8Array(256);
for (const c of ' "\'<>]\t\r\n') ENDS[c.charCodeAt(0)] = 1;

export class UrlCollector {
  readonly urls: Uint8Array[] = [];
  private readonly schemes: readonly Uint8Array[];

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

  /** Looks through a line. */
  scan(bytes: Uint8Array, start: number, end: number): void {
    for (const scheme of this.schemes) {
      const first = scheme[0];
      const last = end - scheme.length;
      for (let i = start; i <= last && this.urls.length < MOST_URLS; i++) {
        if ((bytes[i] | 0x20) !== first || !hasScheme(bytes, i, scheme)) continue;
        let stop = i + scheme.length;
        while (stop < end && ENDS[bytes[stop]] === 0) stop++;
        const from = this.keepScheme ? i : i + scheme.length;
        this.urls.push(copied(bytes, from, Math.min(stop, from + LONGEST_URL)));
        i = stop - 1;
      }
    }
  }

  heldBytes(): number {
    let held = 0;
    for (const url of this.urls) held += url.length;
    return held;
  }

  clear(): void {
    this.urls.length = 0;
  }
}

function hasScheme(bytes: Uint8Array, at: number, scheme: Uint8Array): boolean {
  for (let i = 0; i < scheme.length; i++) {
    const c = bytes[at + i];
    if ((c >= 0x41 && c <= 0x5a ? c | 0x20 : c) !== scheme[i]) return false;
  }
  return true;
}
