import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BanService, FirewallError, MemoryFirewall } from '@portcullis/firewall';
import { attackDetection } from '../testing/attack';
import { AttackerBans, type BanPolicy } from './ban-attacker';
import { NeverBlock } from './never-block';

const policy: BanPolicy = {
  banning: true,
  seconds: 3600,
  withoutHandshake: false,
  ipv6Prefix: 128,
  escalation: null,
  perMinute: 100,
};
let directory: string;
let firewall: MemoryFirewall;
let service: BanService;
let attackers: AttackerBans;
let now: number;
let floods: number;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'attack-'));
  firewall = new MemoryFirewall();
  const never = new NeverBlock(['self', '203.0.113.1/32'], ['198.51.100.0/24'], {
    read: () => '',
    addresses: () => ['2001:db8:1::1'],
    sshPorts: () => new Set(),
  });
  service = new BanService({
    backend: firewall,
    directory,
    neverBlock: (prefix, origin) => never.refuses(prefix.text, origin === 'isolation') ?? undefined,
  });
  await service.start();
  now = Date.now();
  floods = 0;
  attackers = new AttackerBans(
    service,
    () => floods++,
    () => now,
  );
});
afterEach(async () => {
  await service.stop();
  rmSync(directory, { recursive: true, force: true });
});

test('the source of an attack that was blocked is banned, for the configured time and with the rule that said so', async () => {
  const outcome = await attackers.consider(attackDetection(), policy);
  const [ban] = (await service.list()).bans;
  expect(outcome).toEqual({
    id: ban?.id,
    prefix: '203.0.113.7',
    until: new Date(ban?.until ?? 0).toISOString(),
    duration_s: 3600,
    count: 1,
    origin: 'attack',
  });
  expect(ban).toMatchObject({ sid: 7, reason: 'an attack' });
  expect(firewall.drops('203.0.113.7')).toBe(true);
});

test.each([
  ['an alert that was allowed', attackDetection({ blocked: false }), policy],
  ['an attack that is to be dropped only', attackDetection({ response: 'drop' }), policy],
  ['an attack where nobody is to be banned', attackDetection(), { ...policy, banning: false }],
])('%s bans nobody', (_, seen, rules) => {
  expect(attackers.consider(seen, rules)).toBeNull();
  expect(service.size).toBe(0);
});

test('a source that may be forged is not banned, unless it is said to be', async () => {
  expect(await attackers.consider(attackDetection({ handshake: false }), policy)).toEqual({
    refused: expect.stringMatching(/handshake/),
  });
  expect(service.size).toBe(0);
  expect(
    await attackers.consider(attackDetection({ handshake: false }), { ...policy, withoutHandshake: true }),
  ).toMatchObject({ prefix: '203.0.113.7' });
});

test.each([
  ['never blocked', '203.0.113.1', /never blocked|protected/],
  ['protected', '198.51.100.20', /never blocked|protected/],
  ['multicast', '224.0.0.1', /multicast/i],
])('an address that is %s is refused with the reason', async (_, source, reason) => {
  expect(await attackers.consider(attackDetection({ source }), policy)).toEqual({
    refused: expect.stringMatching(reason),
  });
  expect(firewall.drops(source)).toBe(false);
});

test('a device that was unblocked by hand since is not banned for what it did before', async () => {
  await attackers.consider(attackDetection(), policy);
  await service.remove('203.0.113.7');
  expect(await attackers.consider(attackDetection(), policy)).toEqual({
    refused: expect.stringMatching(/unblocked after/),
  });
  expect(
    await attackers.consider(attackDetection({ time: (Date.now() + 1000) * 1000 }), policy),
  ).toMatchObject({
    prefix: '203.0.113.7',
  });
});

test('a kernel that refuses is told as a failure', async () => {
  firewall.failBansWith = new FirewallError('IPSET_FAILED', 'no room');
  expect(await attackers.consider(attackDetection(), policy)).toEqual({ failed: 'no room' });
});

test('IPv6 attackers can be banned by prefix', async () => {
  const v6 = attackDetection({ source: '2001:db8:1:2::7', version: 6 });
  expect(await attackers.consider(v6, { ...policy, ipv6Prefix: 64 })).toMatchObject({
    prefix: '2001:db8:1:2::/64',
  });
  expect(firewall.drops('2001:db8:1:2:ffff::1')).toBe(true);
  expect(firewall.drops('2001:db8:1:3::1')).toBe(false);
});

test('a neighbour in the network of this host is banned alone', async () => {
  const neighbour = attackDetection({ source: '2001:db8:1::7', version: 6 });
  expect(await attackers.consider(neighbour, { ...policy, ipv6Prefix: 64 })).toMatchObject({
    prefix: '2001:db8:1::7',
  });
  expect(firewall.drops('2001:db8:1::1')).toBe(false);
  const self = attackDetection({ source: '2001:db8:1::1', version: 6 });
  expect(await attackers.consider(self, { ...policy, ipv6Prefix: 64 })).toMatchObject({
    refused: expect.stringMatching(/address of this host/),
  });
});

test('repeat offenders are banned for longer, up to a limit, and forgotten after a while', async () => {
  const escalating = { ...policy, escalation: { factor: 3, max: 20_000, remember: 86_400 } };
  const next = async () => {
    await service.remove('203.0.113.7');
    const outcome = await attackers.consider(
      attackDetection({ time: (Date.now() + 10_000) * 1000 }),
      escalating,
    );
    return (outcome as { duration_s: number }).duration_s;
  };
  expect(await next()).toBe(3600);
  // Another detection of the same attack is no further offence.
  now += 1000;
  expect(await next()).toBe(3600);
  now += 60_000;
  expect(await next()).toBe(10_800);
  now += 60_000;
  expect(await next()).toBe(20_000);
  now += 86_400_001;
  expect(await next()).toBe(3600);
});

test('a flood of detections is an alarm, once a minute, and bans no more', async () => {
  const capped = { ...policy, perMinute: 3 };
  const attack = (last: number) =>
    attackers.consider(attackDetection({ source: `203.0.113.${last}` }), capped);
  for (const last of [11, 12, 13]) expect(await attack(last)).toMatchObject({ origin: 'attack' });
  for (const last of [14, 15]) {
    expect(await attack(last)).toEqual({ refused: expect.stringMatching(/more than 3 devices/) });
  }
  expect(floods).toBe(1);
  expect(service.size).toBe(3);
  // Whoever is banned already takes no further place.
  expect(await attack(11)).toMatchObject({ origin: 'attack' });
  now += 60_000;
  expect(await attack(14)).toMatchObject({ prefix: '203.0.113.14' });
});

describe('a protected host', () => {
  const own = { source: '198.51.100.9', protectedEnd: 'source', direction: 'to_server' } as const;

  test.each([
    ['web-address', 'block'],
    ['network-activity', 'block'],
    ['network-activity', 'drop'],
  ] as const)('is not banned for %s with %s', (kind, response) => {
    expect(attackers.consider(attackDetection({ ...own, kind, response }), policy)).toBeNull();
    expect(service.size).toBe(0);
  });

  test('is isolated where that is wanted, also for what it is answered', async () => {
    const activity = { kind: 'network-activity', response: 'isolate' } as const;
    const quiet = { ...policy, banning: false };
    const answered = attackDetection({
      ...activity,
      source: '203.0.113.9',
      destination: '198.51.100.8',
      protectedEnd: 'destination',
      direction: 'to_client',
    });
    expect(await attackers.consider(attackDetection({ ...own, ...activity }), quiet)).toMatchObject({
      prefix: '198.51.100.9',
      origin: 'isolation',
    });
    expect(await attackers.consider(answered, quiet)).toMatchObject({ prefix: '198.51.100.8' });
    expect((await service.list()).bans.map(({ origin }) => origin)).toEqual(['isolation', 'isolation']);
  });

  test('is not isolated for what others send it, nor without a handshake', async () => {
    const activity = { kind: 'network-activity', response: 'isolate' } as const;
    const asked = attackDetection({ ...activity, protectedEnd: 'destination', direction: 'to_server' });
    expect(attackers.consider(asked, policy)).toBeNull();
    const answering = attackDetection({ ...activity, ...own, direction: 'to_client' });
    expect(attackers.consider(answering, policy)).toBeNull();
    expect(
      await attackers.consider(attackDetection({ ...own, ...activity, handshake: false }), policy),
    ).toMatchObject({
      refused: expect.stringContaining('handshake'),
    });
    expect(service.size).toBe(0);
  });
});

describe('what a worker has banned already', () => {
  const banned = (prefix = '203.0.113.7') => ({ prefix, at: performance.now() });

  test.each(['203.0.113.7', '2001:db8::7'])('becomes a ban, told with its time: %s', async (source) => {
    await firewall.ban(source, 60);
    const version = source.includes(':') ? 6 : 4;
    const began = performance.now() - 50;
    const at = began + 1;
    expect(
      await attackers.consider(attackDetection({ source, version }), policy, began, { prefix: source, at }),
    ).toMatchObject({ prefix: source, origin: 'attack' });
    expect(firewall.drops(source)).toBe(true);
    expect(service.size).toBe(1);
  });

  test.each([
    ['it is spared', attackDetection({ source: '203.0.113.1' }), policy],
    ['the configuration has changed', attackDetection(), { ...policy, banning: false }],
    ['there are too many', attackDetection(), { ...policy, perMinute: 0 }],
  ])('goes again where %s', async (_, seen, rules) => {
    await firewall.ban(seen.source, 60);
    expect(await attackers.consider(seen, rules, performance.now(), banned(seen.source))).toHaveProperty(
      'refused',
    );
    expect(firewall.drops(seen.source)).toBe(false);
    expect(service.size).toBe(0);
  });

  test('goes again where it was unblocked by hand since', async () => {
    await attackers.consider(attackDetection(), policy);
    await service.remove('203.0.113.7');
    await firewall.ban('203.0.113.7', 60);
    expect(await attackers.consider(attackDetection(), policy, performance.now(), banned())).toHaveProperty(
      'refused',
    );
    expect(firewall.drops('203.0.113.7')).toBe(false);
  });

  test('goes again where another prefix of it is banned, and where the ledger has found it meanwhile', async () => {
    const seen = attackDetection({ source: '2001:db8:5::7', version: 6 });
    await firewall.ban('2001:db8:5::7', 60);
    await attackers.consider(seen, { ...policy, ipv6Prefix: 64 }, performance.now(), banned(seen.source));
    expect((await service.list()).bans.map(({ prefix }) => prefix)).toEqual(['2001:db8:5::/64']);
    expect((await firewall.listBans()).map(({ prefix }) => prefix)).toEqual(['2001:db8:5::/64']);
    await firewall.ban('203.0.113.1', 60);
    expect((await service.reconcile()).adopted).toBe(1);
    const spared = attackDetection({ source: '203.0.113.1' });
    await attackers.consider(spared, policy, performance.now(), banned('203.0.113.1'));
    expect(firewall.drops('203.0.113.1')).toBe(false);
    expect(service.size).toBe(1);
  });
});
