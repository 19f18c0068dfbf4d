import { readdirSync, readFileSync } from 'node:fs';

/**
 * Processor seconds of a process so far, of all its threads, in user and kernel mode: nanoseconds the scheduler
 * gave to each (/proc/PID/task/TID/schedstat, first field). Threads that have ended are not in it.
 */
export function processorSeconds(pid: number): number {
  let nanoseconds = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ')[0]);
    } catch {
      // This thread has just ended.
    }
  }
  return nanoseconds / 1e9;
}
