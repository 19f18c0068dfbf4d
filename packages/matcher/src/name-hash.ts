import { createHash } from 'node:crypto';

const BYTES = 6;

/** A number for a name that is the same in all threads, whatever names each has met so far: 48 bits. */
export function nameHash(name: string): number {
  return createHash('sha256').update(name).digest().readUIntBE(0, BYTES);
}
