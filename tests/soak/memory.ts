/** Whether memory grows: samples over time, compared by what they do not fall below. */
import { readFileSync } from 'node:fs';

/** Resident memory of a process, in bytes (proc(5), VmRSS). */
export function residentMemory(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  if (kilobytes === undefined) throw new Error(`process ${pid} has no memory to be measured`);
  return Number(kilobytes) * 1024;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] as number;
}

/**
 * Growth after warm-up, as a part of what was there: the last third of the samples against the one before. The first third is
 * the warm-up. Medians, so that what waits for the garbage collector now and then does not count.
 */
export function growth(samples: readonly number[]): number {
  if (samples.length < 6) throw new Error(`${samples.length} samples tell nothing`);
  const third = Math.floor(samples.length / 3);
  const before = median(samples.slice(third, 2 * third));
  return median(samples.slice(2 * third)) / before - 1;
}

/** Where memory stood in each tenth of the samples: in the middle of it. */
export function tenths(samples: readonly number[]): number[] {
  const length = Math.max(1, Math.floor(samples.length / 10));
  return Array.from({ length: Math.min(10, samples.length) }, (_, index) =>
    median(samples.slice(index * length, (index + 1) * length)),
  );
}
