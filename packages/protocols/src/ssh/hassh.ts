/** HASSH (Salesforce): the algorithms of one side's SSH_MSG_KEXINIT (RFC 4253 section 7.1). */

import { createHash } from 'node:crypto';
import { type Direction, Direction as Directions } from '../transaction';

const COOKIE = 16;
const LISTS = 10;
/** Places of the lists in the message: key exchange, then encryption, authentication and compression of a direction. */
const CLIENT_LISTS = [0, 2, 4, 6];
const SERVER_LISTS = [0, 3, 5, 7];

/**
 * @param start of the message behind its number
 * @returns the lists joined by `;`, or '' where the message is not whole
 */
export function hasshText(direction: Direction, bytes: Uint8Array, start: number, end: number): string {
  const lists: string[] = [];
  let i = start + COOKIE;
  for (let k = 0; k < LISTS; k++) {
    if (end - i < 4) return '';
    const length = ((bytes[i] << 24) | (bytes[i + 1] << 16) | (bytes[i + 2] << 8) | bytes[i + 3]) >>> 0;
    i += 4;
    if (length > end - i) return '';
    lists.push(Buffer.from(bytes.buffer, bytes.byteOffset + i, length).toString('latin1'));
    i += length;
  }
  const wanted = direction === Directions.TO_SERVER ? CLIENT_LISTS : SERVER_LISTS;
  return wanted.map((place) => lists[place]).join(';');
}

export function hasshHash(text: string): string {
  return createHash('md5').update(text, 'latin1').digest('hex');
}
