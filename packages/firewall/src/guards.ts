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

/** The same, asking the kernel for its interfaces at most every so many milliseconds: a host may have thousands. */
export function localGuard(maximumAge = 2000): (prefix: Prefix) => ReturnType<typeof localRefusal> {
  let local: Local | undefined;
  let readAt = 0;
  return (prefix) => {
    const now = performance.now();
    if (!local || now - readAt > maximumAge) {
      local = localOf(networkInterfaces());
      readAt = now;
    }
    return refusalBy(local, prefix);
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
