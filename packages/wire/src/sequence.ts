/**
 * Arithmetic on 32-bit TCP sequence numbers (RFC 9293 §3.4). Every comparison of two sequence numbers in the
 * project goes through here; distances of 2³¹ and more have no order and read as "before".
 */

/** `a - b` as a signed 32-bit distance: negative when `a` is before `b`. */
export function sequenceDifference(a: number, b: number): number {
  return (a - b) | 0;
}

export function sequenceBefore(a: number, b: number): boolean {
  return ((a - b) | 0) < 0;
}

export function sequenceAfter(a: number, b: number): boolean {
  return ((b - a) | 0) < 0;
}

/** `a + n`, wrapped to 0 … 2³²-1; `n` may be negative. */
export function sequenceAdd(a: number, n: number): number {
  return (a + n) >>> 0;
}

/** Whether `a` lies in `[from, from + size)`; `size` below 2³². */
export function sequenceWithin(a: number, from: number, size: number): boolean {
  return (a - from) >>> 0 < size;
}
