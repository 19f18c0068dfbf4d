/**
 * HTTP/2 of one flow (RFC 9113): frames in, streams out as transactions. A frame of the connection itself is a transaction
 * of its own, in the direction it travels.
 *
 * Header blocks depend on all that went before them: where one cannot be understood, those behind it are not looked at.
 */

import type { BufferPool } from '../buffer-pool';
import { RecordReader, type RecordSink } from '../records/record-reader';
import {
  type Direction,
  Direction as Directions,
  type ProtocolParser,
  type TransactionListener,
} from '../transaction';
import { Http2Buffer, Http2Progress, SETTING_ROW } from './buffers';
import { type DnsReader, LONGEST_DNS_MESSAGE, speaksOfDns } from './dns-messages';
import { Http2Event } from './events';
import { same } from './fields';
import { be32, FRAME_HEADER, FrameFlag, type FrameHeader, FrameType, MAGIC, readFrameHeader } from './frame';
import { FIELD_OVERHEAD, HpackStatus } from './hpack';
import { LARGEST_FRAME, Side } from './side';
import { Http2Stream } from './stream';
import { StreamTable } from './stream-table';

const T = FrameType;
const B = Http2Buffer;
const E = Http2Event;
const { TO_SERVER, TO_CLIENT } = Directions;

const header: FrameHeader = { length: 0, type: 0, flags: 0, stream: 0 };

export class Http2Parser implements ProtocolParser, RecordSink {
  private readonly readers: readonly [RecordReader, RecordReader];
  private readonly sides: readonly [Side, Side];
  private readonly streams: StreamTable;
  /** The client's first bytes were looked at. */
  private introduced = false;

  /** `doh2` once a message has turned out to be DNS. */
  get protocol(): 'http2' | 'doh2' {
    return this.streams.foundDns ? 'doh2' : 'http2';
  }

  constructor(
    private readonly pool: BufferPool,
    private readonly listener: TransactionListener,
    dnsReader: DnsReader,
    /** Bytes of a body that are held for inspection, by direction. */
    private readonly bodyBytes: readonly [number, number],
  ) {
    const reader = (direction: Direction) =>
      new RecordReader(pool, this, direction, MAGIC.length, LARGEST_FRAME);
    this.readers = [reader(TO_SERVER), reader(TO_CLIENT)];
    this.sides = [new Side(pool), new Side(pool)];
    this.streams = new StreamTable(listener, dnsReader, (stream) => {
      for (const side of this.sides) side.forget(stream);
    });
  }

  feed(direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    this.readers[direction].feed(bytes, start, end);
  }

  gap(direction: Direction, length: number): void {
    this.readers[direction].gap(length);
  }

  close(direction: Direction): void {
    this.readers[direction].clear();
    this.sides[direction].clear();
    this.streams.close(direction);
  }

  heldBytes(): number {
    let held = this.readers[0].heldBytes() + this.readers[1].heldBytes();
    for (const { hpack, block } of this.sides)
      held += hpack.table.size + hpack.table.count * FIELD_OVERHEAD + block.bytes.length;
    return held + this.streams.heldBytes();
  }

  reset(): void {
    this.streams.reset();
    for (const reader of this.readers) reader.reset();
    for (const side of this.sides) {
      side.clear();
      side.broken = false;
    }
    this.introduced = false;
  }

  measure(direction: Direction, bytes: Uint8Array, start: number, end: number): number {
    if (direction === TO_SERVER && !this.introduced) {
      const seen = Math.min(end - start, MAGIC.length);
      for (let i = 0; i < seen; i++) {
        if (bytes[start + i] === MAGIC[i]) continue;
        this.introduced = true;
        this.listener.onEvent(null, TO_SERVER, E.INVALID_CLIENT_MAGIC);
        break;
      }
      if (!this.introduced) return seen < MAGIC.length ? 0 : MAGIC.length;
    }
    if (end - start < FRAME_HEADER) return 0;
    readFrameHeader(bytes, start, header);
    if (header.type === T.DATA) {
      const padding = (header.flags & FrameFlag.PADDED) !== 0 ? 1 : 0;
      this.readers[direction].window = FRAME_HEADER + Math.min(header.length, padding);
    }
    return FRAME_HEADER + header.length;
  }

  record(direction: Direction, bytes: Uint8Array, start: number, end: number, length: number): void {
    if (direction === TO_SERVER && !this.introduced) {
      this.introduced = true;
      return;
    }
    readFrameHeader(bytes, start, header);
    const body = start + FRAME_HEADER;
    if (header.stream === 0) this.connectionFrame(direction, bytes, body, end);
    else if (header.type === T.DATA) this.beginData(direction, bytes, body, end);
    else this.streamFrame(direction, bytes, body, end, end - start < length);
  }

  rest(direction: Direction, bytes: Uint8Array, start: number, end: number, left: number): void {
    const side = this.sides[direction];
    const stream = side.dataStream;
    if (stream === null) return;
    const count = Math.min(side.dataLeft, end - start);
    if (count > 0) {
      side.dataLeft -= count;
      this.streams.touch(stream);
      const begins = stream.bodies[direction] === null;
      const body = stream.body(direction, this.pool, this.bodyBytes);
      if (begins && stream.tooDeep) this.streams.event(stream, direction, E.REASSEMBLY_LIMIT_REACHED);
      const before = body.transferred;
      this.streams.notices(stream, direction, body.append(bytes, start, start + count));
      if (this.streams.carriesDns && before <= LONGEST_DNS_MESSAGE && body.transferred > LONGEST_DNS_MESSAGE)
        this.streams.event(
          stream,
          direction,
          direction === TO_SERVER ? E.DNS_REQUEST_TOO_LONG : E.DNS_RESPONSE_TOO_LONG,
        );
      if (left === 0 && side.dataEnds) {
        this.endData(direction);
        return;
      }
      if (body.grown) this.streams.show(stream, direction, Http2Progress.HEADERS);
      body.settle();
    }
    if (left === 0) this.endData(direction);
  }

  missing(direction: Direction, length: number, left: number): void {
    const side = this.sides[direction];
    const stream = side.dataStream;
    if (stream === null) return;
    const count = Math.min(side.dataLeft, length);
    side.dataLeft -= count;
    this.streams.touch(stream);
    if (count > 0) stream.body(direction, this.pool, this.bodyBytes).skip(count);
    if (left === 0) this.endData(direction);
  }

  lost(direction: Direction): void {
    const side = this.sides[direction];
    side.broken = true;
    side.clear();
    // What is missing may have ended any stream.
    this.streams.endSides(direction);
  }

  resume(): number {
    // Without the header blocks that are missing, those behind them say nothing.
    return -1;
  }

  // --- frames of the connection ---

  private connectionFrame(direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    const { type, flags } = header;
    if (type === T.DATA) {
      this.listener.onEvent(null, direction, E.DATA_STREAM_ZERO);
      return;
    }
    // The acknowledgement of settings says nothing.
    if (type === T.SETTINGS && start === end) return;
    const tx = new Http2Stream(this.streams.takeId(), 0);
    tx.direction = direction;
    tx.noteFrame(direction, type);
    switch (type) {
      case T.SETTINGS:
        if ((end - start) % SETTING_ROW !== 0 || (flags & FrameFlag.ACK) !== 0)
          this.streams.event(tx, direction, E.INVALID_FRAME_DATA);
        tx.put(direction, B.SETTINGS, bytes, start, end);
        break;
      case T.GOAWAY:
        if (end - start < 8) this.streams.event(tx, direction, E.INVALID_FRAME_LENGTH);
        else tx.noteNumber(direction, B.ERRORCODE, be32(bytes, start + 4), 4);
        break;
      case T.WINDOW_UPDATE:
        if (end - start !== 4) this.streams.event(tx, direction, E.INVALID_FRAME_LENGTH);
        else tx.noteNumber(direction, B.WINDOW, be32(bytes, start) % 0x80000000, 4);
        break;
      default:
        break;
    }
    this.alone(tx, direction);
  }

  /** A frame that is a transaction of its own. */
  private alone(tx: Http2Stream, direction: Direction): void {
    tx.reach(direction, Http2Progress.COMPLETE);
    this.listener.onProgress(tx, direction);
    this.listener.onTransactionEnd(tx);
  }

  // --- frames of streams ---

  private streamFrame(
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
    cut: boolean,
  ): void {
    const { type, flags, stream: id } = header;
    const side = this.sides[direction];
    // Behind the end of a stream some frames may still be on their way.
    const late = type === T.RST_STREAM || type === T.WINDOW_UPDATE || type === T.PRIORITY;
    if (!this.streams.has(id) && (late ? this.streams.isPast(id) : type > T.CONTINUATION)) return;
    // A priority begins no stream: a client may give any number of those to come one, and would push real ones out.
    const apart = type === T.PRIORITY && !this.streams.has(id);
    const stream = apart ? new Http2Stream(this.streams.takeId(), id) : this.streams.of(id, direction);
    stream.direction = direction;
    stream.noteFrame(direction, type);
    switch (type) {
      case T.HEADERS: {
        const fragment = this.unpadded(stream, direction, bytes, start, end);
        if (fragment === null) return;
        let from = fragment[0];
        if ((flags & FrameFlag.PRIORITY) !== 0) {
          if (fragment[1] - from < 5) {
            this.streams.event(stream, direction, E.INVALID_FRAME_DATA);
            return;
          }
          stream.noteNumber(direction, B.PRIORITY, bytes[from + 4], 1);
          from += 5;
        }
        if (cut) {
          this.streams.event(stream, direction, E.LONG_FRAME_DATA);
          this.streams.event(stream, direction, E.REASSEMBLY_LIMIT_REACHED);
        }
        this.fragment(
          direction,
          stream,
          bytes,
          from,
          fragment[1],
          (flags & FrameFlag.END_STREAM) !== 0,
          flags,
          cut,
        );
        return;
      }
      case T.CONTINUATION:
        this.fragment(direction, side.blockStream ?? stream, bytes, start, end, side.blockEnds, flags, cut);
        return;
      case T.PUSH_PROMISE: {
        const fragment = this.unpadded(stream, direction, bytes, start, end);
        if (fragment === null) return;
        if (fragment[1] - fragment[0] < 4) {
          this.streams.event(stream, direction, E.INVALID_FRAME_DATA);
          return;
        }
        // The request of a stream that the server will answer.
        const promised = this.streams.of(be32(bytes, fragment[0]) % 0x80000000, direction);
        promised.noteFrame(direction, type);
        this.fragment(direction, promised, bytes, fragment[0] + 4, fragment[1], false, flags, cut);
        return;
      }
      case T.PRIORITY:
        if (end - start !== 5) this.streams.event(stream, direction, E.INVALID_FRAME_LENGTH);
        else stream.noteNumber(direction, B.PRIORITY, bytes[start + 4], 1);
        if (apart) this.alone(stream, direction);
        return;
      case T.WINDOW_UPDATE:
        if (end - start !== 4) this.streams.event(stream, direction, E.INVALID_FRAME_LENGTH);
        else stream.noteNumber(direction, B.WINDOW, be32(bytes, start) % 0x80000000, 4);
        return;
      case T.RST_STREAM:
        if (end - start !== 4) this.streams.event(stream, direction, E.INVALID_FRAME_LENGTH);
        else stream.noteNumber(direction, B.ERRORCODE, be32(bytes, start), 4);
        this.streams.endSide(stream, direction);
        this.streams.endSide(stream, direction === TO_SERVER ? TO_CLIENT : TO_SERVER);
        return;
      default:
        return;
    }
  }

  /** Where the content of a frame lies that may have padding; null where the padding is longer than the frame. */
  private unpadded(
    stream: Http2Stream,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): [number, number] | null {
    if ((header.flags & FrameFlag.PADDED) === 0) return [start, end];
    if (start < end && start + 1 + bytes[start] <= end) return [start + 1, end - bytes[start]];
    this.streams.event(stream, direction, E.INVALID_FRAME_DATA);
    return null;
  }

  /** A part of a header block. */
  private fragment(
    direction: Direction,
    stream: Http2Stream,
    bytes: Uint8Array,
    start: number,
    end: number,
    endsStream: boolean,
    flags: number,
    cut: boolean,
  ): void {
    const side = this.sides[direction];
    const { block } = side;
    const last = (flags & FrameFlag.END_HEADERS) !== 0 || cut;
    if (!last || block.end > 0) {
      if (block.append(bytes, start, end) < end - start)
        this.streams.event(stream, direction, E.REASSEMBLY_LIMIT_REACHED);
      if (!last && block.end < LARGEST_FRAME) {
        side.blockStream = stream;
        side.blockEnds = endsStream;
        return;
      }
      this.headers(direction, stream, block.bytes, 0, block.end);
      if (block.end >= LARGEST_FRAME) side.broken = true;
      block.clear();
    } else this.headers(direction, stream, bytes, start, end);
    if (cut) side.broken = true;
    side.blockStream = null;
    if (endsStream) this.streams.endSide(stream, direction);
    else this.streams.show(stream, direction, Http2Progress.HEADERS);
  }

  /** A whole header block. */
  private headers(
    direction: Direction,
    stream: Http2Stream,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const side = this.sides[direction];
    if (side.broken) return;
    const fields = stream.fields[direction];
    const updates = fields.sizeUpdates.length;
    const { cut } = fields;
    const status = side.hpack.decode(bytes, start, end, fields);
    for (let i = updates; i < fields.sizeUpdates.length; i++)
      stream.noteNumber(direction, B.SIZE_UPDATE, fields.sizeUpdates[i], 8);
    if (status !== HpackStatus.OK) {
      side.broken = true;
      const overflow = status === HpackStatus.OVERFLOW;
      this.streams.event(stream, direction, overflow ? E.HEADER_INTEGER_OVERFLOW : E.INVALID_HEADER);
    }
    if (fields.cut && !cut) this.streams.event(stream, direction, E.REASSEMBLY_LIMIT_REACHED);
    if (speaksOfDns(fields)) this.streams.carriesDns = true;
    if (direction === TO_CLIENT) return;
    const { authority, host } = fields;
    if (authority === null) return;
    if (host !== null && !same(authority, host))
      this.streams.event(stream, direction, E.AUTHORITY_HOST_MISMATCH);
    if (authority.includes(0x40)) this.streams.event(stream, direction, E.USERINFO_IN_URI);
  }

  // --- bodies ---

  private beginData(direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    const { flags, length, stream: id } = header;
    const side = this.sides[direction];
    const stream = this.streams.of(id, direction);
    stream.noteFrame(direction, T.DATA);
    const padding = (flags & FrameFlag.PADDED) !== 0 && start < end ? 1 + bytes[start] : 0;
    if (padding > length) this.streams.event(stream, direction, E.INVALID_FRAME_DATA);
    side.dataStream = stream;
    side.dataLeft = Math.max(0, length - padding);
    side.dataEnds = (flags & FrameFlag.END_STREAM) !== 0;
    if (length === end - start) this.endData(direction);
  }

  private endData(direction: Direction): void {
    const side = this.sides[direction];
    const stream = side.dataStream;
    side.dataStream = null;
    if (stream === null) return;
    if (side.dataEnds) this.streams.endSide(stream, direction);
    stream.bodies[direction]?.settle();
  }
}
