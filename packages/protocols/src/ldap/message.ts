/** One LDAP message (RFC 4511, section 4) taken apart; reused. */

import { Asn1Reader, Tag } from '../asn1/reader';
import { LdapOperation } from './names';

const APPLICATION_CLASS = 1;
/** Attribute types of one message that are looked at. */
const MOST_TYPES = 256;
const START_TLS = Uint8Array.from('1.3.6.1.4.1.1466.20037', (c) => c.charCodeAt(0));
const REQUEST_NAME = 0x80;
const O = LdapOperation;

const outer = new Asn1Reader();
const fields = new Asn1Reader();
const body = new Asn1Reader();
const list = new Asn1Reader();
const inner = new Asn1Reader();

export class LdapMessage {
  bytes: Uint8Array = new Uint8Array(0);
  id = 0;
  operation = 0;
  /** Ranges of the object's or matched name and of the diagnostic message; below 0 where there is none. */
  nameStart = -1;
  nameEnd = -1;
  textStart = -1;
  textEnd = -1;
  /** Below 0 where there is none. */
  result = -1;
  /** An extended request that asks for TLS. */
  startsTls = false;
  /** Ranges of attribute types. */
  readonly types = new Int32Array(2 * MOST_TYPES);
  typeCount = 0;

  /** @returns false where the message is broken */
  read(bytes: Uint8Array, start: number, end: number): boolean {
    this.bytes = bytes;
    this.nameStart = -1;
    this.nameEnd = -1;
    this.textStart = -1;
    this.textEnd = -1;
    this.result = -1;
    this.startsTls = false;
    this.typeCount = 0;
    if (!outer.over(bytes, start, end).take(Tag.SEQUENCE)) return false;
    fields.inside(outer);
    if (!fields.take(Tag.INTEGER)) return false;
    this.id = fields.integer();
    if (!(this.id >= 0) || !fields.next() || fields.tagClass !== APPLICATION_CLASS) return false;
    this.operation = fields.number;
    return this.readOperation();
  }

  private readOperation(): boolean {
    body.inside(fields);
    switch (this.operation) {
      case O.BIND_REQUEST:
        return body.take(Tag.INTEGER) && this.readName();
      case O.BIND_RESPONSE:
      case O.SEARCH_RESULT_DONE:
      case O.MODIFY_RESPONSE:
      case O.ADD_RESPONSE:
      case O.DEL_RESPONSE:
      case O.MOD_DN_RESPONSE:
      case O.COMPARE_RESPONSE:
      case O.EXTENDED_RESPONSE:
        return this.readResult();
      case O.SEARCH_REQUEST:
        return this.readSearch();
      case O.SEARCH_RESULT_ENTRY:
      case O.ADD_REQUEST:
        return this.readName() && this.readTypes(false);
      case O.MODIFY_REQUEST:
        return this.readName() && this.readTypes(true);
      case O.MOD_DN_REQUEST:
        return this.readName();
      case O.COMPARE_REQUEST:
        return this.readName() && this.readAssertion();
      case O.DEL_REQUEST:
        this.nameStart = fields.start;
        this.nameEnd = fields.stop;
        return true;
      case O.EXTENDED_REQUEST:
        this.startsTls = body.next() && body.first === REQUEST_NAME && body.holds(START_TLS);
        return true;
      default:
        return true;
    }
  }

  private readName(): boolean {
    if (!body.take(Tag.OCTET_STRING)) return false;
    this.nameStart = body.start;
    this.nameEnd = body.stop;
    return true;
  }

  private readResult(): boolean {
    if (!body.take(Tag.ENUMERATED)) return false;
    this.result = body.integer();
    if (!(this.result >= 0) || !this.readName() || !body.take(Tag.OCTET_STRING)) return false;
    this.textStart = body.start;
    this.textEnd = body.stop;
    return true;
  }

  private readSearch(): boolean {
    if (!this.readName() || !body.take(Tag.ENUMERATED) || !body.take(Tag.ENUMERATED)) return false;
    if (!body.take(Tag.INTEGER) || !body.take(Tag.INTEGER) || !body.take(Tag.BOOLEAN)) return false;
    // The filter, whatever it is.
    if (!body.next() || !body.take(Tag.SEQUENCE)) return false;
    list.inside(body);
    while (list.take(Tag.OCTET_STRING)) this.addType(list);
    return list.done;
  }

  /** Sequences that begin with an attribute's type. @param wrapped behind an operation, in a sequence of its own */
  private readTypes(wrapped: boolean): boolean {
    if (!body.take(Tag.SEQUENCE)) return false;
    list.inside(body);
    while (list.take(Tag.SEQUENCE)) {
      inner.inside(list);
      if (wrapped) {
        if (!inner.take(Tag.ENUMERATED) || !inner.take(Tag.SEQUENCE)) return false;
        inner.over(inner.bytes, inner.start, inner.stop);
      }
      if (!inner.take(Tag.OCTET_STRING)) return false;
      this.addType(inner);
    }
    return list.done;
  }

  private readAssertion(): boolean {
    if (!body.take(Tag.SEQUENCE) || !inner.inside(body).take(Tag.OCTET_STRING)) return false;
    this.addType(inner);
    return true;
  }

  private addType(at: Asn1Reader): void {
    if (this.typeCount >= MOST_TYPES) return;
    this.types[2 * this.typeCount] = at.start;
    this.types[2 * this.typeCount + 1] = at.stop;
    this.typeCount++;
  }
}
