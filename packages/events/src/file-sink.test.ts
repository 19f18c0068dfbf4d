import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileSink } from './file-sink';
import { type EveRecord, eveTimestamp, protocolName } from './record';

const record = (n: number): EveRecord => ({ timestamp: eveTimestamp(n), event_type: 'alert', flow_id: n });
const numbers = (path: string): number[] =>
  readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).flow_id);

describe('FileSink', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'eve-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  test('keeps every record in order', async () => {
    const path = join(directory, 'a', 'eve.json');
    const sink = await new FileSink(path).start();
    for (let n = 0; n < 1000; n++) sink.write(record(n));
    await sink.close();
    expect(numbers(path)).toEqual(Array.from({ length: 1000 }, (_, n) => n));
    expect(sink.statistics).toMatchObject({ written: 1000, lost: 0, backlog: 0 });
  });

  test('goes on in a new file after reopen, and loses nothing', async () => {
    const path = join(directory, 'eve.json');
    const sink = await new FileSink(path).start();
    sink.write(record(1));
    await sink.flush();
    renameSync(path, `${path}.1`);
    sink.write(record(2));
    await sink.flush();
    await sink.reopen();
    sink.write(record(3));
    await sink.close();
    expect(numbers(`${path}.1`)).toEqual([1, 2]);
    expect(numbers(path)).toEqual([3]);
  });

  test('says that the disk is full and counts what the backlog cannot hold', async () => {
    if (!existsSync('/dev/full')) return;
    const states: boolean[] = [];
    const sink = new FileSink('/dev/full', { backlogLimit: 1000, onState: (failed) => states.push(failed) });
    for (let n = 0; n < 100; n++) sink.write(record(n));
    await sink.flush();
    expect(states).toEqual([true]);
    expect(sink.statistics.lastError).toMatch(/ENOSPC/);
    expect(sink.statistics.lost).toBeGreaterThan(0);
    await sink.close();
    expect(sink.statistics.lost).toBe(100);
  });
});

test('timestamps have microseconds and are in UTC', () => {
  expect(eveTimestamp(1_700_000_000_123_456)).toBe('2023-11-14T22:13:20.123456+0000');
});

test('protocols without a name are numbers of three digits', () => {
  expect([protocolName(6), protocolName(58), protocolName(9)]).toEqual(['TCP', 'IPv6-ICMP', '009']);
});
