/** Parameters of header field values (RFC 9110 section 5.6.6): `form-data; name="a"; filename="b.txt"`. */

import * as characters from './characters';

// Bound once: an import is a property load at each use in CommonJS.
const { CLASS, equalsLower, SPACE } = characters;

const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Place of a parameter's value, without its quotes. Reused. */
export class Parameter {
  start = 0;
  end = 0;

  /**
   * Looks for the parameter `name` (lower case) behind the first `;` or at the start of `bytes[start, end)`.
   * Escapes within quotes stay as they are. @returns whether it is there
   */
  find(bytes: Uint8Array, start: number, end: number, name: Uint8Array): boolean {
    let i = start;
    while (i < end) {
      while (i < end && (bytes[i] === SEMICOLON || (CLASS[bytes[i]] & SPACE) !== 0)) i++;
      const nameStart = i;
      while (i < end && bytes[i] !== EQUALS && bytes[i] !== SEMICOLON) i++;
      let nameEnd = i;
      while (nameEnd > nameStart && (CLASS[bytes[nameEnd - 1]] & SPACE) !== 0) nameEnd--;
      if (i >= end || bytes[i] === SEMICOLON) continue;
      i++;
      while (i < end && (CLASS[bytes[i]] & SPACE) !== 0) i++;
      if (i < end && bytes[i] === QUOTE) {
        this.start = ++i;
        while (i < end && bytes[i] !== QUOTE) i += bytes[i] === BACKSLASH ? 2 : 1;
        this.end = Math.min(i, end);
        while (i < end && bytes[i] !== SEMICOLON) i++;
      } else {
        this.start = i;
        while (i < end && bytes[i] !== SEMICOLON) i++;
        this.end = i;
        while (this.end > this.start && (CLASS[bytes[this.end - 1]] & SPACE) !== 0) this.end--;
      }
      if (equalsLower(bytes, nameStart, nameEnd, name)) return true;
    }
    return false;
  }
}
