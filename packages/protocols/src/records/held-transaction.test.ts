import { Random, testSeed } from '../../testing/random';
import { emptyView } from '../../testing/recorder';
import { HeldTransaction, MOST_RUNS } from './held-transaction';

test('occurrences are those of a list for each buffer, in whatever order they are asked for', () => {
  const seed = testSeed();
  const random = new Random(seed);
  const view = emptyView();
  for (let round = 0; round < 300; round++) {
    const tx = new HeldTransaction(0);
    const lists = new Map<number, string[]>();
    for (let step = 0; step < 60; step++) {
      const id = random.next(3);
      const list = lists.get(id) ?? [];
      lists.set(id, list);
      const action = random.next(20);
      if (action === 0) {
        tx.drop(0, id);
        list.length = 0;
      } else if (action < 8) {
        list.push(`${id}-${step}`);
        tx.put(0, id, Buffer.from(`${id}-${step}`));
      } else {
        const index = random.next(list.length + 2);
        const found = tx.buffer(id, index, view)
          ? Buffer.from(view.bytes.subarray(view.start, view.end)).toString()
          : undefined;
        if (found !== list[index])
          throw new Error(`seed ${seed}, round ${round}: ${found} instead of ${list[index]}`);
      }
    }
  }
});

test('runs are bounded', () => {
  const tx = new HeldTransaction(0);
  for (let n = 0; n < MOST_RUNS + 1; n++) tx.put(0, 1, Buffer.from('x'));
  const view = emptyView();
  expect([tx.buffer(1, MOST_RUNS - 1, view), tx.buffer(1, MOST_RUNS, view)]).toEqual([true, false]);
});
