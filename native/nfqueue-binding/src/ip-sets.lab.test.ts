import { execFileSync } from 'node:child_process';
import { describeInLab } from '../testing/namespace-lab';
import { Random } from '../testing/random';
import { IpSetError, IpSets } from './ip-sets';

const SPACE = `pcq-${process.pid}-sets`;

describeInLab('sets', () => {
  let sets: IpSets;
  const ipset = (...argv: string[]): string =>
    execFileSync('ip', ['netns', 'exec', SPACE, 'ipset', ...argv], { encoding: 'utf8' });
  /** What ipset says is in a set, without the words `add NAME`. */
  const saved = (set: string): string[] =>
    ipset('save', set)
      .split('\n')
      .filter((line) => line.startsWith('add '))
      .map((line) => line.split(' ').slice(2).join(' '))
      .sort();
  const listed = async (set: string): Promise<string[]> => {
    const lines: string[] = [];
    await sets.list(set, (text) => void lines.push(...text.trimEnd().split('\n')));
    return lines.sort();
  };

  beforeAll(() => {
    execFileSync('ip', ['netns', 'add', SPACE]);
    sets = IpSets.open(`/run/netns/${SPACE}`);
  });
  afterAll(async () => {
    await sets?.close();
    execFileSync('ip', ['netns', 'del', SPACE]);
  });
  afterEach(() => ipset('destroy'));

  test('entries are counted, of sets of other types too', async () => {
    sets.create('a', 4, 64, 600);
    ipset('create', 'p', 'bitmap:port', 'range', '0-65535');
    expect(await sets.count('a')).toBe(0);
    for (let last = 1; last <= 40; last++) sets.add('a', `192.0.2.${last}`);
    ipset('add', 'p', '1000-1099');
    expect(await sets.count('a')).toBe(40);
    expect(await sets.count('p')).toBe(100);
    await expect(sets.count('none')).rejects.toThrow('count none: ENOENT');
    expect(await listed('a')).toHaveLength(40);
  });

  test.each([
    [4, '192.0.2.7', '192.0.2.0/24'],
    [6, '2001:db8::7', '2001:db8:1::5/64'],
  ] as const)('a new entry of IPv%d never changes one that is there', async (family, host, network) => {
    sets.create('n', family, 64, 600);
    expect(sets.addNew('n', `${host} timeout 100`)).toBe(true);
    expect(sets.addNew('n', `${host} timeout 1`)).toBe(false);
    expect(sets.addNew('n', `${network} timeout 100`)).toBe(true);
    expect((await listed('n')).every((line) => /timeout (100|9\d) /.test(line))).toBe(true);
    expect(() => sets.addNew('none', host)).toThrow('ENOENT');
  });

  test('every change of the tables makes their generation another', () => {
    const iptables = (...argv: string[]) =>
      execFileSync('ip', ['netns', 'exec', SPACE, 'iptables-nft', '-t', 'raw', ...argv]);
    iptables('-N', 'one');
    const first = sets.tableGeneration();
    iptables('-S');
    expect(first).not.toBeNull();
    expect(sets.tableGeneration()).toBe(first);
    const seen = new Set([first]);
    for (const change of ['-A', '-F', '-X'] as const) {
      iptables(change, 'one', ...(change === '-A' ? ['-j', 'ACCEPT'] : []));
      seen.add(sets.tableGeneration());
    }
    expect(seen.size).toBe(4);
  });

  test('single entries: added, given another time, asked for, removed', async () => {
    sets.create('a', 4, 64, 600);
    sets.create('b', 6, 64, 600);
    expect(ipset('list', '-t', 'a')).toContain('hashsize 64 maxelem 64 timeout 600 counters');
    sets.add('a', '192.0.2.1 timeout 0');
    sets.add('a', '10.0.0.0/8 timeout 0 nomatch');
    sets.add('b', '2001:db8::/64 timeout 0 packets 3 bytes 1234');
    sets.add('b', '2001:db8::1 timeout 0');
    sets.add('b', '2001:db8::1 timeout 90');
    expect(saved('a')).toEqual([
      '10.0.0.0/8 timeout 0 nomatch packets 0 bytes 0',
      '192.0.2.1 timeout 0 packets 0 bytes 0',
    ]);
    expect(await listed('a')).toEqual([
      '10.0.0.0/8 timeout 0 packets 0 bytes 0 nomatch',
      '192.0.2.1 timeout 0 packets 0 bytes 0',
    ]);
    expect((await listed('b')).join()).toMatch(
      /^2001:db8::\/64 timeout 0 packets 3 bytes 1234,2001:db8::1 timeout (90|8\d) packets 0 bytes 0$/,
    );
    expect(sets.has('b', '2001:db8::1')).toBe(true);
    expect(sets.has('b', '2001:db8::77')).toBe(true);
    expect(sets.has('b', '2001:db8:1::')).toBe(false);
    sets.remove('b', '2001:db8::/64');
    sets.remove('b', '2001:db8::/64');
    expect(sets.has('b', '2001:db8::77')).toBe(false);
  });

  test('what is no entry, or has no place, is an error of its own', async () => {
    sets.create('a', 4, 64, 600);
    for (const line of [
      ...['', ' ', 'x', '1.2.3', '1.2.3.4/', '1.2.3.4/33', '1.2.3.4 timeout', '1.2.3.4 timeout x'],
      ...[
        '1.2.3.4 timeout -1',
        '1.2.3.4 timeout 4294967296',
        '1.2.3.4 nonsense 1',
        '::1/129',
        'a'.repeat(500),
      ],
    ])
      expect(() => sets.add('a', line || '\n')).toThrow(IpSetError);
    await expect(sets.addMany('a', '192.0.2.1\nrubbish\n192.0.2.2\n')).rejects.toMatchObject({
      code: 'ENTRY_INVALID',
    });
    expect(() => sets.create('a', 4, 64, 600)).toThrow(expect.objectContaining({ code: 'SET_EXISTS' }));
    expect(() => sets.add('missing', '192.0.2.1')).toThrow(expect.objectContaining({ code: 'SET_MISSING' }));
    await expect(listed('missing')).rejects.toMatchObject({ code: 'SET_MISSING' });
    await expect(sets.copy('missing', 'a')).rejects.toMatchObject({ code: 'SET_MISSING' });
    // An error of one listing is not read as that of the next.
    expect((await listed('a')).every((line) => line.startsWith('192.0.2.1 '))).toBe(true);
    expect([sets.exists('a'), sets.exists('missing')]).toEqual([true, false]);
  });

  test('many at once, both families, in the order of a map; copied, swapped, and full', async () => {
    const random = new Random();
    const { seed } = random;
    const number = (below: number): number => random.word() % below;
    for (const family of [4, 6] as const) {
      const [one, two] = [`one${family}`, `two${family}`];
      sets.create(one, family, 16_384, 600);
      const expected = new Map<string, string>();
      const lines: string[] = [];
      for (let n = 0; n < 5000; n++) {
        const address =
          family === 4
            ? `10.${number(20)}.${number(256)}.1`
            : `2001:db8:${(1 + number(2000)).toString(16)}::1`;
        const rest = ` timeout 0 packets ${number(1e6)} bytes ${number(1e9)}`;
        expected.set(address, rest);
        lines.push(address + rest);
      }
      await sets.addMany(one, `${lines.join('\n')}\n`);
      const wanted = [...expected].map(([address, rest]) => address + rest).sort();
      expect({ seed, saved: saved(one) }).toEqual({ seed, saved: wanted });
      expect(await listed(one)).toEqual(wanted);

      sets.create(two, family, 16_384, 600);
      await sets.copy(one, two);
      const removed = [...expected.keys()].slice(0, 1000);
      await sets.removeMany(one, removed.join('\n'));
      expect(await listed(one)).toHaveLength(expected.size - 1000);
      sets.swap(one, two);
      expect(await listed(one)).toEqual(wanted);

      sets.flush(two);
      sets.destroy(two);
      sets.create(two, family, 1000, 600);
      await expect(sets.copy(one, two)).rejects.toMatchObject({ code: 'SET_FULL' });
      expect(await listed(two)).toHaveLength(1000);
    }
  });

  test('long and short work go side by side', async () => {
    sets.create('a', 4, 1 << 18, 600);
    const lines = Array.from({ length: 100_000 }, (_, n) => `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`);
    let over = false;
    const long = sets.addMany('a', lines.join('\n')).then(() => {
      over = true;
    });
    let meanwhile = 0;
    while (!over) {
      sets.add('a', `192.0.2.${meanwhile % 200}`);
      expect(sets.has('a', `192.0.2.${meanwhile++ % 200}`)).toBe(true);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await long;
    expect(meanwhile).toBeGreaterThan(1);
    expect(await listed('a')).toHaveLength(100_000 + Math.min(meanwhile, 200));
  });
});
