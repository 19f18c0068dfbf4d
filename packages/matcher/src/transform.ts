/**
 * Changes a buffer before contents look at it. Writes into memory that its caller lends.
 */
export interface Transform {
  /** Equal for transforms that do the same: buffers with equal transforms are one buffer to the prefilter. */
  readonly key: string;
  /** Most bytes `apply` writes for `length` bytes. */
  outputBound(length: number): number;
  /**
   * Writes the transformed `input[start, end)` to `output` from `at` on, never more than `outputBound(end - start)`.
   * `input` and `output` may be the same array, in separate places.
   * @returns end of what was written; `FAILED` where there is nothing that could be looked at
   */
  apply(input: Uint8Array, start: number, end: number, output: Uint8Array, at: number): number;
}

/** What `apply` answers where the buffer cannot be transformed: the rules see none. */
export const FAILED = -1;

/** How a transform is written in a rule. */
export interface WrittenTransform {
  readonly keyword: string;
  readonly value: string | null;
}

const written = new WeakMap<Transform, WrittenTransform>();

export function noteWritten(transform: Transform, { keyword, value }: WrittenTransform): void {
  written.set(transform, { keyword, value });
}

/** How a transform that was read from a rule was written there: whoever reads it again has the same. */
export function writtenForm(transform: Transform): WrittenTransform {
  const form = written.get(transform);
  if (!form) throw new Error(`the transform ${transform.key} was not read from a rule`);
  return form;
}
