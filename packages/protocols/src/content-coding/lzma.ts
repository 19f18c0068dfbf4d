/**
 * LZMA in the ".lzma" container (13 bytes of head, then one stream), undone piece by piece.
 *
 * Made for hostile input, like `inflate.ts`: the output goes into a sink with a bound and is its own dictionary, so that
 * no announced dictionary costs memory, and the tables have a bound. Any split of the input gives the same output: a
 * symbol is decoded when as many bytes have come as the longest one takes, or at the end.
 */

import { NO_BYTES } from '../buffer-pool';
import { copyBack } from './copy-back';
import { type ByteSink, InflateStatus } from './inflate';

const HEAD = 13;
/** Bytes of input that one symbol can take, those of the range coder's start included. */
const LONGEST_SYMBOL = 20;
const TAIL = 64;
/** What a decoder takes without its probabilities; a test measures it. */
const OWN_BYTES = 832;
/** Bits of literal context together: what `xz` allows; more would be megabytes of tables. */
const MOST_LITERAL_BITS = 4;
const TOP = 1 << 24;
const HALF = 1 << 10;
const MOVE = 5;
const STATES = 12;
const POSITION_STATES = 16;
const END_OF_STREAM = 0xffffffff;

// Places of the probability tables.
const IS_MATCH = 0;
const IS_REP = IS_MATCH + STATES * POSITION_STATES;
const IS_REP_G0 = IS_REP + STATES;
const IS_REP_G1 = IS_REP_G0 + STATES;
const IS_REP_G2 = IS_REP_G1 + STATES;
const IS_REP0_LONG = IS_REP_G2 + STATES;
const SLOT = IS_REP0_LONG + STATES * POSITION_STATES;
const SPECIAL = SLOT + 4 * 64;
const ALIGN = SPECIAL + 128;
const LENGTH = ALIGN + 16;
// Within the tables of a length: two choices, then low and mid for each position state, then high.
const LENGTH_LOW = 2;
const LENGTH_MID = LENGTH_LOW + POSITION_STATES * 8;
const LENGTH_HIGH = LENGTH_MID + POSITION_STATES * 8;
const LENGTH_SIZE = LENGTH_HIGH + 256;
const REP_LENGTH = LENGTH + LENGTH_SIZE;
const LITERALS = REP_LENGTH + LENGTH_SIZE;

const State = { HEAD: 0, SYMBOL: 1, COPY: 2, DONE: 3, INVALID: 4 } as const;

export class LzmaDecoder {
  /** After `push`: index of the first input byte that was not taken. */
  position = 0;
  private state: number = State.DONE;
  private input: Uint8Array = NO_BYTES;
  private end = 0;
  private short = false;
  private readonly tail = new Uint8Array(TAIL);
  private tailLength = 0;
  private base = 0;
  private probabilities = new Uint16Array(0);
  private range = 0;
  private code = 0;
  private literalBits = 0;
  private literalMask = 0;
  private positionMask = 0;
  /** Bytes still to come; infinite where the head does not say. */
  private left = 0;
  private symbols = 0;
  private readonly reps = new Uint32Array(4);
  private copyLength = 0;

  heldBytes(): number {
    return this.probabilities.length * 2 + OWN_BYTES;
  }

  /** Whether the stream has come to its end. */
  get done(): boolean {
    return this.state === State.DONE;
  }

  /** Begins a new stream whose output starts at the sink's end. */
  begin(sink: ByteSink): void {
    this.state = State.HEAD;
    this.tailLength = 0;
    this.base = sink.end;
    this.symbols = 0;
    this.reps.fill(0);
  }

  /** Gives back what a stream has made it grow. */
  release(): void {
    this.state = State.DONE;
    this.input = NO_BYTES;
    this.probabilities = new Uint16Array(0);
  }

  /** Takes `bytes[start, end)` as far as input and sink reach. @returns an `InflateStatus` */
  push(bytes: Uint8Array, start: number, end: number, sink: ByteSink): number {
    let from = start;
    while (this.tailLength > 0) {
      const before = this.tailLength;
      const count = Math.min(end - from, TAIL - before);
      for (let i = 0; i < count; i++) this.tail[before + i] = bytes[from + i];
      const status = this.run(this.tail, 0, before + count, sink, false);
      const taken = this.position;
      if (status !== InflateStatus.MORE) {
        this.position = Math.max(start, from + taken - before);
        return status;
      }
      if (taken < before && count === end - from) {
        this.tail.copyWithin(0, taken, before + count);
        this.tailLength = before + count - taken;
        this.position = end;
        return status;
      }
      // `TAIL` is more than a symbol takes: something was.
      this.tailLength = Math.max(0, before - taken);
      if (this.tailLength > 0) {
        this.tail.copyWithin(0, taken, before);
      } else from += taken - before;
    }
    const status = this.run(bytes, from, end, sink, false);
    if (status !== InflateStatus.MORE) return status;
    while (this.position < end) this.tail[this.tailLength++] = bytes[this.position++];
    return status;
  }

  /** No more will come: decodes what was held back. */
  finish(sink: ByteSink): void {
    const held = this.tailLength;
    this.tailLength = 0;
    this.run(this.tail, 0, held, sink, true);
  }

  private run(bytes: Uint8Array, start: number, end: number, sink: ByteSink, last: boolean): number {
    this.input = bytes;
    this.position = start;
    this.end = end;
    this.short = false;
    const margin = last ? 1 : LONGEST_SYMBOL;
    for (;;) {
      switch (this.state) {
        case State.HEAD:
          if (end - this.position < HEAD + LONGEST_SYMBOL && !(last && end - this.position >= HEAD + 5))
            return InflateStatus.MORE;
          this.readHead();
          break;
        case State.SYMBOL:
          // The last symbols lie in the range coder already.
          if (end - this.position < margin && !last) return InflateStatus.MORE;
          if (this.left === 0) {
            this.state = State.DONE;
            break;
          }
          if (sink.reserve() === sink.end) return InflateStatus.FULL;
          this.readSymbol(sink);
          if (this.short) {
            this.state = State.INVALID;
            return InflateStatus.MORE;
          }
          break;
        case State.COPY: {
          const status = this.copy(sink);
          if (status !== InflateStatus.DONE) return status;
          break;
        }
        case State.DONE:
          return InflateStatus.DONE;
        default:
          return InflateStatus.INVALID;
      }
    }
  }

  private readHead(): void {
    const { input, position } = this;
    const properties = input[position];
    const lc = properties % 9;
    const rest = (properties - lc) / 9;
    const lp = rest % 5;
    const pb = (rest - lp) / 5;
    // Four bytes of dictionary size are of no interest: the output is the dictionary.
    let size = 0;
    let known = false;
    for (let i = 12; i > 4; i--) {
      size = size * 256 + input[position + i];
      if (input[position + i] !== 0xff) known = true;
    }
    // The first byte of the range coder is always 0.
    if (properties >= 225 || lc + lp > MOST_LITERAL_BITS || input[position + HEAD] !== 0) {
      this.state = State.INVALID;
      return;
    }
    this.literalBits = lc;
    this.literalMask = (1 << lp) - 1;
    this.positionMask = (1 << pb) - 1;
    this.left = known ? size : Number.POSITIVE_INFINITY;
    const count = LITERALS + (0x300 << (lc + lp));
    if (this.probabilities.length < count) this.probabilities = new Uint16Array(count);
    this.probabilities.fill(HALF, 0, count);
    this.range = 0xffffffff;
    this.code = 0;
    for (let i = 1; i < 5; i++) this.code = ((this.code << 8) | input[position + HEAD + i]) >>> 0;
    this.position = position + HEAD + 5;
    this.state = State.SYMBOL;
  }

  private readSymbol(sink: ByteSink): void {
    const written = sink.end - this.base;
    const positionState = written & this.positionMask;
    const { symbols, reps } = this;
    if (this.bit(IS_MATCH + symbols * POSITION_STATES + positionState) === 0) {
      this.readLiteral(sink, written);
      return;
    }
    let length: number;
    if (this.bit(IS_REP + symbols) === 0) {
      length = this.readLength(LENGTH, positionState);
      reps.copyWithin(1, 0, 3);
      reps[0] = this.readDistance(length);
      this.symbols = symbols < 7 ? 7 : 10;
      if (this.short) return;
      if (reps[0] === END_OF_STREAM) {
        this.state = State.DONE;
        return;
      }
    } else {
      if (this.bit(IS_REP_G0 + symbols) === 0) {
        if (this.bit(IS_REP0_LONG + symbols * POSITION_STATES + positionState) === 0) {
          this.symbols = symbols < 7 ? 9 : 11;
          this.beginCopy(1, written);
          return;
        }
      } else {
        let place = 1;
        if (this.bit(IS_REP_G1 + symbols) === 1) place = this.bit(IS_REP_G2 + symbols) === 0 ? 2 : 3;
        const distance = reps[place];
        reps.copyWithin(1, 0, place);
        reps[0] = distance;
      }
      length = this.readLength(REP_LENGTH, positionState);
      this.symbols = symbols < 7 ? 8 : 11;
    }
    this.beginCopy(length + 2, written);
  }

  /** Begins to copy `length` bytes from the distance that was used last. */
  private beginCopy(length: number, written: number): void {
    if (this.short) return;
    if (this.reps[0] >= written) {
      this.state = State.INVALID;
      return;
    }
    this.copyLength = Math.min(length, this.left);
    this.left -= this.copyLength;
    this.state = State.COPY;
  }

  private copy(sink: ByteSink): number {
    const distance = this.reps[0] + 1;
    while (this.copyLength > 0) {
      const room = sink.reserve();
      if (room === sink.end) return InflateStatus.FULL;
      const count = Math.min(room - sink.end, this.copyLength);
      copyBack(sink, count, distance);
      this.copyLength -= count;
    }
    this.state = State.SYMBOL;
    return InflateStatus.DONE;
  }

  private readLiteral(sink: ByteSink, written: number): void {
    const { symbols } = this;
    const before = written > 0 ? sink.bytes[sink.end - 1] : 0;
    const context = ((written & this.literalMask) << this.literalBits) + (before >> (8 - this.literalBits));
    const table = LITERALS + 0x300 * context;
    let symbol = 1;
    if (symbols >= 7) {
      if (this.reps[0] >= written) {
        this.state = State.INVALID;
        return;
      }
      let match = sink.bytes[sink.end - 1 - this.reps[0]];
      while (symbol < 0x100) {
        const wanted = (match >> 7) & 1;
        match <<= 1;
        const bit = this.bit(table + ((1 + wanted) << 8) + symbol);
        symbol = (symbol << 1) | bit;
        if (bit !== wanted) break;
      }
    }
    while (symbol < 0x100) symbol = (symbol << 1) | this.bit(table + symbol);
    if (this.short) return;
    sink.bytes[sink.end++] = symbol;
    this.left--;
    this.symbols = symbols < 4 ? 0 : symbols < 10 ? symbols - 3 : symbols - 6;
  }

  private readLength(table: number, positionState: number): number {
    if (this.bit(table) === 0) return this.tree(table + LENGTH_LOW + (positionState << 3), 3);
    if (this.bit(table + 1) === 0) return 8 + this.tree(table + LENGTH_MID + (positionState << 3), 3);
    return 16 + this.tree(table + LENGTH_HIGH, 8);
  }

  private readDistance(length: number): number {
    const slot = this.tree(SLOT + Math.min(length, 3) * 64, 6);
    if (slot < 4) return slot;
    const width = (slot >> 1) - 1;
    const high = (2 | (slot & 1)) * 2 ** width;
    if (slot < 14) return high + this.reverse(SPECIAL + high - slot, width);
    let middle = 0;
    for (let i = width - 4; i > 0; i--) middle = middle * 2 + this.directBit();
    return (high + middle * 16 + this.reverse(ALIGN, 4)) >>> 0;
  }

  private tree(table: number, width: number): number {
    let symbol = 1;
    for (let i = 0; i < width; i++) symbol = (symbol << 1) | this.bit(table + symbol);
    return symbol - (1 << width);
  }

  private reverse(table: number, width: number): number {
    let symbol = 1;
    let value = 0;
    for (let i = 0; i < width; i++) {
      const bit = this.bit(table + symbol);
      symbol = (symbol << 1) | bit;
      value |= bit << i;
    }
    return value;
  }

  private bit(place: number): number {
    const { probabilities } = this;
    const probability = probabilities[place];
    const bound = (this.range >>> 11) * probability;
    let bit = 0;
    if (this.code < bound) {
      this.range = bound;
      probabilities[place] = probability + ((2048 - probability) >> MOVE);
    } else {
      this.range -= bound;
      this.code -= bound;
      probabilities[place] = probability - (probability >> MOVE);
      bit = 1;
    }
    if (this.range < TOP) this.shift();
    return bit;
  }

  private directBit(): number {
    this.range = this.range >>> 1;
    let bit = 0;
    if (this.code >= this.range) {
      this.code -= this.range;
      bit = 1;
    }
    if (this.range < TOP) this.shift();
    return bit;
  }

  private shift(): void {
    let byte = 0;
    if (this.position < this.end) byte = this.input[this.position++];
    else this.short = true;
    this.range = (this.range << 8) >>> 0;
    this.code = ((this.code << 8) | byte) >>> 0;
  }
}
