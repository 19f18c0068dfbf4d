/** Which flows are SMTP: the client's first command tells; a server's greeting could be that of FTP as well. */

import { type Direction, Direction as Directions } from '../transaction';
import { beginsWithWord } from './commands';

/** How clients begin, as Suricata has it. */
const OPENINGS = ['EHLO', 'HELO', 'QUIT'].map((word) => Uint8Array.from(word, (c) => c.charCodeAt(0)));
/** Commands that do not begin a session in order: the server decides. */
const OTHERS = ['MAIL FROM', 'RCPT TO', 'AUTH ', 'NOOP', 'RSET', 'STARTTLS', 'HELP', 'VRFY ', 'EXPN '].map(
  (word) => Uint8Array.from(word, (c) => c.charCodeAt(0)),
);
const MAIL_WORDS = ['SMTP', 'POSTFIX', 'EXIM', 'SENDMAIL'].map((word) =>
  Uint8Array.from(word, (c) => c.charCodeAt(0)),
);
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const DASH = 0x2d;

export function looksLikeSmtp(direction: Direction, bytes: Uint8Array, start: number, end: number): number {
  return direction === Directions.TO_SERVER ? client(bytes, start, end) : server(bytes, start, end);
}

function client(bytes: Uint8Array, start: number, end: number): number {
  let undecided = false;
  for (const word of OPENINGS) {
    const present = Math.min(word.length, end - start);
    if (!beginsWithWord(bytes, start, end, word.subarray(0, present))) continue;
    if (end - start <= word.length) undecided = true;
    else {
      const next = bytes[start + word.length];
      if (next === SPACE || next === CR || next === LF) return 1;
    }
  }
  for (const word of OTHERS) {
    const present = Math.min(word.length, end - start);
    if (beginsWithWord(bytes, start, end, word.subarray(0, present))) undecided = true;
  }
  return undecided ? 0 : -1;
}

/** A greeting alone leaves the decision to the client; when more replies come, its words count. */
function server(bytes: Uint8Array, start: number, end: number): number {
  const greeting = greetingEnd(bytes, start, end);
  if (greeting < 0) return -1;
  if (greeting === 0 || greeting === end) return 0;
  for (let i = start + 4; i < greeting; i++)
    for (const word of MAIL_WORDS) if (beginsWithWord(bytes, i, greeting, word)) return 1;
  return -1;
}

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
