import { readFileSync } from 'node:fs';
import { setThreadSlice } from './thread-slice';

/** proc(5); absent in kernels that are built without it. */
const slice = () => /se\.slice\s*:\s*(\d+)/.exec(readFileSync('/proc/thread-self/sched', 'latin1'))?.[1];

test('the kernel takes another slice for this thread, or takes no notice', () => {
  expect(setThreadSlice(400)).toBe(true);
  expect([undefined, '400000', slice()]).toContain(slice());
  expect(setThreadSlice(0)).toBe(true);
});
