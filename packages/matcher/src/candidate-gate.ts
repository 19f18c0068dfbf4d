import type { InspectionContext } from './context';
import type { PortSet } from './port-set';
import { FlowState } from './rule-builder';
import type { RuleOutline } from './rule-outline';
import { LOWER } from './search';
import * as transports from './transport-index';

// Bound once: an import is a property load at each use in CommonJS.
const { TRANSPORT_BITS, TRANSPORT_INDEX } = transports;

const { ESTABLISHED, NOT_ESTABLISHED } = FlowState;

/** Facts about a packet and its flow, one bit each, above the six of `TransportBit`. */
const Fact = {
  TO_SERVER: 1 << 6,
  TO_CLIENT: 1 << 7,
  NO_FLOW: 1 << 8,
  ESTABLISHED: 1 << 9,
  NOT_ESTABLISHED: 1 << 10,
  IPV4: 1 << 11,
  IPV6: 1 << 12,
} as const;
const ALL_TRANSPORTS = 63;
/** Numbers kept for each rule. */
const STRIDE = 8;
const ALL_PORTS = 0xffff << 16;

/** Facts under which a rule cannot match. */
function forbiddenFacts(rule: RuleOutline): number {
  let facts = ~rule.transports & ALL_TRANSPORTS;
  if ((rule.directions & 1) === 0) facts |= Fact.TO_SERVER;
  if ((rule.directions & 2) === 0) facts |= Fact.TO_CLIENT;
  if (rule.directions !== 3) facts |= Fact.NO_FLOW;
  if (rule.flowState === ESTABLISHED) facts |= Fact.NOT_ESTABLISHED;
  if (rule.flowState === NOT_ESTABLISHED) facts |= Fact.ESTABLISHED | Fact.NO_FLOW;
  if (rule.ipVersion === 4) facts |= Fact.IPV6;
  if (rule.ipVersion === 6) facts |= Fact.IPV4;
  return facts;
}

/** First port of the set and, above it, the last: most sets have no gaps, and what lies in one is found out later. */
function portSpan(ports: PortSet | null): number {
  if (ports === null || ports.ranges.length === 0) return ALL_PORTS;
  return ports.ranges[0] | (ports.ranges[ports.ranges.length - 1] << 16);
}

/** 32 of the application protocols that a rule looks at, a bit each; none where it looks at all. */
function protocolBits(appProtocols: Uint8Array | null, first: number): number {
  if (appProtocols === null || appProtocols.length > 64) return 0;
  let bits = 0;
  for (let i = first; i < appProtocols.length && i < first + 32; i++) bits |= appProtocols[i] << (i - first);
  return bits;
}

/**
 * For each rule: forbidden facts, shortest, longest, the first and last byte (plus one; 0: whichever), spans of its
 * source and destination ports, bits of its application protocols (all 0: any).
 */
export function gateNumbers(rules: readonly RuleOutline[]): Int32Array {
  const numbers = new Int32Array(rules.length * STRIDE);
  for (const rule of rules) {
    const at = rule.number * STRIDE;
    const { shape } = rule;
    numbers[at] = forbiddenFacts(rule);
    numbers[at + 1] = shape.shortest;
    numbers[at + 2] = shape.longest;
    numbers[at + 3] = (shape.first + 1) | ((shape.last + 1) << 9);
    const oneWay = !rule.bidirectional && !rule.twoWay;
    numbers[at + 4] = oneWay ? portSpan(rule.sourcePorts) : ALL_PORTS;
    numbers[at + 5] = oneWay ? portSpan(rule.destinationPorts) : ALL_PORTS;
    numbers[at + 6] = protocolBits(rule.appProtocols, 0);
    numbers[at + 7] = protocolBits(rule.appProtocols, 32);
  }
  return numbers;
}

/**
 * Turns away rules before they become candidates: by facts about the packet, and by the shape of the buffer in which
 * their pattern was found. A few numbers a rule, side by side: most rules that are called for end here.
 */
export class CandidateGate {
  /** What rules are turned away by, but for the buffer. */
  facts = 0;
  private sourcePort = 0;
  private destinationPort = 0;
  private appProtocol = 0;

  /** @param numbers see `gateNumbers` */
  constructor(private readonly numbers: Int32Array) {}

  /** The packet in hand is looked at in pieces, whose shapes are not known yet. */
  inPieces = false;

  /** Takes the facts of the moment. */
  begin(context: InspectionContext): void {
    const { packet } = context;
    let facts: number = TRANSPORT_BITS[TRANSPORT_INDEX[packet.protocol]];
    facts |= packet.version === 4 ? Fact.IPV4 : Fact.IPV6;
    if (!context.hasFlow) facts |= Fact.NO_FLOW | Fact.NOT_ESTABLISHED;
    else {
      facts |= context.direction === 0 ? Fact.TO_SERVER : Fact.TO_CLIENT;
      facts |= context.flowEstablished ? Fact.ESTABLISHED : Fact.NOT_ESTABLISHED;
    }
    this.facts = facts;
    this.sourcePort = packet.sourcePort;
    this.destinationPort = packet.destinationPort;
    this.appProtocol = context.appProtocol;
  }

  /** Not to be asked where the answer is kept for packets with other ports. */
  admitsPorts(rule: number): boolean {
    const { numbers, sourcePort, destinationPort } = this;
    const at = rule * STRIDE;
    const source = numbers[at + 4];
    if (sourcePort < (source & 0xffff) || sourcePort > source >>> 16) return false;
    const destination = numbers[at + 5];
    return destinationPort >= (destination & 0xffff) && destinationPort <= destination >>> 16;
  }

  /** Not to be asked where the rule is looked at when the protocol may have become known. */
  admitsProtocol(rule: number): boolean {
    const { numbers, appProtocol } = this;
    const low = numbers[rule * STRIDE + 6];
    const high = numbers[rule * STRIDE + 7];
    if ((low | high) === 0) return true;
    return ((appProtocol < 32 ? low : high) & (1 << (appProtocol & 31))) !== 0;
  }

  admits(rule: number): boolean {
    return (this.numbers[rule * STRIDE] & this.facts) === 0;
  }

  /** As `admitsBuffer`, for the payload `[start, end)` of a packet. */
  admitsPacket(rule: number, bytes: Uint8Array, start: number, end: number): boolean {
    return this.inPieces ? this.admits(rule) : this.admitsBuffer(rule, bytes, start, end);
  }

  /** @param start where a buffer begins that is there in whole */
  admitsBuffer(rule: number, bytes: Uint8Array, start: number, end: number): boolean {
    const { numbers } = this;
    const at = rule * STRIDE;
    const length = end - start;
    if ((numbers[at] & this.facts) !== 0 || length < numbers[at + 1] || length > numbers[at + 2])
      return false;
    const ends = numbers[at + 3];
    if (ends === 0 || length === 0) return true;
    const first = ends & 0x1ff;
    if (first !== 0 && LOWER[bytes[start]] !== first - 1) return false;
    const last = ends >> 9;
    return last === 0 || LOWER[bytes[end - 1]] === last - 1;
  }
}
