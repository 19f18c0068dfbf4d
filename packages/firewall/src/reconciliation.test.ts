import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KernelBan } from './backend';
import { type Ban, PERMANENT } from './ban';
import { BanLedger } from './ledger';
import type { Family } from './names';
import { Reconciliation } from './reconciliation';

const NOW = 1_700_000_000_000;
let directory: string;
let ledger: BanLedger;
let families: readonly Family[];
beforeEach(async () => {
  families = [4, 6];
  directory = mkdtempSync(join(tmpdir(), 'portcullis-reconciliation-'));
  ledger = await BanLedger.open(directory, NOW);
});
afterEach(async () => {
  await ledger.close();
  rmSync(directory, { recursive: true, force: true });
});

const ban = (prefix: string, seconds: number): Ban => ({
  id: `id-${prefix}`,
  prefix,
  since: NOW,
  until: NOW + seconds * 1000,
  reason: 'test',
  sid: 7,
  origin: 'attack',
  count: 1,
});
const entry = (prefix: string, remaining: number, exception = false): KernelBan => ({
  prefix,
  remaining,
  packets: 0,
  bytes: 0,
  exception,
});

/** Shows the kernel's entries, `late` milliseconds after it was asked for them. */
async function outcome(kernel: readonly KernelBan[], late = 0) {
  const both = new Reconciliation(ledger, families, 0);
  for (const there of kernel) both.see(there, NOW + late, late);
  await both.written();
  const missing = [...both.missing(NOW + late)];
  expect(await both.countMissing(NOW + late)).toBe(missing.length);
  return { missing, adopted: both.adopted, lifted: both.lifted };
}

const NOTHING = { missing: [], adopted: 0, lifted: [] };

test('what both have alike, rounded as the kernel does, is left alone', async () => {
  await ledger.put(ban('192.0.2.1', 100));
  await ledger.put({ ...ban('192.0.2.2', 0), until: PERMANENT });
  await ledger.except({ prefix: '2001:db8::1', until: NOW + 50_000 });
  const kernel = [entry('192.0.2.1', 98), entry('192.0.2.2', 0), entry('2001:db8::1', 49, true)];
  expect(await outcome(kernel)).toEqual(NOTHING);
  expect(ledger.get('192.0.2.1')?.until).toBe(NOW + 100_000);
});

test('what the kernel has not got, or for less long, it is given', async () => {
  await ledger.put(ban('192.0.2.1', 100));
  await ledger.put(ban('192.0.2.2', 100));
  await ledger.put(ban('192.0.2.3', -1));
  await ledger.except({ prefix: '2001:db8::1', until: NOW + 50_000 });
  expect(await outcome([entry('192.0.2.2', 60)])).toEqual({
    ...NOTHING,
    missing: [
      { prefix: '192.0.2.1', remaining: 100 },
      { prefix: '192.0.2.2', remaining: 100 },
      { prefix: '2001:db8::1', remaining: 50, exception: true },
    ],
  });
});

test('of a family that it has not the kernel is given nothing', async () => {
  families = [4];
  await ledger.put(ban('192.0.2.1', 100));
  await ledger.put(ban('2001:db8::1', 100));
  await ledger.except({ prefix: '2001:db8::2', until: NOW + 50_000 });
  expect((await outcome([])).missing).toEqual([{ prefix: '192.0.2.1', remaining: 100 }]);
});

test('what it has for longer the ledger has for longer, too', async () => {
  await ledger.put(ban('192.0.2.1', 100));
  expect(await outcome([entry('192.0.2.1', 500)])).toEqual(NOTHING);
  expect(ledger.get('192.0.2.1')).toEqual({ ...ban('192.0.2.1', 100), until: NOW + 500_000 });
});

test('a ban where the other has an exception: what the ledger says is given to the kernel', async () => {
  await ledger.put(ban('192.0.2.1', 100));
  await ledger.except({ prefix: '192.0.2.2', until: NOW + 50_000 });
  expect(await outcome([entry('192.0.2.1', 100, true), entry('192.0.2.2', 50)])).toEqual({
    ...NOTHING,
    missing: [
      { prefix: '192.0.2.1', remaining: 100 },
      { prefix: '192.0.2.2', remaining: 50, exception: true },
    ],
  });
});

test('what only the kernel has is taken over, but for what runs out while it is asked', async () => {
  const kernel = [
    entry('192.0.2.1', 60),
    entry('192.0.2.2', 0),
    entry('192.0.2.3', 9),
    entry('::5', 60, true),
  ];
  expect(await outcome(kernel, 7000)).toEqual({ ...NOTHING, adopted: 2 });
  expect([...ledger.entries()]).toMatchObject([
    { prefix: '192.0.2.1', origin: 'kernel', until: NOW + 67_000, reason: 'found in the kernel', count: 1 },
    { prefix: '192.0.2.2', origin: 'kernel', until: PERMANENT },
  ]);
  expect([...ledger.exceptions()]).toEqual([{ prefix: '::5', until: NOW + 67_000 }]);
});

test('what was lifted before a crash leaves the kernel', async () => {
  await ledger.put(ban('192.0.2.1', 100));
  await ledger.remove(['192.0.2.1']);
  expect(await outcome([entry('192.0.2.1', 100)])).toEqual({ ...NOTHING, lifted: ['192.0.2.1'] });
  expect(ledger.size).toBe(0);
  ledger.clear();
  expect((await outcome([entry('192.0.2.9', 100)])).lifted).toEqual(['192.0.2.9']);
});

test('a ban made meanwhile is left to whoever makes it', async () => {
  const both = new Reconciliation(ledger, families, 0);
  await ledger.put(ban('192.0.2.1', 100));
  expect([...both.missing(NOW)]).toEqual([]);
});
