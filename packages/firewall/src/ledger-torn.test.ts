/** Ledger files that are cut or changed at every byte: what the damage does not touch is there, and it is told. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Ban } from './ban';
import { BanService } from './ban-service';
import { BanLedger } from './ledger';
import { MemoryFirewall } from './memory-firewall';

jest.setTimeout(60_000);

const NOW = 1_700_000_000_000;
const PREFIXES = ['192.0.2.1', '2001:db8::2', '198.51.100.0/24'];
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'portcullis-torn-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const ban = (prefix: string): Ban => ({
  id: `id-${prefix}`,
  prefix,
  since: NOW,
  until: NOW + 3_600_000,
  reason: 'torn',
  sid: 7,
  origin: 'attack',
  count: 1,
});

/** Writes a ledger whose only file is the snapshot, or the journal. @returns that file */
async function written(kind: 'snapshot' | 'journal'): Promise<{ path: string; bytes: Buffer }> {
  const ledger = await BanLedger.open(directory, NOW);
  for (const prefix of PREFIXES) await ledger.put(ban(prefix));
  if (kind === 'snapshot') await ledger.compact();
  await ledger.close();
  const [name] = readdirSync(directory);
  expect(readdirSync(directory)).toHaveLength(1);
  const path = join(directory, name as string);
  return { path, bytes: readFileSync(path) };
}

/** Opens what is there, and puts the directory back to nothing but that file. */
async function opened(path: string, bytes: Buffer): Promise<{ prefixes: string[]; damagedLines: number }> {
  writeFileSync(path, bytes);
  const ledger = await BanLedger.open(directory, NOW);
  const prefixes = [...ledger.entries()].map(({ prefix }) => prefix);
  await ledger.close();
  return { prefixes, damagedLines: ledger.report.damagedLines };
}

/** Prefixes of the whole lines that are not in [from, to). */
function untouched(bytes: Buffer, from: number, to: number): string[] {
  const kept: string[] = [];
  let start = 0;
  for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
    const line = bytes.toString('latin1', start, end);
    // The line feed before a line belongs to it: without it two lines are one.
    if (to <= Math.max(0, start - 1) || from > end)
      kept.push(...PREFIXES.filter((prefix) => line.includes(`"${prefix}"`)));
    start = end + 1;
  }
  return kept;
}

/** Asked at every byte, where `expect` would take longer than what is tested. */
function hasAll(prefixes: readonly string[], wanted: readonly string[]): boolean {
  return wanted.every((prefix) => prefixes.includes(prefix));
}

describe.each(['journal', 'snapshot'] as const)('a %s', (kind) => {
  test('cut at every byte has every ban that stood whole before the cut', async () => {
    const { path, bytes } = await written(kind);
    for (let cut = 0; cut < bytes.length; cut++) {
      const { prefixes, damagedLines } = await opened(path, bytes.subarray(0, cut));
      const wanted = untouched(bytes, cut, bytes.length);
      // One that lacks nothing but its line feed is whole.
      const torn = cut > 0 && bytes[cut - 1] !== 10 && bytes[cut] !== 10;
      if (!hasAll(prefixes, wanted) || damagedLines !== Number(torn))
        expect({ cut, prefixes, damagedLines }).toEqual({
          cut,
          prefixes: expect.arrayContaining(wanted),
          damagedLines: Number(torn),
        });
    }
  });

  test('with any byte changed has every ban but those of that line, and says that a line is damaged', async () => {
    const { path, bytes } = await written(kind);
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] as number) ^ (1 << (at % 8));
      const { prefixes, damagedLines } = await opened(path, changed);
      const wanted = untouched(bytes, at, at + 1);
      // The last line feed is no part of what was said.
      const told = damagedLines > 0 || at === bytes.length - 1;
      if (!hasAll(prefixes, wanted) || !told)
        expect({ at, prefixes, told }).toEqual({ at, prefixes: expect.arrayContaining(wanted), told: true });
    }
  });
});

test('as long as the kernel runs no damage of the files lets anybody in', async () => {
  const { path, bytes } = await written('journal');
  for (let cut = 0; cut < bytes.length; cut += 5) {
    const backend = new MemoryFirewall(() => NOW);
    for (const prefix of PREFIXES) await backend.ban(prefix, 3600);
    writeFileSync(path, bytes.subarray(0, cut));
    const clock = { now: () => NOW, monotonic: () => 0 };
    const service = new BanService({ backend, directory, localRefusal: () => undefined, clock });
    await service.start();
    const { bans } = await service.list();
    expect(bans.map(({ prefix }) => prefix).sort()).toEqual([...PREFIXES].sort());
    expect(await backend.banCount()).toBe(PREFIXES.length);
    await service.stop();
    for (const name of readdirSync(directory))
      if (join(directory, name) !== path) rmSync(join(directory, name));
  }
});
