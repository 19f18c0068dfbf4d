/** Uuencoded text, one line at a time: a letter that gives the length, then groups of four letters (POSIX uuencode). */

const BEGIN = Uint8Array.from('begin ', (c) => c.charCodeAt(0));
const END = Uint8Array.from('end', (c) => c.charCodeAt(0));

/** @returns index of the file name in a line `begin 644 name`, -1 where it is no such line */
export function uuencodeBegin(bytes: Uint8Array, start: number, end: number): number {
  if (!startsWith(bytes, start, end, BEGIN)) return -1;
  let i = start + BEGIN.length;
  const mode = i;
  while (i < end && bytes[i] >= 0x30 && bytes[i] <= 0x37) i++;
  if (i - mode < 3 || i - mode > 4 || i >= end || bytes[i] !== 0x20) return -1;
  return i + 1 < end ? i + 1 : -1;
}

export function isUuencodeEnd(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start === END.length && startsWith(bytes, start, end, END);
}

/**
 * Decodes a line into `out`, which has room for three quarters of it and three bytes more.
 * @returns index behind the last byte written, -1 where it is no uuencoded line
 */
export function decodeUuencodedLine(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  at: number,
): number {
  if (start >= end || bytes[start] < 0x20 || bytes[start] > 0x60) return -1;
  const length = (bytes[start] - 0x20) & 63;
  const letters = end - start - 1;
  if (letters * 3 < length * 4 - 3) return -1;
  let w = at;
  for (let i = start + 1; i < end && w < at + length; i += 4) {
    const a = value(bytes, i, end);
    const b = value(bytes, i + 1, end);
    const c = value(bytes, i + 2, end);
    const d = value(bytes, i + 3, end);
    if ((a | b | c | d) < 0) return -1;
    out[w++] = (a << 2) | (b >> 4);
    out[w++] = (b << 4) | (c >> 2);
    out[w++] = (c << 6) | d;
  }
  return Math.min(w, at + length);
}

/** Blanks at the end of a line get lost on the way: what is missing is one. */
function value(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end) return 0;
  const c = bytes[at];
  return c >= 0x20 && c <= 0x60 ? (c - 0x20) & 63 : -1;
}

function startsWith(bytes: Uint8Array, start: number, end: number, text: Uint8Array): boolean {
  if (end - start < text.length) return false;
  for (let i = 0; i < text.length; i++) if (bytes[start + i] !== text[i]) return false;
  return true;
}
