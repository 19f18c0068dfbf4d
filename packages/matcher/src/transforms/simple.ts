import { LOWER } from '../search';
import type { Transform } from '../transform';

const DOT = 0x2e;
const COLON = 0x3a;
const LINE_FEED = 0x0a;

/** What C's isspace says of a byte. */
function isSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

const sameLength = (length: number) => length;

export const toLowercase: Transform = {
  key: 'to_lowercase',
  outputBound: sameLength,
  apply(input, start, end, output, at) {
    for (let i = start; i < end; i++) output[at++] = LOWER[input[i]];
    return at;
  },
};

export const toUppercase: Transform = {
  key: 'to_uppercase',
  outputBound: sameLength,
  apply(input, start, end, output, at) {
    for (let i = start; i < end; i++) {
      const byte = input[i];
      output[at++] = byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte;
    }
    return at;
  },
};

export const stripWhitespace: Transform = {
  key: 'strip_whitespace',
  outputBound: sameLength,
  apply(input, start, end, output, at) {
    for (let i = start; i < end; i++) if (!isSpace(input[i])) output[at++] = input[i];
    return at;
  },
};

/** Of several whitespace characters in a row only the first stays. */
export const compressWhitespace: Transform = {
  key: 'compress_whitespace',
  outputBound: sameLength,
  apply(input, start, end, output, at) {
    let previous = false;
    for (let i = start; i < end; i++) {
      const space = isSpace(input[i]);
      if (!(space && previous)) output[at++] = input[i];
      previous = space;
    }
    return at;
  },
};

/** Puts a dot before the buffer, so that `.example.com` matches the domain itself and its subdomains. */
export const dotprefix: Transform = {
  key: 'dotprefix',
  outputBound: (length) => length + 1,
  apply(input, start, end, output, at) {
    output[at++] = DOT;
    for (let i = start; i < end; i++) output[at++] = input[i];
    return at;
  },
};

/** Names of HTTP headers in lower case, values as they are. */
export const headerLowercase: Transform = {
  key: 'header_lowercase',
  outputBound: sameLength,
  apply(input, start, end, output, at) {
    let name = true;
    for (let i = start; i < end; i++) {
      const byte = input[i];
      output[at++] = name ? LOWER[byte] : byte;
      if (byte === COLON) name = false;
      else if (byte === LINE_FEED) name = true;
    }
    return at;
  },
};

/** Lines of HTTP/2 that are no header fields (`:method: GET`) are left out. */
export const stripPseudoHeaders: Transform = {
  key: 'strip_pseudo_headers',
  outputBound: sameLength,
  apply(input, start, end, output, at) {
    let kept = true;
    for (let i = start; i < end; i++) {
      if (i === start || input[i - 1] === LINE_FEED) kept = input[i] !== COLON;
      if (kept) output[at++] = input[i];
    }
    return at;
  },
};

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

/** `%41` becomes `A`, `+` a blank; what is no escape stays. */
export const urlDecode: Transform = {
  key: 'url_decode',
  outputBound: sameLength,
  apply(input, start, end, output, at) {
    for (let i = start; i < end; i++) {
      const byte = input[i];
      if (byte === 0x25 && i + 2 < end) {
        const high = hexDigit(input[i + 1]);
        const low = hexDigit(input[i + 2]);
        if (high >= 0 && low >= 0) {
          output[at++] = high * 16 + low;
          i += 2;
          continue;
        }
      }
      output[at++] = byte === 0x2b ? 0x20 : byte;
    }
    return at;
  },
};
