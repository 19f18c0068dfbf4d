/** Which flows are IMAP: a server's greeting, or a tagged command. */

import { beginsWithWord, word } from '../lines/words';
import { type Direction, Direction as Directions } from '../transaction';
import { tagEnd } from './syntax';

const GREETINGS = ['* OK', '* PREAUTH', '* BYE', '* NO', '* BAD'].map(word);
const COMMANDS = ['CAPABILITY', 'LOGIN', 'AUTHENTICATE', 'STARTTLS'].map(word);
/** Longest tag before a first command. */
const LONGEST_TAG = 16;

export function looksLikeImap(direction: Direction, bytes: Uint8Array, start: number, end: number): number {
  return direction === Directions.TO_CLIENT ? server(bytes, start, end) : client(bytes, start, end);
}

function server(bytes: Uint8Array, start: number, end: number): number {
  let undecided = false;
  for (const greeting of GREETINGS) {
    const present = Math.min(greeting.length, end - start);
    if (!beginsWithWord(bytes, start, end, greeting.subarray(0, present))) continue;
    if (end - start <= greeting.length) undecided = true;
    else if (bytes[start + greeting.length] <= 0x20) return 1;
  }
  return undecided ? 0 : -1;
}

function client(bytes: Uint8Array, start: number, end: number): number {
  const tag = tagEnd(bytes, start, end);
  if (tag < 0) {
    // A tag that has not ended yet.
    if (end - start > LONGEST_TAG) return -1;
    for (let i = start; i < end; i++) if (bytes[i] <= 0x2c || bytes[i] >= 0x7b) return -1;
    return 0;
  }
  if (tag - start > LONGEST_TAG) return -1;
  let undecided = false;
  for (const command of COMMANDS) {
    const present = Math.min(command.length, end - tag - 1);
    if (!beginsWithWord(bytes, tag + 1, end, command.subarray(0, present))) continue;
    if (end - tag - 1 <= command.length) undecided = true;
    else if (bytes[tag + 1 + command.length] <= 0x20) return 1;
  }
  return undecided ? 0 : -1;
}
