import { readdirSync, readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';

const REFRESH_MILLISECONDS = 5000;

/** Interfaces upon interfaces; more than two VLAN tags are rare. */
const MOST_VLANS = 8;

/** Names and VLANs of interface indexes, from /sys/class/net and /proc/net/vlan; read again when an unknown one turns up. */
export class InterfaceNames {
  private names = new Map<number, string>();
  private tags = new Map<string, { id: number; parent: string }>();
  private readAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly directory = '/sys/class/net',
    private readonly vlanTable = '/proc/net/vlan/config',
  ) {}

  name(index: number): string | undefined {
    if (index === 0) return undefined;
    if (!this.names.has(index) && performance.now() - this.readAt > REFRESH_MILLISECONDS) this.read();
    return this.names.get(index);
  }

  /** VLAN ids of what comes in there, the outermost first; the kernel takes the tags off before a packet is queued. */
  vlans(index: number): number[] {
    const ids: number[] = [];
    // Asked first: an unknown one has the tags read again.
    const name = this.name(index);
    let tag = this.tags.get(name ?? '');
    for (; tag !== undefined && ids.length < MOST_VLANS; tag = this.tags.get(tag.parent)) ids.unshift(tag.id);
    return ids;
  }

  private read(): void {
    this.readAt = performance.now();
    this.tags = readVlans(this.vlanTable);
    const names = new Map<number, string>();
    try {
      for (const name of readdirSync(this.directory)) {
        try {
          names.set(Number(readFileSync(join(this.directory, name, 'ifindex'), 'utf8')), name);
        } catch {
          // An interface that has just gone away has no index.
        }
      }
      this.names = names;
    } catch {
      // Without sysfs (some containers) interfaces have no names; events go without.
    }
  }
}

/** Lines of `eth0.10 | 10 | eth0`, after two of headings; without VLANs there is no such file. */
function readVlans(path: string): Map<string, { id: number; parent: string }> {
  const tags = new Map<string, { id: number; parent: string }>();
  try {
    for (const line of readFileSync(path, 'utf8').split('\n')) {
      const match = /^(\S+)\s*\|\s*(\d+)\s*\|\s*(\S+)/.exec(line);
      if (match) tags.set(match[1] as string, { id: Number(match[2]), parent: match[3] as string });
    }
  } catch {
    // None.
  }
  return tags;
}

/** An interface as it is: a capture on it ends when it goes down, also when it is up again before anybody looks. */
export interface InterfaceLife {
  readonly index: number;
  readonly up: boolean;
  /** Another one after it was down, and of another interface of the same name. */
  readonly mark: string;
}

const IFF_UP = 1;

/** Null where there is no interface of that name. */
export function interfaceLife(name: string, directory = '/sys/class/net'): InterfaceLife | null {
  const fact = (file: string) => readFileSync(join(directory, name, file), 'utf8').trim();
  try {
    const index = Number(fact('ifindex'));
    return {
      index,
      up: (Number(fact('flags')) & IFF_UP) !== 0,
      mark: `${index} ${fact('carrier_changes')}`,
    };
  } catch {
    return null;
  }
}

/** Index of an interface; null where there is none of that name. */
export function interfaceIndex(name: string): number | null {
  return interfaceLife(name)?.index ?? null;
}

/** Addresses of this host. */
export function localAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address));
}
