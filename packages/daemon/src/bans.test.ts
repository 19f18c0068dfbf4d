import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventSink, EveRecord } from '@portcullis/events';
import { FirewallError, MemoryFirewall } from '@portcullis/firewall';
import { waitUntil } from '@portcullis/testkit';
import { Bans, banEventKinds } from './bans';

const ATTACKER = '203.0.113.7';

let directory: string;
let records: EveRecord[];
let firewall: MemoryFirewall;
let bans: Bans;
let removals: number;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'bans-'));
  records = [];
  removals = 0;
  firewall = new MemoryFirewall();
  const sink = { write: (record: EveRecord) => records.push(record) } as unknown as EventSink;
  bans = new Bans({
    backend: firewall,
    directory,
    sink: () => sink,
    neverBlock: (prefix) => (prefix === '198.51.100.1' ? 'it is a gateway of this host' : null),
    defaultSeconds: () => 3600,
    graceSeconds: () => 0,
    onLedger: () => undefined,
    onRemoving: () => undefined,
    onRemoved: () => removals++,
  });
  await bans.service.start();
});
afterEach(async () => {
  await bans.service.stop();
  rmSync(directory, { recursive: true, force: true });
});

const actions = () => records.map((record) => record.ban?.action);

describe('add', () => {
  test('bans for the time asked for, and answers with the row', async () => {
    const row = await bans.add({ address: ATTACKER, for: '2h', reason: 'it scans' });
    expect(row).toMatchObject({
      prefix: ATTACKER,
      reason: 'it scans',
      sid: 0,
      origin: 'manual',
      count: 1,
      packets: 0,
      bytes: 0,
    });
    expect(row.remaining_s).toBeGreaterThan(7190);
    expect(row.remaining_s).toBeLessThanOrEqual(7200);
    expect(Date.parse(row.until) - Date.parse(row.since)).toBe(7_200_000);
    expect(firewall.drops(ATTACKER)).toBe(true);
    expect(records).toMatchObject([
      {
        event_type: 'ban',
        src_ip: ATTACKER,
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
        ban: {
          action: 'added',
          id: row.id,
          prefix: ATTACKER,
          until: row.until,
          duration_s: 7200,
          count: 1,
          origin: 'manual',
          reason: 'it scans',
        },
      },
    ]);
  });
  test('without a time takes the configured one, without a reason says who', async () => {
    expect(await bans.add({ address: '2001:db8::7' })).toMatchObject({
      prefix: '2001:db8::7',
      reason: 'by hand',
      remaining_s: 3600,
    });
  });
  test('takes whole prefixes', async () => {
    expect(await bans.add({ address: '203.0.113.0/24' })).toMatchObject({ prefix: '203.0.113.0/24' });
    expect(firewall.drops('203.0.113.200')).toBe(true);
  });
  test.each([
    [{ address: 'not an address' }, 'ADDRESS_INVALID'],
    [{ address: '203.0.113.7/33' }, 'ADDRESS_INVALID'],
    [{ address: 7 }, 'ADDRESS_INVALID'],
    [{}, 'ADDRESS_INVALID'],
    [{ address: ATTACKER, for: 'ever' }, 'DURATION_INVALID'],
    [{ address: ATTACKER, for: '1000000d' }, 'DURATION_INVALID'],
  ])('%j is refused: %s', async (args, code) => {
    await expect(bans.add(args)).rejects.toMatchObject({ code });
    expect(await bans.list({})).toMatchObject({ total: 0 });
  });
  test('says why an address is never banned, in the answer and in the record', async () => {
    await expect(bans.add({ address: '198.51.100.1' })).rejects.toMatchObject({
      code: 'BAN_REFUSED',
      message: expect.stringContaining('gateway'),
    });
    await expect(bans.add({ address: '127.0.0.1' })).rejects.toMatchObject({ code: 'BAN_REFUSED' });
    expect(records).toMatchObject([
      {
        src_ip: '198.51.100.1',
        ban: { action: 'refused', prefix: '198.51.100.1', reason: expect.stringContaining('gateway') },
      },
      { ban: { action: 'refused' } },
    ]);
    expect(bans.counts.refused).toBe(2);
  });
});

describe('list and show', () => {
  beforeEach(async () => {
    for (let host = 1; host <= 5; host++) await bans.add({ address: `203.0.113.${host}` });
    await bans.add({ address: '203.0.113.0/24', reason: 'all of them' });
  });
  test('gives a page of all', async () => {
    const all = await bans.list({});
    expect(all).toMatchObject({ total: 6, offset: 0 });
    expect(all.bans).toHaveLength(6);
    const page = await bans.list({ offset: 2, limit: 3 });
    expect(page).toMatchObject({ total: 6, offset: 2 });
    expect(page.bans).toEqual(all.bans.slice(2, 5));
    expect((await bans.list({ offset: 6 })).bans).toEqual([]);
  });
  test.each([[{ offset: -5 }], [{ offset: 'x', limit: 'y' }], [{ limit: 0 }], [{ limit: 1e9 }]])(
    '%j is taken as no limit of this kind',
    async (args) => {
      expect((await bans.list(args)).bans).toHaveLength(6);
    },
  );
  test('a negative limit does not count from the end', async () => {
    expect((await bans.list({ limit: -1 })).bans).toHaveLength(6);
  });
  test('shows the narrowest ban that covers an address', async () => {
    expect(await bans.show({ address: '203.0.113.3' })).toMatchObject({ prefix: '203.0.113.3' });
    expect(await bans.show({ address: '203.0.113.99' })).toMatchObject({
      prefix: '203.0.113.0/24',
      reason: 'all of them',
    });
    expect(await bans.show({ address: '192.0.2.1' })).toBeNull();
    await expect(bans.show({ address: '' })).rejects.toMatchObject({ code: 'ADDRESS_INVALID' });
  });
});

describe('remove', () => {
  test('lets the addresses in, and names those that were not banned', async () => {
    await bans.add({ address: ATTACKER });
    await bans.add({ address: '2001:db8::7' });
    expect(await bans.remove({ addresses: [ATTACKER, '192.0.2.99'] })).toEqual({
      count: 1,
      removed: [ATTACKER],
      not_banned: ['192.0.2.99'],
    });
    expect(firewall.drops(ATTACKER)).toBe(false);
    expect(firewall.drops('2001:db8::7')).toBe(true);
    expect(removals).toBe(1);
    expect(actions()).toEqual(['added', 'added', 'removed']);
  });
  test('lets one address of a banned prefix in', async () => {
    await bans.add({ address: '203.0.113.0/24' });
    expect(await bans.remove({ addresses: [ATTACKER] })).toEqual({
      count: 0,
      removed: [ATTACKER],
      not_banned: [],
    });
    expect(firewall.drops(ATTACKER)).toBe(false);
    expect(firewall.drops('203.0.113.8')).toBe(true);
  });
  test('lets all in', async () => {
    await bans.add({ address: ATTACKER });
    await bans.add({ address: '2001:db8::7' });
    expect((await bans.remove({ all: true })).removed.sort()).toEqual(['2001:db8::7', ATTACKER]);
    expect(await bans.list({})).toMatchObject({ total: 0, bans: [] });
  });
  test('of nothing, or of nonsense', async () => {
    expect(await bans.remove({})).toEqual({ count: 0, removed: [], not_banned: [] });
    await expect(bans.remove({ addresses: ['x'] })).rejects.toMatchObject({ code: 'ADDRESS_INVALID' });
  });
});

test('every kind of event is recorded and counted', async () => {
  const attack = { prefix: ATTACKER, seconds: 60, reason: 'attack', sid: 7 };
  await bans.service.ban(attack);
  await bans.service.ban({ ...attack, seconds: 7200 });
  await bans.service.remove(ATTACKER);
  await expect(bans.service.ban({ ...attack, prefix: '198.51.100.1' })).rejects.toThrow();
  firewall.failBansWith = new FirewallError('IPSET_FAILED', 'the set is full');
  await expect(bans.service.ban({ ...attack, prefix: '203.0.113.8' })).rejects.toThrow('the set is full');
  firewall.failBansWith = undefined;
  await bans.service.ban({ ...attack, prefix: '203.0.113.9', seconds: 1 });
  // The failed one is tried again by itself.
  const settled = () => bans.service.size === 1 && bans.counts.expired === 1 && bans.counts.added === 3;
  await waitUntil(settled, { timeout: 8000, what: 'the end of one ban and the second try of another' });
  expect(actions().slice(0, 6)).toEqual(['added', 'extended', 'removed', 'refused', 'failed', 'added']);
  expect(actions().slice(6).sort()).toEqual(['added', 'expired']);
  expect(banEventKinds.map((kind) => bans.counts[kind])).toEqual([3, 1, 1, 1, 1, 1]);
  const failed = records.find((record) => record.ban?.action === 'failed');
  expect(failed?.ban?.reason).toBe('attack: the set is full');
  expect(records[1]?.ban).toMatchObject({ count: 2, origin: 'attack', duration_s: 7200 });
  expect(bans.latency.read().count).toBe(4);
}, 15_000);
