import { findLiteral } from './literal';

/** The slow twin: every place, one byte after the other. */
function findSlowly(
  bytes: Uint8Array,
  from: number,
  to: number,
  literal: Uint8Array,
  caseless: boolean,
): number {
  const folded = (byte: number) => (caseless && byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte);
  for (let at = from; at + literal.length <= to; at++) {
    if (literal.every((byte, i) => folded(bytes[at + i]) === byte)) return at;
  }
  return -1;
}

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);

test(`finds what comparing at every place finds (SEED=${seed})`, () => {
  let state = seed;
  const below = (limit: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  let found = 0;
  for (let round = 0; round < 20_000; round++) {
    // Few different bytes, so that there are many near-matches; letters beside what differs from them in one bit.
    const alphabet = [0x41, 0x61, 0x42, 0x62, 0x40, 0x60, 0x00, 0xff, 0x5b, 0x7b].slice(0, 1 + below(10));
    const bytes = Uint8Array.from({ length: below(90) }, () => alphabet[below(alphabet.length)]);
    const caseless = below(2) === 1;
    const literal = Uint8Array.from({ length: 1 + below(below(2) === 0 ? 3 : 24) }, () => {
      const byte = alphabet[below(alphabet.length)];
      return caseless && byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
    });
    const from = below(bytes.length + 1);
    const to = from + below(bytes.length - from + 1);
    // Behind the window stands what would match there.
    const place = findLiteral(bytes, from, to, literal, caseless);
    const expected = findSlowly(bytes, from, to, literal, caseless);
    if (place !== expected) throw new Error(`round ${round}: found at ${place}, not at ${expected}`);
    if (place >= 0) found++;
  }
  expect(found).toBeGreaterThan(1000);
});

test('finds the first of several, and the last that there is room for', () => {
  const bytes = new Uint8Array(5000).fill(0x24);
  bytes.set(Buffer.from('needle'), 4994);
  expect(findLiteral(bytes, 0, 5000, Buffer.from('needle'), false)).toBe(4994);
  expect(findLiteral(bytes, 0, 4999, Buffer.from('needle'), false)).toBe(-1);
  bytes.set(Buffer.from('NeedlE'), 100);
  expect(findLiteral(bytes, 0, 5000, Buffer.from('needle'), true)).toBe(100);
  expect(findLiteral(bytes, 101, 5000, Buffer.from('needle'), true)).toBe(4994);
  expect(findLiteral(bytes, 0, 5000, Buffer.alloc(0), true)).toBe(-1);
  expect(findLiteral(bytes, 10, 12, Buffer.from('needle'), true)).toBe(-1);
});

test.each([
  [0, 11],
  [5, 4],
  [-1, 5],
  [0, Number.NaN],
])('a window from %p to %p of ten bytes is refused, or holds nothing', (from, to) => {
  const search = () => findLiteral(new Uint8Array(10), from, to, Buffer.from('x'), false);
  if (Number.isNaN(to)) expect(search()).toBe(-1);
  else expect(search).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
});
