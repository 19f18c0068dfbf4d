import { ExpiryQueue } from './expiry-queue';

test('gives numbers in the order of their moments, as a sorted array would', () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  let state = seed;
  const random = (below: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >>> 8) % below;
  };
  const queue = new ExpiryQueue();
  const twin: number[] = [];
  for (let step = 0; step < (process.env.PORTCULLIS_LONG ? 20_000 : 4000); step++) {
    if (random(5) < 3) {
      const moment = random(1000);
      queue.push(moment, moment);
      twin.push(moment);
    } else {
      twin.sort((a, b) => a - b);
      const limit = random(1000);
      const expected = twin.length > 0 && twin[0] <= limit ? twin.shift() : undefined;
      const taken = queue.take(limit);
      if (taken !== expected) throw new Error(`seed ${seed}, step ${step}: ${taken} instead of ${expected}`);
    }
    if (queue.size !== twin.length) throw new Error(`seed ${seed}, step ${step}: size`);
  }
  expect(queue.earliest).toBe(Math.min(...twin));
});
