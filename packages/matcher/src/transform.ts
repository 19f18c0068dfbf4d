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
