import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Detection } from '@portcullis/engine';
import { BanService, FirewallError, MemoryFirewall } from '@portcullis/firewall';
import { banAttacker } from './ban-attacker';
import { NeverBlock } from './never-block';

const SEEN = 1_704_067_200_000_000;
const policy = { banning: true, seconds: 3600, withoutHandshake: false };
const detection = (fields: Partial<Detection> = {}): Detection =>
  ({
    time: SEEN,
    rule: {
      action: 'drop',
      gid: 1,
      sid: 7,
      rev: 1,
      msg: 'an attack',
      classtype: null,
      priority: 1,
      metadata: {},
      references: [],
    },
    source: '203.0.113.7',
    handshake: true,
    response: 'block',
    blocked: true,
    rejected: false,
    ...fields,
  }) as Detection;

let directory: string;
let firewall: MemoryFirewall;
let service: BanService;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'attack-'));
  firewall = new MemoryFirewall();
  const never = new NeverBlock(['203.0.113.1/32'], ['198.51.100.0/24'], {
    read: () => '',
    addresses: () => [],
  });
  service = new BanService({
    backend: firewall,
    directory,
    neverBlock: (prefix) => never.refuses(prefix.text) ?? undefined,
  });
  await service.start();
});
afterEach(async () => {
  await service.stop();
  rmSync(directory, { recursive: true, force: true });
});

test('the source of an attack that was blocked is banned, for the configured time and with the rule that said so', async () => {
  const outcome = await banAttacker(detection(), policy, service);
  const [ban] = service.list();
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
  ['an alert that was allowed', detection({ blocked: false }), policy],
  ['an attack that is to be dropped only', detection({ response: 'drop' }), policy],
  ['an attack where nobody is to be banned', detection(), { ...policy, banning: false }],
])('%s bans nobody', (_, seen, rules) => {
  expect(banAttacker(seen, rules, service)).toBeNull();
  expect(service.size).toBe(0);
});

test('a source that may be forged is not banned, unless it is said to be', async () => {
  expect(await banAttacker(detection({ handshake: false }), policy, service)).toEqual({
    refused: expect.stringMatching(/handshake/),
  });
  expect(service.size).toBe(0);
  expect(
    await banAttacker(detection({ handshake: false }), { ...policy, withoutHandshake: true }, service),
  ).toMatchObject({ prefix: '203.0.113.7' });
});

test.each([
  ['never blocked', '203.0.113.1', /never blocked|protected/],
  ['protected', '198.51.100.20', /never blocked|protected/],
  ['multicast', '224.0.0.1', /multicast/i],
])('an address that is %s is refused with the reason', async (_, source, reason) => {
  expect(await banAttacker(detection({ source }), policy, service)).toEqual({
    refused: expect.stringMatching(reason),
  });
  expect(firewall.drops(source)).toBe(false);
});

test('a device that was unblocked by hand since is not banned for what it did before', async () => {
  await banAttacker(detection(), policy, service);
  await service.remove('203.0.113.7');
  expect(await banAttacker(detection(), policy, service)).toEqual({
    refused: expect.stringMatching(/unblocked-since/),
  });
  expect(await banAttacker(detection({ time: (Date.now() + 1000) * 1000 }), policy, service)).toMatchObject({
    prefix: '203.0.113.7',
  });
});

test('a kernel that refuses is told as a failure', async () => {
  firewall.failBansWith = new FirewallError('IPSET_FAILED', 'no room');
  expect(await banAttacker(detection(), policy, service)).toEqual({ failed: 'no room' });
});
