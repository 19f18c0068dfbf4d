import { AddressPrefixes, type PacketView } from '@portcullis/wire';

/** Connections that are treated otherwise, by who opened them. What is absent fits everything. */
export interface Exemption {
  readonly source?: string | undefined;
  readonly destination?: string | undefined;
  /** Indexes of the interfaces by which packets came in. */
  readonly interfaces?: readonly number[] | undefined;
  /** A VLAN: by the tags of copies, and by the interfaces that carry it, whose packets have lost theirs. */
  readonly vlan?: { readonly id: number; readonly interfaces: readonly number[] } | undefined;
  readonly port?: { readonly first: number; readonly last: number } | undefined;
  /** False: they are not inspected. True: they are, whatever those behind say, and told but not acted on. */
  readonly scan: boolean;
}

/** How a packet came in. */
export interface Arrival {
  /** Index of the interface; 0: unknown. */
  inInterface: number;
  /** Ids of its tags; 0 without. */
  vlan: number;
  innerVlan: number;
  /** It was copied from a watched interface, where both directions come in. */
  isCopy: boolean;
}

type Test = (packet: PacketView, toServer: boolean, arrival: Arrival) => boolean;

/** Exemptions in their order: the first that fits counts. */
export class Exemptions {
  /** Some connections are not inspected. */
  readonly leaveOut: boolean;
  private readonly tests: readonly { readonly fits: Test; readonly scan: boolean }[];

  constructor(list: readonly Exemption[]) {
    this.leaveOut = list.some(({ scan }) => !scan);
    this.tests = list.map((exemption) => ({ fits: testOf(exemption), scan: exemption.scan }));
  }

  /** Whatever is found in the packet's connection is at most told. */
  has(packet: PacketView, toServer: boolean, arrival: Arrival): boolean {
    for (const { fits } of this.tests) if (fits(packet, toServer, arrival)) return true;
    return false;
  }

  /** The packet's connection is not inspected. */
  leavesOut(packet: PacketView, toServer: boolean, arrival: Arrival): boolean {
    for (const { fits, scan } of this.tests) if (fits(packet, toServer, arrival)) return !scan;
    return false;
  }
}

function testOf({ source, destination, interfaces, vlan, port }: Exemption): Test {
  const sources = source === undefined ? null : new AddressPrefixes([source]);
  const destinations = destination === undefined ? null : new AddressPrefixes([destination]);
  return (packet, toServer, arrival) => {
    if (sources && !sources.has(toServer ? packet.source : packet.destination)) return false;
    if (destinations && !destinations.has(toServer ? packet.destination : packet.source)) return false;
    const service = toServer ? packet.destinationPort : packet.sourcePort;
    if (port && (service < port.first || service > port.last)) return false;
    // Answers come in by another interface than the one that is named, but for copies.
    if (!toServer && !arrival.isCopy) return true;
    if (interfaces && !interfaces.includes(arrival.inInterface)) return false;
    return vlan === undefined || vlan.interfaces.includes(arrival.inInterface) || hasTag(arrival, vlan.id);
  };
}

/** Id 0 is that of frames without a VLAN (IEEE 802.1Q §9.6), and names none. */
function hasTag({ vlan, innerVlan }: Arrival, id: number): boolean {
  return id !== 0 && (vlan === id || innerVlan === id);
}
