/** Telnet of one flow (RFC 854): commands and lines of text, of which rules see nothing but the frames. */

import type { BufferPool } from '../buffer-pool';
import { Frames } from '../frames/frames';
import { RecordReader, type RecordSink } from '../records/record-reader';
import {
  type Direction,
  Direction as Directions,
  type ProtocolParser,
  type TransactionListener,
} from '../transaction';

const NAMES = ['pdu', 'ctl', 'data'] as const;
const Kind = { PDU: 0, CONTROL: 1, DATA: 2 } as const;

/** "Interpret as command". */
export const IAC = 0xff;
const SB = 0xfa;
const SE = 0xf0;
export const WILL = 0xfb;
export const DONT = 0xfe;
const LF = 0x0a;
/** Bytes of a line, or of what a negotiation is about, that are looked at as one. */
export const LONGEST_LINE = 4096;

export function createTelnetFrames(): Frames {
  return new Frames('telnet', NAMES);
}

export class TelnetParser implements ProtocolParser, RecordSink {
  readonly protocol = 'telnet';
  private readonly readers: readonly [RecordReader, RecordReader];
  /** By direction: how far from its start the present line was searched for its end. */
  private readonly searched: [number, number] = [0, 0];

  constructor(
    pool: BufferPool,
    private readonly frames: Frames,
    private readonly listener: TransactionListener,
  ) {
    const reader = (direction: Direction) =>
      new RecordReader(pool, this, direction, LONGEST_LINE, LONGEST_LINE);
    this.readers = [reader(Directions.TO_SERVER), reader(Directions.TO_CLIENT)];
  }

  feed(direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    if (this.frames.wanted !== 0) this.readers[direction].feed(bytes, start, end);
  }

  gap(direction: Direction, length: number): void {
    this.searched[direction] = 0;
    this.readers[direction].gap(length);
  }

  close(direction: Direction): void {
    this.readers[direction].clear();
  }

  heldBytes(): number {
    return this.readers[0].heldBytes() + this.readers[1].heldBytes();
  }

  reset(): void {
    this.searched.fill(0);
    for (const reader of this.readers) reader.reset();
  }

  measure(direction: Direction, bytes: Uint8Array, start: number, end: number): number {
    const from = Math.max(start + 1, start + this.searched[direction]);
    const stop = Math.min(end, start + LONGEST_LINE);
    const length =
      bytes[start] === IAC ? commandLength(bytes, start, from, stop) : lineLength(bytes, start, from, stop);
    this.searched[direction] = length === 0 ? stop - start : 0;
    if (length > 0 || stop - start < LONGEST_LINE) return length;
    this.searched[direction] = 0;
    return LONGEST_LINE;
  }

  record(direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    const { frames, listener } = this;
    frames.show(listener, direction, Kind.PDU, bytes, start, end);
    const kind = bytes[start] === IAC ? Kind.CONTROL : Kind.DATA;
    frames.show(listener, direction, kind, bytes, start, end);
  }

  rest(): void {}

  missing(): void {}

  lost(): void {}

  /** Whatever follows what is missing is a line. */
  resume(_direction: Direction, _bytes: Uint8Array, start: number): number {
    return start;
  }
}

/** @returns 0 where its end is not there */
function commandLength(bytes: Uint8Array, start: number, from: number, end: number): number {
  if (start + 1 >= end) return 0;
  const command = bytes[start + 1];
  if (command >= WILL && command <= DONT) return 3;
  if (command !== SB) return 2;
  for (let i = Math.max(start + 3, from); i < end; i++)
    if (bytes[i] === SE && bytes[i - 1] === IAC) return i + 1 - start;
  return 0;
}

/** A line with its end, or what stands before a command. @returns 0 where neither is there */
function lineLength(bytes: Uint8Array, start: number, from: number, end: number): number {
  if (bytes[start] === LF) return 1;
  for (let i = from; i < end; i++) {
    if (bytes[i] === LF) return i + 1 - start;
    if (bytes[i] === IAC) return i - start;
  }
  return 0;
}
