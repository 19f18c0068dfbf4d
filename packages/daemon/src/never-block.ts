/**
 * Addresses no attack may get banned: the host itself, its gateways, its resolvers, and those from which an
 * administrator is logged in right now. Read from the system when a ban is considered, because all of them change
 * while the engine runs.
 */
import { readFileSync } from 'node:fs';
import ip6addr from 'ip6addr';
import { localAddresses } from './interfaces';
import { sshPorts } from './ssh-sessions';

export type NeverBlockWord = 'self' | 'gateway' | 'dns' | 'admin-sessions';

/** Where the facts are read; tests give their own. */
export interface SystemFiles {
  read(path: string): string;
  addresses(): string[];
  /** Ports of this host that administrators log in by. */
  sshPorts(): ReadonlySet<number>;
}

export const liveSystem: SystemFiles = {
  read(path) {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return '';
    }
  },
  addresses: localAddresses,
  sshPorts,
};

/** Where a stub on this host asks further, these say whom (systemd-resolved.service(8), NetworkManager.conf(5)). */
const RESOLVER_FILES = [
  '/etc/resolv.conf',
  '/run/systemd/resolve/resolv.conf',
  '/run/NetworkManager/no-stub-resolv.conf',
];
/** TCP_ESTABLISHED in include/net/tcp_states.h. */
const ESTABLISHED = '01';

/** Words of /proc/net/tcp are the address in host byte order (proc_pid_net(5)); little-endian machines only differ in this. */
function hexAddress(hex: string, littleEndian: boolean): string {
  const bytes: number[] = [];
  for (let word = 0; word < hex.length; word += 8) {
    const part: number[] = [];
    for (let at = word; at < word + 8; at += 2) part.push(Number.parseInt(hex.slice(at, at + 2), 16));
    bytes.push(...(littleEndian ? part.reverse() : part));
  }
  if (bytes.length === 4) return bytes.join('.');
  const groups: string[] = [];
  for (let at = 0; at < 16; at += 2)
    groups.push((((bytes[at] as number) << 8) | (bytes[at + 1] as number)).toString(16));
  return groups.join(':');
}

const LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

function rows(text: string): string[][] {
  return text
    .split('\n')
    .slice(0, 100_000)
    .map((line) => line.trim().split(/\s+/));
}

function gateways(system: SystemFiles): string[] {
  const found: string[] = [];
  for (const row of rows(system.read('/proc/net/route'))) {
    const gateway = row[2];
    if (gateway && /^[0-9A-F]{8}$/.test(gateway) && gateway !== '00000000')
      found.push(hexAddress(gateway, LITTLE_ENDIAN));
  }
  for (const row of rows(system.read('/proc/net/ipv6_route'))) {
    const gateway = row[4];
    // IPv6 addresses are in network order here, unlike in /proc/net/tcp6.
    if (gateway && /^[0-9a-f]{32}$/.test(gateway) && !/^0+$/.test(gateway))
      found.push(hexAddress(gateway, false));
  }
  return found;
}

function resolvers(system: SystemFiles): string[] {
  return RESOLVER_FILES.flatMap((path) => rows(system.read(path)))
    .filter((row) => row[0] === 'nameserver' && row[1])
    .map((row) => (row[1] as string).split('%')[0] as string);
}

function administratorSessions(system: SystemFiles): string[] {
  const found: string[] = [];
  const ports = system.sshPorts();
  for (const path of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const row of rows(system.read(path))) {
      const [, local, remote, state] = row;
      if (state !== ESTABLISHED || !local || !remote) continue;
      if (!ports.has(Number.parseInt(local.split(':')[1] ?? '', 16))) continue;
      found.push(hexAddress(remote.split(':')[0] as string, LITTLE_ENDIAN));
    }
  }
  return found;
}

function parse(text: string): ip6addr.Addr | null {
  try {
    return ip6addr.parse(text);
  } catch {
    return null;
  }
}

interface ListedPrefix {
  readonly cidr: ip6addr.CIDR;
  readonly text: string;
}

interface Fact {
  addresses: ip6addr.Addr[];
  reason: string;
}

/** Facts older than this are read again before they are used. */
const FACTS_MILLISECONDS = 2000;

export class NeverBlock {
  private known: readonly Fact[] = [];
  private readAt = Number.NEGATIVE_INFINITY;
  private readonly words: ReadonlySet<NeverBlockWord>;
  private readonly prefixes: readonly ListedPrefix[];
  private readonly protected: readonly ListedPrefix[];

  constructor(
    entries: readonly string[],
    protectedNetworks: readonly string[],
    private readonly system: SystemFiles = liveSystem,
  ) {
    const isWord = (entry: string): entry is NeverBlockWord =>
      /^[a-z-]+$/.test(entry) && !entry.includes(':');
    this.words = new Set(entries.filter(isWord));
    const listed = (text: string): ListedPrefix => ({ cidr: ip6addr.createCIDR(text), text });
    this.prefixes = entries.filter((entry) => !isWord(entry)).map(listed);
    this.protected = protectedNetworks.map(listed);
  }

  /**
   * Reads the system's facts anew. Called every second while attackers may have to be banned, because reading the
   * socket tables takes milliseconds on a busy host and a ban must not wait for it.
   */
  refresh(): void {
    const { system } = this;
    // What is not asked for is not read: the tables of a busy host take milliseconds.
    const fact = (word: NeverBlockWord, texts: () => readonly string[], reason: string): Fact[] =>
      this.words.has(word) ? [{ addresses: texts().flatMap((text) => parse(text) ?? []), reason }] : [];
    this.known = [
      ...fact('self', () => system.addresses(), 'it is an address of this host'),
      ...fact('gateway', () => gateways(system), 'it is a gateway of this host'),
      ...fact('dns', () => resolvers(system), 'it is a name server of this host'),
      ...fact('admin-sessions', () => administratorSessions(system), 'an administrator is logged in from it'),
    ];
    this.readAt = performance.now();
  }

  private facts(): readonly Fact[] {
    if (performance.now() - this.readAt > FACTS_MILLISECONDS) this.refresh();
    return this.known;
  }

  /** All prefixes of which `refuses` speaks, as far as it is known; addresses are prefixes too. */
  get spared(): string[] {
    const addresses = this.facts().flatMap((fact) => fact.addresses.map(String));
    return [...addresses, ...[...this.prefixes, ...this.protected].map(({ text }) => text)];
  }

  /**
   * @param isolation it is a protected host that is to be banned
   * @returns why `prefix` must not be banned, or null
   */
  refuses(prefix: string, isolation = false): string | null {
    const [address, length] = prefix.split('/') as [string, string | undefined];
    const parsed = parse(address);
    if (!parsed) return `'${prefix}' is not an address`;
    const width = parsed.kind() === 'ipv4' ? 32 : 128;
    const cidr = ip6addr.createCIDR(parsed, length === undefined ? width : Number(length));
    for (const { addresses, reason } of this.facts()) {
      if (addresses.some((address) => cidr.contains(address))) return reason;
    }
    const listed = [...this.prefixes, ...(isolation ? [] : this.protected)].find(
      (entry) => entry.cidr.contains(parsed) || cidr.contains(entry.cidr.address()),
    );
    return listed ? `it is in ${listed.text}, which is protected or never blocked` : null;
  }
}
