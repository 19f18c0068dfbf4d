/** The frames of SSH: the records between the banners and SSH_MSG_NEWKEYS, behind which they are encrypted. */

import type { BufferPool } from '../buffer-pool';
import { Frames } from '../frames/frames';
import { RecordFrames } from '../frames/record-frames';
import type { Direction, TransactionListener } from '../transaction';
import { BANNER_BYTES, NEWKEYS, RECORD_HEADER } from './wire';

const NAMES = ['record.hdr', 'record.data', 'record.pdu'] as const;
const Kind = { HEADER: 0, DATA: 1, PDU: 2 } as const;
/** Bytes of a record that are looked at. */
const WINDOW = 1 << 16;
const LENGTH = 4;
const LF = 0x0a;

export function createSshFrames(): Frames {
  return new Frames('ssh', NAMES);
}

export class SshRecordFrames extends RecordFrames {
  /** Directions whose banner has come; bits. */
  private greeted = 0;

  constructor(pool: BufferPool, frames: Frames, listener: TransactionListener) {
    super(pool, frames, listener, BANNER_BYTES, WINDOW);
  }

  override measure(direction: Direction, bytes: Uint8Array, start: number, end: number): number {
    if ((this.greeted & (1 << direction)) === 0) {
      const stop = Math.min(end, start + BANNER_BYTES);
      for (let i = start; i < stop; i++) if (bytes[i] === LF) return i + 1 - start;
      return 0;
    }
    if (end - start < RECORD_HEADER) return 0;
    const length =
      bytes[start] * 0x1000000 + ((bytes[start + 1] << 16) | (bytes[start + 2] << 8) | bytes[start + 3]);
    return length < RECORD_HEADER - LENGTH ? -1 : LENGTH + length;
  }

  override record(direction: Direction, bytes: Uint8Array, start: number, end: number, length: number): void {
    if ((this.greeted & (1 << direction)) === 0) {
      this.greeted |= 1 << direction;
      return;
    }
    const { frames, listener } = this;
    const whole = end - start === length;
    const body = start + RECORD_HEADER;
    frames.show(listener, direction, Kind.HEADER, bytes, start, body);
    if (body < end) frames.show(listener, direction, Kind.DATA, bytes, body, end, whole);
    frames.show(listener, direction, Kind.PDU, bytes, start, end, whole);
    if (bytes[start + RECORD_HEADER - 1] === NEWKEYS) this.readers[direction].stop();
  }
}
