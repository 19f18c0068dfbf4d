/** Messages of IKE version 1 (RFC 2408, RFC 2409), as far as they are not encrypted. */

import type { Attributes, IkeTransaction } from './ike-transaction';
import { eachPayload, u16, u32 } from './payloads';

const PayloadType = {
  ASSOCIATION: 1,
  PROPOSAL: 2,
  TRANSFORM: 3,
  KEY_EXCHANGE: 4,
  NONCE: 10,
  VENDOR: 13,
} as const;
const DOMAIN_IPSEC = 1;
const LAST_ATTRIBUTE = 16;

/** What a message said beside what its transaction holds. */
export interface Version1Reading {
  /** Place behind the last payload that was whole. */
  end: number;
  /** Transforms in all its proposals. */
  transforms: number;
  /** It has an association. */
  association: boolean;
}

const reading: Version1Reading = { end: 0, transforms: 0, association: false };

/** Reads the payloads in `bytes[start, end)`. The result is shared: use it at once. */
export function readVersion1(
  bytes: Uint8Array,
  start: number,
  end: number,
  type: number,
  tx: IkeTransaction,
): Version1Reading {
  reading.transforms = 0;
  reading.association = false;
  reading.end = eachPayload(bytes, start, end, type, (one, from, to) => payload(bytes, one, from, to, tx));
  return reading;
}

function payload(bytes: Uint8Array, type: number, start: number, end: number, tx: IkeTransaction): void {
  switch (type) {
    case PayloadType.ASSOCIATION:
      reading.association = true;
      if (end - start >= 8 && u32(bytes, start) === DOMAIN_IPSEC) {
        eachPayload(bytes, start + 8, end, PayloadType.PROPOSAL, (one, from, to) => {
          if (one === PayloadType.PROPOSAL) proposal(bytes, from, to, tx);
        });
      }
      return;
    case PayloadType.KEY_EXCHANGE:
      tx.keyExchangeStart = end > start ? start : -1;
      tx.keyExchangeEnd = end;
      return;
    case PayloadType.NONCE:
      tx.nonceStart = end > start ? start : -1;
      tx.nonceEnd = end;
      return;
    case PayloadType.VENDOR:
      tx.addVendor(start, end);
      return;
    default:
  }
}

function proposal(bytes: Uint8Array, start: number, end: number, tx: IkeTransaction): void {
  if (end - start < 4) return;
  const from = start + 4 + bytes[start + 2];
  if (from > end) return;
  eachPayload(bytes, from, end, PayloadType.TRANSFORM, (type, at, to) => {
    if (type !== PayloadType.TRANSFORM || to - at < 4) return;
    reading.transforms++;
    // The first one is what was chosen.
    if (reading.transforms === 1) readAttributes(bytes, at + 4, to, tx.attributes);
  });
}

/** RFC 2408 section 3.3: type and value, or type, length and value. */
function readAttributes(bytes: Uint8Array, start: number, end: number, to: Attributes): void {
  let i = start;
  while (end - i >= 4) {
    const short = (bytes[i] & 0x80) !== 0;
    const type = u16(bytes, i) & 0x7fff;
    const value = u16(bytes, i + 2);
    i += 4;
    const known = type >= 1 && type <= LAST_ATTRIBUTE;
    if (short) {
      if (known) to.add(type, value);
      continue;
    }
    if (value > end - i) return;
    if (value === 4 && known) to.add(type, u32(bytes, i));
    i += value;
  }
}
