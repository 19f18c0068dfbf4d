/** Which flows are SMTP: the client's first command tells; a server's greeting could be that of FTP as well. */

import { greetingEnd } from '../lines/greeting';
import { beginsWithWord, word } from '../lines/words';
import { type Direction, Direction as Directions } from '../transaction';

/** How clients begin, as Suricata has it. */
const OPENINGS = ['EHLO', 'HELO', 'QUIT'].map(word);
/** Commands that do not begin a session in order: the server decides. */
const OTHERS = ['MAIL FROM', 'RCPT TO', 'AUTH ', 'NOOP', 'RSET', 'STARTTLS', 'HELP', 'VRFY ', 'EXPN '].map(
  word,
);
const MAIL_WORDS = ['SMTP', 'POSTFIX', 'EXIM', 'SENDMAIL'].map(word);
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;

export function looksLikeSmtp(direction: Direction, bytes: Uint8Array, start: number, end: number): number {
  return direction === Directions.TO_SERVER ? client(bytes, start, end) : server(bytes, start, end);
}

function client(bytes: Uint8Array, start: number, end: number): number {
  let undecided = false;
  for (const opening of OPENINGS) {
    const present = Math.min(opening.length, end - start);
    if (!beginsWithWord(bytes, start, end, opening.subarray(0, present))) continue;
    if (end - start <= opening.length) undecided = true;
    else {
      const next = bytes[start + opening.length];
      if (next === SPACE || next === CR || next === LF) return 1;
    }
  }
  for (const other of OTHERS) {
    const present = Math.min(other.length, end - start);
    if (beginsWithWord(bytes, start, end, other.subarray(0, present))) undecided = true;
  }
  return undecided ? 0 : -1;
}

/** A greeting alone leaves the decision to the client; when more replies come, its words count. */
function server(bytes: Uint8Array, start: number, end: number): number {
  const greeting = greetingEnd(bytes, start, end);
  if (greeting < 0) return -1;
  if (greeting === 0 || greeting === end) return 0;
  for (let i = start + 4; i < greeting; i++)
    for (const text of MAIL_WORDS) if (beginsWithWord(bytes, i, greeting, text)) return 1;
  return -1;
}
