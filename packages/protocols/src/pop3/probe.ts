/** Which flows are POP3: a server's status, or a command of a client that no other protocol has. */

import { beginsWithWord, word } from '../lines/words';
import { type Direction, Direction as Directions } from '../transaction';

/** USER is left to FTP: the server has told before, where it is POP3. */
const COMMANDS = ['CAPA\r', 'CAPA\n', 'STLS\r', 'STLS\n', 'APOP '].map(word);
const OK = word('+OK');

export function looksLikePop3(direction: Direction, bytes: Uint8Array, start: number, end: number): number {
  if (direction === Directions.TO_CLIENT) return server(bytes, start, end);
  let undecided = false;
  for (const command of COMMANDS) {
    const present = Math.min(command.length, end - start);
    if (!beginsWithWord(bytes, start, end, command.subarray(0, present))) continue;
    if (present === command.length) return 1;
    undecided = true;
  }
  return undecided ? 0 : -1;
}

function server(bytes: Uint8Array, start: number, end: number): number {
  const present = Math.min(OK.length, end - start);
  for (let i = 0; i < present; i++) if (bytes[start + i] !== OK[i]) return -1;
  if (end - start <= OK.length) return 0;
  const next = bytes[start + OK.length];
  // Redis says `+OK` and nothing more.
  if (next !== 0x0d) return next === 0x20 || next === 0x0a || next === 0x09 ? 1 : -1;
  return end - start > OK.length + 1 && bytes[start + OK.length + 1] !== 0x0a ? -1 : 0;
}
