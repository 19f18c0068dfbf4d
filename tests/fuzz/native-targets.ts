/** Harnesses for libFuzzer over the native code: `native/*.c` and `native/*.cc`. */
export interface NativeTarget {
  readonly name: string;
  readonly weight: number;
  /** Source in `native/`. */
  readonly harness: string;
  /** What it is linked with, from the root of the repository. */
  readonly sources: readonly string[];
  /** Further words for the compiler. */
  readonly flags: readonly string[];
}

export function nativeTargets(): { targets: readonly NativeTarget[]; missing: string | null } {
  return { targets: [], missing: 'none yet' };
}
