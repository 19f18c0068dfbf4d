import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { waitUntil } from '@portcullis/testkit';
import { alert, alerts, flowIds, numbers } from '../../testing/records';
import type { EveRecord } from '../record';
import { eveFiles, LineCutter, LONGEST_LINE } from './eve-files';
import { FileFollower } from './follow';
import { type EventFilter, queryEvents } from './query';
import { lastLines } from './tail';

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'reader-'));
  path = join(directory, 'eve.json');
});
afterEach(() => rmSync(directory, { recursive: true }));

const text = (records: readonly EveRecord[]) =>
  records.map((record) => `${JSON.stringify(record)}\n`).join('');
const unexpected = (file: string, message: string): void => {
  throw new Error(`${file}: ${message}`);
};
async function query(filter: EventFilter, onUnreadable = unexpected): Promise<EveRecord[]> {
  const found: EveRecord[] = [];
  for await (const record of queryEvents(path, filter, onUnreadable)) found.push(record);
  return found;
}

describe('querying', () => {
  test('the rotated siblings come first, oldest first, packed or not', async () => {
    writeFileSync(`${path}.3.gz`, gzipSync(text(alerts(0, 10))));
    writeFileSync(`${path}.2`, text(alerts(10, 10)));
    writeFileSync(`${path}.1`, text(alerts(20, 10)));
    writeFileSync(path, text(alerts(30, 10)));
    writeFileSync(`${path}.bak`, 'no sibling');
    const old = new Date(2000);
    for (const sibling of ['.3.gz', '.2', '.1']) utimesSync(path + sibling, old, old);
    expect((await query({})).map(({ flow_id }) => flow_id)).toEqual(numbers(0, 40));
    expect((await eveFiles(path)).map((file) => file.path.slice(path.length))).toEqual([
      '.3.gz',
      '.2',
      '.1',
      '',
    ]);
  });

  test.each<[string, EventFilter, number[]]>([
    ['type', { type: 'ban' }, [5]],
    ['sid', { sid: 77 }, [2]],
    ['action of an alert', { action: 'allowed' }, [3]],
    ['action of a ban', { action: 'added' }, [5]],
    ['address', { source: '198.51.100.7' }, [4]],
    ['prefix', { source: '198.51.100.0/24' }, [4]],
    ['IPv6 prefix', { source: '2001:db8::/32' }, [5]],
    ['all of one family', { source: '::/0' }, [5]],
    ['time', { since: 1_700_000_100_000 }, [6]],
    ['two together', { type: 'alert', source: '203.0.113.0/24', sid: 77 }, [2]],
  ])('by %s', async (_, filter, want) => {
    const { alert: facts } = alert(1);
    const records = [
      alert(1),
      alert(2, { alert: { ...facts, signature_id: 77 } as never }),
      alert(3, { alert: { ...facts, action: 'allowed' } as never }),
      alert(4, { src_ip: '198.51.100.7' }),
      {
        timestamp: alert(5).timestamp,
        flow_id: 5,
        event_type: 'ban',
        src_ip: '2001:db8::5',
        ban: { action: 'added' },
      },
      alert(6, { timestamp: '2023-11-14T22:15:20.000000+0000' }),
    ] as EveRecord[];
    writeFileSync(path, `no json\n[1]\n${text(records)}{"torn":`);
    expect((await query(filter)).map(({ flow_id }) => flow_id)).toEqual(want);
  });

  test.each(['1.2.3', '1.2.3.4/33', '::/129', '1.2.3.4/x', '1.2.3.4/8/9', ''])(
    '%p is no prefix',
    async (source) => {
      writeFileSync(path, '');
      await expect(query({ source })).rejects.toThrow(RangeError);
    },
  );

  test('a packed file that is damaged is told, and the others are read', async () => {
    const packed = gzipSync(text(alerts(0, 1000)));
    writeFileSync(`${path}.1.gz`, packed.subarray(0, packed.length - 20));
    writeFileSync(path, text(alerts(1000, 1)));
    const told: string[] = [];
    const found = await query({}, (file) => void told.push(file));
    expect(told).toEqual([`${path}.1.gz`]);
    expect(found.at(-1)?.flow_id).toBe(1000);
  });

  test('lines are whole wherever the chunks end, and too long ones are passed over', () => {
    const bytes = Buffer.from('erste\nzweite ü\n\nletzte');
    for (let cut = 0; cut <= bytes.length; cut++) {
      const cutter = new LineCutter();
      const lines = [...cutter.push(bytes.subarray(0, cut)), ...cutter.push(bytes.subarray(cut))];
      expect(lines).toEqual(['erste', 'zweite ü', '']);
    }
    const cutter = new LineCutter();
    for (let held = 0; held <= LONGEST_LINE; held += 65_536) cutter.push(Buffer.alloc(65_536, 'x'));
    expect(cutter.push(Buffer.from('x\nnext\n'))).toEqual(['next']);
  });
});

describe('following', () => {
  let ended: AbortController;
  let follower: FileFollower;
  let followed: Promise<void>;
  const seen: string[] = [];
  const follow = () => {
    followed = (async () => {
      const options = { signal: ended.signal, pollMilliseconds: 2 };
      for await (const line of follower.follow(options)) seen.push(line);
    })();
  };
  const waitFor = (count: number) => waitUntil(() => seen.length >= count, { what: `${count} events` });
  beforeEach(() => {
    seen.length = 0;
    ended = new AbortController();
    follower = new FileFollower(path);
    followed = Promise.resolve();
  });
  afterEach(async () => {
    ended.abort();
    await followed;
    await follower.close();
  });

  test.each([
    [0, 3, []],
    [5, 3, [2, 3, 4]],
    [5, 10, [0, 1, 2, 3, 4]],
    [3000, 2500, numbers(500, 2500)],
  ])('of %d events the last %d', async (there, wanted, want) => {
    writeFileSync(path, text(alerts(0, there)));
    expect(flowIds(await lastLines(path, wanted, follower))).toEqual(want);
  });

  test('the last ones may stand in rotated files', async () => {
    writeFileSync(`${path}.2.gz`, gzipSync(text(alerts(0, 100))));
    writeFileSync(`${path}.1`, text(alerts(100, 5)));
    writeFileSync(path, text(alerts(105, 5)));
    const old = new Date(2000);
    for (const sibling of ['.2.gz', '.1']) utimesSync(path + sibling, old, old);
    expect(flowIds(await lastLines(path, 15, follower))).toEqual(numbers(95, 15));
  });

  test('goes on behind the last ones, also in the middle of a line', async () => {
    const [first, second] = [text(alerts(0, 2)), text(alerts(2, 1))];
    writeFileSync(path, first + second.slice(0, 20));
    seen.push(...(await lastLines(path, 10, follower)));
    follow();
    appendFileSync(path, second.slice(20));
    await waitFor(3);
    expect(flowIds(seen)).toEqual([0, 1, 2]);
  });

  test('over rotations, with events that still go to the old file', async () => {
    writeFileSync(path, text(alerts(0, 5)));
    seen.push(...(await lastLines(path, 10, follower)));
    follow();
    renameSync(path, `${path}.1`);
    appendFileSync(`${path}.1`, text(alerts(5, 5)));
    await waitFor(10);
    // A rotator may make the new file before the engine writes to it.
    writeFileSync(path, '');
    appendFileSync(`${path}.1`, text(alerts(10, 5)));
    await waitFor(15);
    appendFileSync(`${path}.1`, text(alerts(15, 5)));
    appendFileSync(path, text(alerts(20, 5)));
    await waitFor(25);
    expect(flowIds(seen)).toEqual(numbers(0, 25));
  });

  test('a file that was emptied is read from its beginning', async () => {
    writeFileSync(path, text(alerts(0, 5)));
    seen.push(...(await lastLines(path, 10, follower)));
    follow();
    truncateSync(path, 0);
    appendFileSync(path, text(alerts(5, 1)));
    await waitFor(6);
    expect(flowIds(seen)).toEqual(numbers(0, 6));
    expect(readFileSync(path, 'utf8')).toBe(text(alerts(5, 1)));
  });

  test('a file that is not there yet is waited for', async () => {
    expect(await lastLines(path, 10, follower)).toEqual([]);
    follow();
    writeFileSync(path, text(alerts(0, 2)));
    await waitFor(2);
    expect(flowIds(seen)).toEqual([0, 1]);
  });
});
