import { appendFileSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeLine, encodeLine, Journal } from './journal';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'portcullis-journal-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

async function load(): Promise<{ records: unknown[]; damaged: number }> {
  const records: unknown[] = [];
  const journal = await Journal.open(directory, (record) => records.push(record));
  await journal.close();
  return { records, damaged: journal.report.damagedLines };
}

describe('lines', () => {
  test('a line says what went in', () => {
    const record = { text: 'ä\n"x"', number: 1.5 };
    const line = encodeLine(record);
    expect(line.split('\n')).toHaveLength(2);
    expect(decodeLine(Buffer.from(line.slice(0, -1)))).toEqual(record);
  });

  test('every changed bit is noticed', () => {
    const line = Buffer.from(encodeLine({ prefix: '192.0.2.1' }).slice(0, -1));
    for (let bit = 0; bit < line.length * 8; bit++) {
      const changed = Buffer.from(line);
      changed[bit >> 3] ^= 1 << (bit & 7);
      expect(decodeLine(changed)).toBeUndefined();
    }
  });
});

describe('Journal', () => {
  test('records come back, oldest first, over several runs', async () => {
    for (let run = 0; run < 3; run++) {
      const journal = await Journal.open(directory, () => undefined);
      await Promise.all([journal.append({ run, n: 1 }), journal.append({ run, n: 2 })]);
      await journal.close();
      await expect(journal.append({})).rejects.toMatchObject({ code: 'LEDGER_CLOSED' });
    }
    const { records, damaged } = await load();
    expect(records).toEqual([0, 1, 2].flatMap((run) => [1, 2].map((n) => ({ run, n }))));
    expect(damaged).toBe(0);
  });

  test('a tail torn at any byte costs only the record it tears, and later runs are read', async () => {
    const whole = [1, 2, 3].map((n) => encodeLine({ n, text: 'x'.repeat(n) }));
    const bytes = Buffer.from(whole.join(''));
    const ends = whole.map((_, index) => whole.slice(0, index + 1).join('').length);
    for (let cut = 0; cut <= bytes.length; cut++) {
      writeFileSync(join(directory, 'bans.journal.1'), bytes.subarray(0, cut));
      writeFileSync(join(directory, 'bans.journal.2'), encodeLine({ n: 99 }));
      const { records } = await load();
      // A record whole but for its line feed is taken.
      const kept = ends.filter((end) => end - 1 <= cut).length;
      expect(records.map((record) => (record as { n: number }).n)).toEqual([...[1, 2, 3].slice(0, kept), 99]);
    }
  });

  test('damage in the middle costs the lines it hits, however long they are', async () => {
    const journal = await Journal.open(directory, () => undefined);
    await journal.append({ n: 1 });
    await journal.close();
    appendFileSync(join(directory, 'bans.journal.1'), `${'z'.repeat(3_000_000)}\n\n${encodeLine({ n: 2 })}`);
    const { records, damaged } = await load();
    expect(records).toEqual([{ n: 1 }, { n: 2 }]);
    expect(damaged).toBe(2);
  });

  test('compacting replaces what was said, and keeps what is said meanwhile', async () => {
    const journal = await Journal.open(directory, () => undefined);
    for (let n = 0; n < 50; n++) await journal.append({ n });
    const compacted = journal.compact([encodeLine({ n: 'all' })]);
    const meanwhile = journal.append({ n: 'later' });
    await Promise.all([compacted, meanwhile]);
    await journal.close();
    expect((await load()).records).toEqual([{ n: 'all' }, { n: 'later' }]);
    expect(readdirSync(directory).sort()).toEqual(['bans.journal.2', 'bans.snapshot']);
  });

  test('a crash at any step of compacting loses nothing', async () => {
    const records = [{ n: 1 }, { n: 2 }];
    const old = records.map(encodeLine).join('');
    const snapshot = encodeLine({ covers: 2 }) + encodeLine({ n: 'both' });
    const first = join(directory, 'bans.journal.1');
    const second = join(directory, 'bans.journal.2');
    const finished = join(directory, 'bans.snapshot');
    writeFileSync(first, old);
    writeFileSync(second, encodeLine({ n: 3 }));
    writeFileSync(`${finished}.next`, snapshot.slice(0, 20));
    expect((await load()).records).toEqual([...records, { n: 3 }]);
    // Renamed, but the old segment not yet deleted.
    writeFileSync(finished, snapshot);
    expect((await load()).records).toEqual([{ n: 'both' }, { n: 3 }]);
    expect((await load()).records).toEqual([{ n: 'both' }, { n: 3 }]);
  });

  test('after a failed write a new segment is begun', async () => {
    const journal = await Journal.open(directory, () => undefined);
    await journal.append({ n: 1 });
    const broken = (journal as unknown as { segment: { appendFile(): Promise<void> } }).segment;
    broken.appendFile = () => {
      appendFileSync(join(directory, 'bans.journal.1'), encodeLine({ n: 2 }).slice(0, 12));
      return Promise.reject(Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' }));
    };
    await expect(journal.append({ n: 2 })).rejects.toMatchObject({ code: 'LEDGER_IO' });
    await journal.append({ n: 3 });
    await journal.close();
    const { records, damaged } = await load();
    expect(records).toEqual([{ n: 1 }, { n: 3 }]);
    expect(damaged).toBe(1);
  });

  test('a disk that refuses is tried as often as there are records, and no file is left for each try', async () => {
    const journal = await Journal.open(directory, () => undefined);
    await journal.append({ n: 1 });
    const full = () => Promise.reject(new Error('ENOSPC: no space left on device'));
    const internals = journal as unknown as {
      segment: { appendFile(): Promise<void> } | undefined;
      openSegment(): Promise<{ appendFile(): Promise<void> }>;
    };
    (internals.segment as { appendFile(): Promise<void> }).appendFile = full;
    const { openSegment } = internals;
    internals.openSegment = async () => Object.assign(await openSegment.call(journal), { appendFile: full });
    for (let n = 0; n < 5; n++) await expect(journal.append({ n })).rejects.toThrow(/ENOSPC/);
    expect(readdirSync(directory)).toEqual(['bans.journal.1']);
    internals.openSegment = openSegment;
    await journal.append({ n: 2 });
    await journal.close();
    expect((await load()).records).toEqual([{ n: 1 }, { n: 2 }]);
  });

  test('a directory that cannot be made is an error that names it', async () => {
    writeFileSync(join(directory, 'file'), '');
    const inFile = join(directory, 'file', 'state');
    await expect(Journal.open(inFile, () => undefined)).rejects.toMatchObject({
      code: 'LEDGER_IO',
      message: expect.stringContaining(inFile),
    });
  });

  test('files are readable by their owner only', async () => {
    const journal = await Journal.open(join(directory, 'state'), () => undefined);
    await journal.append({ n: 1 });
    await journal.close();
    const file = join(directory, 'state', 'bans.journal.1');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(join(directory, 'state')).mode & 0o777).toBe(0o700);
  });
});
