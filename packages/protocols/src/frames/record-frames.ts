import type { BufferPool } from '../buffer-pool';
import { RecordReader, type RecordSink } from '../records/record-reader';
import { type Direction, Direction as Directions, type TransactionListener } from '../transaction';
import type { Frames } from './frames';

/**
 * Frames that are the records of a stream, cut out of it apart from the parser, which does not hold what it does not look
 * at; nothing of this is there where no rule looks at frames.
 */
export abstract class RecordFrames implements RecordSink {
  protected readonly readers: readonly [RecordReader, RecordReader];

  /**
   * @param headBytes that tell a record's length at most
   * @param window bytes of a record that are looked at
   */
  constructor(
    pool: BufferPool,
    protected readonly frames: Frames,
    protected readonly listener: TransactionListener,
    headBytes: number,
    window: number,
  ) {
    const reader = (direction: Direction) => new RecordReader(pool, this, direction, headBytes, window);
    this.readers = [reader(Directions.TO_SERVER), reader(Directions.TO_CLIENT)];
  }

  abstract measure(direction: Direction, bytes: Uint8Array, start: number, end: number): number;
  abstract record(direction: Direction, bytes: Uint8Array, start: number, end: number, length: number): void;

  feed(direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    this.readers[direction].feed(bytes, start, end);
  }

  gap(direction: Direction, length: number): void {
    this.readers[direction].gap(length);
  }

  close(direction: Direction): void {
    this.readers[direction].stop();
    this.readers[direction].clear();
  }

  heldBytes(): number {
    return this.readers[0].heldBytes() + this.readers[1].heldBytes();
  }

  rest(): void {}

  missing(): void {}

  lost(): void {}

  resume(): number {
    // Nothing but its length tells where a record begins.
    return -1;
  }
}
