/** Presentation contexts of one association (C706 section 12.6.3.1): what a bind proposed and the server accepted. */

import { NO_BYTES } from '../buffer-pool';
import { IFACE_ROW, IfaceFlag } from './buffers';
import { copyUuid, PDU_HEADER, PduFlag, type PduHeader, word } from './pdu';

/** Contexts of an association that are remembered; further ones push out the oldest. */
const MOST_CONTEXTS = 1024;

/** Bytes before the list of proposed contexts: fragment sizes, association group, their number. */
const BIND_HEAD = 12;
const ABSTRACT_SYNTAX = 20;
const ACCEPTED = 0;

interface Context {
  readonly id: number;
  /** Its part of the buffer `dcerpc.iface`. */
  readonly row: Uint8Array;
}

export class Contexts {
  private proposed: Context[] = [];
  private readonly accepted: Context[] = [];

  /** A bind or alter_context. @returns false where it is malformed */
  propose(header: PduHeader, bytes: Uint8Array, start: number, end: number): boolean {
    const { little, flags } = header;
    this.proposed = [];
    let at = start + PDU_HEADER + BIND_HEAD;
    if (at > end) return false;
    for (let left = bytes[at - 4]; left > 0; left--) {
      if (at + 4 + ABSTRACT_SYNTAX > end) return false;
      const transfers = bytes[at + 2];
      const row = new Uint8Array(IFACE_ROW);
      copyUuid(bytes, at + 4, little, row, 0);
      const version = word(bytes, at + 20, little);
      row[16] = version >> 8;
      row[17] = version & 0xff;
      row[18] = (flags & PduFlag.FIRST_FRAGMENT) !== 0 ? IfaceFlag.FIRST_FRAGMENT : 0;
      if (this.proposed.length < MOST_CONTEXTS) this.proposed.push({ id: word(bytes, at, little), row });
      at += 4 + ABSTRACT_SYNTAX + transfers * ABSTRACT_SYNTAX;
    }
    return true;
  }

  /** A bind_ack or the response to alter_context. @returns false where it is malformed */
  accept(header: PduHeader, bytes: Uint8Array, start: number, end: number): boolean {
    const { little } = header;
    // Fragment sizes and association group, then the port as text, padded to four bytes.
    let at = start + PDU_HEADER + 8;
    if (at + 2 > end) return false;
    at += 2 + word(bytes, at, little);
    at += -(at - start) & 3;
    if (at + 4 > end) return false;
    const results = bytes[at];
    at += 4;
    for (let i = 0; i < results; i++, at += 24) {
      if (at + 4 > end) return false;
      if (word(bytes, at, little) === ACCEPTED && i < this.proposed.length) this.add(this.proposed[i]);
    }
    this.proposed = [];
    return true;
  }

  /** Takes an interface for accepted of which no bind was seen. */
  add(context: Context): void {
    if (this.accepted.length >= MOST_CONTEXTS) this.accepted.shift();
    this.accepted.push(context);
  }

  /** The buffer `dcerpc.iface` of a call in that context; empty where none was accepted. */
  rows(id: number): Uint8Array {
    const found = this.accepted.filter((context) => context.id === id);
    if (found.length <= 1) return found.length === 0 ? NO_BYTES : found[0].row;
    const rows = new Uint8Array(found.length * IFACE_ROW);
    found.forEach(({ row }, i) => {
      rows.set(row, i * IFACE_ROW);
    });
    return rows;
  }

  heldBytes(): number {
    return (this.proposed.length + this.accepted.length) * (IFACE_ROW + 100);
  }

  clear(): void {
    this.proposed = [];
    this.accepted.length = 0;
  }
}
