import { SeededRandom } from './seeded-random';

describe('SeededRandom', () => {
  test('a seed repeats everything', () => {
    const draw = (random: SeededRandom) => [
      random.next(),
      random.below(10),
      random.between(-3, 3),
      random.chance(),
      random.pick(['a', 'b', 'c']),
      [...random.bytes(20)],
      random.shuffled([1, 2, 3, 4, 5]),
    ];
    expect(draw(new SeededRandom(7))).toEqual(draw(new SeededRandom(7)));
    expect(draw(new SeededRandom(7))).not.toEqual(draw(new SeededRandom(8)));
  });

  test('stays within its limits and reaches them', () => {
    const random = new SeededRandom(1);
    const between = new Set(Array.from({ length: 500 }, () => random.between(2, 5)));
    expect([...between].sort()).toEqual([2, 3, 4, 5]);
    const below = Array.from({ length: 6000 }, () => random.below(6));
    for (let face = 0; face < 6; face++) {
      const count = below.filter((value) => value === face).length;
      expect(count).toBeGreaterThan(850);
      expect(count).toBeLessThan(1150);
    }
    const heads = Array.from({ length: 2000 }, () => random.chance(0.1)).filter(Boolean).length;
    expect(heads).toBeGreaterThan(120);
    expect(heads).toBeLessThan(300);
    expect(random.shuffled([1, 2, 3, 4]).sort()).toEqual([1, 2, 3, 4]);
    expect(() => random.pick([])).toThrow(RangeError);
  });

  test('neighbouring seeds begin differently', () => {
    const first = new Set(Array.from({ length: 1000 }, (_, seed) => new SeededRandom(seed).next()));
    expect(first.size).toBe(1000);
  });

  test('a failure tells the seed', () => {
    expect(() =>
      SeededRandom.run(() => {
        throw new Error('it does not hold');
      }, 4711),
    ).toThrow('repeat with PORTCULLIS_SEED=4711\nit does not hold');
    expect(SeededRandom.run((random) => random.seed, 5)).toBe(5);
  });

  test('the environment chooses the seed', () => {
    const before = process.env.PORTCULLIS_SEED;
    try {
      process.env.PORTCULLIS_SEED = '99';
      expect(new SeededRandom().seed).toBe(99);
      process.env.PORTCULLIS_SEED = 'soon';
      expect(() => new SeededRandom()).toThrow('PORTCULLIS_SEED');
      delete process.env.PORTCULLIS_SEED;
      expect(Number.isInteger(new SeededRandom().seed)).toBe(true);
    } finally {
      if (before === undefined) delete process.env.PORTCULLIS_SEED;
      else process.env.PORTCULLIS_SEED = before;
    }
  });
});
