import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { setThreadSlice } from './thread-slice';

/** Nanoseconds, proc(5); undefined in kernels that are built without it. */
const slice = () => /se\.slice\s*:\s*(\d+)/.exec(readFileSync('/proc/thread-self/sched', 'latin1'))?.[1];
const [major, minor] = release().split('.').map(Number) as [number, number];
const takesNotice = (major > 6 || (major === 6 && minor >= 12)) && slice() !== undefined;

test('the kernel takes another slice for this thread, from Linux 6.12 on, and its own again', () => {
  const before = slice();
  expect(setThreadSlice(400)).toBe(true);
  if (takesNotice) expect(slice()).toBe('400000');
  expect(setThreadSlice(0)).toBe(true);
  expect(slice()).toBe(before);
});
