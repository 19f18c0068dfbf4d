import { DataSet, DataSets } from './data-set';
import { ValueTable, ValueTableBuilder } from './value-table';

function table(values: Record<string, number>): ValueTable {
  const builder = new ValueTableBuilder();
  for (const [value, reputation] of Object.entries(values)) builder.add(value, reputation);
  return new ValueTable(builder.build());
}

const linesOf = (set: DataSet) =>
  set
    .toFile()
    .split('\n')
    .map((line) => Buffer.from(line, 'base64').toString());

test('what rules add and take away counts beside what the file has', () => {
  const set = new DataSet({ name: 's', type: 'string', loaded: table({ bad: 7, worse: 9 }) });
  expect([set.reputation('bad'), set.reputation('new')]).toEqual([7, undefined]);
  expect([set.add('bad'), set.add('new'), set.add('new')]).toEqual([false, true, false]);
  expect([set.remove('bad'), set.remove('bad'), set.remove('unknown')]).toEqual([true, false, false]);
  expect([set.has('bad'), set.has('worse'), set.has('new')]).toEqual([false, true, true]);
  expect(linesOf(set)).toEqual(['worse', 'new', '']);
  expect([set.add('bad'), set.reputation('bad')]).toEqual([true, 7]);
  expect([set.remove('new'), set.has('new')]).toEqual([true, false]);
  expect(linesOf(set)).toEqual(['bad', 'worse', '']);
});

test('under other rules a set goes on with what it has learnt, and has what its file has now', () => {
  const first = new DataSets();
  first.add(new DataSet({ name: 's', type: 'string', loaded: table({ bad: 7, gone: 1, taken: 1 }) }));
  const set = first.get('s') as DataSet;
  set.add('learnt');
  set.add('listed later');
  set.remove('taken');
  const second = new DataSets(first);
  expect(second.get('s')).toBeUndefined();
  const loaded = table({ bad: 8, taken: 2, 'listed later': 3 });
  second.add(new DataSet({ name: 's', type: 'string', loaded, before: second.before('s') }));
  // Until the new rules are in force those before them go on learning.
  set.add('learnt meanwhile');
  second.takeOver();
  const next = second.get('s') as DataSet;
  const reputations = ['bad', 'gone', 'taken', 'learnt', 'learnt meanwhile', 'listed later'].map((value) =>
    next.reputation(value),
  );
  expect(reputations).toEqual([8, undefined, undefined, 0, 0, 3]);
  expect(linesOf(next)).toEqual(['bad', 'listed later', 'learnt', 'learnt meanwhile', '']);
});

test('a set of another type begins anew; one that nobody names stays where it is more than its file', () => {
  const first = new DataSets();
  const sets = {
    other: new DataSet({ name: 'other', type: 'string' }),
    learnt: new DataSet({ name: 'learnt', type: 'string' }),
    saved: new DataSet({ name: 'saved', type: 'string', savePath: 'saved.lst' }),
    file: new DataSet({ name: 'file', type: 'string', loaded: table({ a: 0 }) }),
  };
  for (const set of Object.values(sets)) first.add(set);
  sets.other.add('0123456789abcdef');
  sets.learnt.add('x');
  const second = new DataSets(first);
  second.add(new DataSet({ name: 'other', type: 'md5', before: second.before('other') }));
  second.takeOver();
  expect(second.get('other')?.has('0123456789abcdef')).toBe(false);
  expect(second.get('learnt')).toBe(sets.learnt);
  expect(second.saved()).toEqual([sets.saved]);
  expect(second.get('file')).toBeUndefined();
});

test('what is learnt has the room that the file leaves', () => {
  const loaded = table({ a: 0 });
  const set = new DataSet({ name: 's', type: 'string', loaded, memcap: loaded.bytes.length + 150 });
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
