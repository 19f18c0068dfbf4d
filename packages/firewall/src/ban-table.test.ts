import { type Ban, ORIGINS } from './ban';
import { BanTable } from './ban-table';
import { PackedPrefix, packedContains, packPrefix, printPrefix } from './packed-prefix';
import { Prefix } from './prefix';

function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >>> 8) % below;
  };
}

const newSeed = (): number => Math.floor(Math.random() * 2 ** 31);

function randomPrefix(random: (below: number) => number, spread = 256): string {
  const byte = () => random(spread);
  const text =
    random(2) === 0
      ? `${1 + random(223)}.${byte()}.${byte()}.${byte()}/${random(3) === 0 ? random(33) : 32}`
      : `2001:db8:${byte().toString(16)}:${random(2)}::${byte().toString(16)}/${random(3) === 0 ? random(129) : 128}`;
  return Prefix.parse(text).text;
}

describe('packed prefixes', () => {
  test('come out as they went in, and contain each other as prefixes do', () => {
    const seed = newSeed();
    const random = randomNumbers(seed);
    const [one, two] = [new PackedPrefix(), new PackedPrefix()];
    for (let step = 0; step < 5000; step++) {
      const [outer, inner] = [randomPrefix(random, 4), randomPrefix(random, 4)];
      if (!packPrefix(outer, one) || !packPrefix(inner, two) || printPrefix(one) !== outer)
        throw new Error(`seed ${seed}: ${outer} came out as ${printPrefix(one)}`);
      if (packedContains(one, two) !== Prefix.parse(outer).contains(Prefix.parse(inner)))
        throw new Error(`seed ${seed}: ${outer} contains ${inner}?`);
    }
  });

  test.each([
    ...['', '1', '1.2.3', '1.2.3.4.5', '1.2.3.256', '01.2.3.4', '1.2.3.4 ', '1.2.3.4/32', '1.2.3.4/33'],
    ...['1.2.3.4/24', '1.2.3.0/024', '1.2.3.0/', '1.2.3.0/x', 'a.b.c.d', '1..2.3', '::ffff:1.2.3.4'],
    ...['2001:DB8::1', '2001:db8:0::1', '2001:db8::1/64', '2001:db8::/129', '::g', ':'],
  ])('%j is none in normal form', (text) => {
    expect(packPrefix(text, new PackedPrefix())).toBe(false);
  });
});

describe('BanTable', () => {
  test('is a map from prefixes to bans', () => {
    const seed = newSeed();
    const random = randomNumbers(seed);
    const table = new BanTable();
    const twin = new Map<string, Ban>();
    const check = (what: string, found: unknown, expected: unknown) => {
      if (JSON.stringify(found) !== JSON.stringify(expected))
        throw new Error(`seed ${seed}, ${what}: ${JSON.stringify(found)}, not ${JSON.stringify(expected)}`);
    };
    for (let step = 0; step < 15_000; step++) {
      const prefix = randomPrefix(random, 8);
      const action = random(100);
      if (action < 60) {
        const ban: Ban = {
          id: `id-${step}`,
          prefix,
          since: random(1e9),
          until: random(1e9),
          reason: `reason ${random(50)} ü`,
          sid: random(2 ** 31),
          origin: (['attack', 'manual', 'kernel'] as const)[random(3)] as Ban['origin'],
          count: random(1000),
        };
        const row = table.set(ban);
        twin.set(prefix, ban);
        check('at', table.at(row), ban);
      } else if (action < 95) {
        check('delete', table.delete(prefix), twin.delete(prefix));
      } else {
        check('get', table.get(prefix) ?? null, twin.get(prefix) ?? null);
      }
      check('size', table.size, twin.size);
    }
    const sorted = (bans: Iterable<Ban>) => [...bans].sort((a, b) => (a.prefix < b.prefix ? -1 : 1));
    for (const origin of ORIGINS)
      for (const family of [4, 6] as const) {
        const twins = [...twin.values()].filter(
          (ban) => ban.origin === origin && ban.prefix.includes(':') === (family === 6),
        );
        check(`${origin} ${family}`, table.count(origin, family), twins.length);
      }
    for (const family of [4, 6] as const)
      for (let length = 0; length <= (family === 4 ? 32 : 128); length++) {
        const has = [...twin.keys()]
          .map(Prefix.parse)
          .some((p) => p.family === family && p.length === length);
        check(`${family}/${length}`, table.hasLength(family, length), has);
      }
    check('all', sorted([...table.rowsFrom()].map((row) => table.at(row))), sorted(twin.values()));
    for (const outer of ['10.0.0.0/8', '2001:db8::/32', '::/0', [...twin.keys()][0] as string]) {
      const inside = [...twin.keys()].filter((prefix) => Prefix.parse(outer).contains(Prefix.parse(prefix)));
      const rows = [...table.rowsFrom()].filter((row) => table.isInside(row, Prefix.parse(outer)));
      check(outer, rows.map((row) => table.prefixOf(row)).sort(), inside.sort());
    }
    table.clear();
    check('cleared', [table.size, [...table.rowsFrom()]], [0, []]);
  });

  test('takes nothing that is not in normal form', () => {
    const table = new BanTable();
    const ban = { id: 'i', since: 0, until: 1, reason: '', sid: 0, origin: 'attack', count: 1 } as const;
    expect(table.set({ ...ban, prefix: '1.2.3.4/24' })).toBe(-1);
    expect([table.find('x'), table.delete('x'), table.size]).toEqual([-1, false, 0]);
  });
});
