import { DecodeStatus, PacketView, TcpFlag } from '@portcullis/wire';
import { DropReasonNames, SegmentResult } from './segment-result';
import { StreamCounterNames } from './stream-counters';
import type { StreamOptions } from './stream-options';
import { FlowEndReasonNames, StreamAction, type StreamSink } from './stream-sink';
import { TcpReassembler } from './tcp-reassembler';

export type Side = 'client' | 'server';

/** A TCP segment as a test writes it down. */
export interface Segment {
  from: Side;
  /** Sequence number on the wire. */
  sequence: number;
  acknowledgment?: number;
  /** Letters of S A F R P U. */
  flags: string;
  data?: Uint8Array | string;
  window?: number;
  mss?: number;
  shift?: number;
  timestamp?: number;
  /** Of the timestamp option; default 0. */
  timestampEcho?: number;
  urgentPointer?: number;
  /** Bytes cut off the end by the capture. */
  cut?: number;
  clientPort?: number;
}

const LETTERS: Record<string, number> = {
  S: TcpFlag.SYN,
  A: TcpFlag.ACK,
  F: TcpFlag.FIN,
  R: TcpFlag.RST,
  P: TcpFlag.PSH,
  U: TcpFlag.URG,
};

function bytesOf(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

export function toBytes(data: Uint8Array | string): Uint8Array {
  return typeof data === 'string' ? Uint8Array.from(data, (letter) => letter.charCodeAt(0)) : data;
}

export function toText(bytes: ArrayLike<number>): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
}

/** Client 192.0.2.1:40000, server 198.51.100.2:80. Checksums are left at 0. */
export function encode(segment: Segment): Uint8Array {
  const data = toBytes(segment.data ?? '');
  const options: number[] = [];
  if (segment.mss !== undefined) options.push(2, 4, segment.mss >> 8, segment.mss & 255);
  if (segment.shift !== undefined) options.push(1, 3, 3, segment.shift);
  if (segment.timestamp !== undefined) {
    options.push(1, 1, 8, 10, ...bytesOf(segment.timestamp), ...bytesOf(segment.timestampEcho ?? 0));
  }
  const header = 20 + options.length;
  const total = 20 + header + data.length;
  const bytes = new Uint8Array(total);
  const words = new DataView(bytes.buffer);
  const client = [192, 0, 2, 1];
  const server = [198, 51, 100, 2];
  const port = segment.clientPort ?? 40000;
  bytes[0] = 0x45;
  words.setUint16(2, total > 65_535 ? 0 : total);
  bytes[8] = 64;
  bytes[9] = 6;
  bytes.set(segment.from === 'client' ? client : server, 12);
  bytes.set(segment.from === 'client' ? server : client, 16);
  words.setUint16(20, segment.from === 'client' ? port : 80);
  words.setUint16(22, segment.from === 'client' ? 80 : port);
  words.setUint32(24, segment.sequence >>> 0);
  words.setUint32(28, (segment.acknowledgment ?? 0) >>> 0);
  bytes[32] = (header / 4) << 4;
  for (const letter of segment.flags) bytes[33] |= LETTERS[letter];
  words.setUint16(34, segment.window ?? 65_535);
  words.setUint16(38, segment.urgentPointer ?? 0);
  bytes.set(options, 40);
  bytes.set(data, 20 + header);
  return bytes;
}

/** What a sink was told, as text that tests compare with. */
export class Recorder implements StreamSink {
  readonly log: string[] = [];
  /** By slot: bytes of both directions, -1 for one in a gap. */
  private readonly flows = new Map<number, [number[], number[]]>();
  answer: (direction: 0 | 1, text: string, offset: number) => number = () => StreamAction.CONTINUE;

  /** Of the flow in the first slot. */
  get streams(): [number[], number[]] {
    return this.flows.get(0) ?? [[], []];
  }

  flowStarted(slot: number): void {
    if (this.flows.has(slot)) throw new Error(`slot ${slot} started twice`);
    this.flows.set(slot, [[], []]);
    this.log.push('started');
  }

  data(
    slot: number,
    direction: 0 | 1,
    bytes: Uint8Array,
    start: number,
    end: number,
    offset: number,
  ): number {
    if (end <= start) throw new Error('empty data');
    const piece = bytes.slice(start, end);
    const stream = this.stream(slot, direction, offset);
    for (const byte of piece) stream.push(byte);
    this.log.push(`data ${direction} ${offset} ${toText(piece)}`);
    return this.answer(direction, toText(piece), offset);
  }

  gap(slot: number, direction: 0 | 1, offset: number, length: number): void {
    const stream = this.stream(slot, direction, offset);
    for (let index = 0; index < length; index++) stream.push(-1);
    this.log.push(`gap ${direction} ${offset} ${length}`);
  }

  ended(slot: number, direction: 0 | 1): void {
    if (!this.flows.has(slot)) throw new Error(`slot ${slot} did not start`);
    this.log.push(`ended ${direction}`);
  }

  flowEnded(slot: number, reason: number): void {
    this.flows.delete(slot);
    this.log.push(`flow ended ${FlowEndReasonNames[reason]}`);
  }

  /** Streams have no holes and no doubles: each piece begins where the one before ended. */
  private stream(slot: number, direction: 0 | 1, offset: number): number[] {
    const stream = this.flows.get(slot)?.[direction];
    if (stream === undefined) throw new Error(`slot ${slot} did not start`);
    if (stream.length !== offset) throw new Error(`at ${offset}, expected ${stream.length}`);
    return stream;
  }

  /** The log since the last call. */
  take(): string[] {
    return this.log.splice(0);
  }
}

/** A reassembler on a desk: segments in, verdicts and the sink's log out. */
export class Bench {
  readonly reassembler: TcpReassembler;
  readonly view = new PacketView();
  now = 1_000_000;
  /** Alignment of packets in the arena; changes so that every one is met. */
  private shift = 0;
  private readonly arena = new Uint8Array(256 * 1024);

  constructor(
    options: Partial<StreamOptions> = {},
    readonly recorder = new Recorder(),
  ) {
    this.reassembler = new TcpReassembler({ maxFlows: 64, memcap: 1 << 20, seed: 1, ...options }, recorder);
  }

  /** @returns bits of SegmentResult. */
  process(segment: Segment): number {
    const bytes = encode(segment);
    const start = this.shift++ % 7;
    this.arena.fill(0xee, start, start + bytes.length + 8);
    this.arena.set(bytes, start);
    const status = this.view.decode(this.arena, start, start + bytes.length - (segment.cut ?? 0));
    if (status !== DecodeStatus.OK) throw new Error(`decode ${status}`);
    const result = this.reassembler.process(this.view, this.now);
    this.arena.fill(0xdd, start, start + bytes.length);
    return result;
  }

  /** @returns `accept`, `drop REASON`, or `pass REASON` (not taken in, not inline), plus other bits. */
  send(segment: Segment): string {
    const result = this.process(segment);
    const reason = this.reassembler.dropReason;
    let text = (result & SegmentResult.DROP) !== 0 ? 'drop' : reason !== 0 ? 'pass' : 'accept';
    if (reason !== 0) text += ` ${DropReasonNames[reason]}`;
    if ((result & SegmentResult.OFFLOADABLE) !== 0) text += ' offloadable';
    if ((result & SegmentResult.CLEAR_URGENT) !== 0) text += ' clear-urgent';
    return text;
  }

  counter(name: string): number {
    const index = StreamCounterNames.indexOf(name);
    if (index < 0) throw new Error(`no counter ${name}`);
    return this.reassembler.counters[index];
  }
}

/** An established connection, with positions relative to the first byte of each stream. */
export class Connection extends Bench {
  /** ISN + 1 of both sides. */
  clientOrigin = 1001;
  serverOrigin = 5001;
  /** What each side has acknowledged of the other, by stream offset, when a segment does not say. */
  acknowledged: Record<Side, number> = { client: 0, server: 0 };

  constructor(
    options: Partial<StreamOptions> = {},
    readonly shape: {
      clientIsn?: number;
      serverIsn?: number;
      shift?: number;
      timestamp?: number;
      window?: number;
    } = {},
  ) {
    super(options);
    this.clientOrigin = ((shape.clientIsn ?? 1000) + 1) >>> 0;
    this.serverOrigin = ((shape.serverIsn ?? 5000) + 1) >>> 0;
  }

  private offered(): Partial<Segment> {
    const { shift, timestamp, window } = this.shape;
    return {
      mss: 1460,
      ...(shift === undefined ? {} : { shift }),
      ...(timestamp === undefined ? {} : { timestamp }),
      ...(window === undefined ? {} : { window }),
    };
  }

  syn(more: Partial<Segment> = {}): string {
    return this.send({
      from: 'client',
      sequence: this.clientOrigin - 1,
      flags: 'S',
      ...this.offered(),
      ...more,
    });
  }

  synAck(more: Partial<Segment> = {}): string {
    return this.send({
      from: 'server',
      sequence: this.serverOrigin - 1,
      acknowledgment: this.clientOrigin,
      flags: 'SA',
      ...this.offered(),
      ...more,
    });
  }

  /** The three-way handshake; the log of it is dropped. */
  open(): this {
    const verdicts = [this.syn(), this.synAck(), this.from('client', 0, '', { flags: 'A' })];
    const complete = this.reassembler.handshakeComplete(this.reassembler.slot);
    const log = this.recorder.take();
    if (verdicts.some((verdict) => verdict !== 'accept') || !complete || log.join() !== 'started')
      throw new Error(`handshake: ${verdicts.join()}, ${log.join()}`);
    return this;
  }

  /** A segment at a stream offset. `ack` is a stream offset too. */
  from(
    side: Side,
    offset: number,
    data: Uint8Array | string,
    more: Partial<Segment> & { ack?: number } = {},
  ): string {
    return this.send(this.segment(side, offset, data, more));
  }

  segment(
    side: Side,
    offset: number,
    data: Uint8Array | string,
    more: Partial<Segment> & { ack?: number } = {},
  ): Segment {
    const own = side === 'client' ? this.clientOrigin : this.serverOrigin;
    const other = side === 'client' ? this.serverOrigin : this.clientOrigin;
    const { ack, ...rest } = more;
    return {
      from: side,
      sequence: (own + offset) >>> 0,
      acknowledgment: (other + (ack ?? this.acknowledged[side])) >>> 0,
      flags: 'PA',
      data,
      ...(this.shape.timestamp === undefined ? {} : { timestamp: this.shape.timestamp }),
      ...(this.shape.window === undefined ? {} : { window: this.shape.window }),
      ...rest,
    };
  }
}
