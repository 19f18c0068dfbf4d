import { SeededRandom } from '@portcullis/testkit';
import { coveredFamily, coverPorts } from './coverage';

test.each([
  [['0.0.0.0/0'], 4],
  [['::/0'], 6],
  [['128.0.0.0/1', '10.0.0.0/8', '0.0.0.0/1'], 4],
  [['8000::/1', '0.0.0.0/1', '::/2', '4000::/2'], 6],
  [['0.0.0.0/1', '128.0.0.0/2', '192.0.0.0/3'], null],
  [['::/1', '8000::/2', '128.0.0.0/1'], null],
  [['10.1.2.3', 'fd00::1'], null],
  [[], null],
] as const)('%j leave out no address of IPv%s', (prefixes, family) =>
  expect(coveredFamily(prefixes)).toBe(family),
);

test('ports from 1 on count', () => {
  expect(coverPorts([{ first: 0, last: 65_535 }])).toBe(true);
  expect(
    coverPorts([
      { first: 1000, last: 65_535 },
      { first: 1, last: 1200 },
    ]),
  ).toBe(true);
  expect(
    coverPorts([
      { first: 1, last: 1000 },
      { first: 1002, last: 65_535 },
    ]),
  ).toBe(false);
});

test('as a look at every part of the addresses says', () => {
  const random = new SeededRandom();
  const seen = new Set<boolean>();
  for (let round = 0; round < 300; round++) {
    // Prefixes of up to 4 bits: 16 parts.
    const prefixes = Array.from({ length: 1 + random.below(24) }, () => {
      const length = 1 + random.below(4);
      return { first: random.below(1 << length) << (8 - length), length };
    });
    const parts = Array.from({ length: 16 }, (_, part) => part << 4);
    const whole = parts.every((part) =>
      prefixes.some(({ first, length }) => part >> (8 - length) === first >> (8 - length)),
    );
    const texts = prefixes.map(({ first, length }) => `${first}.0.0.0/${length}`);
    expect([random.hint, texts, coveredFamily(texts) === 4]).toEqual([random.hint, texts, whole]);
    seen.add(whole);
  }
  expect(seen.size).toBe(2);
});
