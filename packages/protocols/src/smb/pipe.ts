/** A named pipe with DCE/RPC calls in it: what is written and read are pieces of two streams of PDUs. */

import type { BufferPool } from '../buffer-pool';
import { Association, type AssociationOwner } from '../dcerpc/association';
import { PDU_HEADER, PduHeader, PduType } from '../dcerpc/pdu';
import { RecordReader, type RecordSink } from '../records/record-reader';
import { type Direction, Direction as Directions } from '../transaction';
import { FIRST_CALL_BUFFER, SMB_MESSAGE } from './buffers';

const { TO_SERVER, TO_CLIENT } = Directions;
const LONGEST_PDU = 65_536;

const header = new PduHeader();

export class Pipe implements RecordSink {
  private readonly readers: readonly [RecordReader, RecordReader];
  private readonly association: Association;

  constructor(pool: BufferPool, owner: AssociationOwner) {
    const reader = (direction: Direction) => new RecordReader(pool, this, direction, PDU_HEADER, LONGEST_PDU);
    this.readers = [reader(TO_SERVER), reader(TO_CLIENT)];
    this.association = new Association(pool, owner, FIRST_CALL_BUFFER, SMB_MESSAGE);
  }

  /** Whether a write or read begins with a PDU. */
  static looksLikeCall(bytes: Uint8Array, start: number, end: number): boolean {
    if (end - start < PDU_HEADER || header.read(bytes, start, end) <= 0) return false;
    return header.type <= PduType.FAULT || header.type >= PduType.BIND;
  }

  data(direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    this.readers[direction].feed(bytes, start, end);
  }

  gap(direction: Direction, length: number): void {
    this.readers[direction].gap(length);
  }

  close(direction: Direction): void {
    this.readers[direction].clear();
    this.association.close(direction);
  }

  abandon(): void {
    for (const reader of this.readers) reader.clear();
    this.association.abandon();
  }

  heldBytes(): number {
    return this.readers[0].heldBytes() + this.readers[1].heldBytes() + this.association.heldBytes();
  }

  measure(_direction: Direction, bytes: Uint8Array, start: number, end: number): number {
    const known = header.read(bytes, start, end);
    return known > 0 ? header.length : known;
  }

  record(direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    this.association.pdu(direction, bytes, start, end);
  }

  rest(): void {}

  missing(): void {}

  lost(direction: Direction): void {
    this.association.finishAll(direction);
  }

  resume(_direction: Direction, bytes: Uint8Array, start: number, end: number): number {
    return Pipe.looksLikeCall(bytes, start, end) ? start : -1;
  }
}
