/** Commands of a client (RFC 5321 section 4.1, RFC 3030, RFC 3207), as far as they matter here. */

import { copied } from '../lines/copied';
import { beginsWithWord, word } from '../lines/words';

export const Command = {
  OTHER: 0,
  STARTTLS: 1,
  DATA: 2,
  BDAT: 3,
  HELO: 4,
  MAIL: 5,
  RCPT: 6,
  RSET: 7,
  QUIT: 8,
  /** Not a command: the end of a mail, which has a reply of its own. */
  END_OF_DATA: 9,
  /** Any of the others that there are. */
  KNOWN: 10,
} as const;
export type Command = (typeof Command)[keyof typeof Command];

const WORDS: readonly (readonly [Command, Uint8Array])[] = (
  [
    [Command.STARTTLS, 'STARTTLS'],
    [Command.DATA, 'DATA'],
    [Command.BDAT, 'BDAT'],
    [Command.HELO, 'HELO'],
    [Command.HELO, 'EHLO'],
    [Command.MAIL, 'MAIL FROM'],
    [Command.RCPT, 'RCPT TO'],
    [Command.RSET, 'RSET'],
    [Command.QUIT, 'QUIT'],
    [Command.KNOWN, 'NOOP'],
    [Command.KNOWN, 'AUTH'],
    [Command.KNOWN, 'VRFY'],
    [Command.KNOWN, 'EXPN'],
    [Command.KNOWN, 'HELP'],
  ] as const
).map(([command, text]) => [command, word(text)]);

/** Bytes of the word of a command that has a parameter, by command. */
const WORD_LENGTH = new Uint8Array(11);
for (const [command, text] of WORDS) WORD_LENGTH[command] = text.length;

const SPACE = 0x20;

export function commandOf(line: Uint8Array, start: number, end: number): Command {
  for (const [command, text] of WORDS) if (beginsWithWord(line, start, end, text)) return command;
  return Command.OTHER;
}

/** The first word behind `EHLO`, `MAIL FROM:` or `RCPT TO:` (copied); what follows are extensions (RFC 1870). */
export function parameterOf(command: Command, line: Uint8Array, start: number, end: number): Uint8Array {
  let from = Math.min(end, start + WORD_LENGTH[command] + 1);
  while (from < end && line[from] === SPACE) from++;
  let to = from;
  while (to < end && line[to] !== SPACE) to++;
  return copied(line, from, to);
}

/** What `BDAT 1000 LAST` says. */
export interface BdatChunk {
  readonly length: number;
  readonly last: boolean;
}

/** Largest chunk that is believed. */
const LARGEST_CHUNK = 0xffffffff;
const LAST = word('LAST');

/** @returns null where there is no length */
export function bdatChunk(line: Uint8Array, start: number, end: number): BdatChunk | null {
  let i = start + WORD_LENGTH[Command.BDAT];
  const blank = i;
  while (i < end && line[i] === SPACE) i++;
  if (i === blank) return null;
  const digits = i;
  let length = 0;
  while (i < end && line[i] >= 0x30 && line[i] <= 0x39) {
    length = Math.min(LARGEST_CHUNK, length * 10 + line[i] - 0x30);
    i++;
  }
  if (i === digits) return null;
  while (i < end && line[i] === SPACE) i++;
  return { length, last: beginsWithWord(line, i, end, LAST) };
}
