/** Names in an NTLMSSP authentication (MS-NLMP section 2.2.1.3), wherever it lies in a security blob. */

import { le16, le32, withoutZeros } from './text';

const SIGNATURE = Uint8Array.from('NTLMSSP\0', (c) => c.charCodeAt(0));
const AUTHENTICATE = 3;
const DOMAIN = 28;
const USER = 36;
const WORKSTATION = 44;
const FIXED_PART = 52;

export interface NtlmNames {
  readonly domain: Uint8Array;
  readonly user: Uint8Array;
  readonly host: Uint8Array;
}

/** @returns null where there is no authentication, 'malformed' where its fields lie outside of it */
export function readNtlmNames(bytes: Uint8Array, start: number, end: number): NtlmNames | 'malformed' | null {
  const at = findSignature(bytes, start, end);
  if (at < 0 || at + 12 > end || le32(bytes, at + 8) !== AUTHENTICATE) return null;
  if (at + FIXED_PART > end) return 'malformed';
  const domain = field(bytes, at, DOMAIN, end);
  const user = field(bytes, at, USER, end);
  const host = field(bytes, at, WORKSTATION, end);
  return domain === null || user === null || host === null ? 'malformed' : { domain, user, host };
}

function field(bytes: Uint8Array, message: number, at: number, end: number): Uint8Array | null {
  const length = le16(bytes, message + at);
  const start = message + le32(bytes, message + at + 4);
  return start + length > end ? null : withoutZeros(bytes, start, start + length);
}

function findSignature(bytes: Uint8Array, start: number, end: number): number {
  for (let i = start; i + SIGNATURE.length <= end; i++) {
    let k = 0;
    while (k < SIGNATURE.length && bytes[i + k] === SIGNATURE[k]) k++;
    if (k === SIGNATURE.length) return i;
  }
  return -1;
}
