import { existsSync, readFileSync } from 'node:fs';
import { useHugePages } from './huge-pages';

const MEBIBYTE = 1 << 20;
const SETTING = '/sys/kernel/mm/transparent_hugepage/enabled';
const available = existsSync(SETTING) && !readFileSync(SETTING, 'utf8').includes('[never]');

/** Of the whole process (proc(5)). */
const hugeKilobytes = (): number =>
  Number(/^AnonHugePages: +(\d+) kB$/m.exec(readFileSync('/proc/self/smaps_rollup', 'utf8'))?.[1] ?? 0);

test('memory stays as it is, and begins with so many bytes in front of a cache line', () => {
  const memory = new SharedArrayBuffer(64 * MEBIBYTE);
  const before = hugeKilobytes();
  const offset = useHugePages(memory);
  expect(offset).toBeGreaterThanOrEqual(0);
  expect(offset).toBeLessThan(64);
  const bytes = new Uint8Array(memory);
  for (let at = 0; at < bytes.length; at += 4096) bytes[at] += 1;
  expect(bytes.reduce((sum, byte) => sum + byte, 0)).toBe(bytes.length / 4096);
  // Whether the kernel has some at hand is another matter; most of the time it has.
  if (available) expect(hugeKilobytes()).toBeGreaterThanOrEqual(before);
});

test('what is too small for one is no error', () => {
  expect(useHugePages(new SharedArrayBuffer(0))).toBeLessThan(64);
  expect(useHugePages(new SharedArrayBuffer(100))).toBeLessThan(64);
});
