import { type AddressExpression, type PortExpression, RULE_PROTOCOLS, RuleError } from '@portcullis/rules';
import { AddressSet, addressKey, holdsAll } from './address-set';
import type { BufferCatalog } from './buffer-catalog';
import { ANY_TRANSPORT, type CompiledRule, TransportBit } from './compiled-rule';
import { FlowFact, type PacketTest } from './keyword';
import { PortSet, portKey } from './port-set';
import { PayloadMode, type RuleBuilder } from './rule-builder';

const { TCP, UDP, ICMP, ICMPV6, SCTP, OTHER } = TransportBit;

const IGMP = 2;
const ARP = 0x0806;

/** Rules about frames: whatever the frame carries, where its link header is known. */
const FRAME_TESTS: ReadonlyMap<string, PacketTest> = new Map([
  ['ether', frameTest(() => true)],
  ['arp', frameTest((type) => type === ARP)],
]);

/** @param wanted asked for the type, which is the last that stands in a link header */
function frameTest(wanted: (type: number) => boolean): PacketTest {
  return {
    ofDecodeEvents: true,
    asks: FlowFact.LINK,
    matches: ({ linkBytes, linkStart, linkEnd }) =>
      linkEnd - linkStart >= 2 && wanted((linkBytes[linkEnd - 2] << 8) | linkBytes[linkEnd - 1]),
  };
}

interface NetworkProtocol {
  readonly transports: number;
  readonly ipVersion: number;
  readonly payloadMode: number;
}

const network = (transports: number, ipVersion = 0, payloadMode = 0): NetworkProtocol => ({
  transports,
  ipVersion,
  payloadMode,
});

/** Protocols of a rule header below the application's. */
const NETWORK_PROTOCOLS: ReadonlyMap<string, NetworkProtocol> = new Map([
  ['ip', network(ANY_TRANSPORT)],
  ['pkthdr', network(ANY_TRANSPORT)],
  ['ipv4', network(ANY_TRANSPORT, 4)],
  ['ip4', network(ANY_TRANSPORT, 4)],
  ['ipv6', network(ANY_TRANSPORT, 6)],
  ['ip6', network(ANY_TRANSPORT, 6)],
  ['tcp', network(TCP)],
  ['tcp-pkt', network(TCP, 0, PayloadMode.PACKET)],
  ['tcp-stream', network(TCP, 0, PayloadMode.STREAM)],
  ['udp', network(UDP)],
  ['sctp', network(SCTP)],
  ['icmp', network(ICMP | ICMPV6)],
  ['icmpv4', network(ICMP)],
  ['icmpv6', network(ICMPV6)],
  ['igmp', network(OTHER, 4)],
  ['ether', network(ANY_TRANSPORT)],
  ['arp', network(OTHER)],
]);

/** Address and port lists that rules have in common exist once. */
export class HeaderLists {
  readonly addressSets: AddressSet[] = [];
  private readonly addresses = new Map<string, AddressSet>();
  private readonly ports = new Map<string, PortSet>();
  private readonly protocols = new Map<string, Uint8Array>();
  // The parser gives equal texts the same object, which spares working out its key again.
  private readonly ofExpression = new Map<AddressExpression, AddressSet>();

  /** @returns by protocol number: 1 for those in the list */
  protocolSet(protocols: readonly number[], count: number): Uint8Array {
    const key = protocols.join(',');
    let set = this.protocols.get(key);
    if (!set) {
      set = new Uint8Array(count + 1);
      for (const protocol of protocols) set[protocol] = 1;
      this.protocols.set(key, set);
    }
    return set;
  }

  addressSet(expression: AddressExpression): AddressSet | null {
    if (holdsAll(expression)) return null;
    const known = this.ofExpression.get(expression);
    if (known) return known;
    const key = addressKey(expression);
    let set = this.addresses.get(key);
    if (!set) {
      set = new AddressSet(this.addressSets.length, expression);
      this.addressSets.push(set);
      this.addresses.set(key, set);
    }
    this.ofExpression.set(expression, set);
    return set;
  }

  portSet(expression: PortExpression): PortSet | null {
    if (expression.any) return null;
    const key = portKey(expression);
    let set = this.ports.get(key);
    if (!set) {
      set = new PortSet(expression);
      this.ports.set(key, set);
    }
    return set;
  }
}

/** Fills in what the header of a rule says. */
export function compileHeader(builder: RuleBuilder, compiled: CompiledRule, lists: HeaderLists): void {
  const { header, place, sid } = builder.rule;
  const catalog = builder.environment.buffers;
  compiled.source = lists.addressSet(header.source);
  compiled.destination = lists.addressSet(header.destination);
  compiled.sourcePorts = lists.portSet(header.sourcePorts);
  compiled.destinationPorts = lists.portSet(header.destinationPorts);
  compiled.bidirectional = header.direction === '<>';
  compiled.twoWay = header.direction === '=>';

  const names = builder.parts.map((part) => part.name as string);
  const found = NETWORK_PROTOCOLS.get(header.protocol);
  let candidates: number[];
  if (found) {
    compiled.transports = found.transports;
    compiled.ipVersion = found.ipVersion;
    builder.payloadMode |= found.payloadMode;
    const ofFrame = FRAME_TESTS.get(header.protocol);
    if (ofFrame) builder.packetTests.push(ofFrame);
    if (header.protocol === 'igmp') {
      builder.packetTests.push({ matches: ({ packet }) => packet.protocol === IGMP });
    }
    if (names.length === 0 && builder.protocols.size === 0) return;
    candidates = catalog.protocols.map((_, i) => i + 1);
  } else {
    candidates = catalog.protocolsOf(header.protocol);
    if (candidates.length === 0)
      throw new RuleError(`protocol ${header.protocol} is not supported yet`, place, sid);
  }
  for (const name of builder.protocols) {
    const wanted = catalog.protocolsOf(name);
    candidates = candidates.filter((protocol) => wanted.includes(protocol));
    if (candidates.length > 0) continue;
    throw new RuleError(
      wanted.length === 0
        ? `protocol ${name} is not supported yet`
        : `keywords for ${name} do not fit protocol ${header.protocol}`,
      place,
      sid,
    );
  }
  const fitting = candidates.filter((protocol) => names.every((name) => hasBuffer(catalog, name, protocol)));
  if (fitting.length === 0) {
    const missing = names.find((name) => !candidates.some((protocol) => hasBuffer(catalog, name, protocol)));
    throw new RuleError(
      missing
        ? `protocol ${header.protocol} has no ${missing}`
        : `no protocol has all of ${[...new Set(names)].join(', ')}`,
      place,
      sid,
    );
  }
  compiled.appProtocols = lists.protocolSet(fitting, catalog.protocols.length);
  if (!found) {
    compiled.transports = 0;
    for (const carrier of RULE_PROTOCOLS.get(header.protocol) ?? []) {
      compiled.transports |= carrier === 'tcp' ? TCP : carrier === 'udp' ? UDP : SCTP | OTHER;
    }
  }
}

function hasBuffer(catalog: BufferCatalog, name: string, protocol: number): boolean {
  const wanted = catalog.protocols[protocol - 1];
  return catalog.definitions(name).some((definition) => definition.protocol === wanted);
}
