import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Ban, PERMANENT } from './ban';
import { encodeLine } from './journal';
import { BanLedger } from './ledger';
import { Prefix } from './prefix';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'portcullis-ledger-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const START = 1_700_000_000_000;

function ban(prefix: string, seconds = 3600, more: Partial<Ban> = {}): Ban {
  const until = START + seconds * 1000;
  return {
    id: `id-${prefix}`,
    prefix,
    since: START,
    until,
    reason: 'test',
    sid: 1,
    origin: 'attack',
    count: 1,
    ...more,
  };
}

async function reopened(now = START): Promise<BanLedger> {
  const ledger = await BanLedger.open(directory, now);
  await ledger.close();
  return ledger;
}

const prefixes = (ledger: BanLedger): string[] => [...ledger.entries()].map(({ prefix }) => prefix).sort();

describe('BanLedger', () => {
  test('bans, extensions, removals and exceptions come back', async () => {
    const ledger = await BanLedger.open(directory, START);
    await Promise.all([
      ledger.put(ban('192.0.2.1')),
      ledger.put(ban('192.0.2.2')),
      ledger.put(ban('2001:db8::/64')),
      ledger.put(ban('192.0.2.1', 7200, { count: 2 })),
      ledger.remove(['192.0.2.2']),
      ledger.except({ prefix: '2001:db8::5', until: START + 1000 }),
    ]);
    await ledger.close();
    const again = await reopened();
    expect(prefixes(again)).toEqual(['192.0.2.1', '2001:db8::/64']);
    expect(again.get('192.0.2.1')).toEqual(ban('192.0.2.1', 7200, { count: 2 }));
    expect([...again.exceptions()]).toEqual([{ prefix: '2001:db8::5', until: START + 1000 }]);
    expect(again.pendingRemovals()).toEqual(['192.0.2.2']);
  });

  test('bans put together come back, however long their reasons', async () => {
    const ledger = await BanLedger.open(directory, START);
    const reason = '\u0001'.repeat(512);
    const bans = Array.from({ length: 100 }, (_, n) =>
      ban(`192.0.2.${n}`, 3600, { reason, id: `${n}`.padEnd(24, 'x') }),
    );
    for (const each of bans) ledger.putLater(each);
    await ledger.flush();
    await ledger.close();
    const again = await reopened();
    expect(again.report.damagedLines).toBe(0);
    expect([...again.entries()].map(({ id }) => id).sort()).toEqual(bans.map(({ id }) => id).sort());
    expect(again.get('192.0.2.99')).toEqual(bans[99]);
  });

  test('a removal is pending until the kernel has confirmed it', async () => {
    const ledger = await BanLedger.open(directory, START);
    await ledger.put(ban('192.0.2.1'));
    await ledger.put(ban('192.0.2.2'));
    await ledger.remove(['192.0.2.1', '192.0.2.2']);
    await ledger.confirmGone(['192.0.2.1']);
    await ledger.close();
    expect((await reopened()).pendingRemovals()).toEqual(['192.0.2.2']);
  });

  test('so is the removal of everything', async () => {
    const ledger = await BanLedger.open(directory, START);
    await ledger.put(ban('192.0.2.1'));
    await ledger.clear();
    await ledger.put(ban('192.0.2.2'));
    await ledger.compact();
    await ledger.close();
    const again = await BanLedger.open(directory, START);
    expect([again.isPendingRemoval('192.0.2.1'), prefixes(again)]).toEqual([true, ['192.0.2.2']]);
    await again.confirmCleared();
    await again.close();
    expect((await reopened()).isPendingRemoval('192.0.2.1')).toBe(false);
  });

  test('what ran out while nothing ran is told, and gone', async () => {
    const ledger = await BanLedger.open(directory, START);
    await ledger.put(ban('192.0.2.1', 10));
    await ledger.put(ban('192.0.2.2', 20));
    await ledger.put(ban('192.0.2.3', 0, { until: PERMANENT }));
    await ledger.close();
    const again = await reopened(START + 15_000);
    expect(again.takeExpired(START + 15_000).map(({ prefix }) => prefix)).toEqual(['192.0.2.1']);
    expect(prefixes(again)).toEqual(['192.0.2.2', '192.0.2.3']);
  });

  test('every confirmed ban is there, wherever the file is cut', async () => {
    const lines = [1, 2, 3].map((n) => encodeLine({ op: 'put', ban: ban(`192.0.2.${n}`) }));
    const bytes = Buffer.from(lines.join(''));
    const length = lines[0].length;
    for (let cut = 0; cut <= bytes.length; cut += 7) {
      writeFileSync(join(directory, 'bans.journal.1'), bytes.subarray(0, cut));
      expect((await reopened()).size).toBe(Math.floor((cut + 1) / length));
    }
  });

  test('records that are whole but not ours are counted and skipped', async () => {
    const strange = [
      null,
      5,
      'x',
      [],
      {},
      { op: 'x' },
      { op: 'put' },
      { op: 'put', ban: { prefix: 5 } },
      { op: 'remove' },
      { op: 'remove', prefixes: [5] },
      { op: 'gone', prefixes: '192.0.2.1' },
      { op: 'except', exception: { prefix: '192.0.2.1' } },
      { op: 'offset' },
      ['bans', 5],
    ];
    const lines = strange.map((record) => encodeLine(record as object)).join('');
    writeFileSync(
      join(directory, 'bans.journal.1'),
      lines + encodeLine({ op: 'put', ban: ban('192.0.2.1') }),
    );
    const ledger = await reopened();
    expect(prefixes(ledger)).toEqual(['192.0.2.1']);
    expect(ledger.report.damagedLines).toBe(strange.length);
  });

  test('a clock that is set while running changes no ban, a later run included', async () => {
    const ledger = await BanLedger.open(directory, START);
    const day = 86_400_000;
    await ledger.put(ban('192.0.2.1', 60));
    await ledger.shiftClock(day);
    expect(ledger.get('192.0.2.1')).toMatchObject({ since: START + day, until: START + day + 60_000 });
    expect(ledger.takeExpired(START + day + 59_000)).toEqual([]);
    await ledger.put(ban('192.0.2.2', 60, { since: START + day, until: START + day + 60_000 }));
    await ledger.close();
    const again = await BanLedger.open(directory, START + day + 30_000);
    expect(again.size).toBe(2);
    await again.compact();
    await again.close();
    const third = await BanLedger.open(directory, START + day + 30_000);
    expect(third.takeExpired(START + day + 61_000)).toHaveLength(2);
    await third.close();
  });

  test('a clock that was set back while nothing ran makes no ban longer than it was', async () => {
    const ledger = await BanLedger.open(directory, START);
    await ledger.put(ban('192.0.2.1', 60));
    await ledger.close();
    const earlier = START - 86_400_000;
    expect((await reopened(earlier)).get('192.0.2.1')?.until).toBe(earlier + 60_000);
  });

  test('look-ups by address try every prefix length there is', async () => {
    const ledger = await BanLedger.open(directory, START);
    await Promise.all(
      ['192.0.2.0/24', '192.0.0.0/16', '192.0.2.7', '2001:db8::/64', '2001:db8::1'].map((prefix) =>
        ledger.put(ban(prefix)),
      ),
    );
    const covering = (text: string) => ledger.covering(Prefix.parse(text)).map(({ prefix }) => prefix);
    expect(covering('192.0.2.7')).toEqual(['192.0.2.7', '192.0.2.0/24', '192.0.0.0/16']);
    expect(covering('192.0.3.7')).toEqual(['192.0.0.0/16']);
    expect(covering('192.0.0.0/15')).toEqual([]);
    expect(covering('2001:db8::1')).toEqual(['2001:db8::1', '2001:db8::/64']);
    const outer = Prefix.parse('192.0.2.0/23');
    const inside = [...ledger.rows()]
      .filter((row) => ledger.isInside(row, outer))
      .map((row) => ledger.at(row).prefix);
    expect(inside.sort()).toEqual(['192.0.2.0/24', '192.0.2.7']);
    await ledger.remove(['192.0.2.0/24']);
    expect(covering('192.0.2.7')).toEqual(['192.0.2.7', '192.0.0.0/16']);
    await ledger.close();
  });

  test('what is put later stands in the journal in the order in which it was put', async () => {
    const ledger = await BanLedger.open(directory, START);
    ledger.putLater({ ...ban('192.0.2.1'), reason: 'first "é\\"' });
    ledger.putLater(ban('192.0.2.2'));
    // Written at once, with what waits before it.
    await ledger.put({ ...ban('192.0.2.1'), reason: 'second', count: 2 });
    await ledger.remove(['192.0.2.2']);
    ledger.putLater(ban('192.0.2.3'));
    await ledger.flush();
    // Nobody waits for this one.
    ledger.putLater({ ...ban('192.0.2.4'), reason: 'first "é\\"' });
    await ledger.close();
    const again = await BanLedger.open(directory, START);
    expect(again.report.damagedLines).toBe(0);
    const read = [...again.entries()].map(({ prefix, reason, count }) => [prefix, reason, count]);
    expect(read.sort()).toEqual([
      ['192.0.2.1', 'second', 2],
      ['192.0.2.3', ban('192.0.2.3').reason, 1],
      ['192.0.2.4', 'first "é\\"', 1],
    ]);
    await again.close();
  });

  test('files stay small however often the same bans are extended', async () => {
    const ledger = await BanLedger.open(directory, START);
    for (let round = 0; round < 20; round++) {
      await Promise.all(
        Array.from({ length: 1000 }, (_, n) => ledger.put(ban(`10.0.${n >> 8}.${n & 255}`, 60 + round))),
      );
    }
    await ledger.close();
    const again = await BanLedger.open(directory, START);
    expect(again.size).toBe(1000);
    expect(again.report.records).toBeLessThan(16_000);
    expect(readFileSync(join(directory, 'bans.snapshot')).length).toBeLessThan(400_000);
    expect(again.takeExpired(START + 78_000)).toHaveLength(0);
    let expired = 0;
    for (let taken = -1; taken !== 0; expired += taken) taken = again.takeExpired(START + 79_000).length;
    expect(expired).toBe(1000);
    await again.close();
  });

  test('all lifted while the files are rewritten: they are, and nothing comes back', async () => {
    const ledger = await BanLedger.open(directory, START);
    for (let n = 0; n < 1000; n++) ledger.putLater(ban(`10.0.${n >> 8}.${n & 255}`));
    await ledger.flush();
    const inside = ledger as unknown as { lines(): Iterable<string> };
    const lines = inside.lines.bind(ledger);
    const written: Promise<void>[] = [];
    inside.lines = function* () {
      for (const line of lines()) {
        yield line;
        if (written.length === 0 && line.includes('"10.0.0.')) {
          written.push(ledger.clear().done, ledger.put(ban('192.0.2.1')));
        }
      }
    };
    await ledger.compact();
    await Promise.all(written);
    expect(written).toHaveLength(2);
    await ledger.close();
    const again = await reopened();
    expect([prefixes(again), again.report.damagedLines]).toEqual([['192.0.2.1'], 0]);
  });

  test('any sequence of changes, reopened at any point, is what a plain map says', async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    let state = seed;
    const random = (below: number): number => {
      state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
      return (state >>> 8) % below;
    };
    let now = START;
    let ledger = await BanLedger.open(directory, now);
    const twin = new Map<string, number>();
    for (let step = 0; step < (process.env.PORTCULLIS_LONG ? 400 : 150); step++) {
      const prefix = `10.0.0.${random(20)}`;
      const action = random(100);
      if (action < 55) {
        const until = now + (1 + random(50)) * 1000;
        void ledger.put({ ...ban(prefix), since: now, until });
        twin.set(prefix, until);
      } else if (action < 75) {
        void ledger.remove([prefix]);
        twin.delete(prefix);
      } else if (action < 85) {
        now += random(10_000);
        const expected = [...twin].filter(([, until]) => until <= now).map(([key]) => key);
        expect(
          ledger
            .takeExpired(now)
            .map((expired) => expired.prefix)
            .sort(),
        ).toEqual(expected.sort());
        for (const key of expected) twin.delete(key);
      } else if (action < 90) {
        const jump = random(100_000);
        now += jump;
        void ledger.shiftClock(jump);
        for (const [key, until] of twin) twin.set(key, until + jump);
      } else if (action < 93) {
        void ledger.compact();
      } else if (action < 94) {
        void ledger.clear();
        twin.clear();
      } else {
        await ledger.close();
        ledger = await BanLedger.open(directory, now);
        for (const expired of ledger.takeExpired(now)) twin.delete(expired.prefix);
      }
      const found = [...ledger.entries()].map(({ prefix: key, until }) => `${key} ${until}`).sort();
      const wanted = [...twin].map(([key, until]) => `${key} ${until}`).sort();
      if (found.join() !== wanted.join())
        throw new Error(`seed ${seed}, step ${step}: ${found} instead of ${wanted}`);
    }
    await ledger.close();
  });
});
