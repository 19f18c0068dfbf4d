import { addon, type NativeRegexThread } from './addon';
import { native, PatternError } from './pattern-error';
import { repetitionDepth } from './repetition-depth';

export interface RegexOptions {
  caseless?: boolean;
  multiline?: boolean;
  dotAll?: boolean;
  extended?: boolean;
  anchored?: boolean;
  /** `$` matches at the very end only, not before a final newline. */
  dollarEndOnly?: boolean;
  ungreedy?: boolean;
  /** Backtracking points PCRE2 may use from one start position; 3500 as in Suricata. */
  matchLimit?: number;
  /** Depth of backtracking (used by the interpreter, not by JIT code); 1500 as in Suricata. */
  depthLimit?: number;
  /**
   * Processor time in microseconds that one search may take in all; 10 000 unless said otherwise. PCRE2's own
   * limits begin again at every start position. Looked at between start positions (at least every 256), and
   * for subjects of more than 256 bytes only; not for expressions with \G or with verbs such as (*COMMIT).
   */
  timeLimit?: number;
  /**
   * Compile to machine code; on unless said otherwise. Expressions with nested repetitions run in the
   * interpreter where machine code could escape the limits.
   */
  jit?: boolean;
}

/** Values of {@link Regex.exec} that are not a number of pairs. */
export const RegexResult = {
  NO_MATCH: 0,
  /** A limit was reached before an answer was found. */
  LIMIT_EXCEEDED: -1,
  /** PCRE2 refused for another reason. */
  FAILED: -2,
} as const;

/** Most pairs in a result: the match and 255 groups. */
const MAX_PAIRS = 256;

// Layout of the control array and bits of the options, which addon/regex.cc shares.
const RESULT = 0;
const START = 1;
const END = 2;
const FROM = 3;
const PAIRS = 4;
const BAD_RANGE = -3;

function optionBits(options: RegexOptions): number {
  return (
    (options.caseless ? 1 : 0) |
    (options.multiline ? 2 : 0) |
    (options.dotAll ? 4 : 0) |
    (options.extended ? 8 : 0) |
    (options.anchored ? 16 : 0) |
    (options.dollarEndOnly ? 32 : 0) |
    (options.ungreedy ? 64 : 0)
  );
}

/** Longest subject that JIT code is trusted with, by the depth of nested repetitions; deeper: none. */
const JIT_LENGTHS = [0xffffffff, 0xffffffff, 2048];

function limit(name: string, value: number): number {
  if (!Number.isInteger(value) || value < 1 || value > 0xffffffff) {
    throw new PatternError('INVALID_ARGUMENT', `${name} is ${value}, not a positive 32-bit number`);
  }
  return value;
}

/** What the expressions of one thread use in turn: match data, the JIT stack, and the bytes searched last. */
class RegexThread {
  // Shared memory, because it cannot be detached: native code keeps the address.
  readonly control = new Int32Array(new SharedArrayBuffer(4 * (PAIRS + 2 * MAX_PAIRS)));
  readonly native: NativeRegexThread = native(() => addon().createRegexThread(this.control));
  // See PatternScanner: they hold the array whose address native code has, and tell when it is another one.
  bytes: Uint8Array | undefined;
  length = 0;

  bind(bytes: Uint8Array): void {
    this.bytes = undefined;
    native(() => this.native.bind(bytes));
    this.bytes = bytes;
    this.length = bytes.length;
  }
}

let current: RegexThread | undefined;

/**
 * A PCRE2 expression over bytes (8-bit, never UTF; newline is LF). It belongs to the thread that compiled it.
 */
export class Regex {
  readonly #thread: RegexThread;
  readonly #exec: () => void;
  /** Number of capture groups. */
  readonly captureCount: number;
  /** Name of each group, by its number; null for the whole match (0) and for groups without a name. */
  readonly captureNames: readonly (string | null)[];
  /** Longest subject (end - start) that machine code searches; the interpreter takes longer ones. */
  readonly jitLength: number;
  /** Bytes of memory. */
  readonly size: number;
  /** Searches that ended with LIMIT_EXCEEDED. */
  limitExceeded = 0;

  private constructor(pattern: Uint8Array, options: RegexOptions) {
    current ??= new RegexThread();
    const thread = current;
    const matchLimit = limit('matchLimit', options.matchLimit ?? 3500);
    const depthLimit = limit('depthLimit', options.depthLimit ?? 1500);
    const timeLimit = limit('timeLimit', options.timeLimit ?? 10_000);
    const text = Buffer.from(pattern.buffer, pattern.byteOffset, pattern.length).toString('latin1');
    const depth = repetitionDepth(text, options.extended ?? false);
    const jitLength = (options.jit ?? true) ? (JIT_LENGTHS[depth] ?? 0) : 0;
    const compiled = native(() =>
      thread.native.compile(pattern, optionBits(options), matchLimit, depthLimit, timeLimit, jitLength),
    );
    const names = new Array<string | null>(compiled.groups + 1).fill(null);
    for (let i = 0; i < compiled.names.length; i += 2) {
      names[compiled.names[i] as number] = compiled.names[i + 1] as string;
    }
    this.#thread = thread;
    this.#exec = compiled.exec;
    this.captureCount = compiled.groups;
    this.captureNames = names;
    this.jitLength = compiled.jitLength;
    this.size = compiled.size;
  }

  /**
   * @param pattern bytes, or a string whose characters are bytes (U+0000 to U+00FF).
   * @throws PatternError REGEX_COMPILE with the offset in `position`.
   */
  static compile(pattern: Uint8Array | string, options: RegexOptions = {}): Regex {
    if (typeof pattern !== 'string') return new Regex(pattern, options);
    for (let at = 0; at < pattern.length; at++) {
      if (pattern.charCodeAt(at) > 0xff) {
        throw new PatternError(
          'REGEX_COMPILE',
          'a character in the expression is not a byte; give its bytes',
          at,
        );
      }
    }
    return new Regex(Buffer.from(pattern, 'latin1'), options);
  }

  /**
   * Searches `bytes[start … end)` for the first match at or after `from`. What lies before `from` is seen by
   * lookbehind, `\b` and `^`; what lies before `start` or after `end` is not.
   *
   * Returns the number of pairs, that is capture groups and one for the whole match, or one of
   * {@link RegexResult}. `out` takes as many pairs [start, end) as fit, as offsets in `bytes`; a group that did
   * not take part has [-1, -1].
   * @throws PatternError RANGE when not 0 ≤ start ≤ from ≤ end ≤ bytes.length.
   */
  exec(bytes: Uint8Array, start: number, end: number, from: number, out: Int32Array): number {
    const thread = this.#thread;
    if (bytes !== thread.bytes || bytes.length !== thread.length) thread.bind(bytes);
    const control = thread.control;
    control[START] = start;
    control[END] = end;
    control[FROM] = from;
    this.#exec();
    const result = control[RESULT];
    if (result > 0) {
      const room = out.length < 2 * result ? out.length & ~1 : 2 * result;
      for (let i = 0; i < room; i++) out[i] = control[PAIRS + i];
    } else if (result === RegexResult.LIMIT_EXCEEDED) {
      this.limitExceeded++;
    } else if (result === BAD_RANGE) {
      throw new PatternError(
        'RANGE',
        `bytes ${start} to ${end}, from ${from}, do not lie in ${bytes.length} bytes in this order`,
      );
    }
    return result;
  }
}

/** Version of PCRE2 with its date. */
export function regexLibraryVersion(): string {
  return native(() => addon().regexLibraryVersion());
}
