/** Which flows are FTP: as in Suricata, the client's first command tells, or an unmistakable greeting. */

import { greetingEnd } from '../lines/greeting';
import { beginsWithWord, word } from '../lines/words';
import { type Direction, Direction as Directions } from '../transaction';

const OPENINGS = ['USER ', 'PASS ', 'PORT ', 'FEAT\r', 'FEAT\n', 'AUTH TLS', 'AUTH SSL'].map(word);
const PLAIN_GREETING = word('220 (');
const SERVER_WORDS = ['FTP', 'FILEZILLA'].map(word);

export function looksLikeFtp(direction: Direction, bytes: Uint8Array, start: number, end: number): number {
  return direction === Directions.TO_SERVER ? client(bytes, start, end) : server(bytes, start, end);
}

function client(bytes: Uint8Array, start: number, end: number): number {
  let undecided = false;
  for (const opening of OPENINGS) {
    const present = Math.min(opening.length, end - start);
    if (!beginsWithWord(bytes, start, end, opening.subarray(0, present))) continue;
    if (present === opening.length) return 1;
    undecided = true;
  }
  return undecided ? 0 : -1;
}

function server(bytes: Uint8Array, start: number, end: number): number {
  if (beginsWithWord(bytes, start, end, PLAIN_GREETING)) return 1;
  const greeting = greetingEnd(bytes, start, end);
  if (greeting < 0) return -1;
  if (greeting === 0 || greeting === end) return 0;
  for (let i = start + 4; i < greeting; i++)
    for (const text of SERVER_WORDS) if (beginsWithWord(bytes, i, greeting, text)) return 1;
  return -1;
}
