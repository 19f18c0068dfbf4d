import { circumstances, FakeHost } from '../../testing/fake-host';
import { checkConntrackTable, checkReceiveBuffer, checkReversePath, checkTcpLoose } from './network';

const NETFILTER = '/proc/sys/net/netfilter';

test.each([
  ['10', '100', 'ok', '10 of 100 connections'],
  ['80', '100', 'warning', '80 of 100 connections'],
  ['98', '100', 'failed', '98 of 100 connections: new ones are dropped'],
  ['98', '0', 'ok', '98 connections'],
  ['98', '', 'unknown', 'connection tracking is not loaded yet'],
] as const)('a conntrack table with %s of %s: %s', (count, most, state, seen) => {
  const host = new FakeHost();
  host.texts.set(`${NETFILTER}/nf_conntrack_count`, `${count}\n`);
  host.texts.set(`${NETFILTER}/nf_conntrack_max`, `${most}\n`);
  expect(checkConntrackTable(host)).toMatchObject({ state, seen });
});

test('nf_conntrack_tcp_loose', () => {
  const host = new FakeHost();
  expect(checkTcpLoose(host).state).toBe('unknown');
  host.texts.set(`${NETFILTER}/nf_conntrack_tcp_loose`, '1\n');
  expect(checkTcpLoose(host).state).toBe('ok');
  host.texts.set(`${NETFILTER}/nf_conntrack_tcp_loose`, '0\n');
  expect(checkTcpLoose(host)).toMatchObject({
    state: 'warning',
    mend: 'sysctl -w net.netfilter.nf_conntrack_tcp_loose=1',
  });
});

test('rp_filter is noted where it is strict', () => {
  const host = new FakeHost();
  const folder = '/proc/sys/net/ipv4/conf';
  expect(checkReversePath(host).state).toBe('unknown');
  host.folders.set(folder, ['all', 'default', 'lo', 'eth0', 'eth1']);
  host.texts.set(`${folder}/eth0/rp_filter`, '1\n').set(`${folder}/eth1/rp_filter`, '2\n');
  host.texts.set(`${folder}/lo/rp_filter`, '1\n');
  expect(checkReversePath(host)).toMatchObject({
    state: 'ok',
    seen: expect.stringMatching(/^strict on eth0:/),
  });
  // The larger value counts, and 2 is loose.
  host.texts.set(`${folder}/all/rp_filter`, '2\n');
  expect(checkReversePath(host).seen).toBe('not strict on any interface');
});

describe('the receive buffer', () => {
  const WANTED = 128 * 1024 * 1024;
  const checked = (capabilities: string, map: string, most: string | null) => {
    const here = circumstances();
    here.host.texts.set('/proc/self/status', `CapEff:\t${capabilities}\n`).set('/proc/self/uid_map', map);
    if (most !== null) here.host.texts.set('/proc/sys/net/core/rmem_max', `${most}\n`);
    return checkReceiveBuffer(here);
  };
  const FIRST = '         0          0 4294967295\n';

  test.each([
    ['1000', FIRST, '212992', 'ok'],
    ['1000', '0 100000 65536\n', '212992', 'warning'],
    ['0', FIRST, '212992', 'warning'],
    ['0', FIRST, `${WANTED}`, 'ok'],
    ['0', FIRST, null, 'unknown'],
  ] as const)('with capabilities %s, user namespace %j, rmem_max %s: %s', (bits, map, most, state) => {
    expect(checked(bits, map, most).state).toBe(state);
  });

  test('says which sysctl', () =>
    expect(checked('0', FIRST, '212992').mend).toMatch(/^sysctl -w net\.core\.rmem_max=134217728/));
});
