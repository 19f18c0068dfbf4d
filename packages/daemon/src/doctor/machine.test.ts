import { gzipSync } from 'node:zlib';
import { circumstances, FakeHost, NOW } from '../../testing/fake-host';
import { checkClock, checkKernelModules, checkNodeVersion, checkPermission } from './machine';

describe('permission', () => {
  test.each([
    ['000001ffffffffff', 'ok', 'CAP_NET_ADMIN and CAP_NET_RAW'],
    ['0000000000003000', 'ok', 'CAP_NET_ADMIN and CAP_NET_RAW'],
    ['0000000000001000', 'failed', 'CAP_NET_RAW missing'],
    ['0000000000000000', 'failed', 'CAP_NET_ADMIN and CAP_NET_RAW missing'],
  ] as const)('with capabilities %s: %s', (bits, state, seen) => {
    const host = new FakeHost();
    host.texts.set('/proc/self/status', `Name:\tnode\nCapEff:\t${bits}\nCapBnd:\t0\n`);
    expect(checkPermission(host)).toMatchObject({ state, seen });
  });

  test('that cannot be told', () => expect(checkPermission(new FakeHost()).state).toBe('unknown'));
});

test.each([
  ['20.19.0', 'ok'],
  ['22.0.0', 'ok'],
  ['20.18.3', 'failed'],
  ['18.19.0', 'failed'],
] as const)('Node.js %s: %s', (version, state) => {
  const host = new FakeHost();
  host.nodeVersion = version;
  expect(checkNodeVersion(host).state).toBe(state);
});

describe('kernel modules', () => {
  const OTHERS = [
    'ip_set_hash_net',
    'ip_set_bitmap_port',
    'xt_set',
    'xt_NFQUEUE',
    'xt_connmark',
    'xt_conntrack',
    'xt_bpf',
    'xt_addrtype',
  ];
  const FACTS = { bytes: 0, modified: NOW };
  const machine = () => {
    const host = new FakeHost().says('ipset list -name', '');
    host.texts.set('/proc/sys/kernel/osrelease', '6.1.0\n');
    host.files.set('/proc/net/netfilter/nfnetlink_queue', FACTS);
    host.files.set('/proc/sys/net/netfilter/nf_conntrack_count', FACTS);
    return host;
  };
  const dependencies = (names: readonly string[]) =>
    names.map((name) => `kernel/net/netfilter/${name}.ko.xz: kernel/net/x_tables.ko.xz\n`).join('');

  test('that are loaded, built in or can be loaded', async () => {
    const host = machine();
    const [loaded, builtIn, folder, ...loadable] = OTHERS as [string, string, string, ...string[]];
    host.texts.set('/proc/modules', `${loaded} 16384 1 - Live 0x0\n`);
    host.texts.set('/lib/modules/6.1.0/modules.builtin', `kernel/net/${builtIn}.ko\n`);
    host.files.set(`/sys/module/${folder}`, FACTS);
    host.texts.set('/lib/modules/6.1.0/modules.dep', dependencies(loadable));
    expect(await checkKernelModules(host)).toMatchObject({ state: 'ok', seen: 'all 11 are there (6.1.0)' });
  });

  test('that only the configuration of the kernel tells', async () => {
    const host = machine();
    const options = ['IP_SET_HASH_NET', 'IP_SET_BITMAP_PORT', 'NETFILTER_XT_SET', 'NETFILTER_XT_CONNMARK'];
    for (const name of ['CONNTRACK', 'BPF', 'ADDRTYPE']) options.push(`NETFILTER_XT_MATCH_${name}`);
    const text = [...options, 'NETFILTER_XT_TARGET_NFQUEUE'].map((name) => `CONFIG_${name}=y\n`).join('');
    host.texts.set('/proc/config.gz', gzipSync(text));
    expect((await checkKernelModules(host)).state).toBe('ok');
  });

  test('that are missing, or of which nothing is known', async () => {
    const host = machine();
    expect(await checkKernelModules(host)).toMatchObject({
      state: 'unknown',
      seen: `nothing tells whether the kernel (6.1.0) has ${OTHERS.join(', ')}`,
    });
    host.texts.set('/lib/modules/6.1.0/modules.dep', dependencies(OTHERS.slice(1)));
    expect(await checkKernelModules(host)).toMatchObject({
      state: 'failed',
      seen: 'this kernel (6.1.0) has not got ip_set_hash_net',
    });
  });
});

describe('the clock', () => {
  test.each([
    ['yes\n', 'ok', '2026-06-01T12:00:00.000Z, synchronised'],
    ['no\n', 'warning', '2026-06-01T12:00:00.000Z, not synchronised'],
    [null, 'ok', '2026-06-01T12:00:00.000Z'],
  ] as const)('synchronised: %j', async (answer, state, seen) => {
    const here = circumstances();
    if (answer !== null) here.host.says('timedatectl show -p NTPSynchronized --value', answer);
    expect(await checkClock(here)).toMatchObject({ state, seen });
  });

  test('is before a file that we have written', async () => {
    const here = circumstances();
    here.host.folders.set('/var/lib/portcullis', ['state.json']);
    here.host.files.set('/var/lib/portcullis/state.json', { bytes: 1, modified: NOW + 86_400_000 });
    expect(await checkClock(here)).toMatchObject({
      state: 'failed',
      seen: expect.stringMatching(/is before .*state\.json was written \(2026-06-02/),
    });
  });
});
