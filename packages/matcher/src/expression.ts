import { PatternError, Regex } from '@portcullis/pattern-binding';

export interface ExpressionOptions {
  caseless?: boolean;
  multiline?: boolean;
  dotAll?: boolean;
  extended?: boolean;
  anchored?: boolean;
  dollarEndOnly?: boolean;
  ungreedy?: boolean;
}

/** A compiled expression of this thread. */
export interface Expression {
  /** @returns above 0: found, its place in `out`; 0: not there; below 0: a limit was reached */
  exec(bytes: Uint8Array, start: number, end: number, from: number, out: Int32Array): number;
  /** Names of the groups at their numbers; absent: not known. */
  readonly captureNames?: readonly (string | null)[];
}

/** Where regular expressions come from; the tests have one of their own. */
export interface ExpressionCompiler {
  compile(pattern: string, options: ExpressionOptions): Expression;
  /** @returns what is wrong with the expression and at which character, or null */
  check(pattern: string, options: ExpressionOptions): { message: string; position: number } | null;
}

/** An expression as bytes: its characters are UTF-8 in the rule file. */
function bytesOf(pattern: string): Uint8Array {
  return Buffer.from(pattern, 'utf8');
}

/** PCRE2 with limits. */
export const pcreCompiler: ExpressionCompiler = {
  compile(pattern, options) {
    return Regex.compile(bytesOf(pattern), options);
  },
  check(pattern, options) {
    try {
      Regex.compile(bytesOf(pattern), { ...options, jit: false });
      return null;
    } catch (error) {
      if (!(error instanceof PatternError) || error.code !== 'REGEX_COMPILE') throw error;
      return { message: error.message, position: error.position ?? 0 };
    }
  },
};
