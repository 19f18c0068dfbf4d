/** What knows how long the messages of a stream are, and takes them. */
export interface MessageReader {
  /**
   * Looks at the first bytes of a message.
   * @returns its whole length in bytes; 0 where more bytes are needed to tell; below 0 where no message can begin so
   */
  messageLength(bytes: Uint8Array, start: number, end: number): number;
  /** Takes one whole message; the bytes are borrowed. @returns false where no more of the stream is to be looked at */
  message(bytes: Uint8Array, start: number, end: number): boolean;
}

/** A buffer that has grown beyond this is given back when it is empty. */
const KEPT_BYTES = 4096;
const FIRST_BYTES = 256;
const EMPTY = new Uint8Array(0);

/**
 * Cuts one direction of a stream into messages. Messages that arrive whole are not copied; of one that does not, what
 * is there is kept.
 */
export class MessageAssembly {
  /** While a message is taken: index into the bytes that are being fed where what follows it begins. */
  behind = 0;
  private buffer = EMPTY;
  private held = 0;

  /** @param limit longest message in bytes; a longer one is as one whose length cannot be */
  constructor(
    private readonly reader: MessageReader,
    private readonly limit: number,
  ) {}

  /** Memory of a message that is not whole yet, in bytes. */
  heldBytes(): number {
    return this.held === 0 ? 0 : this.buffer.length;
  }

  clear(): void {
    this.held = 0;
    if (this.buffer.length > KEPT_BYTES) this.buffer = EMPTY;
  }

  /** @returns false where the stream is no row of messages any more, or the reader wants no more of it */
  feed(bytes: Uint8Array, start: number, end: number): boolean {
    let at = start;
    if (this.held > 0) {
      at = this.fill(bytes, start, end);
      if (at < 0) return this.lost();
      if (this.held > 0) return true;
    }
    while (at < end) {
      const length = this.reader.messageLength(bytes, at, end);
      if (length < 0 || length > this.limit) return this.lost();
      if (length === 0 || length > end - at) return this.keep(bytes, at, end);
      this.behind = at + length;
      if (!this.reader.message(bytes, at, at + length)) return this.lost();
      at += length;
    }
    return true;
  }

  /** Adds to the held message. @returns place behind what was taken, below 0 where the framing is lost */
  private fill(bytes: Uint8Array, start: number, end: number): number {
    const { reader } = this;
    let at = start;
    let length = reader.messageLength(this.buffer, 0, this.held);
    // The length is told by few bytes: they are added one at a time until it is known.
    while (length === 0 && at < end) {
      if (!this.keep(bytes, at, at + 1)) return -1;
      at++;
      length = reader.messageLength(this.buffer, 0, this.held);
    }
    if (length === 0) return at;
    if (length < 0 || length > this.limit) return -1;
    const more = Math.min(end - at, length - this.held);
    if (more > 0) {
      this.keep(bytes, at, at + more, length);
      at += more;
    }
    if (this.held < length) return at;
    this.behind = at;
    const goesOn = reader.message(this.buffer, 0, length);
    this.clear();
    return goesOn ? at : -1;
  }

  private keep(bytes: Uint8Array, start: number, end: number, expected = 0): boolean {
    const size = this.held + end - start;
    if (size > this.limit) return this.lost();
    if (size > this.buffer.length) {
      const room = Math.min(this.limit, Math.max(size, 2 * this.buffer.length, FIRST_BYTES));
      const grown = new Uint8Array(Math.min(room, Math.max(size, expected || room)));
      grown.set(this.buffer.subarray(0, this.held));
      this.buffer = grown;
    }
    this.buffer.set(bytes.subarray(start, end), this.held);
    this.held = size;
    return true;
  }

  private lost(): false {
    this.clear();
    return false;
  }
}
