import { sequenceAdd, sequenceAfter, sequenceBefore, sequenceDifference, sequenceWithin } from './sequence';

const TOP = 2 ** 32;

describe('sequence arithmetic', () => {
  test.each([
    { a: 5, b: 3, difference: 2 },
    { a: 3, b: 5, difference: -2 },
    { a: 0, b: TOP - 1, difference: 1 },
    { a: TOP - 1, b: 0, difference: -1 },
    { a: 10, b: TOP - 10, difference: 20 },
    { a: 2 ** 31 - 1, b: 0, difference: 2 ** 31 - 1 },
    { a: 2 ** 31, b: 0, difference: -(2 ** 31) },
    { a: 7, b: 7, difference: 0 },
  ])('$a - $b = $difference', ({ a, b, difference }) => {
    expect(sequenceDifference(a, b)).toBe(difference);
    expect(sequenceBefore(a, b)).toBe(difference < 0);
  });

  test('before and after are opposites over the wrap, but for equals and the point half-way round', () => {
    for (const base of [0, 1, 2 ** 31 - 1, 2 ** 31, TOP - 1]) {
      for (const distance of [1, 2, 1460, 65_535, 2 ** 31 - 1]) {
        const later = sequenceAdd(base, distance);
        expect(sequenceBefore(base, later)).toBe(true);
        expect(sequenceAfter(later, base)).toBe(true);
        expect(sequenceBefore(later, base)).toBe(false);
        expect(sequenceAfter(base, later)).toBe(false);
      }
      expect(sequenceBefore(base, base)).toBe(false);
      expect(sequenceAfter(base, base)).toBe(false);
    }
  });

  test('adding wraps and stays unsigned', () => {
    expect(sequenceAdd(TOP - 1, 1)).toBe(0);
    expect(sequenceAdd(TOP - 1, 1461)).toBe(1460);
    expect(sequenceAdd(0, -1)).toBe(TOP - 1);
    expect(sequenceAdd(2 ** 31, 2 ** 31)).toBe(0);
    expect(sequenceAdd(0, 2 ** 31)).toBe(2 ** 31);
  });

  test('a window over the wrap', () => {
    const from = TOP - 10;
    expect(sequenceWithin(from, from, 20)).toBe(true);
    expect(sequenceWithin(9, from, 20)).toBe(true);
    expect(sequenceWithin(10, from, 20)).toBe(false);
    expect(sequenceWithin(from - 1, from, 20)).toBe(false);
    expect(sequenceWithin(from, from, 0)).toBe(false);
  });
});
