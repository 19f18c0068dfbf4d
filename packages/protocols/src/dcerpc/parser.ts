/** DCE/RPC over TCP: a stream of PDUs of one association. */

import type { BufferPool } from '../buffer-pool';
import { FIRST_BUFFER } from '../buffer-ranges';
import type { Frames } from '../frames/frames';
import { RecordReader, type RecordSink } from '../records/record-reader';
import {
  type Direction,
  Direction as Directions,
  type ProtocolParser,
  type TransactionListener,
} from '../transaction';
import { Association, type AssociationOwner } from './association';
import { CALL_COMPLETE, DcerpcFrame } from './buffers';
import { PDU_HEADER, PduHeader } from './pdu';

const { TO_SERVER, TO_CLIENT } = Directions;
/** A PDU's length is 16 bits. */
const LONGEST_PDU = 65_536;

const header = new PduHeader();

export class DcerpcParser implements ProtocolParser, RecordSink, AssociationOwner {
  readonly protocol = 'dcerpc';
  private readonly readers: readonly [RecordReader, RecordReader];
  private readonly association: Association;
  private nextId = 0;

  constructor(
    pool: BufferPool,
    private readonly frames: Frames,
    readonly listener: TransactionListener,
  ) {
    const reader = (direction: Direction) => new RecordReader(pool, this, direction, PDU_HEADER, LONGEST_PDU);
    this.readers = [reader(TO_SERVER), reader(TO_CLIENT)];
    this.association = new Association(pool, this, FIRST_BUFFER.dcerpc, CALL_COMPLETE);
  }

  takeId(): number {
    return this.nextId++;
  }

  feed(direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    this.readers[direction].feed(bytes, start, end);
  }

  gap(direction: Direction, length: number): void {
    this.readers[direction].gap(length);
  }

  close(direction: Direction): void {
    this.readers[direction].clear();
    this.association.close(direction);
  }

  heldBytes(): number {
    return this.readers[0].heldBytes() + this.readers[1].heldBytes() + this.association.heldBytes();
  }

  reset(): void {
    this.association.abandon();
    for (const reader of this.readers) reader.reset();
    this.nextId = 0;
  }

  measure(_direction: Direction, bytes: Uint8Array, start: number, end: number): number {
    const known = header.read(bytes, start, end);
    return known > 0 ? header.length : known;
  }

  record(direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    const { frames, listener } = this;
    if (frames.wanted !== 0) {
      const body = Math.min(end, start + PDU_HEADER);
      frames.show(listener, direction, DcerpcFrame.PDU, bytes, start, end);
      frames.show(listener, direction, DcerpcFrame.HEADER, bytes, start, body);
      frames.show(listener, direction, DcerpcFrame.DATA, bytes, body, end);
    }
    this.association.pdu(direction, bytes, start, end);
  }

  rest(): void {}

  missing(): void {}

  lost(direction: Direction): void {
    // What is missing may have been the end of any call.
    this.association.finishAll(direction);
  }

  resume(_direction: Direction, bytes: Uint8Array, start: number, end: number): number {
    for (let i = start; i + 10 <= end; i++) if (bytes[i] === 5 && header.read(bytes, i, end) > 0) return i;
    return -1;
  }
}
