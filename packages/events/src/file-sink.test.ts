import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileSink } from './file-sink';
import { type BanFacts, type EveRecord, eveTimestamp, protocolName } from './record';

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
    // Once for the disk, once for what is lost of it.
    expect(states).toEqual([true, true]);
    expect(sink.statistics.lastError).toMatch(/ENOSPC/);
    expect(sink.statistics.lost).toBeGreaterThan(0);
    await sink.close();
    expect(sink.statistics.lost).toBe(100);
    expect(sink.statistics.lostByKind).toEqual({ alert: 100, ban: 0, engine: 0 });
  });

  test('a slow disk: alerts are lost first, told once, and bans find room', async () => {
    const path = join(directory, 'eve.json');
    const told: [boolean, string][] = [];
    const sink = await new FileSink(path, {
      backlogLimit: 8000,
      onState: (failed, message) => told.push([failed, message]),
    }).start();
    const banned = { id: '1' } as BanFacts;
    // All of this before the disk has taken anything.
    for (let n = 0; n < 200; n++) sink.write(record(n));
    sink.write({ ...record(1000), event_type: 'ban' });
    sink.write({ ...record(1001), portcullis: { ban: banned } });
    sink.write({ ...record(1002), event_type: 'engine' });
    const { lost } = sink.statistics;
    expect(lost).toBeGreaterThan(50);
    expect(told).toEqual([[true, expect.stringContaining('further ones are lost')]]);
    await sink.flush();
    expect(told).toHaveLength(2);
    expect(told[1]).toEqual([false, `${path} keeps up again; ${lost} events were lost`]);
    sink.write(record(2000));
    await sink.close();
    expect(sink.statistics).toMatchObject({ lost, lostByKind: { alert: lost, ban: 0, engine: 0 } });
    const kept = Array.from({ length: 200 - lost }, (_, n) => n);
    expect(numbers(path)).toEqual([...kept, 1000, 1001, 1002, 2000]);
  });

  test('more than is written at once comes whole and in order', async () => {
    const path = join(directory, 'eve.json');
    const sink = await new FileSink(path).start();
    const signature = 'ü'.repeat(1000);
    for (let n = 0; n < 3000; n++) sink.write({ ...record(n), note: signature });
    await sink.close();
    expect(numbers(path)).toEqual(Array.from({ length: 3000 }, (_, n) => n));
    expect(sink.statistics).toMatchObject({ written: 3000, lost: 0, backlog: 0 });
  });
});

test('timestamps have microseconds and are in UTC', () => {
  expect(eveTimestamp(1_700_000_000_123_456)).toBe('2023-11-14T22:13:20.123456+0000');
});

test('protocols without a name are numbers of three digits', () => {
  expect([protocolName(6), protocolName(58), protocolName(9)]).toEqual(['TCP', 'IPv6-ICMP', '009']);
});
