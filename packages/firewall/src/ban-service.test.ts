import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PERMANENT } from './ban';
import type { BanEvent } from './ban-event';
import { BanService, type BanServiceOptions } from './ban-service';
import { FirewallError } from './errors';
import { BanLedger } from './ledger';
import { MemoryFirewall } from './memory-firewall';

const START = 1_700_000_000_000;
let directory: string;
let wall: number;
let steady: number;
let events: BanEvent[];
let firewall: MemoryFirewall;
let open: BanService[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'portcullis-bans-'));
  wall = START;
  steady = 0;
  events = [];
  open = [];
  firewall = new MemoryFirewall(() => START + steady);
});
afterEach(async () => {
  for (const service of open) await service.stop();
  rmSync(directory, { recursive: true, force: true });
});

function pass(seconds: number): void {
  wall += seconds * 1000;
  steady += seconds * 1000;
}

async function started(options: Partial<BanServiceOptions> = {}): Promise<BanService> {
  const service = new BanService({
    backend: firewall,
    directory,
    onEvent: (event) => events.push(event),
    localRefusal: () => undefined,
    clock: { now: () => wall, monotonic: () => steady },
    ...options,
  });
  await service.start();
  open.push(service);
  return service;
}

const request = (prefix: string, seconds = 3600) => ({ prefix, seconds, reason: 'test', sid: 7 });
const kinds = (): string[] => events.map((event) => event.kind);

describe('BanService', () => {
  test('a ban is in the kernel, in the list, in the events, and runs out', async () => {
    const service = await started();
    const ban = await service.ban(request('::ffff:192.0.2.1', 60));
    expect(ban).toMatchObject({
      prefix: '192.0.2.1',
      until: START + 60_000,
      sid: 7,
      origin: 'attack',
      count: 1,
    });
    expect(firewall.drops('192.0.2.1')).toBe(true);
    expect(service.show('192.0.2.1')).toEqual([ban]);
    pass(59);
    expect((await service.list()).bans).toEqual([ban]);
    pass(1);
    expect((await service.list()).bans).toEqual([]);
    expect(firewall.drops('192.0.2.1')).toBe(false);
    expect(kinds()).toEqual(['added', 'expired']);
  });

  test('a repetition extends; one that is only a packet under way does not', async () => {
    const service = await started();
    const first = await service.ban(request('192.0.2.1', 60));
    await service.ban(request('192.0.2.1', 60));
    expect(kinds()).toEqual(['added']);
    pass(30);
    const second = await service.ban(request('192.0.2.1', 60));
    expect(second).toMatchObject({ id: first.id, since: START, until: START + 90_000, count: 2 });
    expect(kinds()).toEqual(['added', 'extended']);
    pass(1);
    expect((await service.ban(request('192.0.2.1', 5))).until).toBe(START + 90_000);
    pass(58);
    expect(firewall.drops('192.0.2.1')).toBe(true);
  });

  test.each([
    ['224.0.0.1', 60, 'BAN_REFUSED'],
    ['0.0.0.0/0', 60, 'BAN_REFUSED'],
    ['fe80::/64', 60, 'BAN_REFUSED'],
    ['192.0.2.9', 60, 'BAN_REFUSED'],
    ['192.0.2.0/24', 60, 'BAN_REFUSED'],
    ['nonsense', 60, 'ADDRESS_INVALID'],
    ['192.0.2.1', 0, 'DURATION_INVALID'],
    ['192.0.2.1', Number.NaN, 'DURATION_INVALID'],
    ['192.0.2.1', 2_147_484, 'DURATION_INVALID'],
  ])('%s for %p s: %s', async (prefix, seconds, code) => {
    const neverBlock = (asked: { contains(other: unknown): boolean; text: string }) =>
      asked.text === '192.0.2.9' || asked.text === '192.0.2.0/24' ? 'gateway' : undefined;
    const service = await started({ neverBlock });
    await expect(service.ban(request(prefix, seconds))).rejects.toMatchObject({ code });
    expect(service.size).toBe(0);
    expect(kinds()).toEqual(code === 'BAN_REFUSED' ? ['refused'] : []);
  });

  test('removing a prefix lifts what is inside; all lifts all', async () => {
    const service = await started();
    for (const prefix of ['192.0.2.1', '192.0.2.128/25', '198.51.100.1', '2001:db8::1']) {
      await service.ban(request(prefix));
    }
    const { removed } = await service.remove('192.0.2.0/24');
    expect([...removed].sort()).toEqual(['192.0.2.1', '192.0.2.128/25']);
    expect(firewall.drops('192.0.2.200')).toBe(false);
    expect((await service.remove('192.0.2.1')).removed).toEqual([]);
    expect((await service.remove('all')).removed).toHaveLength(2);
    expect(await firewall.banCount()).toBe(0);
    expect(kinds().filter((kind) => kind === 'removed')).toHaveLength(4);
  });

  test('one address inside a banned prefix is let in, also after a restart, until it is banned itself', async () => {
    let service = await started();
    await service.ban(request('2001:db8::/64'));
    const { removed, exceptedFrom } = await service.remove('2001:db8::5');
    expect([removed, exceptedFrom.map(({ prefix }) => prefix)]).toEqual([[], ['2001:db8::/64']]);
    expect([firewall.drops('2001:db8::5'), firewall.drops('2001:db8::6')]).toEqual([false, true]);
    expect(service.show('2001:db8::5')).toEqual([]);
    await service.stop();
    firewall = new MemoryFirewall(() => START + steady);
    service = await started({ backend: firewall });
    expect([firewall.drops('2001:db8::5'), firewall.drops('2001:db8::6')]).toEqual([false, true]);
    await service.ban({ ...request('2001:db8::5'), origin: 'manual' });
    expect(firewall.drops('2001:db8::5')).toBe(true);
    expect(service.show('2001:db8::5')).toHaveLength(2);
  });

  test('an unblocked device is not banned for what it sent before, nor within the grace time', async () => {
    const service = await started({ graceSeconds: () => 30 });
    await service.ban(request('192.0.2.1'));
    await service.remove('192.0.2.1');
    await expect(service.ban({ ...request('192.0.2.1'), seenAt: wall - 5 })).rejects.toMatchObject({
      reason: 'unblocked-since',
    });
    await expect(service.ban(request('192.0.2.1'))).rejects.toMatchObject({
      reason: 'grace-after-unblocking',
    });
    await service.ban({ ...request('192.0.2.1'), origin: 'manual' });
    await service.remove('192.0.2.1');
    pass(31);
    await service.ban({ ...request('192.0.2.1'), seenAt: wall });
    expect(firewall.drops('192.0.2.1')).toBe(true);
  });

  test('what was sent after all were unblocked bans, also when the clock is set back in between', async () => {
    const service = await started();
    await service.remove('all');
    wall -= 86_400_000;
    pass(1);
    await service.ban({ ...request('192.0.2.1'), seenAt: wall });
    expect(firewall.drops('192.0.2.1')).toBe(true);
  });

  test('taking back what a worker has put into the kernel is no unblocking by hand', async () => {
    const service = await started({ graceSeconds: () => 30 });
    await firewall.ban('192.0.2.1', 600);
    expect(await service.reconcile()).toMatchObject({ adopted: 1 });
    await service.settle('192.0.2.1');
    expect([service.size, firewall.drops('192.0.2.1')]).toEqual([0, false]);
    await service.ban({ ...request('192.0.2.1'), seenAt: wall - 5 });
    expect(firewall.drops('192.0.2.1')).toBe(true);
  });

  test.each(['192.0.2.1', 'all'])(
    'a ban is told before its removal, also where %s is lifted while it is written',
    async (what) => {
      const service = await started();
      const banning = service.ban(request('192.0.2.1'));
      await Promise.all([banning, service.remove(what)]);
      expect(kinds()).toEqual(['added', 'removed']);
      expect([service.size, firewall.drops('192.0.2.1')]).toEqual([0, false]);
    },
  );

  test('what the kernel refuses for good keeps nothing else from being tried again', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance'] });
    try {
      const service = await started();
      firewall.failBansWith = new FirewallError('SET_MISSING', 'gone');
      for (const prefix of ['2001:db8::1', '192.0.2.1', '192.0.2.2'])
        await expect(service.ban(request(prefix))).rejects.toThrow('gone');
      firewall.failBansWith = undefined;
      const ban = firewall.ban.bind(firewall);
      firewall.ban = async (prefix, seconds) => {
        if (prefix.includes(':')) throw new FirewallError('BAN_FAILED', 'no IPv6');
        await ban(prefix, seconds);
      };
      events = [];
      jest.advanceTimersByTime(5000);
      while (events.length < 2) await new Promise((resolve) => setImmediate(resolve));
      expect(events).toMatchObject([
        { kind: 'added', ban: { prefix: '192.0.2.1' } },
        { kind: 'added', ban: { prefix: '192.0.2.2' } },
      ]);
      expect([firewall.drops('192.0.2.1'), firewall.drops('192.0.2.2')]).toEqual([true, true]);
      expect(service.size).toBe(3);
    } finally {
      jest.useRealTimers();
    }
  });

  test('what the kernel refuses is told, kept, and tried again', async () => {
    const service = await started();
    firewall.failBansWith = new FirewallError('SET_MISSING', 'gone');
    await expect(service.ban(request('192.0.2.1'))).rejects.toMatchObject({ code: 'SET_MISSING' });
    expect(kinds()).toEqual(['failed']);
    expect(service.size).toBe(1);
    firewall.failBansWith = undefined;
    expect(await service.reconcile()).toMatchObject({ restored: 1 });
    expect(firewall.drops('192.0.2.1')).toBe(true);
  });
});

describe('very many bans', () => {
  const COUNT = 2500;
  const address = (n: number): string => `10.${n >> 8}.${n & 255}.1`;
  const filled = async (): Promise<BanService> => {
    const service = await started();
    const report = await service.banMany(Array.from({ length: COUNT }, (_, n) => request(address(n), 60)));
    expect(report).toEqual({ banned: COUNT, refused: 0, refusals: [] });
    return service;
  };

  test('added together are what they are one by one: in the kernel, on the disk, told, and refused', async () => {
    let service = await started();
    const known = await service.ban(request('10.0.0.1', 30));
    const report = await service.banMany([
      ...Array.from({ length: 300 }, (_, n) => request(address(n), 60)),
      request('127.0.0.1'),
      request('2001:db8::/64', 60),
    ]);
    expect(report).toEqual({
      banned: 301,
      refused: 1,
      refusals: [{ prefix: '127.0.0.1', reason: 'loopback' }],
    });
    expect(kinds().filter((kind) => kind === 'added')).toHaveLength(301);
    expect(kinds().filter((kind) => kind !== 'added')).toEqual(['refused', 'extended']);
    expect(service.show('10.0.0.1')).toMatchObject([{ id: known.id, count: 2, until: START + 60_000 }]);
    expect(await firewall.banCount()).toBe(301);
    expect([service.count('attack', 4), service.count('attack', 6)]).toEqual([300, 1]);
    await service.stop();
    open.pop();
    firewall = new MemoryFirewall(() => START + steady);
    service = await started({ backend: firewall });
    expect(await firewall.banCount()).toBe(301);
    expect(service.show('10.0.0.1')).toMatchObject([{ id: known.id, count: 2, reason: 'test', sid: 7 }]);
  });

  test('added together while the kernel refuses: kept, and given to it later', async () => {
    const service = await started();
    firewall.failBansWith = new FirewallError('SET_FULL', 'full');
    await expect(service.banMany([request('192.0.2.1'), request('192.0.2.2')])).rejects.toThrow('full');
    expect(kinds()).toEqual([]);
    firewall.failBansWith = undefined;
    expect(await service.repairDrift()).toBe(2);
    expect(firewall.drops('192.0.2.2')).toBe(true);
  });

  test('a rehearsal leaves nothing behind', async () => {
    const service = await started();
    await service.rehearse(request('192.0.2.1'));
    await service.rehearse(request('127.0.0.1'));
    expect([service.size, await firewall.banCount(), events]).toEqual([0, 0, []]);
  });

  test('are listed by pages that together are all', async () => {
    const service = await filled();
    const found = new Set<string>();
    for (let offset = 0; offset < COUNT; offset += 1000) {
      const { total, bans } = await service.list(offset, 1000);
      expect([total, bans.length]).toEqual([COUNT, Math.min(1000, COUNT - offset)]);
      for (const ban of bans) found.add(ban.prefix);
    }
    expect(found.size).toBe(COUNT);
    expect((await service.list(COUNT, 1000)).bans).toEqual([]);
  });

  test('run out, each with its event, and none is listed any more from the first moment', async () => {
    const service = await filled();
    pass(60);
    expect(await service.list()).toEqual({ total: 0, bans: [] });
    for (let turn = 0; service.size > 0; turn++) {
      expect(turn).toBeLessThan(COUNT);
      await service.list();
    }
    expect(kinds().filter((kind) => kind === 'expired')).toHaveLength(COUNT);
  });

  test('are lifted, each with its event; the answer names some and counts all', async () => {
    const service = await filled();
    const half = await service.remove('10.0.0.0/13');
    expect([half.count, half.removed.length]).toEqual([2048, 1000]);
    expect(service.size).toBe(COUNT - 2048);
    await service.remove('10.0.0.0/8');
    await service.banMany(Array.from({ length: COUNT }, (_, n) => request(`11.${n >> 8}.${n & 255}.1`)));
    const all = await service.remove('all');
    expect([all.count, all.removed.length, service.size]).toEqual([COUNT, 1000, 0]);
    await service.stop();
    open.pop();
    expect(kinds().filter((kind) => kind === 'removed')).toHaveLength(2 * COUNT);
    expect(firewall.drops('11.0.0.1')).toBe(false);
  });

  test('emptied from outside, the sets are filled again whatever their size', async () => {
    const service = await filled();
    await service.ban(request('2001:db8::1', 60));
    expect(await service.repairDrift()).toBe(0);
    await firewall.unbanEach(['2001:db8::1']);
    expect(await service.repairDrift()).toBe(1);
    await firewall.unbanAll();
    expect(await service.repairDrift()).toBe(COUNT + 1);
  });
});

describe('kernel and ledger', () => {
  test('after a restart of both, bans are in force for the time left', async () => {
    let service = await started();
    await service.ban(request('192.0.2.1', 100));
    await service.ban(request('192.0.2.2', 10));
    await service.stop();
    pass(40);
    firewall = new MemoryFirewall(() => START + steady);
    events = [];
    service = await started({ backend: firewall });
    expect(kinds()).toEqual(['expired']);
    expect(await firewall.listBans()).toMatchObject([{ prefix: '192.0.2.1', remaining: 60 }]);
  });

  test('what only the kernel has is taken into the ledger', async () => {
    await firewall.ban('192.0.2.1', 600);
    await firewall.restoreBans([{ prefix: '192.0.2.2', remaining: 0 }], 1);
    const service = await started();
    expect((await service.list()).bans).toMatchObject([
      { prefix: '192.0.2.1', origin: 'kernel', until: START + 600_000 },
      { prefix: '192.0.2.2', origin: 'kernel', until: PERMANENT },
    ]);
    await service.remove('192.0.2.2');
    expect(firewall.drops('192.0.2.2')).toBe(false);
  });

  test('a ban lifted right before a crash is not handed back by the kernel', async () => {
    let service = await started();
    await service.ban(request('192.0.2.1'));
    const unbanEach = firewall.unbanEach.bind(firewall);
    firewall.unbanEach = () => Promise.reject(new FirewallError('CLOSED', 'crash'));
    await expect(service.remove('192.0.2.1')).rejects.toThrow('crash');
    await service.stop();
    firewall.unbanEach = unbanEach;
    expect(firewall.drops('192.0.2.1')).toBe(true);
    service = await started();
    expect(firewall.drops('192.0.2.1')).toBe(false);
    expect(service.size).toBe(0);
    await service.stop();
    expect(await (await started()).reconcile()).toEqual({ restored: 0, adopted: 0, lifted: 0 });
  });

  test('of two times the longer counts', async () => {
    let service = await started();
    await service.ban(request('192.0.2.1', 100));
    await service.ban(request('192.0.2.2', 100));
    await service.stop();
    await firewall.ban('192.0.2.1', 50);
    await firewall.ban('192.0.2.2', 500);
    service = await started();
    expect(service.show('192.0.2.2')[0].until).toBe(START + 500_000);
    expect(await firewall.listBans()).toMatchObject([{ remaining: 100 }, { remaining: 500 }]);
  });

  test('a set that somebody flushed is filled again', async () => {
    const service = await started();
    await service.ban(request('192.0.2.1'));
    expect(await service.repairDrift()).toBe(0);
    await firewall.unbanAll();
    expect(await service.repairDrift()).toBe(1);
    expect(firewall.drops('192.0.2.1')).toBe(true);
    await firewall.ban('192.0.2.2', 60);
    expect([await service.repairDrift(), await service.repairDrift()]).toEqual([0, 0]);
    expect(service.size).toBe(2);
  });

  test('a kernel that has lost its IPv6 is no drift, and what others take away of the rest is put back', async () => {
    let service = await started();
    for (const prefix of ['192.0.2.1', '2001:db8::1']) await service.ban(request(prefix));
    await service.ban(request('2001:db8:1::/48'));
    await service.remove('2001:db8:1::5');
    await service.stop();
    open.pop();
    firewall = new MemoryFirewall(() => START + steady);
    firewall.families = [4];
    service = await started({ backend: firewall });
    expect([await service.repairDrift(), await service.repairDrift()]).toEqual([0, 0]);
    await firewall.unbanAll();
    expect([await service.repairDrift(), service.size]).toEqual([1, 3]);
  });

  test('a clock that is set while running lets nobody in early or late', async () => {
    const service = await started();
    await service.ban(request('192.0.2.1', 100));
    wall += 86_400_000;
    expect((await service.list()).bans).toMatchObject([{ until: START + 86_400_000 + 100_000 }]);
    pass(50);
    await service.ban(request('192.0.2.2', 100));
    pass(50);
    expect((await service.list()).bans.map(({ prefix }) => prefix)).toEqual(['192.0.2.2']);
    wall -= 2 * 86_400_000;
    expect((await service.list()).bans).toHaveLength(1);
    pass(50);
    expect((await service.list()).bans).toEqual([]);
  });

  test('a disk that refuses the ledger is told once, stops no ban, and has all of them as soon as it takes them', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance'] });
    try {
      const told: [boolean, string][] = [];
      const service = await started({ onLedger: (failed, message) => told.push([failed, message]) });
      await service.ban(request('192.0.2.1'));
      const away = `${directory}-away`;
      renameSync(directory, away);
      writeFileSync(directory, '');
      const { journal } = (
        service as unknown as {
          ledger: { writer: { journal: { segment: { close(): Promise<void> } } } };
        }
      ).ledger.writer;
      await journal.segment.close();
      await service.ban(request('192.0.2.2'));
      const many = await service.banMany([request('192.0.2.3'), request('192.0.2.4')]);
      expect(many).toMatchObject({ banned: 2, refused: 0 });
      expect([firewall.drops('192.0.2.2'), firewall.drops('192.0.2.4')]).toEqual([true, true]);
      await service.remove('192.0.2.1');
      await service.remove('192.0.2.4');
      expect(kinds()).toEqual(['added', 'added', 'added', 'added', 'removed', 'removed']);
      expect(told).toEqual([
        [true, expect.stringMatching(/ledger .* cannot be .*would not outlive a reboot/)],
      ]);
      rmSync(directory);
      renameSync(away, directory);
      while (told.length < 2) {
        steady += 5000;
        wall += 5000;
        jest.advanceTimersByTime(5000);
        for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
      }
      expect(told[1]).toEqual([false, expect.stringMatching(/complete on disk again/)]);
      // As after a reboot: what is on disk is all there is.
      const kept = await BanLedger.open(directory, wall);
      expect([...kept.entries()].map(({ prefix }) => prefix).sort()).toEqual(['192.0.2.2', '192.0.2.3']);
      await kept.close();
    } finally {
      jest.useRealTimers();
    }
  }, 20_000);

  test('before the start and after the stop nothing is accepted', async () => {
    const service = await started();
    await service.stop();
    await expect(service.ban(request('192.0.2.1'))).rejects.toMatchObject({ code: 'LEDGER_CLOSED' });
  });
});
