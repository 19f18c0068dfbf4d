/**
 * The index of a table of addresses: lines of 64 bytes, as a processor fetches them, because waiting for memory is what a
 * look-up costs. What is said of a host stands in the line that its hash leads to:
 *
 * ```
 * word 0      which hosts are listed, a bit of 32 for each (hostBit): most look-ups end here
 * word 1      which hosts have addresses with more than a host, a bit of 16 for each (pathsBit), and in the lower half
 *             what those look like, of all hosts of the line together (PathShape)
 * words 2-15  seven pairs: hash of an address, place of its record plus 1 (0: nothing, and nothing behind it)
 * ```
 *
 * A host that finds no room stands in the next line that has some. An address with a path stands in the line of its host,
 * so that one line answers for both; where there is no room, it stands where its own hash leads to.
 */
export const LINE_WORDS = 16;
export const LINE_BYTES = 4 * LINE_WORDS;

export const LineField = { HOSTS: 0, PATHS: 1, FIRST_PAIR: 2 } as const;

/** Pairs that are in use of all, at most: with more of them more entries stand in another line than their own. */
const FULLEST = 0.5;
const PAIRS = (LINE_WORDS - LineField.FIRST_PAIR) / 2;

export function linesFor(entries: number): number {
  return Math.ceil((entries + 1) / (PAIRS * FULLEST));
}

/** For `lineOf`. */
export function lineScale(lineCount: number): number {
  return lineCount / 2 ** 32;
}

/** Where the line that a hash leads to begins, in words. */
export function lineOf(hash: number, scale: number): number {
  return (((hash >>> 0) * scale) >>> 0) * LINE_WORDS;
}

/** Of a host in the first word of its line. The upper bits of the hash have chosen the line. */
export function hostBit(hash: number): number {
  return 1 << (hash & 31);
}

/** Of a host that has addresses with more than a host, in the second word of its line. */
export function pathsBit(hash: number): number {
  return 0x10000 << (hash & 15);
}

/** Bits that say how addresses with more than a host go on; 1 to 13 segments are `PathShape.PORT << n`. */
export const PathShape = {
  /** With a port, whatever follows. */
  PORT: 1,
  /** Some stand where their own hash leads to. */
  ELSEWHERE: 1 << 14,
  /** With a query. */
  QUERY: 1 << 15,
} as const;
const DEEPEST = 13;

/** The bit of a path of so many segments; those that are deeper share one. */
export function segmentsBit(segments: number): number {
  return PathShape.PORT << Math.min(segments, DEEPEST);
}
