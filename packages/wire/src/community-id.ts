import { hash } from 'node:crypto';
import { addressBytes } from './address';
import { IpProtocol } from './ip-protocol';

/** What a Community ID is made of. A decoded `PacketView` is one. */
export interface CommunityIdTuple {
  readonly source: Uint32Array;
  readonly destination: Uint32Array;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly protocol: number;
  /** Of ICMP and ICMPv6. */
  readonly icmpType?: number;
  readonly icmpCode?: number;
}

// Request and reply types, which stand in for the ports (Community ID specification, as in Zeek's ICMP).
const ICMP_PAIRS: ReadonlyMap<number, number> = pairs([
  [8, 0],
  [13, 14],
  [15, 16],
  [17, 18],
  [10, 9],
]);
const ICMPV6_PAIRS: ReadonlyMap<number, number> = pairs([
  [128, 129],
  [130, 131],
  [133, 134],
  [135, 136],
  [139, 140],
  [144, 145],
]);

function pairs(list: readonly (readonly [number, number])[]): Map<number, number> {
  return new Map(list.flatMap(([a, b]) => [[a, b] as const, [b, a] as const]));
}

/**
 * Community ID version 1 of a flow (github.com/corelight/community-id-spec): the same text for both directions,
 * and the same in every tool. Not for the hot path (SHA-1 and strings).
 */
export function communityId(tuple: CommunityIdTuple, seed = 0): string {
  const { protocol } = tuple;
  let source = addressBytes(tuple.source);
  let destination = addressBytes(tuple.destination);
  let sourcePort = tuple.sourcePort;
  let destinationPort = tuple.destinationPort;
  let hasPorts = protocol === IpProtocol.TCP || protocol === IpProtocol.UDP || protocol === IpProtocol.SCTP;
  let oneWay = false;
  if (protocol === IpProtocol.ICMP || protocol === IpProtocol.ICMPV6) {
    const table = protocol === IpProtocol.ICMP ? ICMP_PAIRS : ICMPV6_PAIRS;
    hasPorts = true;
    sourcePort = tuple.icmpType ?? 0;
    const reply = table.get(sourcePort);
    oneWay = reply === undefined;
    destinationPort = reply ?? tuple.icmpCode ?? 0;
  }
  const order = Buffer.compare(source, destination);
  if (!oneWay && (order > 0 || (order === 0 && sourcePort > destinationPort))) {
    [source, destination] = [destination, source];
    [sourcePort, destinationPort] = [destinationPort, sourcePort];
  }
  const { length } = source;
  const text = new Uint8Array(2 + 2 * length + 2 + (hasPorts ? 4 : 0));
  text[0] = seed >> 8;
  text[1] = seed;
  text.set(source, 2);
  text.set(destination, 2 + length);
  const rest = 2 + 2 * length;
  text[rest] = protocol;
  if (hasPorts) {
    text[rest + 2] = sourcePort >> 8;
    text[rest + 3] = sourcePort;
    text[rest + 4] = destinationPort >> 8;
    text[rest + 5] = destinationPort;
  }
  return `1:${hash('sha1', text, 'base64')}`;
}
