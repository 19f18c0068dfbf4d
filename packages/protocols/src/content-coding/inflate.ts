/**
 * DEFLATE (RFC 1951) with the zlib (RFC 1950) and gzip (RFC 1952) wrappers, undone piece by piece.
 *
 * Made for hostile input: the output goes into a sink with a bound, work per input byte is bounded, any split of the
 * input gives the same output and the same end, and nothing is allocated per call. Node's zlib cannot be driven
 * synchronously with a bound on the output, which is why this is here. Checksums are not verified: a browser shows
 * what it has decoded before it could know.
 */

import { copyBack } from './copy-back';

/** Where decoded bytes go, and where back references are read from: all output since the last `mark` must be kept. */
export interface ByteSink {
  bytes: Uint8Array;
  /** End of what is written; starts at 0. */
  end: number;
  /** Makes room for one more byte at least. @returns the end of the room in `bytes`, `end` where there is none */
  reserve(): number;
}

export const InflateStatus = {
  /** All input was taken, more is needed. */
  MORE: 0,
  /** The stream is complete; what follows is not part of it. */
  DONE: 1,
  /** Not a valid stream. */
  INVALID: 2,
  /** The sink is full. */
  FULL: 3,
} as const;

export const Wrapper = { RAW: 0, ZLIB: 1, GZIP: 2 } as const;

const State = {
  GZIP_MAGIC: 0,
  GZIP_FLAGS: 1,
  GZIP_TIME: 2,
  GZIP_EXTRA_LENGTH: 3,
  GZIP_EXTRA: 4,
  GZIP_NAME: 5,
  GZIP_COMMENT: 6,
  GZIP_HEADER_CRC: 7,
  ZLIB_HEADER: 8,
  BLOCK: 9,
  STORED_LENGTH: 10,
  STORED_COMPLEMENT: 24,
  STORED: 11,
  COUNTS: 12,
  CODE_LENGTHS: 13,
  LENGTHS: 14,
  SYMBOL: 15,
  LENGTH_EXTRA: 16,
  DISTANCE: 17,
  DISTANCE_EXTRA: 18,
  COPY: 19,
  TRAILER: 20,
  NEXT_MEMBER: 21,
  DONE: 22,
  INVALID: 23,
} as const;

const LENGTH_BASE = new Uint16Array(31);
const LENGTH_BITS = new Uint8Array(31);
const DISTANCE_BASE = new Uint16Array(32);
const DISTANCE_BITS = new Uint8Array(32);
/** Order in which the lengths of the code-length code are sent. */
const CODE_LENGTH_ORDER = new Uint8Array([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]);

for (let i = 0, base = 3; i < 28; i++) {
  LENGTH_BITS[i] = i < 8 ? 0 : (i >> 2) - 1;
  LENGTH_BASE[i] = base;
  base += 1 << LENGTH_BITS[i];
}
LENGTH_BASE[28] = 258;
for (let i = 0, base = 1; i < 30; i++) {
  DISTANCE_BITS[i] = i < 4 ? 0 : (i >> 1) - 1;
  DISTANCE_BASE[i] = base;
  base += 1 << DISTANCE_BITS[i];
}

const TABLE_BITS = 9;
const TABLE_MASK = (1 << TABLE_BITS) - 1;

/** A canonical Huffman code: a table for short codes, counts and symbols for the long ones. */
class HuffmanCode {
  /** symbol << 4 | length for every `TABLE_BITS` bits that begin with a short code, else 0. */
  readonly table = new Uint16Array(1 << TABLE_BITS);
  readonly count = new Uint16Array(16);
  readonly symbol: Uint16Array;
  private readonly offset = new Uint16Array(16);

  constructor(symbols: number) {
    this.symbol = new Uint16Array(symbols);
  }

  /** Builds the code of `lengths[from, to)`. @returns false where more codes are given than there are */
  build(lengths: Uint8Array, from: number, to: number): boolean {
    const { count, offset, symbol, table } = this;
    count.fill(0);
    for (let i = from; i < to; i++) count[lengths[i]]++;
    count[0] = 0;
    let left = 1;
    for (let length = 1; length < 16; length++) {
      left = left * 2 - count[length];
      if (left < 0) return false;
    }
    offset[1] = 0;
    for (let length = 1; length < 15; length++) offset[length + 1] = offset[length] + count[length];
    for (let i = from; i < to; i++) if (lengths[i] !== 0) symbol[offset[lengths[i]]++] = i - from;

    table.fill(0);
    let code = 0;
    let index = 0;
    for (let length = 1; length <= TABLE_BITS; length++) {
      for (let n = count[length]; n > 0; n--) {
        const entry = (symbol[index++] << 4) | length;
        // Codes come with their first bit lowest.
        let reversed = 0;
        for (let bit = 0; bit < length; bit++) reversed |= ((code >> bit) & 1) << (length - 1 - bit);
        for (let at = reversed; at <= TABLE_MASK; at += 1 << length) table[at] = entry;
        code++;
      }
      code <<= 1;
    }
    return true;
  }
}

const FIXED_LITERALS = new HuffmanCode(288);
const FIXED_DISTANCES = new HuffmanCode(32);
{
  const lengths = new Uint8Array(288);
  lengths.fill(8, 0, 144).fill(9, 144, 256).fill(7, 256, 280).fill(8, 280, 288);
  FIXED_LITERALS.build(lengths, 0, 288);
  lengths.fill(5, 0, 32);
  FIXED_DISTANCES.build(lengths, 0, 32);
}

/**
 * Every dynamic block costs the building of its codes, also one that holds nothing. These many do not count; of the others
 * there may be one for 128 bytes that come in or 32 that come out.
 */
const FREE_BLOCKS = 64;

const NEED_INPUT = -1;
const BAD_CODE = -2;

export class Inflater {
  /** After `push`: index of the first input byte that was not taken. */
  position = 0;
  private state: number = State.DONE;
  private wrapper: number = Wrapper.RAW;
  private bits = 0;
  private bitCount = 0;
  private last = false;
  private length = 0;
  private distance = 0;
  private symbolValue = 0;
  private index = 0;
  private gzipFlags = 0;
  private memberStart = 0;
  /** Dynamic blocks so far. */
  private blocks = 0;
  /** Input so far, in bytes. */
  private offered = 0;
  /** It was given up because undoing it costs more than what it holds is worth. */
  costly = false;
  private literalCount = 0;
  private distanceCount = 0;
  private fixed = false;
  private readonly lengths = new Uint8Array(320);
  private readonly codeLengths = new HuffmanCode(19);
  private readonly literals = new HuffmanCode(288);
  private readonly distances = new HuffmanCode(32);

  /** Memory of one decoder, in bytes; a test measures it. */
  static readonly BYTES = 7168;

  /** Begins a new stream whose output starts at the sink's end. */
  begin(wrapper: number, sink: ByteSink): void {
    this.wrapper = wrapper;
    this.state =
      wrapper === Wrapper.GZIP
        ? State.GZIP_MAGIC
        : wrapper === Wrapper.ZLIB
          ? State.ZLIB_HEADER
          : State.BLOCK;
    this.bits = 0;
    this.bitCount = 0;
    this.last = false;
    this.memberStart = sink.end;
    this.blocks = 0;
    this.offered = 0;
    this.costly = false;
  }

  /** Bytes that were taken from the input but lie behind the last bit that was used. */
  unusedBytes(): number {
    return this.bitCount >> 3;
  }

  /** One of the unused bytes, counted from 0. */
  unusedByte(index: number): number {
    return (this.bits >>> ((this.bitCount & 7) + 8 * index)) & 0xff;
  }

  /** Takes `bytes[start, end)` as far as input and sink reach. */
  push(bytes: Uint8Array, start: number, end: number, sink: ByteSink): number {
    this.position = start;
    this.offered = Math.min(this.offered + end - start, 0x7fffffff);
    for (;;) {
      switch (this.state) {
        case State.GZIP_MAGIC: {
          if (!this.fill(16, bytes, end)) return InflateStatus.MORE;
          if (this.take(16) !== 0x8b1f) return this.fail();
          this.state = State.GZIP_FLAGS;
          break;
        }
        case State.GZIP_FLAGS: {
          if (!this.fill(16, bytes, end)) return InflateStatus.MORE;
          const value = this.take(16);
          if ((value & 0xff) !== 8) return this.fail();
          this.gzipFlags = value >> 8;
          this.index = 6;
          this.state = State.GZIP_TIME;
          break;
        }
        case State.GZIP_TIME: {
          // Time, extra flags and operating system: six bytes of no interest.
          if (!this.skip(bytes, end)) return InflateStatus.MORE;
          this.state = State.GZIP_EXTRA_LENGTH;
          break;
        }
        case State.GZIP_EXTRA_LENGTH: {
          this.index = 0;
          if ((this.gzipFlags & 4) !== 0) {
            if (!this.fill(16, bytes, end)) return InflateStatus.MORE;
            this.index = this.take(16);
          }
          this.state = State.GZIP_EXTRA;
          break;
        }
        case State.GZIP_EXTRA: {
          if (!this.skip(bytes, end)) return InflateStatus.MORE;
          this.state = State.GZIP_NAME;
          break;
        }
        case State.GZIP_NAME: {
          if ((this.gzipFlags & 8) !== 0 && !this.skipText(bytes, end)) return InflateStatus.MORE;
          this.state = State.GZIP_COMMENT;
          break;
        }
        case State.GZIP_COMMENT: {
          if ((this.gzipFlags & 16) !== 0 && !this.skipText(bytes, end)) return InflateStatus.MORE;
          this.state = State.GZIP_HEADER_CRC;
          break;
        }
        case State.GZIP_HEADER_CRC: {
          if ((this.gzipFlags & 2) !== 0) {
            if (!this.fill(16, bytes, end)) return InflateStatus.MORE;
            this.take(16);
          }
          this.state = State.BLOCK;
          break;
        }
        case State.ZLIB_HEADER: {
          if (!this.fill(16, bytes, end)) return InflateStatus.MORE;
          const value = this.take(16);
          const swapped = ((value & 0xff) << 8) | (value >> 8);
          // Method 8, check bits, no preset dictionary.
          if ((value & 15) !== 8 || swapped % 31 !== 0 || (value & 0x2000) !== 0) return this.fail();
          this.state = State.BLOCK;
          break;
        }
        case State.BLOCK: {
          if (this.last) {
            this.take(this.bitCount & 7);
            this.index = this.wrapper === Wrapper.GZIP ? 8 : this.wrapper === Wrapper.ZLIB ? 4 : 0;
            this.state = State.TRAILER;
            break;
          }
          if (!this.fill(3, bytes, end)) return InflateStatus.MORE;
          this.last = this.take(1) === 1;
          const type = this.take(2);
          if (type === 0) {
            this.take(this.bitCount & 7);
            this.state = State.STORED_LENGTH;
          } else if (type === 1) {
            this.fixed = true;
            this.state = State.SYMBOL;
          } else if (type === 2) {
            if (++this.blocks > FREE_BLOCKS + (this.offered >> 7) + (sink.end >> 5)) {
              this.costly = true;
              return this.fail();
            }
            this.fixed = false;
            this.state = State.COUNTS;
          } else return this.fail();
          break;
        }
        case State.STORED_LENGTH: {
          if (!this.fill(16, bytes, end)) return InflateStatus.MORE;
          this.length = this.take(16);
          this.state = State.STORED_COMPLEMENT;
          break;
        }
        case State.STORED_COMPLEMENT: {
          if (!this.fill(16, bytes, end)) return InflateStatus.MORE;
          if ((this.take(16) ^ this.length) !== 0xffff) return this.fail();
          this.state = State.STORED;
          break;
        }
        case State.STORED: {
          const status = this.copyStored(bytes, end, sink);
          if (status !== InflateStatus.DONE) return status;
          this.state = State.BLOCK;
          break;
        }
        case State.COUNTS: {
          if (!this.fill(14, bytes, end)) return InflateStatus.MORE;
          this.literalCount = this.take(5) + 257;
          this.distanceCount = this.take(5) + 1;
          this.length = this.take(4) + 4;
          if (this.literalCount > 286 || this.distanceCount > 30) return this.fail();
          this.lengths.fill(0, 0, 19);
          this.index = 0;
          this.state = State.CODE_LENGTHS;
          break;
        }
        case State.CODE_LENGTHS: {
          while (this.index < this.length) {
            if (!this.fill(3, bytes, end)) return InflateStatus.MORE;
            this.lengths[CODE_LENGTH_ORDER[this.index++]] = this.take(3);
          }
          if (!this.codeLengths.build(this.lengths, 0, 19)) return this.fail();
          this.index = 0;
          this.symbolValue = -1;
          this.state = State.LENGTHS;
          break;
        }
        case State.LENGTHS: {
          const status = this.readLengths(bytes, end);
          if (status === InflateStatus.MORE) return status;
          if (status === InflateStatus.INVALID) return this.fail();
          const { lengths, literalCount } = this;
          if (
            lengths[256] === 0 ||
            !this.literals.build(lengths, 0, literalCount) ||
            !this.distances.build(lengths, literalCount, literalCount + this.distanceCount)
          ) {
            return this.fail();
          }
          this.state = State.SYMBOL;
          break;
        }
        case State.SYMBOL: {
          const status = this.readSymbols(bytes, end, sink);
          if (status === InflateStatus.INVALID) return this.fail();
          if (status !== InflateStatus.DONE) return status;
          break;
        }
        case State.LENGTH_EXTRA: {
          const extra = LENGTH_BITS[this.symbolValue];
          if (!this.fill(extra, bytes, end)) return InflateStatus.MORE;
          this.length = LENGTH_BASE[this.symbolValue] + this.take(extra);
          this.state = State.DISTANCE;
          break;
        }
        case State.DISTANCE: {
          const symbol = this.decode(this.fixed ? FIXED_DISTANCES : this.distances, bytes, end);
          if (symbol === NEED_INPUT) return InflateStatus.MORE;
          if (symbol < 0 || symbol > 29) return this.fail();
          this.symbolValue = symbol;
          this.state = State.DISTANCE_EXTRA;
          break;
        }
        case State.DISTANCE_EXTRA: {
          const extra = DISTANCE_BITS[this.symbolValue];
          if (!this.fill(extra, bytes, end)) return InflateStatus.MORE;
          this.distance = DISTANCE_BASE[this.symbolValue] + this.take(extra);
          if (this.distance > sink.end - this.memberStart) return this.fail();
          this.state = State.COPY;
          break;
        }
        case State.COPY: {
          while (this.length > 0) {
            const room = sink.reserve();
            if (room === sink.end) return InflateStatus.FULL;
            const count = Math.min(room - sink.end, this.length);
            copyBack(sink, count, this.distance);
            this.length -= count;
          }
          this.state = State.SYMBOL;
          break;
        }
        case State.TRAILER: {
          if (!this.skip(bytes, end)) return InflateStatus.MORE;
          this.state = this.wrapper === Wrapper.GZIP ? State.NEXT_MEMBER : State.DONE;
          break;
        }
        case State.NEXT_MEMBER: {
          if (!this.fill(8, bytes, end)) return InflateStatus.MORE;
          if ((this.bits & 0xff) !== 0x1f) {
            this.state = State.DONE;
            break;
          }
          // Another member; it has its own window (RFC 1952 section 2.2).
          this.last = false;
          this.memberStart = sink.end;
          this.state = State.GZIP_MAGIC;
          break;
        }
        case State.DONE:
          return InflateStatus.DONE;
        default:
          return InflateStatus.INVALID;
      }
    }
  }

  /** Whether the stream has come to its end. */
  get done(): boolean {
    return this.state === State.DONE || this.state === State.NEXT_MEMBER;
  }

  private fail(): number {
    this.state = State.INVALID;
    return InflateStatus.INVALID;
  }

  /** Brings the bit buffer to `count` bits (at most 16). */
  private fill(count: number, bytes: Uint8Array, end: number): boolean {
    while (this.bitCount < count) {
      if (this.position >= end) return false;
      this.bits |= bytes[this.position++] << this.bitCount;
      this.bitCount += 8;
    }
    return true;
  }

  private take(count: number): number {
    const value = this.bits & ((1 << count) - 1);
    this.bits >>>= count;
    this.bitCount -= count;
    return value;
  }

  /** Passes over `index` bytes. */
  private skip(bytes: Uint8Array, end: number): boolean {
    while (this.index > 0) {
      if (!this.fill(8, bytes, end)) return false;
      this.take(8);
      this.index--;
    }
    return true;
  }

  /** Passes over a text that ends with a zero byte. */
  private skipText(bytes: Uint8Array, end: number): boolean {
    for (;;) {
      if (!this.fill(8, bytes, end)) return false;
      if (this.take(8) === 0) return true;
    }
  }

  private copyStored(bytes: Uint8Array, end: number, sink: ByteSink): number {
    while (this.length > 0) {
      const room = sink.reserve();
      if (room === sink.end) return InflateStatus.FULL;
      if (this.bitCount >= 8) {
        sink.bytes[sink.end++] = this.take(8);
        this.length--;
        continue;
      }
      const count = Math.min(room - sink.end, this.length, end - this.position);
      if (count === 0) return InflateStatus.MORE;
      const to = sink.bytes;
      let at = sink.end;
      let from = this.position;
      for (const stop = at + count; at < stop; ) to[at++] = bytes[from++];
      sink.end = at;
      this.position = from;
      this.length -= count;
    }
    return InflateStatus.DONE;
  }

  /** One symbol of a code, `NEED_INPUT` or `BAD_CODE`. Bits are used up only when a symbol is returned. */
  private decode(code: HuffmanCode, bytes: Uint8Array, end: number): number {
    while (this.bitCount < 15 && this.position < end) {
      this.bits |= bytes[this.position++] << this.bitCount;
      this.bitCount += 8;
    }
    const entry = code.table[this.bits & TABLE_MASK];
    if (entry !== 0) {
      const length = entry & 15;
      if (length > this.bitCount) return NEED_INPUT;
      this.bits >>>= length;
      this.bitCount -= length;
      return entry >> 4;
    }
    let value = 0;
    let first = 0;
    let index = 0;
    for (let length = 1; length < 16; length++) {
      if (length > this.bitCount) return NEED_INPUT;
      value |= (this.bits >>> (length - 1)) & 1;
      const count = code.count[length];
      if (value - count < first) {
        this.bits >>>= length;
        this.bitCount -= length;
        return code.symbol[index + value - first];
      }
      index += count;
      first = (first + count) << 1;
      value <<= 1;
    }
    return BAD_CODE;
  }

  /** Literals and lengths up to the end of the block or to a match. DONE: the state has changed. */
  private readSymbols(bytes: Uint8Array, end: number, sink: ByteSink): number {
    const code = this.fixed ? FIXED_LITERALS : this.literals;
    let room = sink.reserve();
    for (;;) {
      if (sink.end === room) {
        room = sink.reserve();
        if (sink.end === room) return InflateStatus.FULL;
      }
      const symbol = this.decode(code, bytes, end);
      if (symbol === NEED_INPUT) return InflateStatus.MORE;
      if (symbol < 0) return InflateStatus.INVALID;
      if (symbol < 256) {
        sink.bytes[sink.end++] = symbol;
      } else if (symbol === 256) {
        this.state = State.BLOCK;
        return InflateStatus.DONE;
      } else {
        if (symbol > 285) return InflateStatus.INVALID;
        this.symbolValue = symbol - 257;
        this.state = State.LENGTH_EXTRA;
        return InflateStatus.DONE;
      }
    }
  }

  /** Lengths of the literal and distance codes, run-length coded. */
  private readLengths(bytes: Uint8Array, end: number): number {
    const total = this.literalCount + this.distanceCount;
    while (this.index < total) {
      // `symbolValue` holds a repeat code whose extra bits are still to come.
      if (this.symbolValue < 0) {
        const symbol = this.decode(this.codeLengths, bytes, end);
        if (symbol === NEED_INPUT) return InflateStatus.MORE;
        if (symbol < 0) return InflateStatus.INVALID;
        if (symbol < 16) {
          this.lengths[this.index++] = symbol;
          continue;
        }
        this.symbolValue = symbol;
      }
      const extra = this.symbolValue === 16 ? 2 : this.symbolValue === 17 ? 3 : 7;
      if (!this.fill(extra, bytes, end)) return InflateStatus.MORE;
      let count = this.take(extra) + (this.symbolValue === 18 ? 11 : 3);
      let value = 0;
      if (this.symbolValue === 16) {
        if (this.index === 0) return InflateStatus.INVALID;
        value = this.lengths[this.index - 1];
      }
      this.symbolValue = -1;
      if (this.index + count > total) return InflateStatus.INVALID;
      while (count-- > 0) this.lengths[this.index++] = value;
    }
    return InflateStatus.DONE;
  }
}
