import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Batch, Spool, type SpoolOptions } from './spool';

let directory: string;
const opened: Spool[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'spool-'));
});
afterEach(async () => {
  for (const spool of opened.splice(0)) await spool.close();
  rmSync(directory, { recursive: true, force: true });
});

async function openSpool(options: Partial<SpoolOptions> = {}): Promise<Spool> {
  const spool = await Spool.open({ directory, size: 1024 * 1024, ...options });
  opened.push(spool);
  return spool;
}
const lines = (first: number, count: number, length = 0) =>
  Array.from({ length: count }, (_, index) => `{"n":${first + index},"x":"${'x'.repeat(length)}"}`);
const appendAll = (spool: Spool, texts: readonly string[]) => {
  for (const text of texts) spool.append(text);
};
const segmentFiles = () =>
  readdirSync(directory)
    .filter((name) => name.endsWith('.spool'))
    .sort();
/** The end of a process: what it held in memory is gone, the files stay as they are. */
function copyAsCrashed(): string {
  const copy = mkdtempSync(join(tmpdir(), 'spool-crashed-'));
  cpSync(directory, copy, { recursive: true });
  return copy;
}
/** Reads and acknowledges until nothing is left. */
async function takeAll(spool: Spool, records = 100): Promise<string[]> {
  const taken: string[] = [];
  await spool.flush();
  while (spool.backlog > 0) {
    const batch = (await spool.next(records)) as Batch;
    taken.push(...batch.lines);
    spool.acknowledge(batch);
  }
  return taken;
}

test('gives back what it was given, in order and in batches', async () => {
  const spool = await openSpool();
  const given = lines(0, 250);
  appendAll(spool, given);
  await spool.flush();
  const first = (await spool.next(100)) as Batch;
  expect(first).toMatchObject({ first: 0, lines: given.slice(0, 100), redelivered: false });
  spool.acknowledge(first);
  expect(spool.backlog).toBe(150);
  expect(await takeAll(spool)).toEqual(given.slice(100));
  expect([spool.backlog, spool.backlogBytes, spool.lost]).toEqual([0, 0, 0]);
});

test('a reader that waits gets the first record written', async () => {
  const spool = await openSpool();
  const waiting = spool.next(10);
  spool.append('{"n":1}');
  expect((await waiting)?.lines).toEqual(['{"n":1}']);
});

test('what is not acknowledged is given again, as the same batch', async () => {
  const spool = await openSpool();
  appendAll(spool, lines(0, 10));
  await spool.flush();
  const first = (await spool.next(4)) as Batch;
  appendAll(spool, lines(10, 5));
  spool.rewind();
  spool.acknowledge(first);
  const again = (await spool.next(10)) as Batch;
  expect(again).toMatchObject({ id: first.id, lines: first.lines, redelivered: true });
  spool.acknowledge(again);
  expect(await takeAll(spool)).toEqual(lines(4, 11));
});

test('goes on over segments, and gives the delivered ones free', async () => {
  const spool = await openSpool();
  const given = lines(0, 1000, 500);
  const taken: string[] = [];
  let most = 0;
  for (let at = 0; at < given.length; at += 100) {
    appendAll(spool, given.slice(at, at + 100));
    taken.push(...(await takeAll(spool)));
    most = Math.max(most, segmentFiles().length);
  }
  expect(taken).toEqual(given);
  expect(most).toBeLessThanOrEqual(2);
  expect(Number(segmentFiles()[0]?.slice(0, 16))).toBeGreaterThan(0);
});

test('after an orderly end the rest is there, numbers go on, and nothing is marked as given before', async () => {
  const before = await openSpool();
  appendAll(before, lines(0, 30));
  await before.flush();
  const batch = (await before.next(10)) as Batch;
  before.acknowledge(batch);
  await before.close();
  const after = await openSpool();
  expect(after.backlog).toBe(20);
  appendAll(after, lines(30, 5));
  await after.flush();
  const next = (await after.next(100)) as Batch;
  expect(next).toMatchObject({ first: 10, redelivered: false });
  expect(next.id.split('-')[0]).toBe(batch.id.split('-')[0]);
  expect(next.lines).toEqual(lines(10, 20));
  after.acknowledge(next);
  expect(await takeAll(after)).toEqual(lines(30, 5));
});

test('an orderly end with everything delivered leaves no segment', async () => {
  const spool = await openSpool();
  appendAll(spool, lines(0, 30));
  await takeAll(spool);
  await spool.close();
  expect(segmentFiles()).toEqual([]);
});

test('after a crash the batch that was on its way is given again under its id, marked', async () => {
  const before = await openSpool();
  appendAll(before, lines(0, 30));
  await before.flush();
  before.acknowledge((await before.next(10)) as Batch);
  const underWay = (await before.next(7)) as Batch;
  const crashed = copyAsCrashed();
  const after = await openSpool({ directory: crashed });
  const again = (await after.next(100)) as Batch;
  expect(again).toMatchObject({ id: underWay.id, lines: underWay.lines, redelivered: true });
  after.acknowledge(again);
  const next = (await after.next(100)) as Batch;
  expect(next).toMatchObject({ first: 17, lines: lines(17, 13), redelivered: false });
  await after.close();
  rmSync(crashed, { recursive: true });
});

test('a segment cut at any byte gives every whole record before the cut, and takes new ones', async () => {
  const first = await openSpool();
  const given = lines(0, 5);
  appendAll(first, given);
  await first.flush();
  await first.close();
  const [name] = segmentFiles() as [string];
  const whole = readFileSync(join(directory, name));
  const position = readFileSync(join(directory, 'position'));
  const framed = whole.length / given.length;
  const place = join(directory, 'cut');
  for (let cut = 0; cut <= whole.length; cut++) {
    mkdirSync(place);
    writeFileSync(join(place, 'position'), position);
    writeFileSync(join(place, name), whole.subarray(0, cut));
    const spool = await Spool.open({ directory: place, size: 1024 * 1024 });
    const left = Math.floor(cut / framed);
    expect([cut, spool.backlog]).toEqual([cut, left]);
    spool.append('{"n":"new"}');
    expect(await takeAll(spool)).toEqual([...given.slice(0, left), '{"n":"new"}']);
    await spool.close();
    rmSync(place, { recursive: true });
  }
});

test('a tail of zeros, as power failures leave it, is no record', async () => {
  const spool = await openSpool();
  appendAll(spool, lines(0, 3));
  await spool.close();
  appendFileSync(join(directory, segmentFiles()[0] as string), Buffer.alloc(4096));
  expect(await takeAll(await openSpool())).toEqual(lines(0, 3));
});

test.each([0, 60, 127, 128, 200, 255])('a position file torn at byte %d loses nothing', async (cut) => {
  const before = await openSpool();
  appendAll(before, lines(0, 30));
  await before.flush();
  before.acknowledge((await before.next(10)) as Batch);
  before.acknowledge((await before.next(10)) as Batch);
  await before.next(1);
  const crashed = copyAsCrashed();
  truncateSync(join(crashed, 'position'), Math.min(cut, statSync(join(crashed, 'position')).size));
  const after = await openSpool({ directory: crashed });
  await after.flush();
  const batch = (await after.next(100)) as Batch;
  expect([0, 10, 20]).toContain(batch.first);
  // Whatever may have been delivered before says so.
  expect(batch.redelivered).toBe(true);
  const rest = [...batch.lines];
  after.acknowledge(batch);
  rest.push(...(await takeAll(after)));
  expect(rest).toEqual(lines(batch.first, 30 - batch.first));
  await after.close();
  rmSync(crashed, { recursive: true });
});

test('a damaged record costs the rest of its segment, counted, and no other', async () => {
  const before = await openSpool();
  // Three segments of 64 KiB.
  const given = lines(0, 300, 500);
  for (let at = 0; at < given.length; at += 50) {
    appendAll(before, given.slice(at, at + 50));
    await before.flush();
  }
  await before.close();
  const [first, second] = segmentFiles() as [string, string];
  const perSegment = Number(second.slice(0, 16));
  const bytes = readFileSync(join(directory, first));
  const framed = bytes.length / perSegment;
  bytes[Math.floor(framed * 60)] ^= 1;
  writeFileSync(join(directory, first), bytes);
  const after = await openSpool();
  const taken: string[] = [];
  await after.flush();
  while (after.backlog > 0) {
    const batch = (await after.next(1000)) as Batch;
    taken.push(...batch.lines);
    after.acknowledge(batch);
  }
  const read = taken.map((line) => JSON.parse(line).n as number);
  const lost = given.length - read.length;
  expect(lost).toBeGreaterThan(0);
  expect(after.lost).toBe(lost);
  expect(read.slice(0, 40)).toEqual(Array.from({ length: 40 }, (_, n) => n));
  expect(read).toContain(perSegment);
  expect(read.at(-1)).toBe(299);
});

test('a full spool gives up the oldest, counts it, and says so once', async () => {
  const told: number[] = [];
  const size = 256 * 1024;
  const spool = await openSpool({ size, onFull: (records) => told.push(records) });
  const given = lines(0, 2000, 500);
  for (let at = 0; at < given.length; at += 50) {
    appendAll(spool, given.slice(at, at + 50));
    await spool.flush();
    const onDisk = segmentFiles().reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);
    expect(onDisk).toBeLessThanOrEqual(size);
  }
  expect(told).toHaveLength(1);
  const taken = await takeAll(spool);
  expect(taken.length).toBeGreaterThan(100);
  expect(taken).toEqual(given.slice(-taken.length));
  expect(spool.lost).toBe(given.length - taken.length);
  // It had room again: the next time is told too.
  appendAll(spool, given);
  await spool.flush();
  expect(told).toHaveLength(2);
});

test('a batch on its way while its segment is given up does not come back', async () => {
  const spool = await openSpool({ size: 256 * 1024 });
  appendAll(spool, lines(0, 10, 500));
  await spool.flush();
  const underWay = (await spool.next(10)) as Batch;
  const later = lines(10, 2000, 500);
  for (let at = 0; at < later.length; at += 50) {
    appendAll(spool, later.slice(at, at + 50));
    await spool.flush();
  }
  spool.acknowledge(underWay);
  const taken = await takeAll(spool);
  expect(taken).toEqual(later.slice(-taken.length));
});

test('memory is bounded, whatever the disk does', async () => {
  const spool = await openSpool({ memory: 1000 });
  const results = lines(0, 100, 50).map((line) => spool.append(line));
  expect(results.filter((kept) => !kept).length).toBe(spool.lost);
  expect(spool.lost).toBeGreaterThan(50);
  expect(spool.backlogBytes).toBeLessThanOrEqual(1000);
  expect(spool.append('x'.repeat(2 * 1024 * 1024))).toBe(false);
  expect(spool.append('')).toBe(false);
});

test('a disk that fails is told once, and what waited is written when it works again', async () => {
  const place = join(directory, 'inner');
  const states: boolean[] = [];
  const spool = await openSpool({ directory: place, onState: (failed) => states.push(failed) });
  rmSync(place, { recursive: true });
  appendAll(spool, lines(0, 3));
  await spool.flush();
  appendAll(spool, lines(3, 3));
  await spool.flush();
  expect(states).toEqual([true]);
  expect(spool.backlog).toBe(6);
  mkdirSync(place);
  await spool.flush();
  expect(states).toEqual([true, false]);
  expect(await takeAll(spool)).toEqual(lines(0, 6));
  expect(existsSync(place)).toBe(true);
});

test('closing ends a reader that waits', async () => {
  const spool = await openSpool();
  const waiting = spool.next(10);
  await spool.close();
  expect(await waiting).toBeNull();
  expect(spool.append('{}')).toBe(false);
});
