/** One SNMP message of version 1, 2c (RFC 1157, RFC 3416) or 3 (RFC 3412) taken apart; reused. */

import { Asn1Reader, Tag } from '../asn1/reader';

export const PduType = {
  GET_REQUEST: 0,
  GET_NEXT_REQUEST: 1,
  RESPONSE: 2,
  SET_REQUEST: 3,
  TRAP_V1: 4,
  GET_BULK_REQUEST: 5,
  INFORM_REQUEST: 6,
  TRAP_V2: 7,
  REPORT: 8,
} as const;

/** Versions as they stand in a message. */
const WireVersion = { V1: 0, V2C: 1, V2U: 2, V3: 3 } as const;

/** The User-based Security Model (RFC 3414). */
const USER_BASED = 3;
const CONTEXT = 0xa0;
const ENCRYPTED_BIT = 2;
/** Object identifiers of a message that an alert tells. */
const MOST_NAMES = 16;

const outer = new Asn1Reader();
const fields = new Asn1Reader();
const inner = new Asn1Reader();
const deeper = new Asn1Reader();

export class SnmpMessage {
  bytes: Uint8Array = new Uint8Array(0);
  /** As rules have it: 1, 2 or 3. */
  version = 0;
  /** Range of the community; empty where there is none. */
  hasCommunity = false;
  communityStart = 0;
  communityEnd = 0;
  hasUser = false;
  userStart = 0;
  userEnd = 0;
  unknownSecurity = false;
  encrypted = false;
  /** `PduType`, below 0 where it is not to be seen. */
  pduType = -1;
  errorStatus = 0;
  private pduStart = 0;
  private pduEnd = 0;

  /** @returns false where the message is broken */
  read(bytes: Uint8Array, start: number, end: number): boolean {
    this.bytes = bytes;
    this.version = 0;
    this.hasCommunity = false;
    this.hasUser = false;
    this.unknownSecurity = false;
    this.encrypted = false;
    this.pduType = -1;
    this.errorStatus = 0;
    this.pduStart = 0;
    this.pduEnd = 0;
    if (!outer.over(bytes, start, end).take(Tag.SEQUENCE)) return false;
    fields.inside(outer);
    if (!fields.take(Tag.INTEGER)) return false;
    const version = fields.integer();
    if (version === WireVersion.V3) return this.readVersion3();
    if (version !== WireVersion.V1 && version !== WireVersion.V2C) return false;
    this.version = version + 1;
    if (!fields.take(Tag.OCTET_STRING)) return false;
    this.hasCommunity = true;
    this.communityStart = fields.start;
    this.communityEnd = fields.stop;
    return this.readPdu(fields);
  }

  private readVersion3(): boolean {
    this.version = 3;
    if (!fields.take(Tag.SEQUENCE)) return false;
    inner.inside(fields);
    // Message number and size, flags, security model.
    if (!inner.take(Tag.INTEGER) || !inner.take(Tag.INTEGER) || !inner.take(Tag.OCTET_STRING)) return false;
    const flags = inner.length > 0 ? this.bytes[inner.start] : 0;
    if (!inner.take(Tag.INTEGER)) return false;
    const userBased = inner.integer() === USER_BASED;
    if (!fields.take(Tag.OCTET_STRING)) return false;
    if (userBased) {
      if (!this.readUser()) return false;
    } else this.unknownSecurity = true;
    if ((flags & ENCRYPTED_BIT) !== 0 || fields.peek() === Tag.OCTET_STRING) {
      this.encrypted = true;
      return fields.take(Tag.OCTET_STRING);
    }
    if (!fields.take(Tag.SEQUENCE)) return false;
    inner.inside(fields);
    // Engine and name of the context.
    if (!inner.take(Tag.OCTET_STRING) || !inner.take(Tag.OCTET_STRING)) return false;
    return this.readPdu(inner);
  }

  private readUser(): boolean {
    if (!inner.inside(fields).take(Tag.SEQUENCE)) return false;
    deeper.inside(inner);
    if (!deeper.take(Tag.OCTET_STRING) || !deeper.take(Tag.INTEGER) || !deeper.take(Tag.INTEGER))
      return false;
    if (!deeper.take(Tag.OCTET_STRING)) return false;
    this.hasUser = true;
    this.userStart = deeper.start;
    this.userEnd = deeper.stop;
    return true;
  }

  private readPdu(reader: Asn1Reader): boolean {
    if (!reader.next() || (reader.first & 0xe0) !== CONTEXT || reader.number > PduType.REPORT) return false;
    this.pduType = reader.number;
    this.pduStart = reader.start;
    this.pduEnd = reader.stop;
    const pdu = deeper.inside(reader);
    if (this.pduType === PduType.TRAP_V1) {
      return (
        pdu.take(Tag.OBJECT_IDENTIFIER) &&
        pdu.next() &&
        pdu.take(Tag.INTEGER) &&
        pdu.take(Tag.INTEGER) &&
        pdu.next() &&
        pdu.take(Tag.SEQUENCE)
      );
    }
    if (!pdu.take(Tag.INTEGER) || !pdu.take(Tag.INTEGER)) return false;
    this.errorStatus = pdu.integer();
    return pdu.take(Tag.INTEGER) && pdu.take(Tag.SEQUENCE);
  }

  /** The first object identifiers that the message is about, for those who tell of it. */
  names(): string[] {
    const found: string[] = [];
    deeper.over(this.bytes, this.pduStart, this.pduEnd);
    while (deeper.next()) {
      if (deeper.first !== Tag.SEQUENCE) continue;
      fields.inside(deeper);
      while (found.length < MOST_NAMES && fields.take(Tag.SEQUENCE)) {
        if (inner.inside(fields).take(Tag.OBJECT_IDENTIFIER)) found.push(inner.objectIdentifier());
      }
    }
    return found;
  }
}

/**
 * Whether a datagram begins with an SNMP message: a sequence of the right length, a version, and what follows it.
 */
export function looksLikeSnmp(bytes: Uint8Array, start: number, end: number): boolean {
  if (!outer.over(bytes, start, end).take(Tag.SEQUENCE)) return false;
  fields.inside(outer);
  if (!fields.take(Tag.INTEGER) || fields.length !== 1) return false;
  const version = fields.integer();
  if (version === WireVersion.V3) return fields.peek() === Tag.SEQUENCE;
  return version >= 0 && version < WireVersion.V3 && fields.peek() === Tag.OCTET_STRING;
}
