import { PlaceLocks } from './place-locks';

const THIRD = 2;

function threeOf(words = new Int32Array(new SharedArrayBuffer(16))) {
  return { words, locks: [new PlaceLocks(words), new PlaceLocks(words), new PlaceLocks(words)] as const };
}

test('a lock is had and let go, beside others that somebody has', () => {
  const { words, locks } = threeOf();
  locks[0].take(0);
  locks[1].take(THIRD);
  locks[0].release(0);
  locks[2].take(0);
  expect([...words].map((word) => word & 1)).toEqual([1, 0, 1, 0]);
});

test('it is taken from a thread that was ended, which frees nobody else’s should it have lived', () => {
  const { words, locks } = threeOf();
  const [late, second] = locks;
  late.take(THIRD);
  second.take(THIRD);
  late.release(THIRD);
  expect(words[THIRD] & 1).toBe(1);
  second.release(THIRD);
  expect(words[THIRD] & 1).toBe(0);
});

test('numbers begin again after the largest', () => {
  for (const last of [0x7ffffffe, -2]) {
    const { words, locks } = threeOf();
    words[THIRD] = last;
    for (const lock of locks) lock.take(THIRD);
    locks[1].release(THIRD);
    expect(words[THIRD] & 1).toBe(1);
    locks[2].release(THIRD);
    expect(words[THIRD] & 1).toBe(0);
  }
});
