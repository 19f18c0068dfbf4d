import { FirewallError } from './errors';
import type { Family } from './names';
import type { PortRange } from './ports';
import { Prefix } from './prefix';

/** Connections that are left out of inspection, or kept in it before a wider exclusion; by who opens them. */
export interface ScanExclusion {
  /** Prefix of the end that opens the connection. */
  readonly source?: string | undefined;
  readonly destination?: string | undefined;
  /** Names of the interfaces that the connection comes in by; absent: any. */
  readonly interfaces?: readonly string[] | undefined;
  /** Port that the connection is made to, TCP and UDP; absent: every protocol. */
  readonly port?: PortRange | undefined;
  /** False: not inspected. True: inspected, whatever later exclusions say. */
  readonly scan: boolean;
}

/** @throws FirewallError PLAN_INVALID */
export function checkExclusion({ source, destination, interfaces, port }: ScanExclusion): void {
  const invalid = (what: string): never => {
    throw new FirewallError('PLAN_INVALID', `exclusion: ${what}.`);
  };
  for (const text of [source, destination]) {
    if (text !== undefined) Prefix.parse(text);
  }
  for (const name of interfaces ?? []) {
    if (!/^[A-Za-z0-9_.@][A-Za-z0-9_.@:-]{0,14}$/.test(name))
      invalid(`"${name}" is not the name of a network interface`);
  }
  if (port && !(port.first >= 0 && port.first <= port.last && port.last <= 65535))
    invalid(`${port.first}-${port.last} is not a range of ports`);
}

/**
 * Rules of the exclusion chain. ACCEPT ends the hook as it does in the bypass chain, so that the connection is marked
 * and its replies go with it; only the packets of the side that opened the connection are asked.
 */
export function exclusionRules(exclusions: readonly ScanExclusion[], family: Family): string[] {
  return exclusions.flatMap(({ source, destination, interfaces, port, scan }) => {
    const ends: string[] = [];
    for (const [option, text] of [
      ['-s', source],
      ['-d', destination],
    ] as const) {
      if (text === undefined) continue;
      const prefix = Prefix.parse(text);
      if (prefix.family !== family) return [];
      ends.push(`${option} ${prefix.text}`);
    }
    const ways = interfaces === undefined ? [''] : interfaces.map((name) => `-i ${name}`);
    const ports = port === undefined ? '' : ` --dport ${port.first}:${port.last}`;
    const protocols = port === undefined ? [''] : ['-p tcp -m tcp', '-p udp -m udp'];
    const target = scan ? 'RETURN' : 'ACCEPT';
    return ways.flatMap((way) =>
      protocols.map((protocol) =>
        [...ends, way, `${protocol}${ports}`, `-m conntrack --ctdir ORIGINAL -j ${target}`]
          .filter((part) => part !== '')
          .join(' '),
      ),
    );
  });
}
