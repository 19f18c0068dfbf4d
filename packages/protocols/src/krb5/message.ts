/** One Kerberos message (RFC 4120, section 5) taken apart; reused. */

import { Asn1Reader, Tag } from '../asn1/reader';

const KerberosType = {
  AS_REQ: 10,
  AS_REP: 11,
  TGS_REQ: 12,
  TGS_REP: 13,
  ERROR: 30,
} as const;

/** Outcome of `KerberosMessage.read`. */
export const KerberosReading = {
  READ: 0,
  /** A message that says nothing rules ask for. */
  PASSED_OVER: 1,
  MALFORMED: 2,
  /** Not even an element. */
  NO_ELEMENT: 3,
} as const;

const APPLICATION = 0x60;
const CONTEXT = 0xa0;
/** Parts of a name that are looked at. */
const MOST_PARTS = 32;

/** Ranges of the parts of a name in the message's bytes. */
class PrincipalName {
  readonly ranges = new Int32Array(2 * MOST_PARTS);
  count = 0;
}

const outer = new Asn1Reader();
const fields = new Asn1Reader();
const inner = new Asn1Reader();
const deeper = new Asn1Reader();

export class KerberosMessage {
  bytes: Uint8Array = new Uint8Array(0);
  type = 0;
  readonly client = new PrincipalName();
  readonly server = new PrincipalName();
  realmStart = 0;
  realmEnd = 0;
  hasErrorCode = false;
  errorCode = 0;
  /** How the part that is encrypted for the client is encrypted, and the ticket; NaN where there is none. */
  encryption = Number.NaN;
  ticketEncryption = Number.NaN;

  read(bytes: Uint8Array, start: number, end: number): number {
    this.bytes = bytes;
    this.client.count = 0;
    this.server.count = 0;
    this.realmStart = 0;
    this.realmEnd = 0;
    this.hasErrorCode = false;
    this.errorCode = 0;
    this.encryption = Number.NaN;
    this.ticketEncryption = Number.NaN;
    if (!outer.over(bytes, start, end).next()) return KerberosReading.NO_ELEMENT;
    if ((outer.first & APPLICATION) !== APPLICATION || outer.tagClass !== 1)
      return KerberosReading.PASSED_OVER;
    this.type = outer.number;
    switch (this.type) {
      case KerberosType.AS_REQ:
      case KerberosType.TGS_REQ:
        return this.readRequest() ? KerberosReading.READ : KerberosReading.MALFORMED;
      case KerberosType.AS_REP:
      case KerberosType.TGS_REP:
        return this.readReply() ? KerberosReading.READ : KerberosReading.MALFORMED;
      case KerberosType.ERROR:
        return this.readError() ? KerberosReading.READ : KerberosReading.MALFORMED;
      default:
        return KerberosReading.PASSED_OVER;
    }
  }

  /** Puts `fields` before the fields of the sequence in what `within` has read last. */
  private openSequence(within: Asn1Reader): boolean {
    if (!inner.inside(within).take(Tag.SEQUENCE)) return false;
    fields.inside(inner);
    return true;
  }

  private readRequest(): boolean {
    if (!this.openSequence(outer)) return false;
    while (fields.next()) {
      // The body has what is asked for.
      if (fields.first === CONTEXT + 4) return this.openSequence(fields) && this.readBody();
    }
    return false;
  }

  private readBody(): boolean {
    while (fields.next()) {
      if (fields.first === CONTEXT + 1 && !this.readName(this.client)) return false;
      else if (fields.first === CONTEXT + 2) this.readRealm();
      else if (fields.first === CONTEXT + 3 && !this.readName(this.server)) return false;
    }
    return true;
  }

  private readReply(): boolean {
    if (!this.openSequence(outer)) return false;
    let ticket = false;
    while (fields.next()) {
      switch (fields.first) {
        case CONTEXT + 3:
          this.readRealm();
          break;
        case CONTEXT + 4:
          if (!this.readName(this.client)) return false;
          break;
        case CONTEXT + 5:
          if (!this.readTicket()) return false;
          ticket = true;
          break;
        case CONTEXT + 6:
          this.encryption = encryptionType(fields);
          break;
        default:
      }
    }
    return ticket && !Number.isNaN(this.encryption);
  }

  /** A ticket in the field that was read last. */
  private readTicket(): boolean {
    if (!inner.inside(fields).take(APPLICATION + 1)) return false;
    if (!deeper.inside(inner).take(Tag.SEQUENCE)) return false;
    const ticket = ticketFields.inside(deeper);
    while (ticket.next()) {
      if (ticket.first === CONTEXT + 2 && !readNameOf(ticket, this.server)) return false;
      if (ticket.first === CONTEXT + 3) this.ticketEncryption = encryptionType(ticket);
    }
    return !Number.isNaN(this.ticketEncryption);
  }

  private readError(): boolean {
    if (!this.openSequence(outer)) return false;
    while (fields.next()) {
      switch (fields.first) {
        case CONTEXT + 6:
          if (!inner.inside(fields).take(Tag.INTEGER)) return false;
          this.hasErrorCode = true;
          this.errorCode = inner.integer();
          break;
        case CONTEXT + 7:
          this.readRealm();
          break;
        case CONTEXT + 8:
          if (!this.readName(this.client)) return false;
          break;
        case CONTEXT + 10:
          if (!this.readName(this.server)) return false;
          break;
        default:
      }
    }
    return this.hasErrorCode && !Number.isNaN(this.errorCode);
  }

  private readRealm(): void {
    if (!inner.inside(fields).next()) return;
    this.realmStart = inner.start;
    this.realmEnd = inner.stop;
  }

  private readName(name: PrincipalName): boolean {
    return readNameOf(fields, name);
  }
}

const ticketFields = new Asn1Reader();
const nameFields = new Asn1Reader();
const nameParts = new Asn1Reader();

/** The PrincipalName in the field that `field` has read last. */
function readNameOf(field: Asn1Reader, name: PrincipalName): boolean {
  name.count = 0;
  if (!nameParts.inside(field).take(Tag.SEQUENCE)) return false;
  nameFields.inside(nameParts);
  while (nameFields.next()) {
    if (nameFields.first !== CONTEXT + 1) continue;
    if (!nameParts.inside(nameFields).take(Tag.SEQUENCE)) return false;
    nameParts.over(nameParts.bytes, nameParts.start, nameParts.stop);
    while (name.count < MOST_PARTS && nameParts.next()) {
      name.ranges[2 * name.count] = nameParts.start;
      name.ranges[2 * name.count + 1] = nameParts.stop;
      name.count++;
    }
    return true;
  }
  return false;
}

/** The encryption type of the EncryptedData in the field that was read last; NaN where there is none. */
function encryptionType(field: Asn1Reader): number {
  if (!nameParts.inside(field).take(Tag.SEQUENCE)) return Number.NaN;
  if (!nameFields.inside(nameParts).take(CONTEXT)) return Number.NaN;
  return nameParts.inside(nameFields).take(Tag.INTEGER) ? nameParts.integer() : Number.NaN;
}
