import type { Finding } from './finding';
import type { NativeTarget } from './native-targets';

export interface NativeOrder {
  readonly corpus: string;
  readonly cases: string;
  readonly seconds: number;
  readonly inputs: number;
  readonly seed: number;
}
export interface NativeResult {
  readonly inputs: number;
  readonly seconds: number;
  readonly branches: number;
  readonly corpus: number;
  readonly findings: Finding[];
}
export async function fuzzNative(_target: NativeTarget, _order: NativeOrder): Promise<NativeResult> {
  throw new Error('not yet');
}
