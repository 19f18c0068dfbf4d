/** What of IMAP's lines matters here (RFC 9051 section 9). */

const SPACE = 0x20;
const OPEN = 0x7b;
const CLOSE = 0x7d;
const PLUS = 0x2b;
/** Longest tag that is told. */
const LONGEST_TAG = 64;
/** Largest literal that is believed. */
const LARGEST_LITERAL = 0xffffffff;

/** @returns index of the blank behind the tag of a line, -1 where there is no tag */
export function tagEnd(line: Uint8Array, start: number, end: number): number {
  let i = start;
  while (i < end && i - start <= LONGEST_TAG && isTagLetter(line[i])) i++;
  return i > start && i - start <= LONGEST_TAG && i < end && line[i] === SPACE ? i : -1;
}

/** Letters, digits and the few signs that clients use in tags. */
function isTagLetter(c: number): boolean {
  return (
    (c >= 0x30 && c <= 0x39) ||
    (c >= 0x41 && c <= 0x5a) ||
    (c >= 0x61 && c <= 0x7a) ||
    c === 0x2e ||
    c === 0x2d ||
    c === 0x5f
  );
}

/** `{310}` or `{310+}` at the end of a line: so many bytes follow. @returns -1 where there is none */
export function literalLength(line: Uint8Array, start: number, end: number): number {
  let i = end - 1;
  if (i < start || line[i] !== CLOSE) return -1;
  i--;
  if (i >= start && line[i] === PLUS) i--;
  let length = 0;
  let unit = 1;
  const digits = i;
  while (i >= start && line[i] >= 0x30 && line[i] <= 0x39 && digits - i < 11) {
    length += (line[i] - 0x30) * unit;
    unit *= 10;
    i--;
  }
  if (i === digits || i < start || line[i] !== OPEN) return -1;
  return Math.min(LARGEST_LITERAL, length);
}
