/** Where the bytes of a capture come from. */
export interface ByteReader {
  /**
   * Reads up to `length` bytes to `into[at…]`.
   * @returns how many; 0 at the end.
   */
  read(into: Uint8Array, at: number, length: number): number;
  close(): void;
}

/** What {@link ByteWindow.ensure} says. */
export const WindowState = {
  READY: 0,
  /** The file has no more bytes. */
  END: 1,
  /** Bytes must move to make room, and somebody still borrows them. */
  LENT: 2,
} as const;

const { READY, END, LENT } = WindowState;

/**
 * A fixed buffer that slides over a file. Records are parsed and packets are lent out of it in place; only what
 * is left of an incomplete record is moved when more is read.
 *
 *     bytes:  ░░░ done ░░░│ begin ▓▓▓ read, not parsed ▓▓▓ end │ free
 */
export class ByteWindow {
  readonly bytes: Uint8Array;
  /** Index of the next byte to parse. */
  begin = 0;
  private end = 0;
  /** Offset in the file of `bytes[0]`. */
  private origin = 0;
  private skipping = 0;
  private ended = false;

  constructor(
    private readonly reader: ByteReader,
    capacity: number,
  ) {
    this.bytes = new Uint8Array(capacity);
  }

  /** Offset in the file of `begin`. */
  get fileOffset(): number {
    return this.origin + this.begin + this.skipping;
  }

  /** Whether anything stands at `begin`; false at the clean end of a file. */
  get hasMore(): boolean {
    return this.skipping === 0 && this.end > this.begin;
  }

  /**
   * Makes `count` bytes available at `begin`; `count` may not exceed the capacity.
   * @param lent whether bytes before `begin` are still in use, so that nothing may move.
   * @throws what the file system throws on a read error.
   */
  ensure(count: number, lent: boolean): number {
    if (this.skipping === 0 && this.end - this.begin >= count) return READY;
    if (this.ended) return END;
    if (lent) return LENT;
    for (;;) {
      this.compact();
      const read = this.reader.read(this.bytes, this.end, this.bytes.length - this.end);
      if (read === 0) {
        this.ended = true;
        return END;
      }
      this.end += read;
      const skipped = Math.min(this.skipping, this.end - this.begin);
      this.begin += skipped;
      this.skipping -= skipped;
      if (this.skipping === 0 && this.end - this.begin >= count) return READY;
    }
  }

  /** Moves `begin` on, also beyond what has been read. */
  skip(count: number): void {
    const within = Math.min(count, this.end - this.begin);
    this.begin += within;
    this.skipping += count - within;
  }

  private compact(): void {
    if (this.begin === 0) return;
    this.bytes.copyWithin(0, this.begin, this.end);
    this.origin += this.begin;
    this.end -= this.begin;
    this.begin = 0;
  }
}
