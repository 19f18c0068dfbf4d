/** For tests: feeds a conversation to a parser and writes down all it shows, piece sizes left out. */

import {
  type BufferDefinition,
  type BufferView,
  type Direction,
  type EarlyData,
  type ExpectedFlow,
  type ProtocolDefinition,
  type ProtocolParser,
  type Transaction,
  type TransactionListener,
  Transport,
} from '../src/transaction';

import type { Random } from './random';

export interface RecordedTransaction {
  id: number;
  /** Last content of each buffer, by name with `>` (to server) or `<` before it, as latin1. */
  buffers: Record<string, string>;
  events: string[];
  progress: [number, number];
  ended: number;
}

export type Piece = readonly [Direction, Buffer];

export function emptyView(): BufferView {
  return { bytes: new Uint8Array(0), start: 0, end: 0, streamOffset: 0, fresh: 0, complete: false };
}

export class Recorder implements TransactionListener {
  readonly transactions: RecordedTransaction[] = [];
  readonly events: string[] = [];
  readonly upgrades: { protocol: string | null; at: number; early?: string; missing?: number }[] = [];
  readonly expectations: ExpectedFlow[] = [];
  /** Frames that were wanted: direction and name, `…` where the last bytes are missing, and what they held. */
  readonly frames: (readonly [name: string, text: string])[] = [];
  notifications = 0;
  /** Checks that cost much are left out. */
  quiet = false;
  private readonly view = emptyView();
  private readonly open = new Map<Transaction, RecordedTransaction>();
  private readonly growing = new Map<Transaction, string>();

  /** @param buffers the protocol's table */
  constructor(private readonly buffers: readonly BufferDefinition[]) {}

  onProgress(tx: Transaction, direction: Direction): void {
    this.notifications++;
    const record = this.recordOf(tx);
    record.progress[direction] = tx.progress(direction);
    for (const { name, id, directions, multiple, streaming, frame } of this.buffers) {
      if (frame || !directions.includes(direction)) continue;
      const key = `${direction === 0 ? '>' : '<'}${name}`;
      const seen = tx.seenOccurrences?.(id) ?? 0;
      for (let index = 0; index < (multiple ? 2000 : 1); index++) {
        const { view } = this;
        if (!tx.buffer(id, index, view)) break;
        this.check(view, key);
        const text = Buffer.from(
          view.bytes.buffer,
          view.bytes.byteOffset + view.start,
          view.end - view.start,
        ).toString('latin1');
        if (streaming && view.streamOffset === 0) {
          const before = record.buffers[multiple ? `${key}[${index}]` : key] ?? '';
          // Comparing whole strings is many times quicker than startsWith.
          if (text.slice(0, before.length) !== before) throw new Error(`${key} changed what it had shown`);
          if (view.fresh - view.start !== before.length)
            throw new Error(`${key}: fresh does not follow what was shown`);
        }
        if (index < seen && record.buffers[`${key}[${index}]`] !== text)
          throw new Error(`${key}: occurrence ${index} was not seen like this`);
        record.buffers[multiple ? `${key}[${index}]` : key] = text;
      }
    }
  }

  onTransactionEnd(tx: Transaction): void {
    const record = this.open.get(tx);
    if (record === undefined) throw new Error('end of a transaction that was never announced');
    record.ended++;
    this.open.delete(tx);
  }

  onEvent(tx: Transaction | null, direction: Direction, event: string): void {
    const text = `${direction === 0 ? '>' : '<'}${event}`;
    if (tx === null) this.events.push(text);
    else this.recordOf(tx).events.push(text);
  }

  onUpgrade(protocol: string | null, at: number, early?: EarlyData): void {
    this.upgrades.push({
      protocol,
      at,
      ...(early && { early: Buffer.from(early.bytes).toString('latin1'), missing: early.missing }),
    });
  }

  onExpectation(expected: ExpectedFlow): void {
    this.expectations.push(expected);
  }

  onFrame(frame: Transaction, direction: Direction, over: boolean): void {
    const { view } = this;
    for (const { id, name } of this.buffers) {
      if (!frame.buffer(id, 0, view)) continue;
      const key = `${direction === 0 ? '>' : '<'}${name.slice('frame:'.length)}`;
      this.check(view, key);
      const { bytes, start, end, fresh, streamOffset, complete } = view;
      const latin1 = (from: number) => Buffer.from(bytes.subarray(from, end)).toString('latin1');
      const before = this.growing.get(frame);
      const text = (before ?? '') + latin1(fresh);
      if (streamOffset === 0 && latin1(start) !== text)
        throw new Error(`${key}: fresh does not follow what was shown`);
      if (over) {
        this.growing.delete(frame);
        this.frames.push([complete ? key : `${key}…`, text]);
      } else this.growing.set(frame, text);
    }
  }

  /** All that was seen, for comparison. */
  summary(): unknown {
    return {
      transactions: this.transactions,
      events: this.events,
      upgrades: this.upgrades.map(({ protocol }) => protocol),
      expectations: this.expectations,
    };
  }

  private recordOf(tx: Transaction): RecordedTransaction {
    let record = this.open.get(tx);
    if (record === undefined) {
      record = { id: tx.id, buffers: {}, events: [], progress: [0, 0], ended: 0 };
      this.open.set(tx, record);
      this.transactions.push(record);
    }
    return record;
  }

  private check(view: BufferView, key: string): void {
    const { bytes, start, end, fresh, streamOffset } = view;
    const sane =
      start >= 0 &&
      start <= end &&
      end <= bytes.length &&
      fresh >= start &&
      fresh <= end &&
      streamOffset >= 0;
    if (!sane) throw new Error(`${key}: view out of bounds ${start} ${fresh} ${end} of ${bytes.length}`);
  }
}

/** Bytes of a text in which every character is one byte. */
export function bytesOf(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

/** Feeds pieces, each in a buffer that is overwritten afterwards, as the arena is. */
export function feedAll(parser: ProtocolParser, pieces: Iterable<Piece>): void {
  for (const [direction, bytes] of pieces) {
    const arena = Buffer.alloc(bytes.length + 16, 0x21);
    bytes.copy(arena, 8);
    parser.feed(direction, arena, 8, 8 + bytes.length);
    arena.fill(0x3f);
  }
}

/** Runs a conversation through a new parser and closes both directions. Over UDP every piece is a datagram. */
export function record(
  definition: ProtocolDefinition,
  pieces: Iterable<Piece>,
  transport: Transport = Transport.TCP,
): Recorder {
  const recorder = new Recorder(definition.buffers);
  const parser = definition.create(recorder, transport);
  feedAll(parser, pieces);
  parser.close(0);
  parser.close(1);
  if (parser.heldBytes() !== 0) throw new Error(`a closed parser holds ${parser.heldBytes()} bytes`);
  return recorder;
}

/** The frames of a conversation, all of them. See `Recorder.frames`. */
export function framesOf(
  definition: ProtocolDefinition,
  pieces: Iterable<Piece>,
  transport: Transport = Transport.TCP,
): Recorder['frames'] {
  definition.frames?.want(new Set(definition.buffers.map(({ id }) => id)));
  try {
    return record(definition, pieces, transport).frames;
  } finally {
    definition.frames?.want(new Set());
  }
}

/** Cuts every piece at random places. */
export function split(pieces: readonly Piece[], random: Random, largest: number): Piece[] {
  const out: Piece[] = [];
  for (const [direction, bytes] of pieces) {
    let at = 0;
    while (at < bytes.length) {
      const size = 1 + random.next(largest);
      out.push([direction, bytes.subarray(at, at + size)]);
      at += size;
    }
  }
  return out;
}
