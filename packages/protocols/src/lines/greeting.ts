/** Greetings of servers that answer with numbers: those of SMTP and FTP look alike. */

const LF = 0x0a;
const SPACE = 0x20;
const DASH = 0x2d;

/** @returns index behind the greeting `220 …` of one or more lines, 0 where it has not ended, -1 where it is none */
export function greetingEnd(bytes: Uint8Array, start: number, end: number): number {
  for (let line = start; line < end; ) {
    for (let i = 0; i < 3; i++) {
      if (line + i >= end) return 0;
      if (bytes[line + i] !== (i < 2 ? 0x32 : 0x30)) return -1;
    }
    if (line + 3 >= end) return 0;
    const separator = bytes[line + 3];
    if (separator !== SPACE && separator !== DASH) return -1;
    let i = line + 4;
    while (i < end && bytes[i] !== LF) i++;
    if (i >= end) return 0;
    if (separator === SPACE) return i + 1;
    line = i + 1;
  }
  return 0;
}
