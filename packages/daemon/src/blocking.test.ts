import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Configuration, resolveConfiguration } from '@portcullis/configuration';
import type { EventSink } from '@portcullis/events';
import { FirewallError, MemoryFirewall } from '@portcullis/firewall';
import { attackDetection } from '../testing/attack';
import { Blocking } from './blocking';
import { Incidents } from './incidents';
import { RulesInForce } from './rules-in-force';

const DEVICE = '203.0.113.7';
let directory: string;
let firewall: MemoryFirewall;
let blocking: Blocking;
let configuration: Configuration;
let forgotten: number;
let errors: string[];
let said: string[];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'portcullis-blocking-'));
  firewall = new MemoryFirewall();
  forgotten = 0;
  errors = [];
  said = [];
  const overrides = [`state-dir=${directory}`, 'never-block=[self]'];
  configuration = resolveConfiguration({ file: null, overrides }).configuration;
  const log = {
    info: (text: string) => said.push(text),
    warn: () => undefined,
    error: (text: string) => errors.push(text),
  };
  blocking = new Blocking({
    mode: 'standard',
    log,
    incidents: new Incidents(),
    rules: new RulesInForce(log),
    firewall,
    sink: { write: () => undefined } as unknown as EventSink,
    configuration: () => configuration,
    supervisor: () => ({ setBanPermit: () => undefined, forgetBlockedSources: () => forgotten++ }),
  });
  await blocking.start();
});
afterEach(async () => {
  await blocking.bans.service.stop();
  rmSync(directory, { recursive: true, force: true });
});

function exclude(src: string): void {
  const [exclusion] = resolveConfiguration({
    file: null,
    overrides: [`state-dir=${directory}`, `exclusions=[{src: ${src}, rule: do-not-scan}]`],
  }).configuration.exclusions;
  configuration = { ...configuration, exclusions: [exclusion as Configuration['exclusions'][number]] };
}

test('whom a new configuration excludes is let in, by kernel and workers, and banned no more', async () => {
  await blocking.bans.add({ address: DEVICE });
  exclude(DEVICE);
  await blocking.useConfiguration();
  expect([firewall.drops(DEVICE), forgotten]).toEqual([false, 1]);
  await expect(blocking.bans.add({ address: DEVICE })).rejects.toThrow(/never blocked/);
  await blocking.useConfiguration();
  expect(forgotten).toBe(1);
});

test('a kernel that does not let it in fails no reload, and is told', async () => {
  await blocking.bans.add({ address: DEVICE });
  exclude(DEVICE);
  firewall.failBansWith = new FirewallError('IPSET_FAILED', 'the set is broken');
  await blocking.useConfiguration();
  expect(errors).toEqual([expect.stringMatching(/banned still: the set is broken/)]);
});

test('that attackers cannot be banned is told once, and once when they can be again', async () => {
  const attack = (source: string) =>
    blocking.responses.to(attackDetection({ source, time: Date.now() * 1000 }), performance.now(), null);
  firewall.failBansWith = new FirewallError('IPSET_FAILED', 'the set is full');
  for (const source of ['203.0.113.1', '203.0.113.2'])
    expect((await attack(source)).portcullis?.ban).toEqual({
      failed: expect.stringMatching(/the set is full/),
    });
  expect(errors).toEqual([expect.stringMatching(/^203\.0\.113\.1 could not be banned: .*the set is full/)]);
  firewall.failBansWith = undefined;
  for (const source of ['203.0.113.3', '203.0.113.4'])
    expect((await attack(source)).portcullis?.ban).toMatchObject({ prefix: source });
  expect(said.filter((line) => /banned/.test(line))).toEqual(['attackers can be banned again']);
});
