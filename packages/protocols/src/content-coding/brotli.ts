/**
 * Brotli (RFC 7932), undone piece by piece.
 *
 * Made for hostile input, like `inflate.ts`: the output goes into a sink with a bound, and is its own window, so that no
 * announced window size costs memory; the prefix codes have a bound; the building of codes, which costs much more than
 * the bytes that ask for it, is paid for by output. Any split of the input gives the same output: a step that runs out
 * of input is taken back and done again when more has come, and no step needs more than `TAIL` bytes.
 */

import { CodeArena, LARGEST_ALPHABET } from './brotli-codes';
import { brotliDictionary, WORD_BITS, WORD_START } from './brotli-dictionary';
import * as tables from './brotli-tables';
import { type ByteSink, InflateStatus } from './inflate';

// Bound once: an import is a property load at each use in CommonJS.
const { CELL_COPY, CELL_INSERT, CONTEXTS, COPY_BASE, COPY_BITS, COUNT_BASE, COUNT_BITS, INSERT_BASE, INSERT_BITS } =
  tables;

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
const MOST_TYPES = 256;
const NO_COUNT = 1 << 24;
/** Codes and context map entries (in units of `MAP_UNIT`) that may be read before any output has paid for them. */
const FREE_WORK = 4096;
const MAP_UNIT = 256;

const CODE_LENGTH_ORDER = [1, 2, 3, 4, 0, 5, 17, 6, 16, 7, 8, 9, 10, 11, 12, 13, 14, 15];
/** By the next four bits: the length of a code-length code, and how many of the bits it is. */
const CODE_LENGTH_VALUE = [0, 4, 3, 2, 0, 4, 3, 1, 0, 4, 3, 2, 0, 4, 3, 5];
const CODE_LENGTH_BITS = [2, 2, 2, 3, 2, 2, 2, 4, 2, 2, 2, 3, 2, 2, 2, 4];

/** Scratch of one step; shared by all decoders. */
const lengths = new Uint8Array(LARGEST_ALPHABET);
const codeLengths = new Uint8Array(18);
const order = new Uint8Array(256);
const lengthCodes = new CodeArena();
const word = new Uint8Array(64);
const simple = new Int32Array(4);

export class BrotliDecoder {
  /** After `push`: index of the first input byte that was not taken. */
  position = 0;
  private state: number = State.DONE;
  // The input in hand, and the bits taken from it that were not used yet.
  private input = new Uint8Array(0);
  private end = 0;
  private bits = 0;
  private bitCount = 0;
  /** The step in hand has run out of input: what it reads is worth nothing. */
  private short = false;
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
    let held = TAIL + codes.entries.length * 2 + maps[0].length + maps[1].length;
    for (const places of trees) held += places.length * 4;
    return held;
  }

  /** Begins a new stream whose output starts at the sink's end. */
  begin(sink: ByteSink): void {
    this.state = State.WINDOW;
    this.bits = 0;
    this.bitCount = 0;
    this.tailLength = 0;
    this.base = sink.end;
    this.work = 0;
    this.distances.set([4, 11, 15, 16]);
  }

  /** Gives back what a stream has made it grow. */
  release(): void {
    this.state = State.DONE;
    this.input = new Uint8Array(0);
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
    this.input = bytes;
    this.position = start;
    this.end = end;
    this.short = false;
    for (;;) {
      const { position, bits, bitCount, state } = this;
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
          if (this.short) {
            this.position = position;
            this.bits = bits;
            this.bitCount = bitCount;
            this.state = state;
            this.short = false;
            return InflateStatus.MORE;
          }
      }
    }
  }

  /** One step that is done whole or not at all: it changes nothing but the state before its last bit was read. */
  private step(sink: ByteSink): void {
    switch (this.state) {
      case State.WINDOW:
        return this.readWindow();
      case State.META_BLOCK:
        return this.readMetaBlock();
      case State.BLOCK_TYPES:
        return this.readBlockTypes();
      case State.BLOCK_TYPE_CODE:
      case State.BLOCK_COUNT_CODE:
        return this.readBlockCode();
      case State.FIRST_COUNT: {
        const count = this.readCount(this.index);
        if (this.short) return;
        this.blockLeft[this.index++] = count;
        this.state = State.BLOCK_TYPES;
        return;
      }
      case State.DISTANCE_PARAMETERS:
        return this.readDistanceParameters();
      case State.TREES:
        return this.readTrees();
      case State.MAP_CODE:
        return this.readMapCode();
      case State.MAP:
        return this.readMap();
      case State.MAP_END:
        return this.endMap();
      case State.CODES:
        return this.readTree(sink);
      case State.COMMAND:
        return this.readCommand();
      default:
        return this.readDistance(sink);
    }
  }

  private fail(): void {
    if (!this.short) this.state = State.INVALID;
  }

  // --- bits ---

  /** The next `count` bits (at most 24). 0 where the input is short. */
  private take(count: number): number {
    while (this.bitCount < count) {
      if (this.position >= this.end) {
        this.short = true;
        return 0;
      }
      this.bits |= this.input[this.position++] << this.bitCount;
      this.bitCount += 8;
    }
    const value = this.bits & ((1 << count) - 1);
    this.bits >>>= count;
    this.bitCount -= count;
    return value;
  }

  /** The next symbol of a code; 0 where the input is short. */
  private symbol(arena: CodeArena, code: number): number {
    while (this.bitCount < 15 && this.position < this.end) {
      this.bits |= this.input[this.position++] << this.bitCount;
      this.bitCount += 8;
    }
    const found = arena.find(code, this.bits, this.bitCount);
    if (found < 0) {
      this.short = true;
      return 0;
    }
    this.bits >>>= found & 15;
    this.bitCount -= found & 15;
    return found >> 4;
  }

  /** A number from 1 to 256 (section 9.2). */
  private readSmall(): number {
    if (this.take(1) === 0) return 1;
    const count = this.take(3);
    return (1 << count) + 1 + this.take(count);
  }

  /** Leaves out the rest of the byte. @returns whether it was zero */
  private align(): boolean {
    return this.take(this.bitCount & 7) === 0;
  }

  // --- headers ---

  private readWindow(): void {
    let size = 16;
    if (this.take(1) === 1) {
      const first = this.take(3);
      if (first > 0) size = 17 + first;
      else {
        const second = this.take(3);
        // 1 stands for windows that are not brotli's any more.
        if (second === 1) return this.fail();
        size = second === 0 ? 17 : 8 + second;
      }
    }
    this.windowSize = (1 << size) - 16;
    this.state = State.META_BLOCK;
  }

  private readMetaBlock(): void {
    const last = this.take(1) === 1;
    if (last && this.take(1) === 1) {
      if (this.short) return;
      this.state = State.DONE;
      return;
    }
    const nibbles = this.take(2);
    if (nibbles === 3) {
      if (last || this.take(1) !== 0) return this.fail();
      const size = this.take(2);
      let length = 0;
      for (let i = 0; i < size; i++) {
        const byte = this.take(8);
        if (i === size - 1 && i > 0 && byte === 0) return this.fail();
        length |= byte << (8 * i);
      }
      if (!this.align()) return this.fail();
      this.left = size === 0 ? 0 : length + 1;
      this.state = State.SKIP;
      return;
    }
    let length = 0;
    for (let i = 0; i < nibbles + 4; i++) {
      const nibble = this.take(4);
      if (i === nibbles + 3 && nibbles > 0 && nibble === 0) return this.fail();
      length |= nibble << (4 * i);
    }
    if (!last && this.take(1) === 1) {
      if (!this.align()) return this.fail();
      this.left = length + 1;
      this.state = State.RAW;
      return;
    }
    if (this.short) return;
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
    const count = this.readSmall();
    if (this.short) return;
    this.typeCount[category] = count;
    this.blockType[category] = 0;
    this.blockTypeBefore[category] = 1;
    this.blockLeft[category] = NO_COUNT;
    if (count === 1) this.index++;
    else this.state = State.BLOCK_TYPE_CODE;
  }

  private readBlockCode(): void {
    const types = this.state === State.BLOCK_TYPE_CODE;
    const code = this.readCode(types ? this.typeCount[this.index] + 2 : 26, this.codes);
    if (code < 0) return;
    if (types) this.typeCode[this.index] = code;
    else this.countCode[this.index] = code;
    this.state = types ? State.BLOCK_COUNT_CODE : State.FIRST_COUNT;
  }

  private readCount(category: number): number {
    const symbol = this.symbol(this.codes, this.countCode[category]);
    return COUNT_BASE[symbol] + this.take(COUNT_BITS[symbol]);
  }

  private readDistanceParameters(): void {
    const postfixBits = this.take(2);
    const direct = this.take(4) << postfixBits;
    for (let type = 0; type < this.typeCount[LITERAL]; type++) this.modes[type] = this.take(2);
    if (this.short) return;
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
    const count = this.readSmall();
    if (this.short) return;
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
    const runs = this.take(1) === 0 ? 0 : this.take(4) + 1;
    const count = this.treeCount[this.index === 0 ? LITERAL : DISTANCE];
    const free = this.codes.end;
    const code = this.readCode(count + runs, this.codes);
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
    const symbol = this.symbol(this.codes, this.mapCode);
    let at = this.insertLeft;
    if (symbol === 0 || symbol > this.mapRuns) {
      if (this.short) return;
      map[at++] = symbol === 0 ? 0 : symbol - this.mapRuns;
    } else {
      const count = (1 << symbol) + this.take(symbol);
      if (this.short) return;
      if (at + count > this.mapSymbols) return this.fail();
      map.fill(0, at, at + count);
      at += count;
    }
    this.insertLeft = at;
    if (at === this.mapSymbols) this.state = State.MAP_END;
  }

  private endMap(): void {
    const moved = this.take(1) === 1;
    if (this.short) return;
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
    if (this.work > FREE_WORK + (sink.end - this.base)) return this.fail();
    const category = this.index;
    let alphabet = 256;
    if (category === COMMAND) alphabet = LARGEST_ALPHABET;
    else if (category === DISTANCE) alphabet = 16 + this.directCodes + (48 << this.postfixBits);
    const code = this.readCode(alphabet, this.codes);
    if (code < 0) return;
    this.trees[category][this.mapFree++] = code;
    if (this.mapFree < this.treeCount[category]) return;
    this.mapFree = 0;
    if (++this.index === 3) this.state = State.COMMAND;
  }

  // --- prefix codes (section 3) ---

  /** @returns place of the code, -1 where the step has ended without one */
  private readCode(alphabet: number, arena: CodeArena): number {
    const kind = this.take(2);
    lengths.fill(0, 0, alphabet);
    const good = kind === 1 ? this.readSimpleCode(alphabet) : this.readLengths(alphabet, kind);
    if (this.short) return -1;
    if (!good) {
      this.fail();
      return -1;
    }
    this.work++;
    const code = arena.add(lengths, alphabet);
    if (code < 0) this.fail();
    return code;
  }

  private readSimpleCode(alphabet: number): boolean {
    const count = this.take(2) + 1;
    const width = 32 - Math.clz32(alphabet - 1);
    for (let i = 0; i < count; i++) {
      const symbol = this.take(width);
      if (this.short || symbol >= alphabet || lengths[symbol] !== 0) return false;
      lengths[symbol] = 2;
      simple[i] = symbol;
    }
    if (count === 1) lengths[simple[0]] = 1;
    else if (count === 2) {
      lengths[simple[0]] = 1;
      lengths[simple[1]] = 1;
    } else if (count === 3) lengths[simple[0]] = 1;
    else if (this.take(1) === 1) {
      lengths[simple[0]] = 1;
      lengths[simple[2]] = 3;
      lengths[simple[3]] = 3;
    }
    return true;
  }

  private readLengths(alphabet: number, skip: number): boolean {
    codeLengths.fill(0);
    let space = 32;
    let count = 0;
    for (let i = skip; i < 18 && space > 0; i++) {
      while (this.bitCount < 4 && this.position < this.end) {
        this.bits |= this.input[this.position++] << this.bitCount;
        this.bitCount += 8;
      }
      const next = this.bits & 15;
      const width = CODE_LENGTH_BITS[next];
      if (width > this.bitCount) {
        this.short = true;
        return false;
      }
      this.take(width);
      const length = CODE_LENGTH_VALUE[next];
      codeLengths[CODE_LENGTH_ORDER[i]] = length;
      if (length !== 0) {
        space -= 32 >> length;
        count++;
      }
    }
    if (count !== 1 && space !== 0) return false;
    lengthCodes.end = 0;
    const code = lengthCodes.add(codeLengths, 18);

    let at = 0;
    let before = 8;
    let repeat = 0;
    let repeated = 0;
    space = 1 << 15;
    while (at < alphabet && space > 0) {
      const length = this.symbol(lengthCodes, code);
      if (length < 16) {
        if (this.short) return false;
        repeat = 0;
        lengths[at++] = length;
        if (length !== 0) {
          before = length;
          space -= (1 << 15) >> length;
        }
        continue;
      }
      const width = length - 14;
      const value = length === 16 ? before : 0;
      if (value !== repeated) {
        repeat = 0;
        repeated = value;
      }
      const old = repeat;
      if (repeat > 0) repeat = (repeat - 2) << width;
      repeat += this.take(width) + 3;
      if (this.short) return false;
      const more = repeat - old;
      if (at + more > alphabet) return false;
      lengths.fill(value, at, at + more);
      at += more;
      if (value !== 0) space -= more << (15 - value);
    }
    return space === 0;
  }

  // --- data (section 9.3) ---

  /** Takes a block switch where the block of a category is used up. */
  private switchBlock(category: number): void {
    const symbol = this.symbol(this.codes, this.typeCode[category]);
    const count = this.readCount(category);
    if (this.short) return;
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
    if (this.blockLeft[COMMAND] === 0) return this.switchBlock(COMMAND);
    const symbol = this.symbol(this.codes, this.trees[COMMAND][this.blockType[COMMAND]]);
    const cell = symbol >> 6;
    const insert = CELL_INSERT[cell] + ((symbol >> 3) & 7);
    const copy = CELL_COPY[cell] + (symbol & 7);
    const insertLength = INSERT_BASE[insert] + this.take(INSERT_BITS[insert]);
    const copyLength = COPY_BASE[copy] + this.take(COPY_BITS[copy]);
    if (this.short) return;
    if (insertLength > this.left) return this.fail();
    this.blockLeft[COMMAND]--;
    this.insertLeft = insertLength;
    this.copyLength = copyLength;
    this.implicit = cell < 2;
    this.state = State.LITERALS;
  }

  /** @returns DONE when the state has changed */
  private readLiterals(sink: ByteSink): number {
    const { codes, blockLeft, modes, maps, trees } = this;
    const literals = trees[LITERAL];
    while (this.insertLeft > 0) {
      const { position, bits, bitCount } = this;
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
        const value = this.symbol(codes, literals[maps[0][(type << 6) | context]]);
        if (!this.short) {
          sink.bytes[end] = value;
          sink.end = end + 1;
          blockLeft[LITERAL]--;
          this.insertLeft--;
          this.left--;
        }
      }
      if (this.short) {
        this.short = false;
        this.position = position;
        this.bits = bits;
        this.bitCount = bitCount;
        return InflateStatus.MORE;
      }
    }
    if (this.left === 0) this.endMetaBlock();
    else if (this.implicit) this.useDistance(0, this.distances[0], sink);
    else this.state = State.DISTANCE;
    return InflateStatus.DONE;
  }

  private readDistance(sink: ByteSink): void {
    if (this.blockLeft[DISTANCE] === 0) return this.switchBlock(DISTANCE);
    const context = Math.min(this.copyLength, 5) - 2;
    const tree = this.maps[1][(this.blockType[DISTANCE] << 2) | context];
    const code = this.symbol(this.codes, this.trees[DISTANCE][tree]);
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
        (offset + this.take(width)) * (1 << postfixBits) + (rest & ((1 << postfixBits) - 1)) + directCodes + 1;
    }
    if (this.short) return;
    if (distance <= 0) return this.fail();
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
    if (this.copyLength > this.left) return this.fail();
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
      const to = sink.bytes;
      let at = sink.end;
      for (const stop = at + count; at < stop; at++) to[at] = to[at - distance];
      sink.end = at;
      this.copyLength -= count;
    }
    if (this.left === 0) this.endMetaBlock();
    else this.state = State.COMMAND;
    return InflateStatus.DONE;
  }

  /** Writes a word of the static dictionary (section 8). */
  private takeWord(number: number, sink: ByteSink): void {
    const { copyLength } = this;
    const width = copyLength <= 24 ? WORD_BITS[copyLength] : 0;
    if (width === 0) return this.fail();
    const transform = tables.TRANSFORMS[Math.floor(number / (1 << width))];
    if (transform === undefined) return this.fail();
    const at = WORD_START[copyLength] + (number & ((1 << width) - 1)) * copyLength;
    const length = transformWord(transform, at, copyLength);
    if (length > this.left) return this.fail();
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
      if (this.bitCount >= 8) {
        const byte = this.take(8);
        if (this.state === State.RAW) {
          if (sink.reserve() === sink.end) return InflateStatus.FULL;
          sink.bytes[sink.end++] = byte;
        }
      } else {
        count = Math.min(this.left, this.end - this.position);
        if (count === 0) return InflateStatus.MORE;
        if (this.state === State.RAW) {
          const room = sink.reserve();
          if (room === sink.end) return InflateStatus.FULL;
          count = Math.min(count, room - sink.end);
          for (let i = 0; i < count; i++) sink.bytes[sink.end++] = this.input[this.position + i];
        }
        this.position += count;
      }
      this.left -= count;
    }
    this.state = State.META_BLOCK;
    return InflateStatus.DONE;
  }
}

/** Puts a dictionary word with its transform into `word`. @returns its length */
function transformWord(
  [prefix, operation, suffix]: readonly [string, number, string],
  at: number,
  length: number,
): number {
  const dictionary = brotliDictionary();
  const { WordOperation } = tables;
  let w = 0;
  for (let i = 0; i < prefix.length; i++) word[w++] = prefix.charCodeAt(i);
  const start = w;
  const omitFirst = operation > WordOperation.OMIT_FIRST ? operation - WordOperation.OMIT_FIRST : 0;
  const omitLast = operation < WordOperation.CAPITAL_FIRST ? operation : 0;
  for (let i = omitFirst; i < length - omitLast; i++) word[w++] = dictionary[at + i];
  if (operation === WordOperation.CAPITAL_FIRST && w > start) capital(start, w);
  else if (operation === WordOperation.CAPITAL_ALL) for (let i = start; i < w; ) i += capital(i, w);
  for (let i = 0; i < suffix.length; i++) word[w++] = suffix.charCodeAt(i);
  return w;
}

/** Makes the character at `at` capital, as far as brotli knows how. @returns its bytes */
function capital(at: number, end: number): number {
  const c = word[at];
  if (c < 0xc0) {
    if (c >= 0x61 && c <= 0x7a) word[at] ^= 0x20;
    return 1;
  }
  if (c < 0xe0) {
    if (at + 1 < end) word[at + 1] ^= 0x20;
    return 2;
  }
  if (at + 2 < end) word[at + 2] ^= 5;
  return 3;
}
