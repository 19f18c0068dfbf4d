import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Ban } from './ban';
import { DriftWatch } from './drift-watch';
import { BanLedger } from './ledger';
import { MemoryFirewall } from './memory-firewall';

const NOW = 1_700_000_000_000;
let directory: string;
let ledger: BanLedger;
let passed: number;
let firewall: MemoryFirewall;
let unenforced: Set<string>;
let counted: number;
let watch: DriftWatch;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'portcullis-drift-'));
  ledger = await BanLedger.open(directory, NOW);
  passed = 0;
  counted = 0;
  unenforced = new Set();
  firewall = new MemoryFirewall(() => NOW + passed);
  watch = new DriftWatch({
    backend: {
      get families() {
        return firewall.families;
      },
      holdsAll: (prefixes) => firewall.holdsAll(prefixes),
      banCount: () => {
        counted++;
        return firewall.banCount();
      },
    },
    clock: { now: () => NOW + passed, monotonic: () => passed },
    unenforced,
  });
});
afterEach(async () => {
  await ledger.close();
  rmSync(directory, { recursive: true, force: true });
});

const ban = (prefix: string, seconds = 3600): Ban => ({
  id: 'id',
  prefix,
  since: NOW + passed,
  until: NOW + passed + seconds * 1000,
  reason: 'test',
  sid: 7,
  origin: 'attack',
  count: 1,
});

/** Into ledger and kernel. */
async function both(prefix: string, seconds?: number): Promise<void> {
  ledger.putLater(ban(prefix, seconds));
  await firewall.ban(prefix, seconds ?? 3600);
}
const address = (n: number): string => `10.${n >> 8}.${n & 255}.1`;

test('no ban, and bans that both have, are no drift', async () => {
  expect(await watch.differs(ledger)).toBe(false);
  await both('192.0.2.1');
  await both('2001:db8::1');
  await ledger.except({ prefix: '192.0.2.9', until: NOW + 60_000 });
  await firewall.except('192.0.2.9', 60);
  for (let look = 0; look < 3; look++) expect(await watch.differs(ledger)).toBe(false);
});

test('a ban that the kernel lost is', async () => {
  for (let n = 0; n < 100; n++) await both(address(n));
  await firewall.unbanEach([address(70)]);
  expect(await watch.differs(ledger)).toBe(true);
});

test('one that it refused, or that is about to run out, is not', async () => {
  await both('192.0.2.1');
  await both('192.0.2.2', 6);
  await firewall.unbanEach(['192.0.2.1']);
  unenforced.add('192.0.2.1');
  passed = 1500;
  expect(await watch.differs(ledger)).toBe(false);
  unenforced.clear();
  expect(await watch.differs(ledger)).toBe(true);
});

test('entries that nobody knows are when they are there twice running, and then once', async () => {
  await both('192.0.2.1');
  await firewall.ban('192.0.2.2', 60);
  const looks: boolean[] = [];
  for (let look = 0; look < 4; look++) looks.push(await watch.differs(ledger));
  expect(looks).toEqual([false, true, false, true]);
});

test('large sets are counted once a minute, and an emptied one of either family is seen at once', async () => {
  for (let n = 0; n < 10_000; n++) ledger.putLater(ban(address(n)));
  // Every address of these, without as many entries for the stand-in to walk through.
  await firewall.restoreBans([{ prefix: '10.0.0.0/8', remaining: 3600 }], 1);
  await both('2001:db8::1');
  await watch.differs(ledger);
  expect(counted).toBe(1);
  for (let look = 0; look < 5; look++) expect(await watch.differs(ledger)).toBe(false);
  expect(counted).toBe(1);
  await firewall.unbanEach(['2001:db8::1']);
  expect(await watch.differs(ledger)).toBe(true);
  passed = 60_000;
  await firewall.ban('2001:db8::1', 3600);
  await watch.differs(ledger);
  expect(counted).toBe(2);
});
