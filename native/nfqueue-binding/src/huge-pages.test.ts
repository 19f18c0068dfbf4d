import { existsSync, readFileSync } from 'node:fs';
import { useHugePages } from './huge-pages';

const MEBIBYTE = 1 << 20;
const available = existsSync('/sys/kernel/mm/transparent_hugepage/enabled');

/** Kilobytes of the mappings of this process that huge pages were asked for (proc(5), `hg` of VmFlags). */
function advised(): number {
  let sum = 0;
  for (const mapping of readFileSync('/proc/self/smaps', 'latin1').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m))
    if (/^VmFlags:.* hg\b/m.test(mapping)) sum += Number(/^Size: +(\d+) kB$/m.exec(mapping)?.[1]);
  return sum;
}

test('memory is as it was, and begins with so many bytes in front of a cache line', () => {
  const memory = new SharedArrayBuffer(16 * MEBIBYTE);
  const before = advised();
  const offset = useHugePages(memory);
  expect(offset).toBeGreaterThanOrEqual(0);
  expect(offset).toBeLessThan(64);
  if (available) expect(advised() - before).toBeGreaterThanOrEqual(16 * 1024);
  expect(Buffer.from(memory).equals(Buffer.alloc(16 * MEBIBYTE))).toBe(true);
});

test('what is too small for one is no error', () => {
  expect(useHugePages(new SharedArrayBuffer(0))).toBeLessThan(64);
  expect(useHugePages(new SharedArrayBuffer(100))).toBeLessThan(64);
});
