/**
 * Brotli (RFC 7932), undone piece by piece.
 *
 * Made for hostile input, like `inflate.ts`: the output goes into a sink with a bound, and is its own window, so that no
 * announced window size costs memory; the prefix codes have a bound; the building of codes, which costs much more than
 * the bytes that ask for it, is paid for by output. Any split of the input gives the same output: a step that runs out
 * of input is taken back and done again when more has come, and no step needs more than `TAIL` bytes.
 */

import { BitSource } from './brotli-bits';
import { CodeArena, LARGEST_ALPHABET } from './brotli-codes';
import { readPrefixCode } from './brotli-prefix';
import * as tables from './brotli-tables';
import { findWord, word } from './brotli-words';
import { copyBack } from './copy-back';
import { type ByteSink, InflateStatus } from './inflate';

// Bound once: an import is a property load at each use in CommonJS.
const {
  CELL_COPY,
  CELL_INSERT,
  CONTEXTS,
  COPY_BASE,
  COPY_BITS,
  COUNT_BASE,
  COUNT_BITS,
  INSERT_BASE,
  INSERT_BITS,
} = tables;

const State = {
  WINDOW: 0,
  META_BLOCK: 1,
  SKIP: 2,
  RAW: 3,
  /** Number of block types of the category in `index`, with its codes. */
  BLOCK_TYPES: 4,
  BLOCK_TYPE_CODE: 5,
  BLOCK_COUNT_CODE: 6,
  FIRST_COUNT: 7,
  DISTANCE_PARAMETERS: 8,
  TREES: 9,
  MAP_CODE: 10,
  MAP: 11,
  MAP_END: 12,
  CODES: 13,
  COMMAND: 14,
  LITERALS: 15,
  DISTANCE: 16,
  COPY: 17,
  DONE: 18,
  INVALID: 19,
} as const;

/** Categories of blocks. */
const LITERAL = 0;
const COMMAND = 1;
const DISTANCE = 2;

/** Bytes of input that are kept because a step needs more behind them. */
const TAIL = 2048;
/** What a decoder takes without codes and maps; a test measures it. */
const OWN_BYTES = 6144;
const MOST_TYPES = 256;
const NO_COUNT = 1 << 24;
/**
 * Codes and context map entries (in units of `MAP_UNIT`) that may be read before output has paid for them: encoders make
 * some hundred codes for a large meta-block. Behind that, `OUTPUT_UNIT` bytes of output pay for one.
 */
const FREE_WORK = 384;
const OUTPUT_UNIT = 16;
const MAP_UNIT = 256;

/** Scratch of one step; shared by all decoders. */
const order = new Uint8Array(256);

export class BrotliDecoder {
  /** After `push`: index of the first input byte that was not taken. */
  position = 0;
  private state: number = State.DONE;
  private readonly source = new BitSource();
  private readonly tail = new Uint8Array(TAIL);
  private tailLength = 0;
  private base = 0;
  private windowSize = 0;
  private work = 0;
  // The meta-block.
  private last = false;
  private left = 0;
  private index = 0;
  private readonly typeCount = new Int32Array(3);
  private readonly typeCode = new Int32Array(3);
  private readonly countCode = new Int32Array(3);
  private readonly blockLeft = new Int32Array(3);
  private readonly blockType = new Int32Array(3);
  private readonly blockTypeBefore = new Int32Array(3);
  private readonly modes = new Uint8Array(MOST_TYPES);
  private postfixBits = 0;
  private directCodes = 0;
  private readonly treeCount = new Int32Array(3);
  /** Context maps of literals and distances. */
  private readonly maps = [new Uint8Array(0), new Uint8Array(0)];
  private mapCode = 0;
  private mapRuns = 0;
  private mapFree = 0;
  private mapSymbols = 0;
  /** Places of the codes of each category. */
  private readonly trees = [new Int32Array(0), new Int32Array(0), new Int32Array(0)];
  private readonly codes = new CodeArena();
  // The command.
  private insertLeft = 0;
  private copyLength = 0;
  private implicit = false;
  private distance = 0;
  private readonly distances = new Int32Array(4);

  /** Memory of this decoder, in bytes. */
  heldBytes(): number {
    const { codes, maps, trees } = this;
    let held = OWN_BYTES + codes.entries.length * 2 + maps[0].length + maps[1].length;
    for (const places of trees) held += places.length * 4;
    return held;
  }

  /** Whether the stream has come to its end. */
  get done(): boolean {
    return this.state === State.DONE;
  }

  /** Begins a new stream whose output starts at the sink's end. */
  begin(sink: ByteSink): void {
    this.state = State.WINDOW;
    this.source.clear();
    this.tailLength = 0;
    this.base = sink.end;
    this.work = 0;
    this.distances.set([4, 11, 15, 16]);
  }

  /** Gives back what a stream has made it grow. */
  release(): void {
    this.state = State.DONE;
    this.source.clear();
    this.codes.clear();
  }

  /** Takes `bytes[start, end)` as far as input and sink reach. @returns an `InflateStatus` */
  push(bytes: Uint8Array, start: number, end: number, sink: ByteSink): number {
    let from = start;
    while (this.tailLength > 0) {
      // The step that ran short is done again in the tail, with as much behind it as there is room for.
      const before = this.tailLength;
      const count = Math.min(end - from, TAIL - before);
      for (let i = 0; i < count; i++) this.tail[before + i] = bytes[from + i];
      const status = this.run(this.tail, 0, before + count, sink);
      const taken = this.position;
      if (status !== InflateStatus.MORE) {
        this.position = Math.max(start, from + taken - before);
        return status;
      }
      if (taken >= before) {
        this.tailLength = 0;
        from += taken - before;
      } else if (count === end - from) {
        this.tail.copyWithin(0, taken, before + count);
        this.tailLength = before + count - taken;
        this.position = end;
        return status;
      } else if (taken === 0) {
        this.state = State.INVALID;
        return InflateStatus.INVALID;
      } else {
        this.tail.copyWithin(0, taken, before + count);
        this.tailLength = before + count - taken;
        from += count;
      }
    }
    const status = this.run(bytes, from, end, sink);
    if (status !== InflateStatus.MORE || this.position === end) return status;
    const rest = end - this.position;
    if (rest > TAIL) {
      this.state = State.INVALID;
      return InflateStatus.INVALID;
    }
    for (let i = 0; i < rest; i++) this.tail[i] = bytes[this.position + i];
    this.tailLength = rest;
    this.position = end;
    return status;
  }

  /** Steps until the input is used up or something ends it. */
  private run(bytes: Uint8Array, start: number, end: number, sink: ByteSink): number {
    const { source } = this;
    source.open(bytes, start, end);
    const status = this.advance(sink);
    this.position = source.position;
    return status;
  }

  private advance(sink: ByteSink): number {
    const { source } = this;
    for (;;) {
      const { position, bits, bitCount } = source;
      const { state } = this;
      switch (state) {
        case State.RAW:
        case State.SKIP:
        case State.COPY: {
          const status = state === State.COPY ? this.copy(sink) : this.passBytes(sink);
          if (status !== InflateStatus.DONE) return status;
          break;
        }
        case State.LITERALS: {
          const status = this.readLiterals(sink);
          if (status !== InflateStatus.DONE) return status;
          break;
        }
        case State.DONE:
          return InflateStatus.DONE;
        case State.INVALID:
          return InflateStatus.INVALID;
        default:
          this.step(sink);
          if (source.short) {
            source.position = position;
            source.bits = bits;
            source.bitCount = bitCount;
            this.state = state;
            return InflateStatus.MORE;
          }
      }
    }
  }

  /** One step that is done whole or not at all: it changes nothing but the state before its last bit was read. */
  private step(sink: ByteSink): void {
    switch (this.state) {
      case State.WINDOW:
        this.readWindow();
        break;
      case State.META_BLOCK:
        this.readMetaBlock();
        break;
      case State.BLOCK_TYPES:
        this.readBlockTypes();
        break;
      case State.BLOCK_TYPE_CODE:
      case State.BLOCK_COUNT_CODE:
        this.readBlockCode();
        break;
      case State.FIRST_COUNT: {
        const count = this.readCount(this.index);
        if (this.source.short) return;
        this.blockLeft[this.index++] = count;
        this.state = State.BLOCK_TYPES;
        return;
      }
      case State.DISTANCE_PARAMETERS:
        this.readDistanceParameters();
        break;
      case State.TREES:
        this.readTrees();
        break;
      case State.MAP_CODE:
        this.readMapCode();
        break;
      case State.MAP:
        this.readMap();
        break;
      case State.MAP_END:
        this.endMap();
        break;
      case State.CODES:
        this.readTree(sink);
        break;
      case State.COMMAND:
        this.readCommand();
        break;
      default:
        this.readDistance(sink);
        break;
    }
  }

  private fail(): void {
    if (!this.source.short) this.state = State.INVALID;
  }

  /** @returns place of the code, -1 where the step has ended without one */
  private readCode(alphabet: number): number {
    const code = readPrefixCode(this.source, alphabet, this.codes);
    if (code < 0) this.fail();
    else this.work++;
    return code;
  }

  // --- headers ---

  private readWindow(): void {
    let size = 16;
    if (this.source.take(1) === 1) {
      const first = this.source.take(3);
      if (first > 0) size = 17 + first;
      else {
        const second = this.source.take(3);
        // 1 stands for windows that are not brotli's any more.
        if (second === 1) {
          this.fail();
          return;
        }
        size = second === 0 ? 17 : 8 + second;
      }
    }
    this.windowSize = (1 << size) - 16;
    this.state = State.META_BLOCK;
  }

  private readMetaBlock(): void {
    const last = this.source.take(1) === 1;
    if (last && this.source.take(1) === 1) {
      if (this.source.short) return;
      this.state = State.DONE;
      return;
    }
    const nibbles = this.source.take(2);
    if (nibbles === 3) {
      if (this.source.take(1) !== 0) {
        this.fail();
        return;
      }
      const size = this.source.take(2);
      let length = 0;
      for (let i = 0; i < size; i++) {
        const byte = this.source.take(8);
        if (i === size - 1 && i > 0 && byte === 0) {
          this.fail();
          return;
        }
        length |= byte << (8 * i);
      }
      if (!this.source.align()) {
        this.fail();
        return;
      }
      if (this.source.short) return;
      // Node's decoder takes such a block for the last one, too.
      this.last = last;
      this.left = size === 0 ? 0 : length + 1;
      this.state = State.SKIP;
      return;
    }
    let length = 0;
    for (let i = 0; i < nibbles + 4; i++) {
      const nibble = this.source.take(4);
      if (i === nibbles + 3 && nibbles > 0 && nibble === 0) {
        this.fail();
        return;
      }
      length |= nibble << (4 * i);
    }
    if (!last && this.source.take(1) === 1) {
      if (!this.source.align()) {
        this.fail();
        return;
      }
      if (this.source.short) return;
      this.last = false;
      this.left = length + 1;
      this.state = State.RAW;
      return;
    }
    if (this.source.short) return;
    this.last = last;
    this.left = length + 1;
    this.index = 0;
    this.codes.end = 0;
    this.state = State.BLOCK_TYPES;
  }

  private readBlockTypes(): void {
    const category = this.index;
    if (category === 3) {
      this.state = State.DISTANCE_PARAMETERS;
      return;
    }
    const count = this.source.readSmall();
    if (this.source.short) return;
    this.typeCount[category] = count;
    this.blockType[category] = 0;
    this.blockTypeBefore[category] = 1;
    this.blockLeft[category] = NO_COUNT;
    if (count === 1) this.index++;
    else this.state = State.BLOCK_TYPE_CODE;
  }

  private readBlockCode(): void {
    const types = this.state === State.BLOCK_TYPE_CODE;
    const code = this.readCode(types ? this.typeCount[this.index] + 2 : 26);
    if (code < 0) return;
    if (types) this.typeCode[this.index] = code;
    else this.countCode[this.index] = code;
    this.state = types ? State.BLOCK_COUNT_CODE : State.FIRST_COUNT;
  }

  private readCount(category: number): number {
    const symbol = this.source.symbol(this.codes, this.countCode[category]);
    return COUNT_BASE[symbol] + this.source.take(COUNT_BITS[symbol]);
  }

  private readDistanceParameters(): void {
    const postfixBits = this.source.take(2);
    const direct = this.source.take(4) << postfixBits;
    for (let type = 0; type < this.typeCount[LITERAL]; type++) this.modes[type] = this.source.take(2);
    if (this.source.short) return;
    this.postfixBits = postfixBits;
    this.directCodes = direct;
    this.index = 0;
    this.state = State.TREES;
  }

  /** Number of codes of literals (index 0) or distances (1), whose contexts a map tells. */
  private readTrees(): void {
    const { index } = this;
    if (index === 2) {
      this.treeCount[COMMAND] = this.typeCount[COMMAND];
      for (let category = 0; category < 3; category++)
        if (this.trees[category].length < this.treeCount[category])
          this.trees[category] = new Int32Array(this.treeCount[category]);
      this.index = 0;
      this.mapFree = 0;
      this.state = State.CODES;
      return;
    }
    const count = this.source.readSmall();
    if (this.source.short) return;
    const category = index === 0 ? LITERAL : DISTANCE;
    const size = this.typeCount[category] * (index === 0 ? 64 : 4);
    this.treeCount[category] = count;
    if (this.maps[index].length < size) this.maps[index] = new Uint8Array(size);
    this.work += size / MAP_UNIT;
    if (count === 1) {
      this.maps[index].fill(0, 0, size);
      this.index++;
      return;
    }
    this.mapSymbols = size;
    this.state = State.MAP_CODE;
  }

  private readMapCode(): void {
    const runs = this.source.take(1) === 0 ? 0 : this.source.take(4) + 1;
    const count = this.treeCount[this.index === 0 ? LITERAL : DISTANCE];
    const free = this.codes.end;
    const code = this.readCode(count + runs);
    if (code < 0) return;
    // Its place is used again behind the map.
    this.mapFree = free;
    this.mapCode = code;
    this.mapRuns = runs;
    this.insertLeft = 0;
    this.state = State.MAP;
  }

  /** One symbol of a context map; `insertLeft` counts the entries that are there. */
  private readMap(): void {
    const map = this.maps[this.index];
    const symbol = this.source.symbol(this.codes, this.mapCode);
    let at = this.insertLeft;
    if (symbol === 0 || symbol > this.mapRuns) {
      if (this.source.short) return;
      map[at++] = symbol === 0 ? 0 : symbol - this.mapRuns;
    } else {
      const count = (1 << symbol) + this.source.take(symbol);
      if (this.source.short) return;
      if (at + count > this.mapSymbols) {
        this.fail();
        return;
      }
      map.fill(0, at, at + count);
      at += count;
    }
    this.insertLeft = at;
    if (at === this.mapSymbols) this.state = State.MAP_END;
  }

  private endMap(): void {
    const moved = this.source.take(1) === 1;
    if (this.source.short) return;
    const map = this.maps[this.index];
    if (moved) {
      for (let i = 0; i < 256; i++) order[i] = i;
      for (let i = 0; i < this.mapSymbols; i++) {
        const place = map[i];
        const value = order[place];
        map[i] = value;
        order.copyWithin(1, 0, place);
        order[0] = value;
      }
    }
    this.codes.end = this.mapFree;
    this.index++;
    this.state = State.TREES;
  }

  /** The next code of literals, commands or distances: category in `index`, number in `mapFree`. */
  private readTree(sink: ByteSink): void {
    if (this.work > FREE_WORK + (sink.end - this.base) / OUTPUT_UNIT) {
      this.fail();
      return;
    }
    const category = this.index;
    let alphabet = 256;
    if (category === COMMAND) alphabet = LARGEST_ALPHABET;
    else if (category === DISTANCE) alphabet = 16 + this.directCodes + (48 << this.postfixBits);
    const code = this.readCode(alphabet);
    if (code < 0) return;
    this.trees[category][this.mapFree++] = code;
    if (this.mapFree < this.treeCount[category]) return;
    this.mapFree = 0;
    if (++this.index === 3) this.state = State.COMMAND;
  }

  // --- data (section 9.3) ---

  /** Takes a block switch where the block of a category is used up. */
  private switchBlock(category: number): void {
    const symbol = this.source.symbol(this.codes, this.typeCode[category]);
    const count = this.readCount(category);
    if (this.source.short) return;
    const types = this.typeCount[category];
    let type = symbol - 2;
    if (symbol === 0) type = this.blockTypeBefore[category];
    else if (symbol === 1) type = this.blockType[category] + 1;
    if (type >= types) type -= types;
    this.blockTypeBefore[category] = this.blockType[category];
    this.blockType[category] = type;
    this.blockLeft[category] = count;
  }

  private readCommand(): void {
    if (this.blockLeft[COMMAND] === 0) {
      this.switchBlock(COMMAND);
      return;
    }
    const symbol = this.source.symbol(this.codes, this.trees[COMMAND][this.blockType[COMMAND]]);
    const cell = symbol >> 6;
    const insert = CELL_INSERT[cell] + ((symbol >> 3) & 7);
    const copy = CELL_COPY[cell] + (symbol & 7);
    const insertLength = INSERT_BASE[insert] + this.source.take(INSERT_BITS[insert]);
    const copyLength = COPY_BASE[copy] + this.source.take(COPY_BITS[copy]);
    if (this.source.short) return;
    if (insertLength > this.left) {
      this.fail();
      return;
    }
    this.blockLeft[COMMAND]--;
    this.insertLeft = insertLength;
    this.copyLength = copyLength;
    this.implicit = cell < 2;
    this.state = State.LITERALS;
  }

  /** @returns DONE when the state has changed */
  private readLiterals(sink: ByteSink): number {
    const { codes, blockLeft, modes, maps, trees, source } = this;
    const literals = trees[LITERAL];
    while (this.insertLeft > 0) {
      const { position, bits, bitCount } = source;
      if (blockLeft[LITERAL] === 0) this.switchBlock(LITERAL);
      else {
        const room = sink.reserve();
        const { end } = sink;
        if (room === end) return InflateStatus.FULL;
        const type = this.blockType[LITERAL];
        const before = end - this.base;
        const mode = modes[type] << 9;
        const context =
          CONTEXTS[mode | (before > 0 ? sink.bytes[end - 1] : 0)] |
          CONTEXTS[mode | 256 | (before > 1 ? sink.bytes[end - 2] : 0)];
        const value = this.source.symbol(codes, literals[maps[0][(type << 6) | context]]);
        if (!this.source.short) {
          sink.bytes[end] = value;
          sink.end = end + 1;
          blockLeft[LITERAL]--;
          this.insertLeft--;
          this.left--;
        }
      }
      if (source.short) {
        source.position = position;
        source.bits = bits;
        source.bitCount = bitCount;
        return InflateStatus.MORE;
      }
    }
    if (this.left === 0) this.endMetaBlock();
    else if (this.implicit) this.useDistance(0, this.distances[0], sink);
    else this.state = State.DISTANCE;
    return InflateStatus.DONE;
  }

  private readDistance(sink: ByteSink): void {
    if (this.blockLeft[DISTANCE] === 0) {
      this.switchBlock(DISTANCE);
      return;
    }
    const context = Math.min(this.copyLength, 5) - 2;
    const tree = this.maps[1][(this.blockType[DISTANCE] << 2) | context];
    const code = this.source.symbol(this.codes, this.trees[DISTANCE][tree]);
    const { distances, directCodes, postfixBits } = this;
    let distance: number;
    if (code < 4) distance = distances[code];
    else if (code < 16) {
      const step = ((code - 4) % 6) >> 1;
      distance = distances[code < 10 ? 0 : 1] + (code & 1 ? step + 1 : -step - 1);
    } else if (code < 16 + directCodes) distance = code - 15;
    else {
      const rest = code - directCodes - 16;
      const width = 1 + (rest >> (postfixBits + 1));
      const high = rest >> postfixBits;
      const offset = ((2 + (high & 1)) << width) - 4;
      distance =
        (offset + this.source.take(width)) * (1 << postfixBits) +
        (rest & ((1 << postfixBits) - 1)) +
        directCodes +
        1;
    }
    if (this.source.short) return;
    if (distance <= 0) {
      this.fail();
      return;
    }
    this.blockLeft[DISTANCE]--;
    this.useDistance(code, distance, sink);
  }

  private useDistance(code: number, distance: number, sink: ByteSink): void {
    const furthest = Math.min(this.windowSize, sink.end - this.base);
    if (distance > furthest) {
      this.takeWord(distance - furthest - 1, sink);
      return;
    }
    if (code !== 0) {
      this.distances.copyWithin(1, 0, 3);
      this.distances[0] = distance;
    }
    if (this.copyLength > this.left) {
      this.fail();
      return;
    }
    this.distance = distance;
    this.left -= this.copyLength;
    this.state = State.COPY;
  }

  private copy(sink: ByteSink): number {
    const { distance } = this;
    while (this.copyLength > 0) {
      const room = sink.reserve();
      if (room === sink.end) return InflateStatus.FULL;
      const count = Math.min(room - sink.end, this.copyLength);
      copyBack(sink, count, distance);
      this.copyLength -= count;
    }
    if (this.left === 0) this.endMetaBlock();
    else this.state = State.COMMAND;
    return InflateStatus.DONE;
  }

  /** Writes a word of the static dictionary (section 8). */
  private takeWord(number: number, sink: ByteSink): void {
    const length = findWord(number, this.copyLength);
    if (length < 0 || length > this.left) {
      this.fail();
      return;
    }
    this.left -= length;
    // What does not fit ends the output all the same.
    for (let i = 0; i < length; i++) {
      if (sink.reserve() === sink.end) break;
      sink.bytes[sink.end++] = word[i];
    }
    if (this.left === 0) this.endMetaBlock();
    else this.state = State.COMMAND;
  }

  private endMetaBlock(): void {
    this.state = this.last ? State.DONE : State.META_BLOCK;
  }

  /** Bytes that are not coded, or not of the content. @returns DONE when the state has changed */
  private passBytes(sink: ByteSink): number {
    while (this.left > 0) {
      let count = 1;
      if (this.source.bitCount >= 8) {
        const byte = this.source.take(8);
        if (this.state === State.RAW) {
          if (sink.reserve() === sink.end) return InflateStatus.FULL;
          sink.bytes[sink.end++] = byte;
        }
      } else {
        count = Math.min(this.left, this.source.end - this.source.position);
        if (count === 0) return InflateStatus.MORE;
        if (this.state === State.RAW) {
          const room = sink.reserve();
          if (room === sink.end) return InflateStatus.FULL;
          count = Math.min(count, room - sink.end);
          for (let i = 0; i < count; i++)
            sink.bytes[sink.end++] = this.source.input[this.source.position + i];
        }
        this.source.position += count;
      }
      this.left -= count;
    }
    this.endMetaBlock();
    return InflateStatus.DONE;
  }
}
