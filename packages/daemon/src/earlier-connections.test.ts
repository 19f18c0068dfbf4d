import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InstallPlan } from '@portcullis/firewall';
import { type TcpSocket, TcpState } from '@portcullis/nfqueue-binding';
import { earlierConnections, interceptedSockets } from './earlier-connections';
import { portsInSettings } from './ssh-sessions';

const HOST = '192.0.2.1';
const CLIENT = '198.51.100.9';

function socket(localPort: number, remotePort: number, changes: Partial<TcpSocket> = {}): TcpSocket {
  return {
    version: 4,
    state: TcpState.ESTABLISHED,
    localAddress: HOST,
    localPort,
    remoteAddress: CLIENT,
    remotePort,
    inode: localPort * 100_000 + remotePort,
    ...changes,
  };
}

const listener = (port: number) =>
  socket(port, 0, { state: TcpState.LISTEN, localAddress: '0.0.0.0', remoteAddress: '0.0.0.0' });

const plan = (changes: Partial<InstallPlan> = {}): InstallPlan => ({
  queues: { first: 0, last: 0 },
  failOpen: true,
  markMask: 0x00f00000,
  generation: 1,
  hooks: { forward: false, input: true, output: true },
  ports: [
    { first: 80, last: 80 },
    { first: 22, last: 22 },
  ],
  excludedInterfaces: [],
  inbound: { networks: [], interfaces: [] },
  monitoring: false,
  eitherPort: true,
  ...changes,
});

const nobody = {
  sessionSockets: () => new Set<number>(),
  configuredPorts: () => new Set<number>(),
  ownSession: undefined,
};

function intercepted(sockets: TcpSocket[], changes: Partial<InstallPlan> = {}, direction = 'inbound') {
  const kept = earlierConnections('reset', sockets, 0, nobody)?.kept ?? [];
  const { inbound, ...rest } = plan(changes);
  const wanted = direction === 'both' ? rest : { ...rest, ...(inbound && { inbound }) };
  return interceptedSockets(sockets, wanted, kept, [HOST]).map(
    ({ localPort, remotePort }) => `${localPort}-${remotePort}`,
  );
}

test('connections to services on intercepted ports, and no others', () => {
  const sockets = [
    listener(80),
    listener(443),
    listener(22),
    socket(80, 5001),
    socket(80, 5002, { state: TcpState.CLOSE_WAIT }),
    socket(80, 5003, { state: TcpState.LAST_ACK }),
    socket(443, 5004),
    socket(22, 5005),
    socket(80, 5006, { remoteAddress: HOST }),
    socket(80, 5007, { localAddress: '127.0.0.1', remoteAddress: '127.0.0.1' }),
    socket(40_000, 80),
  ];
  expect(intercepted(sockets)).toEqual(['80-5001', '80-5002']);
  expect(intercepted(sockets, { ports: 'any' })).toEqual(['80-5001', '80-5002', '443-5004']);
  expect(intercepted(sockets, {}, 'both')).toEqual(['80-5001', '80-5002', '40000-80']);
  expect(intercepted(sockets, { hooks: { forward: true, input: false, output: false } })).toEqual([]);
});

test('what an exclusion may leave out of inspection is not reset at once', () => {
  const sockets = [listener(80), socket(80, 5001), socket(80, 5002, { remoteAddress: '203.0.113.5' })];
  const excluding = (exclusion: object) =>
    intercepted(sockets, { exclusions: [{ scan: false, ...exclusion }] });
  expect(excluding({ source: '198.51.100.0/24' })).toEqual(['80-5002']);
  expect(excluding({ destination: HOST, port: { first: 80, last: 80 } })).toEqual([]);
  expect(excluding({ destination: '203.0.113.0/24' })).toEqual(['80-5001', '80-5002']);
  expect(excluding({ interfaces: ['eth0'] })).toEqual([]);
  expect(intercepted(sockets, { exclusions: [{ scan: true, source: '198.51.100.0/24' }] })).toHaveLength(2);
});

describe('SSH sessions', () => {
  const sockets = [
    socket(22, 6001),
    socket(2222, 6002),
    socket(2022, 6003),
    socket(80, 6004),
    socket(2200, 6005),
  ];
  const processes = {
    configuredPorts: () => new Set([2200]),
    sessionSockets: () => new Set([sockets[1]?.inode as number]),
    ownSession: `${CLIENT} 6003 ${HOST} 2022`,
  };
  const keptPorts = (onEnable: 'reset' | 'reset-all', facts = processes) =>
    earlierConnections(onEnable, sockets, 7, facts)?.kept.map(({ remote }) => remote.port);

  test('are known by port, by program, and by this program being run in one', () => {
    expect(keptPorts('reset')).toEqual([6001, 6002, 6003, 6005]);
    expect(keptPorts('reset', { ...nobody, ownSession: undefined as never })).toEqual([6001]);
  });

  test('are at the ports that the settings of OpenSSH name', () => {
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-ssh-'));
    try {
      expect(portsInSettings(folder)).toEqual(new Set());
      mkdirSync(join(folder, 'sshd_config.d'));
      writeFileSync(
        join(folder, 'sshd_config'),
        'Include /etc/ssh/sshd_config.d/*.conf\n#Port 21\n  port 2200\nPortal 23\nListenAddress 192.0.2.1\nListenAddress 192.0.2.1:2201\n',
      );
      writeFileSync(
        join(folder, 'sshd_config.d', 'more.conf'),
        'Port=2202\nListenAddress [2001:db8::1]:2203\nListenAddress 2001:db8::2\n',
      );
      writeFileSync(join(folder, 'sshd_config.d', 'other'), 'Port 2204\n');
      expect(portsInSettings(folder)).toEqual(new Set([2200, 2201, 2202, 2203]));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('are kept unless told otherwise', () => {
    expect(keptPorts('reset-all')).toEqual([]);
    expect(earlierConnections('adopt', sockets, 7, processes)).toBeNull();
    expect(earlierConnections('reset', sockets, 7, processes)?.since).toBe(7);
  });
});
