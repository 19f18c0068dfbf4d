/** What is fuzzed: one target is one way into the engine by which bytes of strangers come. */

/** Says which changes make sense: whole bytes, lines and words of a text, or records (see `records.ts`). */
export type Shape = 'bytes' | 'text' | 'records';

export interface FuzzTarget {
  /** Fits for a folder: `protocol/http1/tcp`. */
  readonly name: string;
  readonly shape: Shape;
  /** Share of the inputs of the long form; 1 for what takes tens of microseconds an input. */
  readonly weight: number;
  /** Words of the format, beside those that stand in the code as literals. */
  readonly tokens?: readonly string[];
  /** Real inputs to begin with, the most telling first. */
  seeds(): Iterable<Uint8Array>;
  start(): FuzzRun | Promise<FuzzRun>;
}

export interface FuzzRun {
  /** Whatever it throws is a finding; so is taking more than `LONGEST_INPUT_MS` of processor time. */
  run(input: Uint8Array): void | Promise<void>;
  close?(): void | Promise<void>;
}

/** Processor time that one input may take. */
export const LONGEST_INPUT_MS = 100;
/** Longer inputs are not made. */
export const LARGEST_INPUT = 1 << 16;

/** What a target throws when an answer is wrong, as opposed to code that broke. */
export class WrongAnswer extends Error {
  override readonly name = 'WrongAnswer';
}

export function claim(holds: boolean, what: string): void {
  if (!holds) throw new WrongAnswer(what);
}
