import { takeDown } from './take-down';

test('every part is taken down in its turn, and what goes wrong is told of', async () => {
  const done: string[] = [];
  const problems = await takeDown([
    ['first', async () => void done.push('first')],
    ['second', async () => Promise.reject(new Error('is stuck'))],
    [
      'third',
      () => {
        throw new Error('is gone');
      },
    ],
    ['fourth', () => void done.push('fourth')],
  ]);
  expect(done).toEqual(['first', 'fourth']);
  expect([...problems].map(([what, { message }]) => `${what} ${message}`)).toEqual([
    'second is stuck',
    'third is gone',
  ]);
});

test('nothing to take down is no problem', async () => {
  expect((await takeDown([])).size).toBe(0);
});
