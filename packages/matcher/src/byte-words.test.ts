import { latin1 } from '../testing/harness';
import { Random, rounds } from '../testing/random';
import { sameBytes, sampleBytes, viewOf } from './byte-words';
import { LONGEST_PAYLOAD, PayloadMemo } from './payload-memo';

const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 0x7fffffff));

test(`bytes are the same where none differs (SEED=${SEED})`, () => {
  const random = new Random(SEED);
  let same = 0;
  for (let n = 0; n < rounds(400, 1200); n++) {
    const length = random.below(random.chance(0.5) ? 8 : 70);
    const one = latin1(random.text('ab', 90, 90));
    const other = latin1(random.text('ab', 90, 90));
    const a = random.below(20);
    const b = random.below(20);
    if (random.chance(0.7)) other.set(one.subarray(a, a + length), b);
    if (length > 0 && random.chance(0.3)) other[b + random.below(length)] ^= 1;
    const want = Buffer.compare(one.subarray(a, a + length), other.subarray(b, b + length)) === 0;
    if (want) same++;
    const label = { seed: SEED, n, a, b, length };
    expect({ ...label, same: sameBytes(viewOf(one), a, viewOf(other), b, length) }).toEqual({
      ...label,
      same: want,
    });
    if (want) {
      expect(sampleBytes(viewOf(one), a, a + length)).toBe(sampleBytes(viewOf(other), b, b + length));
    }
  }
  expect(same).toBeGreaterThan(rounds(66, 200));
});

test('a view is of the array it was asked for, whatever part of a buffer that is', () => {
  const whole = latin1('0123456789');
  const parts = [whole, whole.subarray(2, 6), whole.subarray(3), latin1('abc')];
  for (let n = 0; n < 12; n++) {
    const part = parts[(n * 7) % parts.length];
    const view = viewOf(part);
    expect(view.byteLength).toBe(part.length);
    expect(view.getUint8(0)).toBe(part[0]);
  }
});

test(`a payload memo tells what was stored for the same bytes, or nothing (SEED=${SEED})`, () => {
  const random = new Random(SEED + 1);
  const memo = new PayloadMemo(0);
  const stored = new Map<string, { anywhere: number[]; head: number[] }>();
  const pool = Array.from({ length: 60 }, () => random.text('ab', 1, 40));
  pool.push('x'.repeat(LONGEST_PAYLOAD));
  let found = 0;
  for (let n = 0; n < 1500; n++) {
    const text = random.pick(pool);
    const bytes = latin1(`..${text}.`);
    if (memo.find(bytes, 2, 2 + text.length)) {
      found++;
      const ids = Array.from({ length: memo.anywhereCount + memo.headCount }, (_, i) => memo.id(i));
      const of = { anywhere: ids.slice(0, memo.anywhereCount), head: ids.slice(memo.anywhereCount) };
      expect({ seed: SEED, text, ...of }).toEqual({ seed: SEED, text, ...stored.get(text) });
      continue;
    }
    const list = () => Array.from({ length: random.below(4) }, () => random.below(1000));
    const of = { anywhere: list(), head: list() };
    memo.store(bytes, 2, 2 + text.length);
    memo.storeIds(false, Uint32Array.of(9, ...of.anywhere), 1, of.anywhere.length);
    memo.storeIds(true, Uint32Array.from(of.head), 0, of.head.length);
    stored.set(text, of);
  }
  expect(found).toBeGreaterThan(100);
});

test('a payload in which more was found than can be kept is not known', () => {
  const memo = new PayloadMemo(0);
  const bytes = latin1('payload');
  expect(memo.find(bytes, 0, 7)).toBe(false);
  memo.store(bytes, 0, 7);
  memo.storeIds(false, new Uint32Array(100), 0, 100);
  expect(memo.find(bytes, 0, 7)).toBe(false);
  memo.store(bytes, 0, 7);
  memo.storeIds(false, new Uint32Array(3), 0, 3);
  memo.forget();
  memo.storeIds(true, new Uint32Array(3), 0, 3);
  expect(memo.find(bytes, 0, 7)).toBe(false);
});
