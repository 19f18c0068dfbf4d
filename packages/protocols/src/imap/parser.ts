/**
 * IMAP of one flow, as far as it takes to find its end: STARTTLS, behind which TLS follows (RFC 9051 section 6.2.1).
 * There are no transactions, because rules look at nothing in them.
 */

import type { BufferPool } from '../buffer-pool';
import { LineReader, LongLines } from '../lines/line-reader';
import { beginsWithWord, word } from '../lines/words';
import {
  type Direction,
  Direction as Directions,
  type ProtocolParser,
  type TransactionListener,
} from '../transaction';
import { literalLength, tagEnd } from './syntax';

const { TO_SERVER } = Directions;
/** Bytes of a line that are held; what matters of longer ones stands at their beginning. */
const LINE_BYTES = 4096;
const STARTTLS = word('STARTTLS');
const OK = word('OK');

export class ImapParser implements ProtocolParser {
  readonly protocol = 'imap';
  /** Tag of a STARTTLS command that waits for its reply. */
  private tag = '';
  private over = false;
  /** Bytes of a literal that are still to come, by direction. */
  private readonly literal: [number, number] = [0, 0];
  /** The line continues one that a literal has interrupted. */
  private readonly continued: [boolean, boolean] = [false, false];
  private readonly readers: readonly [LineReader, LineReader];

  constructor(
    pool: BufferPool,
    private readonly listener: TransactionListener,
  ) {
    this.readers = [new LineReader(pool, LINE_BYTES), new LineReader(pool, LINE_BYTES)];
  }

  feed(direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    const reader = this.readers[direction];
    let at = start;
    while (at < end && !this.over) {
      const skipped = Math.min(this.literal[direction], end - at);
      this.literal[direction] -= skipped;
      at += skipped;
      if (at === end) break;
      at = reader.next(bytes, at, end, LongLines.DISCARD);
      if (reader.ready) this.line(direction, reader, at);
    }
    reader.release();
  }

  gap(direction: Direction, length: number): void {
    const inside = Math.min(this.literal[direction], length);
    this.literal[direction] -= inside;
    if (inside < length) this.readers[direction].skip();
  }

  close(direction: Direction): void {
    this.readers[direction].clear();
    this.literal[direction] = 0;
  }

  heldBytes(): number {
    return this.readers[0].heldBytes() + this.readers[1].heldBytes();
  }

  reset(): void {
    for (const direction of [0, 1] as const) {
      this.readers[direction].clear();
      this.literal[direction] = 0;
      this.continued[direction] = false;
    }
    this.tag = '';
    this.over = false;
  }

  /** @param at index behind the line in the fed bytes */
  private line(direction: Direction, reader: LineReader, at: number): void {
    const { bytes, start, end } = reader;
    const continues = this.continued[direction];
    const literal = literalLength(bytes, start, end);
    this.literal[direction] = Math.max(0, literal);
    this.continued[direction] = literal >= 0;
    if (continues) return;
    const tag = tagEnd(bytes, start, end);
    if (tag < 0) return;
    const text = Buffer.from(bytes.subarray(start, tag)).toString('latin1');
    if (direction === TO_SERVER) {
      if (beginsWithWord(bytes, tag + 1, end, STARTTLS)) this.tag = text;
      return;
    }
    if (this.tag === '' || text !== this.tag) return;
    this.tag = '';
    if (!beginsWithWord(bytes, tag + 1, end, OK)) return;
    this.over = true;
    this.readers[TO_SERVER].clear();
    this.listener.onUpgrade('tls', at);
  }
}
