/** The open streams of a connection: they begin with their first frame and end when both directions have. */

import { DecoderNotice } from '../content-coding/decoder';
import { type Direction, Direction as Directions, type TransactionListener } from '../transaction';
import { Http2Progress } from './buffers';
import type { DnsReader } from './dns-messages';
import { Http2Event } from './events';
import { Http2Stream } from './stream';

/** Streams that are open at a time; beyond that the oldest ends. Few clients have more than a hundred. */
export const MOST_STREAMS = 4096;
/** Streams that have ended and may still get a frame or two. */
const REMEMBERED_STREAMS = 64;

const E = Http2Event;
const { TO_SERVER, TO_CLIENT } = Directions;

export class StreamTable {
  /** Bodies are looked at for DNS messages. */
  carriesDns = false;
  /** One was found. */
  foundDns = false;
  private readonly streams = new Map<number, Http2Stream>();
  private readonly past: number[] = [];
  private nextId = 0;
  private closed = 0;
  private toldOfMany = false;
  /** What the streams hold, but for what has happened since to those that have changed. */
  private held = 0;
  private readonly changed: Http2Stream[] = [];

  /** @param ended called for each stream that is over */
  constructor(
    private readonly listener: TransactionListener,
    private readonly dnsReader: DnsReader,
    private readonly ended: (stream: Http2Stream) => void,
  ) {}

  takeId(): number {
    return this.nextId++;
  }

  has(id: number): boolean {
    return this.streams.has(id);
  }

  /** Whether a stream of that number has ended a while ago at most. */
  isPast(id: number): boolean {
    return this.past.includes(id);
  }

  /** The stream of that number, begun where there is none. */
  of(id: number, direction: Direction): Http2Stream {
    const known = this.streams.get(id);
    if (known !== undefined) {
      this.touch(known);
      return known;
    }
    const stream = new Http2Stream(this.takeId(), id);
    stream.direction = direction;
    stream.ended[TO_SERVER] = (this.closed & 1) !== 0;
    stream.ended[TO_CLIENT] = (this.closed & 2) !== 0;
    if (this.past.includes(id)) this.event(stream, direction, E.STREAM_ID_REUSE);
    if (this.streams.size >= MOST_STREAMS) {
      // Once: each further stream is one too many.
      if (!this.toldOfMany) this.event(stream, direction, E.TOO_MANY_STREAMS);
      this.toldOfMany = true;
      const oldest = this.streams.values().next().value as Http2Stream;
      this.endSide(oldest, TO_SERVER);
      this.endSide(oldest, TO_CLIENT);
    }
    this.streams.set(id, stream);
    this.touch(stream);
    return stream;
  }

  /** It is about to hold more or less. */
  touch(stream: Http2Stream): void {
    if (stream.changed) return;
    stream.changed = true;
    this.changed.push(stream);
  }

  show(stream: Http2Stream, direction: Direction, progress: number): void {
    stream.direction = direction;
    stream.reach(direction, progress);
    this.listener.onProgress(stream, direction);
    stream.bodies[direction]?.shown();
  }

  event(stream: Http2Stream, direction: Direction, event: string): void {
    stream.direction = direction;
    this.listener.onEvent(stream, direction, event);
  }

  /** What the decoder of a body says. */
  notices(stream: Http2Stream, direction: Direction, notices: number): void {
    if ((notices & (DecoderNotice.FAILED | DecoderNotice.BOMB)) !== 0)
      this.event(stream, direction, E.FAILED_DECOMPRESSION);
    if ((notices & DecoderNotice.BOMB) !== 0) this.event(stream, direction, E.REASSEMBLY_LIMIT_REACHED);
    if ((notices & DecoderNotice.LIMIT) !== 0 && direction === TO_SERVER)
      this.event(stream, direction, E.REQUEST_BODY_LIMIT_REACHED);
  }

  /** A direction of a stream is over; where it is the second, so is the stream. */
  endSide(stream: Http2Stream, direction: Direction): void {
    if (!stream.ended[direction]) {
      stream.ended[direction] = true;
      const body = stream.bodies[direction];
      if (body !== null) this.notices(stream, direction, body.finish());
      if (this.carriesDns && this.dnsReader.read(stream, direction) && !this.foundDns) {
        this.foundDns = true;
        this.listener.onProtocol?.('doh2');
      }
      this.show(stream, direction, Http2Progress.COMPLETE);
      stream.dns = null;
    }
    const over = stream.ended[TO_SERVER] && stream.ended[TO_CLIENT];
    if (!over || this.streams.get(stream.streamId) !== stream) return;
    this.streams.delete(stream.streamId);
    this.held -= stream.counted;
    this.past.push(stream.streamId);
    if (this.past.length > REMEMBERED_STREAMS) this.past.shift();
    this.ended(stream);
    this.listener.onTransactionEnd(stream);
    stream.release();
  }

  /** A direction of all streams is over. */
  endSides(direction: Direction): void {
    for (const stream of [...this.streams.values()]) this.endSide(stream, direction);
  }

  /** The direction is closed: streams that begin now have nothing to expect of it. */
  close(direction: Direction): void {
    this.closed |= 1 << direction;
    this.endSides(direction);
  }

  heldBytes(): number {
    for (const stream of this.changed) {
      stream.changed = false;
      if (this.streams.get(stream.streamId) !== stream) continue;
      this.held -= stream.counted;
      stream.counted = stream.heldBytes();
      this.held += stream.counted;
    }
    this.changed.length = 0;
    return this.held;
  }

  reset(): void {
    for (const stream of this.streams.values()) {
      stream.release();
      this.listener.onTransactionEnd(stream);
    }
    this.streams.clear();
    this.held = 0;
    this.changed.length = 0;
    this.past.length = 0;
    this.nextId = 0;
    this.closed = 0;
    this.toldOfMany = false;
    this.carriesDns = false;
    this.foundDns = false;
  }
}
