/** Reads XDR (RFC 4506): big-endian words, and bytes padded to a multiple of four. After a failure it reads nothing more. */

export class XdrReader {
  failed = false;
  /** Where the opaque data lies that was read last, and its length, of which `dataEnd` may cut off the end. */
  dataStart = 0;
  dataEnd = 0;
  dataLength = 0;
  private bytes: Uint8Array = new Uint8Array(0);
  private at = 0;
  private end = 0;

  begin(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
    this.failed = false;
  }

  get position(): number {
    return this.at;
  }

  word(): number {
    const { bytes, at } = this;
    if (at + 4 > this.end) this.failed = true;
    if (this.failed) return 0;
    this.at += 4;
    return bytes[at] * 0x1000000 + ((bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]);
  }

  /** Exact up to 2^53. */
  long(): number {
    const high = this.word();
    return high * 0x100000000 + this.word();
  }

  skip(bytes: number): void {
    if (bytes > this.end - this.at) this.failed = true;
    else if (!this.failed) this.at += bytes;
  }

  /** A run of bytes of fixed length. */
  fixed(length: number): boolean {
    this.dataStart = this.at;
    this.dataLength = length;
    this.skip(length + (-length & 3));
    this.dataEnd = this.dataStart + length;
    return !this.failed;
  }

  /** A run of bytes with its length before it. */
  opaque(): boolean {
    return this.fixed(this.word());
  }

  /** Like `opaque`, for the last field of what is there: its end may be missing. */
  openOpaque(): boolean {
    const length = this.word();
    if (this.failed) return false;
    this.dataStart = this.at;
    this.dataLength = length;
    this.dataEnd = Math.min(this.end, this.at + length);
    this.at = Math.min(this.end, this.at + length + (-length & 3));
    return true;
  }

  /** The bytes read last as a key. */
  key(): string {
    const { bytes, dataStart, dataEnd } = this;
    return Buffer.from(bytes.buffer, bytes.byteOffset + dataStart, dataEnd - dataStart).toString('latin1');
  }

  /** A copy of the bytes read last, at most `limit`. */
  copy(limit: number): Uint8Array {
    return Uint8Array.prototype.slice.call(
      this.bytes,
      this.dataStart,
      Math.min(this.dataEnd, this.dataStart + limit),
    );
  }
}
