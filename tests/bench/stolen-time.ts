import { readFileSync } from 'node:fs';

/** Processor time since the machine started, in ticks of the kernel's clock, summed over all processors. */
export interface ProcessorTicks {
  readonly total: number;
  /** In which this machine had work and its host gave the processor to another one. */
  readonly stolen: number;
  /** In which there was nothing to do. */
  readonly idle: number;
}

/**
 * A machine that is a guest does not always get the processors it asks for. What was measured while more than this share
 * was taken away says little, and is measured again, so often as is allowed; then it counts as it is.
 */
export const MOST_STOLEN = 0.02;

const USER = 0;
const IDLE = 3;
const STEAL = 7;

/** Reads the first line of /proc/stat (proc(5)); the two fields behind `steal` are parts of the first two. */
export function readProcessorTicks(text = readFileSync('/proc/stat', 'latin1')): ProcessorTicks {
  const fields = /^cpu +(.+)$/m.exec(text)?.[1]?.split(' ').map(Number) ?? [];
  const counted = fields.slice(USER, STEAL + 1);
  const total = counted.reduce((sum, ticks) => sum + ticks, 0);
  return { total, stolen: counted[STEAL] ?? 0, idle: counted[IDLE] ?? 0 };
}

/** Share (0 … 1) of all processor time between two readings that was stolen. */
export function stolenShare(before: ProcessorTicks, after: ProcessorTicks): number {
  return share('stolen', before, after);
}

/** Share (0 … 1) of all processor time between two readings in which there was nothing to do. */
export function idleShare(before: ProcessorTicks, after: ProcessorTicks): number {
  return share('idle', before, after);
}

function share(of: 'stolen' | 'idle', before: ProcessorTicks, after: ProcessorTicks): number {
  const total = after.total - before.total;
  return total > 0 ? (after[of] - before[of]) / total : 0;
}
