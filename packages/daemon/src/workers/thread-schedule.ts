import { readFileSync } from 'node:fs';

/** What the scheduler knows of a thread. */
export interface ThreadSchedule {
  /** It runs, or would if it were given a processor. */
  readonly runnable: boolean;
  /** Seconds of processor time so far. */
  readonly ran: number;
}

const NANOSECONDS = 1e9;

/**
 * @param id as the kernel numbers threads, of this process
 * @returns null where there is no such thread (proc(5): /proc/PID/task/TID/stat, schedstat)
 */
export function threadSchedule(id: number): ThreadSchedule | null {
  try {
    const task = `/proc/self/task/${id}`;
    const ran = Number(readFileSync(`${task}/schedstat`, 'latin1').split(' ')[0]) / NANOSECONDS;
    const stat = readFileSync(`${task}/stat`, 'latin1');
    // The name before the state is in brackets and may hold anything.
    return { runnable: stat.charAt(stat.lastIndexOf(')') + 2) === 'R', ran };
  } catch {
    return null;
  }
}
