/** Arithmetic over measurements. */

/** The middle value; of an even number of values the mean of the two in the middle. NaN when there is none. */
export function median(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle] as number;
  return ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

/** The smallest value that at least `share` (0 … 1) of all values do not exceed. NaN when there is none. */
export function percentile(values: readonly number[], share: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] as number;
}

/**
 * The median of what one mode reached of another, round by round: whatever slows the machine down for a while
 * slows both measurements of a round. NaN where no round has both.
 */
export function medianRatio(values: ReadonlyMap<number, number>, of: ReadonlyMap<number, number>): number {
  const ratios: number[] = [];
  for (const [round, value] of values) {
    const base = of.get(round);
    if (base !== undefined && base > 0) ratios.push(value / base);
  }
  return median(ratios);
}
