/** Messages of IKE version 2 (RFC 7296 section 3), as far as they are not encrypted: the proposals and what they lack. */

import { IkeEvent, SaAttribute } from './buffers';
import type { Attributes } from './ike-transaction';
import { eachPayload, u16 } from './payloads';

const PayloadType = { ASSOCIATION: 33, ENCRYPTED: 46, ENCRYPTED_FRAGMENT: 53 } as const;
const TransformType = { ENCRYPTION: 1, PRF: 2, INTEGRITY: 3, GROUP: 4, SEQUENCE: 5 } as const;
const AUTHENTICATION_HEADER = 2;

/** Transforms that are weak (RFC 8247): DES, 3DES, RC5, IDEA, CAST, Blowfish, none; MD5 and SHA-1; groups up to 1536. */
const WEAK_ENCRYPTION: ReadonlySet<number> = new Set([1, 2, 3, 4, 5, 6, 7, 8, 9, 11]);
const WEAK_PRF: ReadonlySet<number> = new Set([1, 2]);
const WEAK_INTEGRITY: ReadonlySet<number> = new Set([1, 2, 3, 4, 5, 6, 7]);
const WEAK_GROUP: ReadonlySet<number> = new Set([1, 2, 5, 22]);
/** Encryption that authenticates: CCM, GCM, ChaCha20. */
const COMBINED: ReadonlySet<number> = new Set([14, 15, 16, 18, 19, 20, 25, 26, 27, 28]);

/**
 * Reads the payloads in `bytes[start, end)`.
 * @param chosen takes the algorithms of the proposals; null: they are only offered
 */
export function readVersion2(
  bytes: Uint8Array,
  start: number,
  end: number,
  type: number,
  chosen: Attributes | null,
  event: (name: string) => void,
): void {
  let encrypted = false;
  eachPayload(bytes, start, end, type, (one, from, to) => {
    if (encrypted) return;
    if (one === PayloadType.ENCRYPTED || one === PayloadType.ENCRYPTED_FRAGMENT) encrypted = true;
    else if (one === PayloadType.ASSOCIATION) {
      // The first byte of each part says whether another follows, not its type.
      eachPayload(bytes, from, to, 0, (_, at, stop) => proposal(bytes, at, stop, chosen, event));
    }
  });
}

function proposal(
  bytes: Uint8Array,
  start: number,
  end: number,
  chosen: Attributes | null,
  event: (name: string) => void,
): void {
  if (end - start < 4) return;
  const from = start + 4 + bytes[start + 2];
  if (from > end) return;
  let group = false;
  let integrity = false;
  let combined = false;
  eachPayload(bytes, from, end, 0, (_, at, stop) => {
    if (stop - at < 4) return;
    const type = bytes[at];
    const id = u16(bytes, at + 2);
    judge(type, id, event);
    if (type === TransformType.GROUP) group = true;
    if (type === TransformType.INTEGRITY && id !== 0) integrity = true;
    if (type === TransformType.ENCRYPTION && COMBINED.has(id)) combined = true;
    if (chosen !== null) choose(type, id, chosen);
  });
  if (!group) event(IkeEvent.WEAK_CRYPTO_NO_DH);
  if (bytes[start + 1] === AUTHENTICATION_HEADER) event(IkeEvent.NO_ENCRYPTION);
  if (!integrity && !combined) event(IkeEvent.WEAK_CRYPTO_NO_AUTH);
}

function choose(type: number, id: number, chosen: Attributes): void {
  if (type === TransformType.ENCRYPTION) chosen.add(SaAttribute.alg_enc, id);
  else if (type === TransformType.PRF) chosen.add(SaAttribute.alg_prf, id);
  else if (type === TransformType.INTEGRITY) chosen.add(SaAttribute.alg_auth, id);
  else if (type === TransformType.GROUP) chosen.add(SaAttribute.alg_dh, id);
}

function judge(type: number, id: number, event: (name: string) => void): void {
  switch (type) {
    case TransformType.ENCRYPTION:
      if (WEAK_ENCRYPTION.has(id)) event(IkeEvent.WEAK_CRYPTO_ENC);
      return;
    case TransformType.PRF:
      if (id === 0) event(IkeEvent.INVALID_PROPOSAL);
      else if (WEAK_PRF.has(id)) event(IkeEvent.WEAK_CRYPTO_PRF);
      return;
    case TransformType.INTEGRITY:
      if (WEAK_INTEGRITY.has(id)) event(IkeEvent.WEAK_CRYPTO_AUTH);
      return;
    case TransformType.GROUP:
      if (id === 0) event(IkeEvent.INVALID_PROPOSAL);
      else if (WEAK_GROUP.has(id)) event(IkeEvent.WEAK_CRYPTO_DH);
      return;
    case TransformType.SEQUENCE:
      return;
    default:
      event(IkeEvent.UNKNOWN_PROPOSAL);
  }
}
