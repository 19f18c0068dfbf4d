import { type Addon, addon } from './addon';

let find: Addon['findLiteral'] | null = null;

/**
 * Place of the first occurrence of `literal` that lies within `bytes[from, to)`, or -1. Sixteen bytes at a time, for a
 * call into native code: worth it from about a thousand bytes on.
 * @param literal in lower case where `caseless` (ASCII)
 * @throws PatternError NATIVE_NOT_BUILT
 */
export function findLiteral(
  bytes: Uint8Array,
  from: number,
  to: number,
  literal: Uint8Array,
  caseless: boolean,
): number {
  find ??= addon().findLiteral;
  return find(bytes, from, to, literal, caseless);
}
