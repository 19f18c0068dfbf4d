import { Random, rounds } from '../../testing/random';
import { Change, LearntValues, setIdOf, type ValueChange } from './learnt-values';

const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 0x7fffffff));
const ROOM = 1 << 20;

test(`it knows what a map knows, whichever thread has learnt it (SEED=${SEED})`, () => {
  const random = new Random(SEED);
  const memory = new SharedArrayBuffer(LearntValues.BYTES);
  const tables = [new LearntValues(memory), new LearntValues(memory)];
  const table = () => tables[random.below(2)] as LearntValues;
  const sets = ['a', 'b', 'c'].map((name) => ({
    id: setIdOf('string', name),
    twin: new Map<string, number>(),
  }));
  const value = () => random.text('ab\xff', 0, random.chance(0.02) ? 3000 : 5);
  for (let n = 0; n < rounds(20_000, 200_000); n++) {
    const { id, twin } = sets[random.below(3)] as (typeof sets)[0];
    const each = value();
    const known = twin.get(each) ?? Change.NOTHING;
    if (random.chance(0.5)) {
      const change = table().changeOf(id, each);
      if (change !== known)
        throw new Error(`SEED=${SEED} n=${n}: ${change} instead of ${known} of '${each}'`);
      continue;
    }
    const to = random.below(3) as ValueChange;
    const news = table().change(id, each, to, ROOM * 64);
    if (news !== (to !== known)) throw new Error(`SEED=${SEED} n=${n}: from ${known} to ${to} of '${each}'`);
    if (to === Change.NOTHING) twin.delete(each);
    else twin.set(each, to);
  }
  for (const { id, twin } of sets) {
    expect(new Map(table().changes(id))).toEqual(twin);
  }
  table().forget();
  for (const { id } of sets) expect([...table().changes(id)]).toEqual([]);
});

test('a set takes no more than its room, and what it gives up can be used again', () => {
  const learnt = new LearntValues();
  const id = setIdOf('string', 'a');
  const add = (value: string) => learnt.change(id, value, Change.ADDED, 32 * 100);
  for (let round = 0; round < 50; round++) {
    const values = Array.from({ length: 100 }, (_, n) => `${n}`);
    expect(values.filter((value) => add(value) !== true)).toEqual([]);
    expect(add('one more')).toBeNull();
    expect(values.filter((value) => learnt.change(id, value, Change.NOTHING, 0) !== true)).toEqual([]);
  }
  // Others have room of their own.
  expect(learnt.change(setIdOf('string', 'b'), 'x', Change.ADDED, 32)).toBe(true);
});

test('all sets together take no more than the memory', () => {
  const learnt = new LearntValues();
  const value = (n: number) => `${n}`.padStart(60_000, 'x');
  let added = 0;
  while (learnt.change(setIdOf('string', 'a'), value(added), Change.ADDED, 2 ** 40) === true) added++;
  expect(added).toBeGreaterThan(1500);
  expect(added).toBeLessThan(LearntValues.BYTES / 60_000);
  expect(learnt.changeOf(setIdOf('string', 'a'), value(0))).toBe(Change.ADDED);
  expect(learnt.change(setIdOf('string', 'a'), 'x'.repeat(70_000), Change.ADDED, 2 ** 40)).toBeNull();
});
