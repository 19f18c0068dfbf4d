/** Quoted-printable (RFC 2045 section 6.7), one line or piece of a line at a time. */

const EQUALS = 0x3d;

/** What `decodeQuotedPrintable` found besides text. */
export class QuotedPrintableState {
  /** The line ends with `=`: the next one continues it. */
  softBreak = false;
  /** An escape that is none, or one in lower case. */
  invalid = false;
}

/**
 * Decodes a line without its ending into `out`, which has room for as many bytes.
 * @returns index behind the last byte written
 */
export function decodeQuotedPrintable(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  at: number,
  state: QuotedPrintableState,
): number {
  state.softBreak = false;
  state.invalid = false;
  let w = at;
  let i = start;
  while (i < end) {
    const c = bytes[i];
    if (c !== EQUALS) {
      out[w++] = c;
      i++;
      continue;
    }
    if (isBlank(bytes, i + 1, end)) {
      state.softBreak = true;
      break;
    }
    const high = i + 1 < end ? hexValue(bytes[i + 1]) : -1;
    const low = i + 2 < end ? hexValue(bytes[i + 2]) : -1;
    if (high < 0 || low < 0) {
      // Readers show such a sign as it is.
      state.invalid = true;
      out[w++] = c;
      i++;
      continue;
    }
    if (bytes[i + 1] >= 0x61 || bytes[i + 2] >= 0x61) state.invalid = true;
    out[w++] = (high << 4) | low;
    i += 3;
  }
  return w;
}

function isBlank(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] !== 0x20 && bytes[i] !== 0x09) return false;
  return true;
}

export function hexValue(c: number): number {
  if (c >= 0x30 && c <= 0x39) return c - 0x30;
  if (c >= 0x41 && c <= 0x46) return c - 0x37;
  if (c >= 0x61 && c <= 0x66) return c - 0x57;
  return -1;
}
