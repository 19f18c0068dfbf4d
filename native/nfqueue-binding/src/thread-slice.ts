import { loadAddon } from './addon';

/**
 * Asks the scheduler to let this thread run for so long at a time: with a short slice a thread that wakes gets a processor
 * sooner where others want it too, and no larger share of it (Linux 6.12 and later; others take no notice).
 *
 * @param microseconds 100 to 100 000
 * @returns whether the kernel took it
 */
export function setThreadSlice(microseconds: number): boolean {
  try {
    return loadAddon().threadSlice(microseconds) === 0;
  } catch {
    // Where there is no addon threads only wait longer.
    return false;
  }
}
