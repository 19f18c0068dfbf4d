import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { Prefix } from './prefix';

/**
 * Why a ban would hurt this host itself, as a stable word; undefined when it would not.
 *
 * A prefix that holds one of the host's own networks would cut off neighbour discovery and the router; a single on-link
 * address may be banned.
 */
export function localRefusal(
  prefix: Prefix,
  interfaces: NodeJS.Dict<NetworkInterfaceInfo[]> = networkInterfaces(),
): 'own-address' | 'on-link-network' | undefined {
  for (const addresses of Object.values(interfaces)) {
    for (const { address, cidr } of addresses ?? []) {
      const own = Prefix.parse(address.replace(/%.*/, ''));
      if (prefix.contains(own)) return 'own-address';
      if (cidr === null || prefix.isHost) continue;
      if (Prefix.parse(cidr.replace(/%[^/]*/, '')).overlaps(prefix)) return 'on-link-network';
    }
  }
  return undefined;
}
