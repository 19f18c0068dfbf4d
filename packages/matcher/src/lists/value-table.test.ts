import { latin1 } from '../../testing/harness';
import { Random, rounds } from '../../testing/random';
import { ValueTable, ValueTableBuilder } from './value-table';

const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 0x7fffffff));

test(`a table finds what a map finds (SEED=${SEED})`, () => {
  const random = new Random(SEED);
  for (let round = 0; round < rounds(60, 600); round++) {
    const builder = new ValueTableBuilder();
    const twin = new Map<string, number>();
    // Values that are often there already, some of them nothing, some with bytes beyond ASCII.
    const value = () => Buffer.from(latin1(random.text('ab\xff\0', 0, 7))).toString('latin1');
    for (let n = random.below(400); n > 0; n--) {
      const each = value();
      const number = random.below(0x10000);
      if (random.chance(0.5)) {
        builder.set(each, number);
        twin.set(each, number);
      } else {
        builder.add(each, number);
        if (!twin.has(each)) twin.set(each, number);
      }
    }
    // As another thread has it.
    const table = new ValueTable(builder.build());
    const label = { seed: SEED, round };
    expect({ ...label, size: table.size }).toEqual({ ...label, size: twin.size });
    expect({ ...label, values: [...table.values()] }).toEqual({ ...label, values: [...twin.keys()] });
    for (let n = 0; n < 50; n++) {
      const each = value();
      if (table.has(each) !== twin.has(each) || table.number(each) !== twin.get(each))
        throw new Error(`SEED=${SEED} round ${round}: '${each}' is ${twin.get(each)}`);
    }
  }
});

test('a table takes few bytes beside its values', () => {
  const builder = new ValueTableBuilder();
  const values = Array.from({ length: 50_000 }, (_, n) => `${n}.example.org`);
  for (const value of values) builder.add(value);
  const table = new ValueTable(builder.build());
  const own = values.reduce((sum, { length }) => sum + length, 0);
  expect((table.bytes.length - own) / values.length).toBeLessThan(24);
  expect(values.every((value) => table.has(value))).toBe(true);
  expect(table.has('50000.example.org')).toBe(false);
});
