import { NeverBlock, type SystemFiles } from './never-block';

// Words of these tables are as a little-endian kernel prints them.
const files: Record<string, string> = {
  '/proc/net/route':
    'Iface Destination Gateway Flags\neth0 00000000 0101A8C0 0003\neth0 0001A8C0 00000000 0001\n',
  '/proc/net/ipv6_route':
    '00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 0 0 0 eth0\n',
  '/etc/resolv.conf': '# by hand\nnameserver 9.9.9.9\nnameserver fe80::53%eth0\noptions edns0\n',
  '/run/systemd/resolve/resolv.conf': 'nameserver 149.112.112.112\n',
  '/proc/net/tcp':
    '  sl  local_address rem_address   st\n   0: 0201A8C0:0016 0700000A:C350 01 0 0\n   1: 0201A8C0:0050 0800000A:C350 01 0\n   2: 0201A8C0:08AE 0B00000A:C350 01 0\n',
  '/proc/net/tcp6':
    '  sl\n   0: 00000000000000000000000000000000:0016 000000FD000000000000000009000000:C350 01 0\n',
};
const system: SystemFiles = {
  read: (path) => files[path] ?? '',
  addresses: () => ['127.0.0.1', '192.168.1.2', 'fd00::2', 'fe80::2%eth0'],
  sshPorts: () => new Set([22, 2222]),
};
const all = new NeverBlock(
  ['self', 'gateway', 'dns', 'admin-sessions', '172.16.0.0/12'],
  ['10.20.0.0/16'],
  system,
);

test.each([
  ['192.168.1.2', /this host/],
  ['fd00::2/128', /this host/],
  ['192.168.0.0/16', /this host/],
  ['192.168.1.1', /gateway/],
  ['fe80::1', /gateway/],
  ['9.9.9.9', /name server/],
  ['fe80::53', /name server/],
  // Whom the stub of this host asks.
  ['149.112.112.112', /name server/],
  ['10.0.0.7', /administrator/],
  ['10.0.0.11', /administrator/],
  ['fd00::9', /administrator/],
  ['172.20.1.1', /172\.16\.0\.0\/12/],
  ['10.20.3.4', /10\.20\.0\.0\/16/],
  ['10.16.0.0/12', /10\.20\.0\.0\/16/],
  ['nonsense', /not an address/],
])('%s is refused', (prefix, why) => expect(all.refuses(prefix)).toMatch(why));

test.each(['10.0.0.8', '8.8.8.8', 'fd00::3', '192.168.1.128/25'])('%s may be banned', (prefix) =>
  expect(all.refuses(prefix)).toBeNull(),
);

test('only what the configuration names is protected', () => {
  expect(new NeverBlock(['dns'], [], system).refuses('192.168.1.1')).toBeNull();
});

test('a protected host may be isolated, but none that the configuration names', () => {
  expect(all.refuses('10.20.3.4', true)).toBeNull();
  expect(all.refuses('172.20.1.1', true)).toMatch(/172/);
  expect(all.refuses('192.168.1.1', true)).toMatch(/gateway/);
  expect(all.refuses('192.168.1.2', true)).toMatch(/this host/);
});
