import { DataSet, DataSets } from './data-set';
import { LearntValues } from './learnt-values';
import { ValueTable, ValueTableBuilder } from './value-table';

function table(values: Record<string, number>): ValueTable {
  const builder = new ValueTableBuilder();
  for (const [value, reputation] of Object.entries(values)) builder.add(value, reputation);
  return new ValueTable(builder.build());
}

const read = (file: string) => file.split('\n').map((line) => Buffer.from(line, 'base64').toString());
const linesOf = (set: DataSet) => read(set.toFile());

test('what rules add and take away counts beside what the file has', () => {
  const set = new DataSet({ name: 's', type: 'string', loaded: table({ bad: 7, worse: 9 }) });
  expect([set.reputation('bad'), set.reputation('new')]).toEqual([7, undefined]);
  expect([set.add('bad'), set.add('new'), set.add('new')]).toEqual([false, true, false]);
  expect([set.remove('bad'), set.remove('bad'), set.remove('unknown')]).toEqual([true, false, false]);
  expect([set.has('bad'), set.has('worse'), set.has('new')]).toEqual([false, true, true]);
  expect(linesOf(set)).toEqual(['worse', 'new', '']);
  expect(read(set.removedToFile())).toEqual(['bad', '']);
  expect([set.add('bad'), set.reputation('bad')]).toEqual([true, 7]);
  expect([set.remove('new'), set.has('new')]).toEqual([true, false]);
  expect(linesOf(set)).toEqual(['bad', 'worse', '']);
  expect(set.removedToFile()).toBe('');
});

test('under other rules a set goes on with what it has learnt, and has what its file has now', () => {
  const learnt = new LearntValues();
  const set = new DataSet({
    name: 's',
    type: 'string',
    loaded: table({ bad: 7, gone: 1, taken: 1 }),
    learnt,
  });
  set.add('learnt');
  set.add('listed later');
  set.remove('taken');
  const loaded = table({ bad: 8, taken: 2, 'listed later': 3 });
  const next = new DataSet({ name: 's', type: 'string', loaded, learnt });
  // Until the new rules are in force those before them go on learning.
  set.add('learnt meanwhile');
  const reputations = ['bad', 'gone', 'taken', 'learnt', 'learnt meanwhile', 'listed later'].map((value) =>
    next.reputation(value),
  );
  expect(reputations).toEqual([8, undefined, undefined, 0, 0, 3]);
  expect(linesOf(next).sort()).toEqual(['', 'bad', 'learnt', 'learnt meanwhile', 'listed later']);
});

test('sets of other names and types know nothing of it', () => {
  const learnt = new LearntValues();
  const value = '0123456789abcdef';
  new DataSet({ name: 'a', type: 'string', learnt }).add(value);
  expect(new DataSet({ name: 'a', type: 'md5', learnt }).has(value)).toBe(false);
  expect(new DataSet({ name: 'b', type: 'string', learnt }).has(value)).toBe(false);
  expect(new DataSet({ name: 'a', type: 'string', learnt }).has(value)).toBe(true);
});

test('a set that is to be written stays, though no rule names it any more', () => {
  const first = new DataSets();
  const saved = new DataSet({ name: 'saved', type: 'string', savePath: 'saved.lst' });
  first.add(saved);
  first.add(new DataSet({ name: 'other', type: 'string' }));
  const second = new DataSets(first.learnt);
  second.keepSaved(first);
  expect(second.saved()).toEqual([saved]);
  expect(second.get('other')).toBeUndefined();
});

test('what is learnt has the room that the file leaves', () => {
  const loaded = table({ a: 0 });
  // A value of few bytes takes 32.
  const set = new DataSet({ name: 's', type: 'string', loaded, memcap: loaded.bytes.length + 64 });
  expect(['b', 'c', 'd'].map((value) => set.add(value))).toEqual([true, true, false]);
  expect(set.refused).toBe(1);
  // That a value of the file does not count any more takes room as well.
  expect([set.remove('a'), set.remove('b'), set.remove('a'), set.has('a')]).toEqual([
    false,
    true,
    true,
    false,
  ]);
});
