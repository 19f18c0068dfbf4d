import { collectGarbage } from './garbage';

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('memory that nobody refers to any more is let go, and what is referred to stays', async () => {
  const kept = { bytes: new Uint8Array(new SharedArrayBuffer(1 << 20)) };
  const stays = new WeakRef(kept.bytes);
  const goes = new WeakRef(new Uint8Array(new SharedArrayBuffer(1 << 20)));
  // What was referred to weakly lives to the end of its turn.
  await turn();
  collectGarbage();
  await turn();
  expect(goes.deref()).toBeUndefined();
  expect(stays.deref()).toBe(kept.bytes);
});
