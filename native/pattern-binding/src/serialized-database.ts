import { createHash } from 'node:crypto';
import { PatternError } from './pattern-error';

/**
 * The frame around a serialised database. Vectorscan's own checks are for accidents in its header; a bit that
 * fell over in its tables would be scanned with. So the whole is hashed, and nothing reaches the library that
 * is not what it once wrote. (A hash is no signature: only load files that nobody else could write.)
 *
 *     0  8  magic
 *     8  4  number of patterns, little-endian
 *    12  4  length of the payload, little-endian
 *    16 32  SHA-256 over bytes 0–15 and the payload
 *    48  …  payload
 */
const MAGIC = Buffer.from('PCLSPDB1', 'latin1');
const PATTERNS = 8;
const LENGTH = 12;
const HASH = 16;
const PAYLOAD = 48;

function digest(framed: Uint8Array): Buffer {
  return createHash('sha256').update(framed.subarray(0, HASH)).update(framed.subarray(PAYLOAD)).digest();
}

export function frameDatabase(payload: Uint8Array, patterns: number): Uint8Array {
  if (payload.length > 0xffffffff) {
    throw new PatternError('NATIVE_FAILURE', 'a pattern database of 4 GiB or more cannot be serialised');
  }
  const framed = new Uint8Array(PAYLOAD + payload.length);
  const view = new DataView(framed.buffer);
  framed.set(MAGIC);
  view.setUint32(PATTERNS, patterns, true);
  view.setUint32(LENGTH, payload.length, true);
  framed.set(payload, PAYLOAD);
  framed.set(digest(framed), HASH);
  return framed;
}

export function unframeDatabase(framed: Uint8Array): { payload: Uint8Array; patterns: number } {
  const corrupt = (what: string) =>
    new PatternError(
      'DATABASE_CORRUPT',
      `the serialised pattern database ${what}; delete it and compile again`,
    );
  if (framed.length < PAYLOAD || MAGIC.compare(framed, 0, MAGIC.length) !== 0) {
    throw corrupt('does not begin as one');
  }
  const view = new DataView(framed.buffer, framed.byteOffset, framed.byteLength);
  if (view.getUint32(LENGTH, true) !== framed.length - PAYLOAD) throw corrupt('has the wrong length');
  if (digest(framed).compare(framed, HASH, PAYLOAD) !== 0) throw corrupt('has been changed');
  return { payload: framed.subarray(PAYLOAD), patterns: view.getUint32(PATTERNS, true) };
}
