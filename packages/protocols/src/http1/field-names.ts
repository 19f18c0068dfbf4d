/** The header fields that the parser or a rule buffer asks for by name. */

import * as characters from './characters';

// Bound once: an import is a property load at each use in CommonJS.
const { ascii, CLASS, equalsLower, equalsWithoutNull, TOKEN } = characters;

/** Number of each known field; 0 is every other. */
export const Field = {
  OTHER: 0,
  HOST: 1,
  USER_AGENT: 2,
  COOKIE: 3,
  SET_COOKIE: 4,
  REFERER: 5,
  ACCEPT: 6,
  ACCEPT_ENCODING: 7,
  ACCEPT_LANGUAGE: 8,
  CONNECTION: 9,
  CONTENT_TYPE: 10,
  CONTENT_LENGTH: 11,
  CONTENT_ENCODING: 12,
  TRANSFER_ENCODING: 13,
  SERVER: 14,
  LOCATION: 15,
  UPGRADE: 16,
  AUTHORIZATION: 17,
  EXPECT: 18,
  CONTENT_DISPOSITION: 19,
  CONTENT_RANGE: 20,
} as const;

export const FIELD_COUNT = 21;

const NAMES: readonly Uint8Array[] = [
  '',
  'host',
  'user-agent',
  'cookie',
  'set-cookie',
  'referer',
  'accept',
  'accept-encoding',
  'accept-language',
  'connection',
  'content-type',
  'content-length',
  'content-encoding',
  'transfer-encoding',
  'server',
  'location',
  'upgrade',
  'authorization',
  'expect',
  'content-disposition',
  'content-range',
].map(ascii);

/** Start value and step of the hash of a field name; the step is FNV-1a over `byte | 0x20`. */
const HASH_START = 0x811c9dc5 | 0;
const HASH_STEP = 0x01000193;

export { HASH_START, HASH_STEP };

/** Hash of a field name, the same for every spelling of its letters; null bytes do not count. */
export function hashName(bytes: Uint8Array, start: number, end: number): number {
  let hash = HASH_START;
  for (let i = start; i < end; i++) if (bytes[i] !== 0) hash = Math.imul(hash ^ (bytes[i] | 0x20), HASH_STEP);
  return hash;
}

const SLOTS = 256;
const slotField = new Uint8Array(SLOTS);
for (let field = 1; field < FIELD_COUNT; field++) {
  let slot = hashName(NAMES[field], 0, NAMES[field].length) & (SLOTS - 1);
  while (slotField[slot] !== 0) slot = (slot + 1) & (SLOTS - 1);
  slotField[slot] = field;
}

/** Number of the known field with this name (null bytes left out), or `Field.OTHER`. `hash` is its `hashName`. */
export function identifyField(bytes: Uint8Array, start: number, end: number, hash: number): number {
  let slot = hash & (SLOTS - 1);
  for (;;) {
    const field = slotField[slot];
    if (field === 0) return 0;
    const name = NAMES[field];
    if (
      end - start === name.length
        ? equalsLower(bytes, start, end, name)
        : equalsWithoutNull(bytes, start, end, name)
    ) {
      return field;
    }
    slot = (slot + 1) & (SLOTS - 1);
  }
}

/** Whether every byte may stand in a field name (RFC 9110 `token`). */
export function isToken(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if ((CLASS[bytes[i]] & TOKEN) === 0) return false;
  return true;
}
