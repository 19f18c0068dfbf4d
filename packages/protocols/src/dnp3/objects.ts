/** The objects of DNP3's application layer (IEEE 1815-2012, clauses 4.2.2.7 and annex A). */

/** Objects of a message that are looked at, and points that all of them may have. */
export const MOST_OBJECTS = 2048;
const MOST_POINTS = 16_384;

/** Why the objects of a message were not all read. */
export const ObjectFault = {
  NONE: 0,
  MALFORMED: 1,
  UNKNOWN: 2,
  TOO_MANY_OBJECTS: 3,
  TOO_MANY_POINTS: 4,
} as const;

/** Bits of a packed point; written as fractions of a byte. */
const BIT = 1 / 8;
const TWO_BITS = 1 / 4;

/** Bytes of a point by group, in the order of the variations from 1; -1: none or of changing length. */
const SIZES: ReadonlyMap<number, readonly number[]> = new Map([
  [1, [BIT, 1]], [2, [1, 7, 3]], [3, [TWO_BITS, 1]], [4, [1, 7, 3]],
  [10, [BIT, 1]], [11, [1, 7]], [12, [11, 11, BIT]], [13, [1, 7]],
  [20, [5, 3, 5, 3, 4, 2, 4, 2]], [21, [5, 3, 5, 3, 11, 9, 11, 9, 4, 2, 4, 2]],
  [22, [5, 3, 5, 3, 11, 9, 11, 9]], [23, [5, 3, 5, 3, 11, 9, 11, 9]],
  [30, [5, 3, 4, 2, 5, 9]], [31, [5, 3, 11, 9, 4, 2, 5, 9]],
  [32, [5, 3, 11, 9, 5, 9, 11, 15]], [33, [5, 3, 11, 9, 5, 9, 11, 15]], [34, [2, 4, 4]],
  [40, [5, 3, 5, 9]], [41, [5, 3, 5, 9]], [42, [5, 3, 11, 9, 5, 9, 11, 15]], [43, [5, 3, 11, 9, 5, 9, 11, 15]],
  [50, [6, 10, 6, 11]], [51, [6, 6]], [52, [2, 2]], [60, [0, 0, 0, 0]],
  [80, [BIT]], [81, [3]], [86, [-1, 1, -1]], [101, [2, 4, 8]], [102, [1]],
  [121, [7]], [122, [7, 13]],
]); // biome-ignore format: a table

/** Groups whose variation is the length of their points. */
const OCTET_STRINGS: ReadonlySet<number> = new Set([110, 111, 112, 113]);

/** Functions whose objects have no points with them: they only name what is asked for. */
const NAMING: ReadonlySet<number> = new Set([1, 7, 8, 9, 10, 11, 12, 20, 21, 22]);

/** Bytes before each point: none, an index of 1, 2 or 4 bytes, or its size in 1, 2 or 4. */
const PREFIX_BYTES = [0, 1, 2, 4, 1, 2, 4];
const FIRST_SIZE_PREFIX = 4;

export class ObjectList {
  /** Group and variation of each, one after the other. */
  readonly pairs = new Uint8Array(2 * MOST_OBJECTS);
  count = 0;

  /**
   * Reads the objects of a message, as far as they can be told: what is left over at its end, or has a range of a kind
   * that is not known, is passed over.
   * @returns one of `ObjectFault`
   */
  read(bytes: Uint8Array, start: number, end: number, functionCode: number): number {
    this.count = 0;
    let points = 0;
    let at = start;
    while (at < end) {
      if (at + 3 > end) return ObjectFault.NONE;
      if (this.count >= MOST_OBJECTS) return ObjectFault.TOO_MANY_OBJECTS;
      const group = bytes[at];
      const variation = bytes[at + 1];
      const qualifier = bytes[at + 2];
      this.pairs[2 * this.count] = group;
      this.pairs[2 * this.count + 1] = variation;
      this.count++;
      const range = rangeBytes(qualifier & 15);
      if (range < 0 || at + 3 + range > end) return ObjectFault.NONE;
      const number = pointCount(bytes, at + 3, qualifier & 15, range);
      at += 3 + range;
      if (number < 0) return ObjectFault.MALFORMED;
      points += number;
      if (points > MOST_POINTS) return ObjectFault.TOO_MANY_POINTS;
      if (variation === 0 || number === 0 || NAMING.has(functionCode)) continue;
      at = skipPoints(bytes, at, end, group, variation, (qualifier >> 4) & 7, number);
      if (at < 0) return -at;
    }
    return ObjectFault.NONE;
  }
}

/** Bytes of the range field by its code, below 0 for what is reserved. */
function rangeBytes(code: number): number {
  switch (code) {
    case 0:
    case 3:
      return 2;
    case 1:
    case 4:
      return 4;
    case 2:
    case 5:
      return 8;
    case 6:
      return 0;
    case 7:
    case 11:
      return 1;
    case 8:
      return 2;
    case 9:
      return 4;
    default:
      return -1;
  }
}

/** Number of points that a range field means; below 0 where it ends before it begins. */
function pointCount(bytes: Uint8Array, at: number, code: number, size: number): number {
  if (code < 6) {
    const half = size / 2;
    return littleEndian(bytes, at + half, half) - littleEndian(bytes, at, half) + 1;
  }
  return littleEndian(bytes, at, size);
}

/** @returns place behind the points, or the fault negated */
function skipPoints(
  bytes: Uint8Array,
  start: number,
  end: number,
  group: number,
  variation: number,
  prefix: number,
  count: number,
): number {
  const before = PREFIX_BYTES[prefix];
  if (before === undefined) return -ObjectFault.MALFORMED;
  if (prefix >= FIRST_SIZE_PREFIX) {
    let at = start;
    for (let i = 0; i < count; i++) {
      if (at + before > end) return -ObjectFault.MALFORMED;
      at += before + littleEndian(bytes, at, before);
      if (at > end) return -ObjectFault.MALFORMED;
    }
    return at;
  }
  const size = OCTET_STRINGS.has(group) ? variation : (SIZES.get(group)?.[variation - 1] ?? -1);
  if (size < 0) return -ObjectFault.UNKNOWN;
  const at = start + (before === 0 ? Math.ceil(size * count) : (before + Math.ceil(size)) * count);
  return at > end ? -ObjectFault.MALFORMED : at;
}

function littleEndian(bytes: Uint8Array, at: number, size: number): number {
  let value = 0;
  for (let i = at + size - 1; i >= at; i--) value = value * 256 + bytes[i];
  return value;
}
