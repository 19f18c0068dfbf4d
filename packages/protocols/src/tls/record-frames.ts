/** The frames of TLS: its records, and what alerts and heartbeats among them carry. */

import type { BufferPool } from '../buffer-pool';
import { Frames } from '../frames/frames';
import { RecordFrames } from '../frames/record-frames';
import type { Direction, TransactionListener } from '../transaction';
import { u16 } from './hello';
import { RECORD_BYTES } from './limits';

const NAMES = ['pdu', 'hdr', 'data', 'alert', 'heartbeat', 'ssl2.hdr', 'ssl2.pdu'] as const;
const Kind = { PDU: 0, HEADER: 1, DATA: 2, ALERT: 3, HEARTBEAT: 4, SSL2_HEADER: 5, SSL2_PDU: 6 } as const;
const HEADER = 5;
const ALERT = 21;
const HEARTBEAT = 24;
/** Bytes of a header that tell the length: a record of SSL 2 may be no longer. */
const SSL2_LENGTH = 2;

export function createTlsFrames(): Frames {
  return new Frames('tls', NAMES);
}

export class TlsRecordFrames extends RecordFrames {
  constructor(pool: BufferPool, frames: Frames, listener: TransactionListener) {
    super(pool, frames, listener, HEADER, HEADER + RECORD_BYTES);
  }

  override measure(_direction: Direction, bytes: Uint8Array, start: number, end: number): number {
    if (isSsl2(bytes[start])) {
      return end - start < SSL2_LENGTH ? 0 : SSL2_LENGTH + ssl2Padding(bytes[start]) + ssl2Size(bytes, start);
    }
    return end - start < HEADER ? 0 : HEADER + u16(bytes, start + 3);
  }

  override record(direction: Direction, bytes: Uint8Array, start: number, end: number, length: number): void {
    const { frames, listener } = this;
    const whole = end - start === length;
    if (isSsl2(bytes[start])) {
      const head = Math.min(end, start + SSL2_LENGTH + ssl2Padding(bytes[start]));
      frames.show(listener, direction, Kind.SSL2_HEADER, bytes, start, head);
      frames.show(listener, direction, Kind.SSL2_PDU, bytes, start, end, whole);
      return;
    }
    const body = start + HEADER;
    frames.show(listener, direction, Kind.HEADER, bytes, start, body);
    if (body < end) {
      frames.show(listener, direction, Kind.DATA, bytes, body, end, whole);
      const type = bytes[start];
      if (type === ALERT) frames.show(listener, direction, Kind.ALERT, bytes, body, end, whole);
      if (type === HEARTBEAT) frames.show(listener, direction, Kind.HEARTBEAT, bytes, body, end, whole);
    }
    frames.show(listener, direction, Kind.PDU, bytes, start, end, whole);
  }
}

/** TLS has no record types with the highest bits set. */
function isSsl2(first: number): boolean {
  return (first & 0xc0) !== 0;
}

/** A third byte of the header says how much padding there is. */
function ssl2Padding(first: number): number {
  return (first & 0x80) !== 0 ? 0 : 1;
}

function ssl2Size(bytes: Uint8Array, start: number): number {
  return u16(bytes, start) & ((bytes[start] & 0x80) !== 0 ? 0x7fff : 0x3fff);
}
