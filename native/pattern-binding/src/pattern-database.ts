import { addon, type DatabaseHandle } from './addon';
import { native, PatternError } from './pattern-error';
import { frameDatabase, unframeDatabase } from './serialized-database';

/** One pattern of a database. Several may have the same id; a scan reports each id at most once. */
export interface Pattern {
  /** Bytes to find, never empty. */
  expression: Uint8Array;
  /** Unsigned 32-bit number that a scan reports. */
  id: number;
  /** ASCII letters match in both cases. */
  caseless?: boolean;
  /** `expression` is a regular expression of Vectorscan's (no captures, no lookaround), not a literal. */
  regex?: boolean;
  /** Regex only: `.` matches a newline too. */
  dotAll?: boolean;
  /** Regex only: `^` and `$` match at lines. */
  multiline?: boolean;
}

// Bits that addon/database.cc knows.
const CASELESS = 1;
const DOT_ALL = 2;
const MULTILINE = 4;
const REGEX = 8;

type PackedPatterns = [bytes: Uint8Array, ends: Uint32Array, ids: Uint32Array, flags: Uint8Array];

/** Checks patterns and lays them out for native code. */
function pack(patterns: readonly Pattern[]): PackedPatterns {
  if (patterns.length === 0) {
    throw new PatternError('PATTERN_COMPILE', 'a pattern database needs at least one pattern');
  }
  let length = 0;
  patterns.forEach(({ expression, id, regex }, index) => {
    if (expression.length === 0) throw new PatternError('PATTERN_COMPILE', 'the pattern is empty', index);
    if (id >>> 0 !== id) {
      throw new PatternError('PATTERN_COMPILE', `the id ${id} is not an unsigned 32-bit number`, index);
    }
    if (regex && expression.includes(0)) {
      throw new PatternError('PATTERN_COMPILE', 'write the byte 0 as \\x00 in an expression', index);
    }
    length += expression.length;
  });
  if (length > 0xffffffff) throw new PatternError('PATTERN_COMPILE', 'the patterns are larger than 4 GiB');

  const bytes = new Uint8Array(length);
  const ends = new Uint32Array(patterns.length);
  const ids = new Uint32Array(patterns.length);
  const flags = new Uint8Array(patterns.length);
  let at = 0;
  patterns.forEach((pattern, index) => {
    bytes.set(pattern.expression, at);
    at += pattern.expression.length;
    ends[index] = at;
    ids[index] = pattern.id;
    flags[index] =
      (pattern.caseless ? CASELESS : 0) |
      (pattern.regex ? REGEX : 0) |
      (pattern.regex && pattern.dotAll ? DOT_ALL : 0) |
      (pattern.regex && pattern.multiline ? MULTILINE : 0);
  });
  return [bytes, ends, ids, flags];
}

/**
 * An immutable set of patterns that whole buffers are scanned for (Vectorscan, block mode).
 *
 * The memory behind it is held by every database object and every scanner of every thread that uses it, and
 * freed with the last of them.
 */
export class PatternDatabase {
  readonly #handle: DatabaseHandle;
  /** Number of patterns it was compiled from. */
  readonly patterns: number;
  /** Bytes of memory, counted once for all threads. */
  readonly size: number;

  private constructor(handle: DatabaseHandle) {
    this.#handle = handle;
    [this.patterns, this.size] = addon().describe(handle);
  }

  /** @throws PatternError PATTERN_COMPILE with the index of the pattern in `position`. */
  static compile(patterns: readonly Pattern[]): PatternDatabase {
    const packed = pack(patterns);
    return new PatternDatabase(native(() => addon().compile(...packed)));
  }

  /**
   * As {@link compile}, on a thread of the libuv pool: seconds of work for tens of thousands of patterns do not
   * block the caller. A worker that is terminated meanwhile ends when the compilation does.
   */
  static async compileAsync(patterns: readonly Pattern[]): Promise<PatternDatabase> {
    const packed = pack(patterns);
    try {
      return new PatternDatabase(await addon().compileAsync(...packed));
    } catch (thrown) {
      throw PatternError.from(thrown);
    }
  }

  /**
   * Makes a database from what {@link serialize} returned, many times faster than compiling. Keep serialised
   * databases under a key that contains {@link patternLibraryFingerprint}, where nobody else can write.
   * @throws PatternError DATABASE_CORRUPT, DATABASE_VERSION or DATABASE_PLATFORM: compile again.
   */
  static deserialize(bytes: Uint8Array): PatternDatabase {
    const { payload, patterns } = unframeDatabase(bytes);
    return new PatternDatabase(native(() => addon().deserialize(payload, patterns)));
  }

  /** The database that some thread of this process has shared under `key` and that is still in use, or null. */
  static attach(key: string): PatternDatabase | null {
    const handle = native(() => addon().attach(key));
    return handle === null ? null : new PatternDatabase(handle);
  }

  /**
   * Lets the threads of this process attach to this database by `key`. The key keeps nothing alive: hold this
   * object until the others have attached.
   * @throws PatternError SHARE_KEY_TAKEN while another database has the key and is in use.
   */
  share(key: string): void {
    native(() => addon().share(this.#handle, key));
  }

  /** Bytes for {@link deserialize}, in this library version and on this kind of processor only. */
  serialize(): Uint8Array {
    return frameDatabase(new Uint8Array(native(() => addon().serialize(this.#handle))), this.patterns);
  }

  /** How many database objects and scanners of this process hold the memory now. */
  get holders(): number {
    return native(() => addon().describe(this.#handle))[2];
  }

  /**
   * Lets go without waiting for the garbage collector. Scanners and other threads that use the database keep it.
   * Any later call but `close` throws DATABASE_CLOSED.
   */
  close(): void {
    addon().close(this.#handle);
  }

  /** For scanners of this package. */
  static handleOf(database: PatternDatabase): DatabaseHandle {
    return database.#handle;
  }
}

/**
 * Library version, tuning and processor features as one line: two hosts with the same fingerprint can use each
 * other's serialised databases.
 */
export function patternLibraryFingerprint(): string {
  return native(() => addon().fingerprint());
}
