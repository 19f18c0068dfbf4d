/** Lines of SIP and SDP: they end in CR LF, or as lenient readers take them in LF. */

const CR = 0x0d;
const LF = 0x0a;

/** Index of the line's end (its CR or LF), or `end` where there is none. */
export function endOfLine(bytes: Uint8Array, start: number, end: number): number {
  for (let i = start; i < end; i++) {
    if (bytes[i] === LF) return i > start && bytes[i - 1] === CR ? i - 1 : i;
  }
  return end;
}

/** First byte behind the line end at `at`. */
export function nextLine(bytes: Uint8Array, at: number, end: number): number {
  let i = at;
  if (i < end && bytes[i] === CR) i++;
  if (i < end && bytes[i] === LF) i++;
  return i;
}
