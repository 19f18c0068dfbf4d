/** Connections that are there when protection is turned on: which are reset, and which are left alone. */

import { BlockList } from 'node:net';
import type { Configuration } from '@portcullis/configuration';
import type { EarlierConnectionSettings } from '@portcullis/engine';
import type { InstallPlan, ScanExclusion } from '@portcullis/firewall';
import { type TcpSocket, TcpState } from '@portcullis/nfqueue-binding';
import { liveProcesses, type ProcessFacts, sshSessions } from './ssh-sessions';

/** States in which the peer is told by a reset; others end by themselves within a minute. */
const RESETTABLE: ReadonlySet<number> = new Set([
  TcpState.ESTABLISHED,
  TcpState.CLOSE_WAIT,
  TcpState.FIN_WAIT1,
  TcpState.FIN_WAIT2,
]);

/** @returns connections that stay whatever `on-enable` says: null where all are adopted */
export function earlierConnections(
  onEnable: Configuration['on-enable'],
  sockets: readonly TcpSocket[],
  nowMicros: number,
  processes: ProcessFacts = liveProcesses,
): EarlierConnectionSettings | null {
  if (onEnable === 'adopt') return null;
  const sessions = onEnable === 'reset-all' ? [] : sshSessions(sockets, processes);
  return {
    since: nowMicros,
    kept: sessions.map(({ localAddress, localPort, remoteAddress, remotePort }) => ({
      local: { address: localAddress, port: localPort },
      remote: { address: remoteAddress, port: remotePort },
    })),
  };
}

/**
 * The connections of this host's own programs that the plan takes into inspection. One that an exclusion may leave out
 * is not among them: whether it does, only the kernel knows, and it is reset at its next packet if not.
 */
export function interceptedSockets(
  sockets: readonly TcpSocket[],
  plan: InstallPlan,
  kept: EarlierConnectionSettings['kept'],
  ownAddresses: readonly string[],
): TcpSocket[] {
  if (!plan.hooks.input) return [];
  const own = addressList(['127.0.0.0/8', '::1', ...ownAddresses]);
  const listening = sockets.filter(({ state }) => state === TcpState.LISTEN);
  const services = new Set(listening.map(({ localPort }) => localPort));
  const keptKeys = new Set(kept.map(({ local, remote }) => key(local, remote)));
  const excluded = (plan.exclusions ?? []).filter(({ scan }) => !scan).map(exclusionTest);
  return sockets.filter((socket) => {
    const { localAddress, localPort, remoteAddress, remotePort } = socket;
    if (!RESETTABLE.has(socket.state)) return false;
    // What stays within this host is never queued.
    if (own.has(remoteAddress)) return false;
    const inbound = services.has(localPort);
    if (plan.inbound !== undefined && !inbound) return false;
    if (!portIn(plan, localPort) && !portIn(plan, remotePort)) return false;
    const ends = [
      { address: localAddress, port: localPort },
      { address: remoteAddress, port: remotePort },
    ] as const;
    if (keptKeys.has(key(...ends))) return false;
    return !excluded.some((mayFit) => mayFit(inbound ? ends[1] : ends[0], inbound ? ends[0] : ends[1]));
  });
}

interface End {
  readonly address: string;
  readonly port: number;
}

function key(local: End, remote: End): string {
  return `${local.address} ${local.port} ${remote.address} ${remote.port}`;
}

function portIn({ ports }: InstallPlan, port: number): boolean {
  return ports === 'any' || ports.some(({ first, last }) => port >= first && port <= last);
}

function exclusionTest({ source, destination, port }: ScanExclusion): (opener: End, service: End) => boolean {
  const sources = source === undefined ? null : addressList([source]);
  const destinations = destination === undefined ? null : addressList([destination]);
  return (opener, service) =>
    (sources?.has(opener.address) ?? true) &&
    (destinations?.has(service.address) ?? true) &&
    (port === undefined || (service.port >= port.first && service.port <= port.last));
}

/** @param entries addresses (with or without a zone) and prefixes */
function addressList(entries: readonly string[]): { has(address: string): boolean } {
  const list = new BlockList();
  for (const entry of entries) {
    const [address = '', length] = entry.replace(/%.*/, '').split('/');
    const type = address.includes(':') ? 'ipv6' : 'ipv4';
    if (length === undefined) list.addAddress(address, type);
    else list.addSubnet(address, Number(length), type);
  }
  return { has: (address) => list.check(address, address.includes(':') ? 'ipv6' : 'ipv4') };
}
