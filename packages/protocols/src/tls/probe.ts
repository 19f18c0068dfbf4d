import { type Direction, Direction as Directions } from '../transaction';

const HANDSHAKE = 0x16;
const ALERT = 0x15;
const APPLICATION = 0x17;
const CLIENT_HELLO = 1;
const SSL2_CLIENT_HELLO = 1;
const LONGEST_RECORD = 1 << 14;

/** Record header of SSL 3.0 to TLS 1.2 (1.3 uses those), or the hello of SSL 2. @returns 1 yes, 0 too few bytes, -1 no */
export function probeTls(direction: Direction, bytes: Uint8Array, start: number, end: number): number {
  if (start >= end) return 0;
  const first = bytes[start];
  const client = direction === Directions.TO_SERVER;
  if (first === HANDSHAKE || (!client && (first === ALERT || first === APPLICATION))) {
    if (start + 1 < end && bytes[start + 1] !== 3) return -1;
    if (end - start < 3) return 0;
    if (bytes[start + 2] <= 3) return 1;
    // Servers take any such number; what else is in the record has to tell.
    if (!client) return -1;
    let at = start;
    while (end - at >= 6 && bytes[at] === HANDSHAKE && bytes[at + 3] === 0 && bytes[at + 4] === 0) at += 5;
    if (end - at < 6) return 0;
    const plausible = bytes[at] === HANDSHAKE && bytes[at + 3] <= LONGEST_RECORD >> 8;
    return plausible && bytes[at + 5] === CLIENT_HELLO ? 1 : -1;
  }
  if (!client || (first & 0x80) === 0) return -1;
  if (start + 2 < end && bytes[start + 2] !== SSL2_CLIENT_HELLO) return -1;
  if (end - start < 5) return 0;
  const major = bytes[start + 3];
  const minor = bytes[start + 4];
  return (major === 0 && minor === 2) || (major === 3 && minor <= 3) ? 1 : -1;
}
