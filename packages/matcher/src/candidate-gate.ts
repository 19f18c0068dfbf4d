import type { CompiledRule } from './compiled-rule';
import type { InspectionContext } from './context';
import { FlowState } from './rule-builder';
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
const STRIDE = 4;

/** Facts under which a rule cannot match. */
function forbiddenFacts(rule: CompiledRule): number {
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

/**
 * Turns away rules before they become candidates: by facts about the packet, and by the shape of the buffer in which
 * their pattern was found. A few numbers a rule, side by side: most rules that are called for end here.
 */
export class CandidateGate {
  /** For each rule: forbidden facts, shortest, longest, and the first and last byte (plus one; 0: whichever). */
  private readonly numbers: Int32Array;
  /** What rules are turned away by, but for the buffer. */
  facts = 0;

  constructor(rules: readonly CompiledRule[]) {
    this.numbers = new Int32Array(rules.length * STRIDE);
    for (const rule of rules) {
      const at = rule.number * STRIDE;
      const { shape } = rule;
      this.numbers[at] = forbiddenFacts(rule);
      this.numbers[at + 1] = shape.shortest;
      this.numbers[at + 2] = shape.longest;
      this.numbers[at + 3] = (shape.first + 1) | ((shape.last + 1) << 9);
    }
  }

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
