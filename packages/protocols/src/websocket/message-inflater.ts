/**
 * Undoes the compression of messages (RFC 7692). Messages may refer to what went before them, so the end of every message
 * is kept, and handed to the decoder as a stored block (RFC 1951 section 3.2.4) in front of the next one.
 */

import { type BufferPool, PooledBytes } from '../buffer-pool';
import { Inflater, Wrapper } from '../content-coding/inflate';

/** Bytes that a message may refer to. */
const HISTORY = 32_768;
/** What the sender has left out at the end of a message. */
const TAIL = Uint8Array.of(0, 0, 0xff, 0xff);

/** Of all connections: nothing of it outlives a message. */
const inflater = new Inflater();

export class MessageInflater {
  private readonly sink: PooledBytes;
  private history = new Uint8Array(0);

  constructor(
    pool: BufferPool,
    private readonly limit: number,
  ) {
    this.sink = new PooledBytes(pool, HISTORY + limit);
  }

  /** @returns the message, at most as many bytes as the limit says: its own copy */
  inflate(bytes: Uint8Array, start: number, end: number): Uint8Array {
    const { sink, history } = this;
    inflater.begin(Wrapper.RAW, sink);
    if (history.length > 0) {
      const size = history.length;
      const stored = Uint8Array.of(0, size & 0xff, size >> 8, ~size & 0xff, (~size >> 8) & 0xff);
      inflater.push(stored, 0, stored.length, sink);
      inflater.push(history, 0, size, sink);
    }
    inflater.push(bytes, start, end, sink);
    inflater.push(TAIL, 0, TAIL.length, sink);
    const from = Math.min(history.length, sink.end);
    const message = sink.bytes.slice(from, Math.min(sink.end, from + this.limit));
    this.history = sink.bytes.slice(Math.max(0, sink.end - HISTORY), sink.end);
    sink.clear();
    return message;
  }

  heldBytes(): number {
    return this.history.length;
  }
}
