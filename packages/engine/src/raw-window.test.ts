import { SeededRandom } from '@portcullis/testkit';
import { RawWindowPool } from './raw-window';

/** The same with plain lists. */
class SlowPool {
  readonly tails = new Map<number, number[]>();
  exhausted = 0;

  constructor(
    readonly windowBytes: number,
    readonly pageCount: number,
  ) {}

  take(): boolean {
    if (this.tails.size < this.pageCount) return true;
    this.exhausted++;
    return false;
  }

  window(page: number, fresh: number[]): number[] {
    return [...(this.tails.get(page) ?? []), ...fresh];
  }

  keep(page: number, window: number[]): void {
    this.tails.set(page, window.slice(-this.windowBytes));
  }
}

test('gives the last bytes before the new ones, as the slow twin does', () => {
  SeededRandom.run((random) => {
    const windowBytes = 1 + random.below(40);
    const largest = 64;
    const pool = new RawWindowPool(windowBytes, 6, largest);
    const twin = new SlowPool(windowBytes, 6);
    const pages: number[] = [];
    for (let step = 0; step < (process.env.PORTCULLIS_LONG ? 5000 : 1000); step++) {
      const choice = random.below(10);
      if (choice === 0) {
        const page = pool.take();
        expect(page >= 0).toBe(twin.take());
        if (page >= 0) {
          expect(pages).not.toContain(page);
          expect(pool.tailLength(page)).toBe(0);
          twin.tails.set(page, []);
          pages.push(page);
        }
      } else if (pages.length > 0) {
        const index = random.below(pages.length);
        const page = pages[index] as number;
        if (choice === 1) {
          pool.release(page);
          twin.tails.delete(page);
          pages.splice(index, 1);
        } else if (choice === 2) {
          pool.forget(page);
          twin.tails.set(page, []);
        } else {
          const bytes = random.bytes(largest);
          const start = random.below(largest);
          const end = start + random.below(largest - start + 1);
          const length = pool.join(page, bytes, start, end);
          const window = twin.window(page, [...bytes.subarray(start, end)]);
          // Asked first: `expect` takes longer than what is tested.
          if (Buffer.compare(pool.scratch.subarray(0, length), Uint8Array.from(window)) !== 0)
            expect([...pool.scratch.subarray(0, length)]).toEqual(window);
          if (length - (end - start) !== pool.tailLength(page))
            expect(length - (end - start)).toBe(pool.tailLength(page));
          pool.keep(page, pool.scratch, 0, length);
          twin.keep(page, window);
        }
      }
      if (pool.heldBytes !== pages.length * windowBytes)
        expect(pool.heldBytes).toBe(pages.length * windowBytes);
      if (pool.exhausted !== twin.exhausted) expect(pool.exhausted).toBe(twin.exhausted);
    }
  });
});

test('keeps bytes in place as well as joined ones, and no more than a window', () => {
  const pool = new RawWindowPool(4, 1, 16);
  const page = pool.take();
  pool.keep(page, Buffer.from('..abcdefgh..'), 2, 10);
  expect(pool.tailLength(page)).toBe(4);
  expect(pool.join(page, Buffer.from('--ij--'), 2, 4)).toBe(6);
  expect(Buffer.from(pool.scratch.subarray(0, 6)).toString()).toBe('efghij');
});
