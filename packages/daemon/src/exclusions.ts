import { readFileSync } from 'node:fs';
import type { Configuration } from '@portcullis/configuration';
import type { Exemption } from '@portcullis/engine';
import type { ScanExclusion } from '@portcullis/firewall';
import { interfaceIndex } from './interfaces';

export type Exclusion = Configuration['exclusions'][number];

const VLAN_TABLE = '/proc/net/vlan/config';

/** What the kernel is to leave out of inspection, in the configured order. */
export function scanExclusions(
  exclusions: readonly Exclusion[],
  vlanTable: string = readVlanTable(),
): ScanExclusion[] {
  return exclusions.map((exclusion) => ({
    source: exclusion.src,
    destination: exclusion.dst,
    interfaces: interfacesOf(exclusion, vlanTable),
    port: exclusion.port,
    scan: exclusion.rule === 'do-not-block',
  }));
}

/**
 * Whose detections are told and not acted on, in the configured order; and whose copies, of a watched interface, are not
 * inspected: those the kernel cannot leave out.
 */
export function exemptions(
  exclusions: readonly Exclusion[],
  vlanTable: string = readVlanTable(),
): Exemption[] {
  const indexes = (names: readonly string[]) => names.flatMap((name) => interfaceIndex(name) ?? []);
  return exclusions.map(({ src, dst, iface, vlan, port, rule }) => ({
    source: src,
    destination: dst,
    interfaces: iface === undefined ? undefined : indexes([iface]),
    vlan:
      vlan === undefined ? undefined : { id: vlan, interfaces: indexes(interfacesOfVlan(vlan, vlanTable)) },
    port,
    scan: rule === 'do-not-block',
  }));
}

/**
 * Whom an exclusion lets in: a ban would cut off what is excluded with all the rest. Every address there is, as one
 * with a port may say, is nobody in particular.
 */
export function excludedDevices(exclusions: readonly Exclusion[]): string[] {
  return exclusions.flatMap(({ src }) => (src === undefined || src.endsWith('/0') ? [] : [src]));
}

/** The kernel's rules know a VLAN by the interfaces that carry it. @returns undefined where any interface fits */
function interfacesOf({ iface, vlan }: Exclusion, vlanTable: string): string[] | undefined {
  if (vlan === undefined) return iface === undefined ? undefined : [iface];
  const carriers = interfacesOfVlan(vlan, vlanTable);
  return iface === undefined ? carriers : carriers.filter((name) => name === iface);
}

/** Lines of /proc/net/vlan/config are `eth0.5 | 5 | eth0`. */
export function interfacesOfVlan(vlan: number, table: string): string[] {
  return table.split('\n').flatMap((line) => {
    const [name, number, parent] = line.split('|').map((part) => part.trim());
    return name && parent && Number(number) === vlan && /^\d+$/.test(number ?? '') ? [name] : [];
  });
}

function readVlanTable(): string {
  try {
    return readFileSync(VLAN_TABLE, 'utf8');
  } catch {
    // Without the 8021q module there are no VLAN interfaces.
    return '';
  }
}
