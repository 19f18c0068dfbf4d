/** The framing of chunked bodies (RFC 9112 section 7.1), byte by byte and without memory. */

import * as characters from './characters';

// Bound once: an import is a property load at each use in CommonJS.
const { CLASS, CR, HEX, HEX_VALUE, LF, SPACE } = characters;

export const ChunkStatus = {
  /** All bytes were taken. */
  MORE: 0,
  /** `dataStart` to `dataEnd` is data of a chunk; go on at `position`. */
  DATA: 1,
  /** The last chunk has ended; trailers follow at `position`. */
  LAST: 2,
  /** Not a chunk size at `position`. */
  INVALID: 3,
} as const;

const Phase = { SIZE_START: 0, SIZE: 1, EXTENSION: 2, DATA: 3, DATA_END: 4 } as const;

/** Chunks larger than this are no real ones. */
const LARGEST_CHUNK = 0x7fffffff;
/** Bytes of a chunk-size line behind the size. */
const LONGEST_EXTENSION = 16_384;

export class ChunkReader {
  position = 0;
  dataStart = 0;
  dataEnd = 0;
  /** A chunk extension (`;name=value`) was seen. */
  extension = false;
  /** A CR without a LF was seen behind a size: some servers take it for the end of the line, others for a part of it. */
  loneCr = false;
  /**
   * Of a request: a CR alone ends lines, and behind data the line end may be missing, as lenient servers have it. Browsers
   * do not, and what follows the data up to the line end is passed over.
   */
  lenient = false;
  /** The last byte was a CR that may end a line. */
  private cr = false;
  private phase: number = Phase.SIZE_START;
  private size = 0;
  private extra = 0;

  clear(): void {
    this.phase = Phase.SIZE_START;
    this.size = 0;
    this.extra = 0;
    this.extension = false;
    this.loneCr = false;
    this.lenient = false;
    this.cr = false;
  }

  /** Bytes of the current chunk that are still to come, when `length` of them can be skipped; else -1. */
  skip(length: number): boolean {
    if (this.phase !== Phase.DATA || length > this.size) return false;
    this.size -= length;
    if (this.size === 0) this.phase = Phase.DATA_END;
    return true;
  }

  read(bytes: Uint8Array, start: number, end: number): number {
    let i = start;
    while (i < end) {
      const c = bytes[i];
      switch (this.phase) {
        case Phase.SIZE_START:
          if ((CLASS[c] & SPACE) !== 0) {
            // White space and empty lines before a size are passed over, a bounded number of them.
            if (++this.extra > LONGEST_EXTENSION) return this.invalid(i);
            i++;
            break;
          }
          if ((CLASS[c] & HEX) === 0) return this.invalid(i);
          this.size = 0;
          this.phase = Phase.SIZE;
          break;
        case Phase.SIZE:
          if ((CLASS[c] & HEX) !== 0) {
            this.size = this.size * 16 + HEX_VALUE[c];
            if (this.size > LARGEST_CHUNK) return this.invalid(i);
            i++;
            break;
          }
          this.phase = Phase.EXTENSION;
          this.extra = 0;
          this.cr = false;
          break;
        case Phase.EXTENSION:
          // A CR alone has ended the line: this byte is behind it.
          if (!this.cr || c === LF) i++;
          if (this.cr && c !== LF) this.loneCr = true;
          if (c === LF || this.cr) {
            this.cr = false;
            this.extra = 0;
            if (this.size === 0) {
              this.phase = Phase.SIZE_START;
              this.position = i;
              return ChunkStatus.LAST;
            }
            this.phase = Phase.DATA;
          } else {
            this.cr = this.lenient && c === CR;
            if (c === 0x3b) this.extension = true;
            if (++this.extra > LONGEST_EXTENSION) return this.invalid(i);
          }
          break;
        case Phase.DATA: {
          const count = Math.min(end - i, this.size);
          this.dataStart = i;
          this.dataEnd = i + count;
          this.position = i + count;
          this.size -= count;
          if (this.size === 0) this.phase = Phase.DATA_END;
          return ChunkStatus.DATA;
        }
        default:
          if (this.lenient && this.extra === 0 && (CLASS[c] & HEX) !== 0) {
            this.phase = Phase.SIZE_START;
            break;
          }
          // What stands between the data and the line end is not looked at, as in libhtp.
          i++;
          if (c === LF) {
            this.phase = Phase.SIZE_START;
            this.extra = 0;
          } else if (c !== CR && ++this.extra > LONGEST_EXTENSION) return this.invalid(i);
      }
    }
    this.position = i;
    return ChunkStatus.MORE;
  }

  private invalid(at: number): number {
    this.position = at;
    return ChunkStatus.INVALID;
  }
}
