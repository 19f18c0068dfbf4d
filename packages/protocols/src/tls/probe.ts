import { type Direction, Direction as Directions } from '../transaction';

const CHANGE_CIPHER_SPEC = 0x14;
const ALERT = 0x15;
const HANDSHAKE = 0x16;
const APPLICATION = 0x17;
const CLIENT_HELLO = 1;
const SSL2_CLIENT_HELLO = 1;
const LONGEST_RECORD = 1 << 14;
const HEADER = 5;
/** Of records: of all versions there are. */
const MAJOR = 3;
/** Go takes any below before the hello, for what they are. */
const NO_MAJOR = 16;
const WARNING = 1;
/** Records that servers pass over; behind so many of them it is TLS. */
const ENOUGH = 4;

/** Record header of SSL 3.0 to TLS 1.2 (1.3 uses those), or the hello of SSL 2. @returns 1 yes, 0 too few bytes, -1 no */
export function probeTls(direction: Direction, bytes: Uint8Array, start: number, end: number): number {
  if (start >= end) return 0;
  const first = bytes[start];
  if (direction === Directions.TO_SERVER)
    return (first & 0x80) !== 0 ? probeSsl2(bytes, start, end) : probeClient(bytes, start, end);
  if (first !== HANDSHAKE && first !== ALERT && first !== APPLICATION) return -1;
  if (start + 1 < end && bytes[start + 1] !== MAJOR) return -1;
  if (end - start < 3) return 0;
  return bytes[start + 2] <= 3 ? 1 : -1;
}

/**
 * A hello, with all that servers pass over before it: empty records (OpenSSL), warnings and any version of records (Go), what
 * TLS 1.3 sends for the sake of boxes in the middle (GnuTLS).
 */
function probeClient(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  for (let passed = 0; passed < ENOUGH; passed++) {
    if (at >= end) return 0;
    const type = bytes[at];
    if (type !== HANDSHAKE && type !== ALERT && type !== CHANGE_CIPHER_SPEC) return -1;
    if (at + 1 < end && bytes[at + 1] >= NO_MAJOR) return -1;
    if (end - at < 3) return 0;
    if (type === HANDSHAKE && bytes[at + 1] === MAJOR && bytes[at + 2] <= 3) return 1;
    if (end - at < HEADER) return 0;
    const length = (bytes[at + 3] << 8) | bytes[at + 4];
    if (type !== HANDSHAKE || length > 0) {
      if (end - at === HEADER) return 0;
      const content = bytes[at + HEADER];
      // What else is in the record has to tell.
      if (type === HANDSHAKE) return length <= LONGEST_RECORD && content === CLIENT_HELLO ? 1 : -1;
      const isPassedOver =
        type === ALERT ? length === 2 && content === WARNING : length === 1 && content === 1;
      if (!isPassedOver) return -1;
    }
    at += HEADER + length;
  }
  return 1;
}

function probeSsl2(bytes: Uint8Array, start: number, end: number): number {
  if (start + 2 < end && bytes[start + 2] !== SSL2_CLIENT_HELLO) return -1;
  if (end - start < 5) return 0;
  const major = bytes[start + 3];
  const minor = bytes[start + 4];
  return (major === 0 && minor === 2) || (major === MAJOR && minor <= 3) ? 1 : -1;
}
