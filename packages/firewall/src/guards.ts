import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { Prefix } from './prefix';

interface Local {
  readonly addresses: readonly Prefix[];
  readonly networks: readonly Prefix[];
}

type Interfaces = NodeJS.Dict<NetworkInterfaceInfo[]>;

/**
 * Why a ban would hurt this host itself, as a stable word; undefined when it would not.
 *
 * A prefix that holds one of the host's own networks would cut off neighbour discovery and the router; a single on-link
 * address may be banned.
 */
export function localRefusal(
  prefix: Prefix,
  interfaces: Interfaces = networkInterfaces(),
): 'own-address' | 'on-link-network' | undefined {
  return refusalBy(localOf(interfaces), prefix);
}

/** Knows the host's interfaces for a while: it may have thousands, and a ban is not to wait until they are read. */
export class LocalGuard {
  private local: Local | undefined;
  private readAt = 0;

  /** @param maximumAge milliseconds after which the interfaces are read before they are used */
  constructor(private readonly maximumAge = 2000) {}

  refresh(): void {
    this.local = localOf(networkInterfaces());
    this.readAt = performance.now();
  }

  /** @param networks also the networks that the host is in */
  spared(networks: boolean): string[] {
    const { addresses, networks: around } = this.present();
    return [...addresses, ...(networks ? around : [])].map(({ text }) => text);
  }

  private present(): Local {
    if (!this.local || performance.now() - this.readAt > this.maximumAge) this.refresh();
    return this.local as Local;
  }

  readonly refusal = (prefix: Prefix): ReturnType<typeof localRefusal> => {
    return refusalBy(this.present(), prefix);
  };
}

function localOf(interfaces: Interfaces): Local {
  const addresses: Prefix[] = [];
  const networks: Prefix[] = [];
  for (const infos of Object.values(interfaces)) {
    for (const { address, cidr } of infos ?? []) {
      addresses.push(Prefix.parse(address.replace(/%.*/, '')));
      if (cidr !== null) networks.push(Prefix.parse(cidr.replace(/%[^/]*/, '')));
    }
  }
  return { addresses, networks };
}

function refusalBy(local: Local, prefix: Prefix): ReturnType<typeof localRefusal> {
  if (local.addresses.some((own) => prefix.contains(own))) return 'own-address';
  if (!prefix.isHost && local.networks.some((network) => network.overlaps(prefix))) return 'on-link-network';
  return undefined;
}
