import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ControlError } from '@portcullis/control';
import { statusAnswer } from '../../../control/testing/status-answer';
import { FakeHost, NOW, QUEUE_LINES, SAVED_SETS, savedTables } from '../../testing/fake-host';
import { diagnose } from './diagnose';
import type { Finding } from './finding';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'portcullis-doctor-'));
  mkdirSync(join(directory, 'state'));
  writeFileSync(
    join(directory, 'a.rules'),
    'alert tcp any any -> any 80 (msg:"a"; content:"portcullis"; sid:1;)\nalert tcp any any -> any 80 (nonsense:1; sid:2;)\n',
  );
  writeFileSync(
    join(directory, 'c.yaml'),
    `rule-files: [a.rules]\nstate-dir: ${directory}/state\nlog-dir: ${directory}\nprotect: { networks: [192.0.2.0/24] }\n`,
  );
});
afterEach(() => rmSync(directory, { recursive: true }));

/** A machine with an engine that is well. */
function healthy(): FakeHost {
  const host = new FakeHost()
    .says('iptables-nft --version', 'iptables v1.8.9 (nf_tables)\n')
    .says('iptables-nft-save', savedTables(4))
    .says('ip6tables-nft-save', savedTables(6))
    .says('ipset --version', 'ipset v7.17, protocol version: 7\n')
    .says('ipset list -terse', SAVED_SETS)
    .says('ipset list -name', '');
  const texts = {
    '/proc/self/status': 'CapEff:\t000001ffffffffff\n',
    '/proc/self/uid_map': '0 0 4294967295\n',
    '/proc/net/if_inet6': '',
    '/proc/net/netfilter/nfnetlink_queue': QUEUE_LINES,
    '/proc/sys/net/netfilter/nf_conntrack_count': '1\n',
    '/proc/sys/net/netfilter/nf_conntrack_max': '100\n',
    '/proc/sys/net/netfilter/nf_conntrack_tcp_loose': '1\n',
    '/proc/modules': [
      ...['nfnetlink_queue', 'nf_conntrack', 'ip_set_hash_net', 'ip_set_bitmap_port', 'xt_set'],
      ...['xt_NFQUEUE', 'xt_connmark', 'xt_conntrack', 'xt_bpf', 'xt_addrtype'],
    ]
      .map((name) => `${name} 1 0 - Live 0x0\n`)
      .join(''),
  };
  for (const [path, text] of Object.entries(texts)) host.texts.set(path, text);
  for (const path of [directory, `${directory}/state`, `${directory}/eve.json`])
    host.files.set(path, { bytes: 1, modified: NOW });
  host.folders.set('/proc/sys/net/ipv4/conf', ['all', 'eth0']);
  host.answers.set('status', statusAnswer()).set('config.show', { settings: [], locked: [] });
  return host;
}

async function findings(host: FakeHost): Promise<Map<string, Finding>> {
  const load = { file: join(directory, 'c.yaml'), policy: null };
  const found = await diagnose({ load, version: '1.0.0', host });
  expect(new Set(found.map(({ name }) => name)).size).toBe(found.length);
  // Whoever opens the firewall closes it.
  expect(host.opened).toBe(0);
  for (const { state, mend } of found) {
    if (state === 'ok') expect(mend).toBeNull();
    if (state === 'failed' || state === 'warning') expect(mend).toMatch(/\w/);
  }
  return new Map(found.map((finding) => [finding.name, finding]));
}
const notOk = (found: Map<string, Finding>) =>
  Object.fromEntries(
    [...found.values()].filter(({ state }) => state !== 'ok').map(({ name, state }) => [name, state]),
  );

test('a machine that is well', async () => {
  const found = await findings(healthy());
  expect([...found.values()].filter(({ state }) => state !== 'ok')).toEqual([]);
  expect(found.size).toBe(32);
});

test('the settings of the engine count, not those of the file', async () => {
  const host = healthy();
  const settings = [{ key: 'nfqueue.max-length', value: 1024, origin: 'command line', locked: false }];
  host.answers.set('config.show', { settings, locked: [] });
  expect(notOk(await findings(host))).toEqual({ 'queue 0': 'warning', 'queue 1': 'warning' });
});

test.each([
  ['ENGINE_UNREACHABLE', '', 'failed', /^start it/],
  ['ENGINE_UNREACHABLE', '0: 2 0 1 1 01 77 @portcullis-engine\n', 'failed', /--config/],
  ['PERMISSION', '', 'unknown', /sudo/],
  ['', '', 'failed', /log/],
] as const)('an engine that does not answer: %s %j', async (code, sockets, state, mend) => {
  const host = healthy();
  host.answers.set('status', code === '' ? new Error('no answer') : new ControlError(code, 'it does not'));
  host.texts.set('/proc/net/unix', sockets);
  const found = await findings(host);
  expect(found.get('engine')).toMatchObject({ state, mend: expect.stringMatching(mend) });
  expect(found.get('protection')?.state).toBe('unknown');
  expect(found.get('bypass chain')?.state).toBe('ok');
  // Nobody has told how many load: they are loaded here.
  expect(found.get('rules')).toMatchObject({
    state: 'warning',
    seen: expect.stringMatching(/^1 can be loaded, 1 could not be loaded \(.*a\.rules:2: sid 2: /),
  });
});

test.each([
  ['another version', { version: '0.9.0' }, { engine: 'warning' }],
  ['another iptables', { firewall: 'iptables-legacy' }, { iptables: 'warning' }],
  ['repairs', { firewall_repairs: 2 }, { 'firewall repairs': 'warning' }],
  ['rules that fail', { rules: { loaded: 1, failed: 2, loaded_at: null } }, { rules: 'warning' }],
  ['no rules', { rules: { loaded: 0, failed: 2, loaded_at: null } }, { rules: 'failed' }],
] as const)('an engine with %s', async (_, changes, expected) => {
  const host = healthy();
  for (const family of [4, 6] as const)
    host.says(`${family === 4 ? 'iptables' : 'ip6tables'}-legacy-save`, savedTables(family));
  host.answers.set('status', statusAnswer(changes));
  expect(notOk(await findings(host))).toEqual(expected);
});

test('a configuration that is wrong: the machine is looked at all the same', async () => {
  writeFileSync(join(directory, 'c.yaml'), 'nonsense: 1\n');
  const found = await findings(healthy());
  expect(found.get('configuration')).toMatchObject({
    state: 'failed',
    seen: expect.stringMatching(/c\.yaml:1: nonsense: is not a key/),
  });
  expect(found.get('conntrack table')?.state).toBe('ok');
  expect(found.has('engine')).toBe(false);
});

test('rule files that cannot be read, a registration that was changed', async () => {
  rmSync(join(directory, 'a.rules'));
  writeFileSync(join(directory, 'state', 'registration.json'), '{"mode":"monitoring"}');
  const found = await findings(healthy());
  expect(notOk(found)).toEqual({ 'rule files': 'failed', registration: 'failed' });
  expect(found.get('rule files')?.seen).toMatch(/a\.rules/);
});

test('no iptables, no ipset', async () => {
  const host = healthy();
  host.firewallError = new Error('iptables is not installed');
  host.commands.delete('ipset --version');
  const found = await findings(host);
  expect(found.get('iptables')).toMatchObject({ state: 'failed', mend: 'apt-get install iptables' });
  expect(found.get('ipset')).toMatchObject({ state: 'failed', mend: 'apt-get install ipset' });
  for (const name of ['queue rules', 'bypass chain', 'ban rule', 'ban sets', 'ports set', 'leftovers'])
    expect(found.get(name)).toMatchObject({ state: 'unknown', seen: 'iptables is not installed' });
});

test('tables and sets that may not be read', async () => {
  const host = healthy();
  host.says('ip6tables-nft-save', '', 4, 'Permission denied (you must be root)');
  expect((await findings(host)).get('ban rule')).toMatchObject({
    state: 'unknown',
    seen: 'ip6tables-nft-save: Permission denied (you must be root)',
  });
  host.says('ip6tables-nft-save', savedTables(6)).says('ipset list -terse', '', 1, 'Kernel error');
  expect((await findings(host)).get('ban sets')?.seen).toBe('ipset: Kernel error');
});
