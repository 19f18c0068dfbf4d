/**
 * How many times as long as usual everything may take: 1, or what `PORTCULLIS_PATIENCE` says, from 1 to 100. For machines
 * of which it is known beforehand that they are slow, emulated ones above all.
 */
export const PATIENCE = Math.min(Math.max(Number(process.env.PORTCULLIS_PATIENCE) || 1, 1), 100);

/** @returns milliseconds to wait where `timeout` are enough on a usual machine */
export function patient(timeout: number): number {
  return timeout * PATIENCE;
}
