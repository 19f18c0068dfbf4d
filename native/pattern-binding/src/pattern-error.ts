/** Codes of {@link PatternError}. */
export type PatternErrorCode =
  /** The addon is missing or does not fit this Node.js. */
  | 'NATIVE_NOT_BUILT'
  /** The library ran out of memory or failed in a way it should not. */
  | 'NATIVE_FAILURE'
  | 'INVALID_ARGUMENT'
  /** A pattern cannot be compiled; `position` is its index in the list, absent when it concerns the whole list. */
  | 'PATTERN_COMPILE'
  /** A regular expression cannot be compiled; `position` is the offset in it. */
  | 'REGEX_COMPILE'
  /** The bytes are not, or no longer, what `serialize` returned. */
  | 'DATABASE_CORRUPT'
  /** Serialised by another version of the library: compile again. */
  | 'DATABASE_VERSION'
  /** Serialised for another processor: compile again. */
  | 'DATABASE_PLATFORM'
  | 'DATABASE_CLOSED'
  /** The key names another database that is still in use. */
  | 'SHARE_KEY_TAKEN'
  | 'SCANNER_CLOSED'
  /** A scanner has no room for another database, or a call for another job. */
  | 'SCANNER_FULL'
  /** Start, end or offset do not lie inside the bytes. */
  | 'RANGE';

/** Every error of this package. */
export class PatternError extends Error {
  override readonly name = 'PatternError';

  constructor(
    readonly code: PatternErrorCode,
    message: string,
    /** Index of the pattern, or offset in the expression, that the error is about. */
    readonly position?: number,
  ) {
    super(message);
  }

  /** Gives what native code threw its type; anything else is passed on as it is. */
  static from(thrown: unknown): unknown {
    if (thrown instanceof PatternError || typeof thrown !== 'object' || thrown === null) return thrown;
    const { code, message, position } = thrown as { code?: unknown; message?: unknown; position?: unknown };
    if (typeof code !== 'string' || typeof message !== 'string') return thrown;
    return new PatternError(
      code as PatternErrorCode,
      message,
      typeof position === 'number' ? position : undefined,
    );
  }
}

/** Calls native code and gives its errors their type. */
export function native<T>(call: () => T): T {
  try {
    return call();
  } catch (thrown) {
    throw PatternError.from(thrown);
  }
}
