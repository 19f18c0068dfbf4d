import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Configuration, resolveConfiguration } from '@portcullis/configuration';
import type { EventSink } from '@portcullis/events';
import { FirewallError, MemoryFirewall } from '@portcullis/firewall';
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

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'portcullis-blocking-'));
  firewall = new MemoryFirewall();
  forgotten = 0;
  errors = [];
  const overrides = [`state-dir=${directory}`, 'never-block=[self]'];
  configuration = resolveConfiguration({ file: null, overrides }).configuration;
  const log = { info: () => undefined, warn: () => undefined, error: (text: string) => errors.push(text) };
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
