import { readlinkSync } from 'node:fs';
import { Stillness } from './stillness';
import { type ThreadSchedule, threadSchedule } from './thread-schedule';

const THREAD = 7;

function watched(schedule: () => ThreadSchedule | null): Stillness {
  const stillness = new Stillness(0, schedule);
  stillness.restart(1, 0);
  return stillness;
}

test('a thread that spins is as still as it has run', () => {
  let ran = 5;
  const stillness = watched(() => ({ runnable: true, ran }));
  for (let now = 100; now <= 900; now += 100) {
    expect(stillness.lookAt(1, THREAD, now)).toBeCloseTo(now);
    ran += 0.1;
  }
  expect(stillness.lookAt(2, THREAD, 1000)).toBe(0);
});

test('a thread that waits for a processor is not, for a while, but for the first step', () => {
  const stillness = watched(() => ({ runnable: true, ran: 5 }));
  for (let now = 100; now <= 10_000; now += 100) expect(stillness.lookAt(1, THREAD, now)).toBe(100);
  expect(stillness.lookAt(1, THREAD, 10_100)).toBe(10_100);
});

test('a thread that sleeps is still', () => {
  const stillness = watched(() => ({ runnable: false, ran: 5 }));
  for (let now = 100; now <= 900; now += 100) expect(stillness.lookAt(1, THREAD, now)).toBe(now);
});

test('time in which nobody looked is not held against a thread', () => {
  const stillness = watched(() => ({ runnable: false, ran: 5 }));
  expect(stillness.lookAt(1, THREAD, 100)).toBe(100);
  // The machine stood still for three seconds, and the watcher was the first to run again.
  expect(stillness.lookAt(1, THREAD, 3100)).toBe(350);
  expect(stillness.lookAt(1, THREAD, 3200)).toBe(450);
});

test('a thread that is gone is still', () => {
  const stillness = watched(() => null);
  expect(stillness.lookAt(1, THREAD, 900)).toBe(900);
});

test('what is not known of a thread counts against it', () => {
  const stillness = watched(() => ({ runnable: true, ran: 5 }));
  expect(stillness.lookAt(1, 0, 900)).toBe(900);
});

(process.platform === 'linux' ? test : test.skip)('the kernel tells of this thread', () => {
  const id = Number(readlinkSync('/proc/thread-self').split('/').pop());
  const before = threadSchedule(id);
  expect(before?.runnable).toBe(true);
  while ((threadSchedule(id)?.ran ?? 0) <= (before?.ran ?? 0));
  expect(threadSchedule(0)).toBeNull();
});
