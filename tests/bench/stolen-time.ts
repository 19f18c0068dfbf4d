import { readFileSync } from 'node:fs';

/** Processor time since the machine started, in ticks of the kernel's clock, summed over all processors. */
export interface ProcessorTicks {
  readonly total: number;
  /** In which this machine had work and its host gave the processor to another one. */
  readonly stolen: number;
}

const USER = 0;
const STEAL = 7;

/** Reads the first line of /proc/stat (proc(5)); the two fields behind `steal` are parts of the first two. */
export function readProcessorTicks(text = readFileSync('/proc/stat', 'latin1')): ProcessorTicks {
  const fields = /^cpu +(.+)$/m.exec(text)?.[1]?.split(' ').map(Number) ?? [];
  const counted = fields.slice(USER, STEAL + 1);
  return { total: counted.reduce((sum, ticks) => sum + ticks, 0), stolen: counted[STEAL] ?? 0 };
}

/** Share (0 … 1) of all processor time between two readings that was stolen. */
export function stolenShare(before: ProcessorTicks, after: ProcessorTicks): number {
  const total = after.total - before.total;
  return total > 0 ? (after.stolen - before.stolen) / total : 0;
}
