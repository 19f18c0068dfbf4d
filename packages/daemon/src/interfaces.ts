import { readdirSync, readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';

const REFRESH_MILLISECONDS = 5000;

/** Names of interface indexes, from /sys/class/net; read again when an unknown index turns up. */
export class InterfaceNames {
  private names = new Map<number, string>();
  private readAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly directory = '/sys/class/net') {}

  name(index: number): string | undefined {
    if (index === 0) return undefined;
    if (!this.names.has(index) && performance.now() - this.readAt > REFRESH_MILLISECONDS) this.read();
    return this.names.get(index);
  }

  private read(): void {
    this.readAt = performance.now();
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

/** Index of an interface; null where there is none of that name. */
export function interfaceIndex(name: string): number | null {
  try {
    return Number(readFileSync(join('/sys/class/net', name, 'ifindex'), 'utf8'));
  } catch {
    return null;
  }
}

/** Addresses of this host. */
export function localAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address));
}
