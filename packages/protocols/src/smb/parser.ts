/** SMB of one flow: NetBIOS session messages (RFC 1002 section 4.3) or their likeness over TCP (MS-SMB2 section 2.1). */

import type { BufferPool } from '../buffer-pool';
import type { FilePolicy } from '../files/policy';
import type { Frames } from '../frames/frames';
import { RecordReader, type RecordSink } from '../records/record-reader';
import {
  type Direction,
  Direction as Directions,
  type ProtocolParser,
  type TransactionListener,
} from '../transaction';
import { SmbEvent } from './events';
import { showSmbFrames } from './message-frames';
import { SmbSession } from './session';
import { SMB1_HEADER, Smb1Command, Smb1Reader } from './smb1';
import { type DataRun, SMB2_HEADER, Smb2Command, Smb2Reader } from './smb2';
import { le16, le32 } from './text';

/** Bytes of a message that are gathered; what is written and read in it goes on as it comes. */
export const LARGEST_WINDOW = 65_536;
/** The same where a message is nothing but a long write or read. */
const DATA_WINDOW = 512;

const NBSS_HEADER = 4;
/** NBSS header, SMB header and enough of the body to know how much must be gathered. */
const HEAD = NBSS_HEADER + SMB2_HEADER + 64;
const SESSION_MESSAGE = 0x00;
const SESSION_REQUEST = 0x81;
const KEEP_ALIVE = 0x85;
const { TO_SERVER, TO_CLIENT } = Directions;

/** How a message begins: a byte of its version, then `SMB`. */
const Version = { NONE: 0, SMB1: 0xff, SMB2: 0xfe, ENCRYPTED: 0xfd, COMPRESSED: 0xfc } as const;

/** First byte of the signature at `at`; NONE where there is none, -1 where it is cut off. */
export function signatureAt(bytes: Uint8Array, at: number, end: number): number {
  const signature = [0x53, 0x4d, 0x42];
  if (at < end && bytes[at] < Version.COMPRESSED) return Version.NONE;
  for (let i = 0; i < signature.length; i++) {
    if (at + 1 + i >= end) return -1;
    if (bytes[at + 1 + i] !== signature[i]) return Version.NONE;
  }
  return bytes[at];
}

export class SmbParser implements ProtocolParser, RecordSink {
  readonly protocol = 'smb';
  private readonly readers: readonly [RecordReader, RecordReader];
  private readonly runs: readonly [DataRun, DataRun];
  private readonly session: SmbSession;
  private readonly smb1: Smb1Reader;
  private readonly smb2: Smb2Reader;
  private closed = 0;

  constructor(
    pool: BufferPool,
    private readonly frames: Frames,
    private readonly listener: TransactionListener,
    policy: FilePolicy,
  ) {
    const reader = (direction: Direction) => new RecordReader(pool, this, direction, HEAD, LARGEST_WINDOW);
    const run = (): DataRun => ({ open: null, offset: 0, skip: 0, left: 0, first: false });
    this.readers = [reader(TO_SERVER), reader(TO_CLIENT)];
    this.runs = [run(), run()];
    this.session = new SmbSession(pool, listener, policy);
    this.smb1 = new Smb1Reader(this.session);
    this.smb2 = new Smb2Reader(this.session);
  }

  feed(direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    this.session.turn(direction);
    this.readers[direction].feed(bytes, start, end);
  }

  gap(direction: Direction, length: number): void {
    this.readers[direction].gap(length);
  }

  close(direction: Direction): void {
    this.readers[direction].clear();
    this.endRun(direction);
    this.session.close(direction);
    this.closed |= 1 << direction;
    if (this.closed === 3) this.session.clear();
  }

  heldBytes(): number {
    return this.readers[0].heldBytes() + this.readers[1].heldBytes() + this.session.heldBytes();
  }

  reset(): void {
    for (const reader of this.readers) reader.reset();
    this.endRun(TO_SERVER);
    this.endRun(TO_CLIENT);
    this.session.reset();
    this.closed = 0;
  }

  measure(direction: Direction, bytes: Uint8Array, start: number, end: number): number {
    if (end - start < NBSS_HEADER) return 0;
    const type = bytes[start];
    const length = NBSS_HEADER + (bytes[start + 1] << 16) + (bytes[start + 2] << 8) + bytes[start + 3];
    if (type !== SESSION_MESSAGE) return type >= SESSION_REQUEST && type <= KEEP_ALIVE ? length : -1;
    const at = start + NBSS_HEADER;
    const version = signatureAt(bytes, at, Math.min(end, start + length));
    if (version === Version.NONE) return -1;
    if (version < 0) return length < NBSS_HEADER + 4 ? length : 0;
    if (length <= HEAD) return length;
    if (end - start < HEAD) return 0;
    const long = this.frames.wanted === 0 && isLongData(bytes, at, version, direction);
    this.readers[direction].window = long ? DATA_WINDOW : LARGEST_WINDOW;
    return length;
  }

  record(direction: Direction, bytes: Uint8Array, start: number, end: number, length: number): void {
    this.endRun(direction);
    if (this.frames.wanted !== 0)
      showSmbFrames(this.frames, this.listener, direction, bytes, start, end, length);
    const at = start + NBSS_HEADER;
    if (bytes[start] !== SESSION_MESSAGE || end - at < SMB1_HEADER) return;
    const run = this.runs[direction];
    switch (bytes[at]) {
      case Version.SMB1:
        this.smb1.record(direction, bytes, at, end, length - NBSS_HEADER, run);
        break;
      case Version.SMB2:
        this.smb2.record(direction, bytes, at, end, length - NBSS_HEADER, run);
        break;
      default:
        // Encrypted or compressed: there is nothing to see.
        break;
    }
  }

  rest(direction: Direction, bytes: Uint8Array, start: number, end: number, left: number): void {
    const run = this.runs[direction];
    if (run.open === null) return;
    const skipped = Math.min(run.skip, end - start);
    run.skip -= skipped;
    const from = start + skipped;
    const count = Math.min(run.left, end - from);
    if (count > 0) {
      this.session.data(run.open, direction, run.offset, bytes, from, from + count, run.first);
      run.first = false;
      run.offset += count;
      run.left -= count;
    }
    if (left === 0 || run.left === 0) this.endRun(direction);
  }

  missing(direction: Direction, length: number, left: number): void {
    const run = this.runs[direction];
    if (run.open === null) return;
    const skipped = Math.min(run.skip, length);
    run.skip -= skipped;
    const count = Math.min(run.left, length - skipped);
    if (count > 0) this.session.missing(run.open, direction, run.offset, count);
    run.offset += count;
    run.left -= count;
    run.first = false;
    if (left === 0 || run.left === 0) this.endRun(direction);
  }

  lost(direction: Direction): void {
    this.endRun(direction);
    this.listener.onEvent(null, direction, SmbEvent.MALFORMED_DATA);
  }

  /** A message begins with its length and a signature. */
  resume(_direction: Direction, bytes: Uint8Array, start: number, end: number): number {
    for (let i = start; i + NBSS_HEADER + 4 <= end; i++) {
      if (bytes[i] === SESSION_MESSAGE && signatureAt(bytes, i + NBSS_HEADER, end) > 0) return i;
    }
    return -1;
  }

  private endRun(direction: Direction): void {
    const run = this.runs[direction];
    run.open = null;
    run.left = 0;
    run.skip = 0;
  }
}

/** A message that is one write or read and nothing else. */
function isLongData(bytes: Uint8Array, at: number, version: number, direction: Direction): boolean {
  if (version === Version.SMB1) {
    const command = bytes[at + 4];
    return command === (direction === TO_SERVER ? Smb1Command.WRITE_ANDX : Smb1Command.READ_ANDX);
  }
  if (version !== Version.SMB2) return true;
  const command = le16(bytes, at + 12);
  return (
    le32(bytes, at + 20) === 0 && command === (direction === TO_SERVER ? Smb2Command.WRITE : Smb2Command.READ)
  );
}
