import type { FlowMatchState } from '@portcullis/matcher';
import type { Direction, ProtocolParser, Transport } from '@portcullis/protocols';
import type { GivenAnswer } from './block-page';

/** What is known of a flow's application protocol. */
export const ProtocolState = { UNDECIDED: 0, KNOWN: 1, UNKNOWN: 2 } as const;

/** No page of a raw window. */
export const NO_PAGE = -1;

/** Numbers of protocols are kept in so many bits: there are fewer than 256 of them. */
const PROTOCOL_BITS = 8;
const PROTOCOL_MASK = 0xff;

/** Where the small facts about a flow stand within one word: the lowest bit of each. */
const Place = {
  PROTOCOL_STATE: 0,
  TRANSPORT: 2,
  FIRST_PENDING: 3,
  LATE: 4,
  UNKNOWN: 6,
  LOST: 8,
  CLOSED: 10,
  PASSED: 12,
  DROPPED: 13,
  BLOCKS_DATAGRAMS: 14,
  OPAQUE: 15,
  PROBES: 16,
} as const;
const ONE_BIT = 1;
const TWO_BITS = 3;
const EIGHT_BITS = 0xff;

/** How far web addresses were looked for in a flow. */
export class AddressProgress {
  /** As which protocol they were looked for last, and the transactions whose request and names are the next. */
  protocol = 0;
  nextRequest = 0;
  nextNames = 0;
  /** What the client was told in the server's name, when its request was not let through. */
  answer: GivenAnswer | null = null;
}

/**
 * What the engine keeps of a flow that has carried payload, beside the reassembler's own tables. Objects are
 * pooled; a flow without payload has none. There is one for each of hundreds of thousands of flows, so small facts
 * share words, and what few flows have is an object of its own.
 */
export class FlowInspection {
  /** See `Place`. */
  private facts = 0;
  /** Numbers of the protocol, the original one and the detected one. */
  private protocols = 0;
  /** What the first bytes told by themselves, by direction. */
  private sides = 0;
  parser: ProtocolParser | null = null;
  matchState: FlowMatchState | null = null;
  /** Null where none were looked for. */
  addresses: AddressProgress | null = null;
  /** Pages of the raw windows, by direction. */
  private pageToServer = NO_PAGE;
  private pageToClient = NO_PAGE;
  /** First bytes that are too few to tell the protocol, by direction. */
  private pendingToServer: Uint8Array | null = null;
  private pendingToClient: Uint8Array | null = null;

  get protocolState(): number {
    return (this.facts >> Place.PROTOCOL_STATE) & TWO_BITS;
  }

  set protocolState(state: number) {
    this.put(Place.PROTOCOL_STATE, TWO_BITS, state);
  }

  get transport(): Transport {
    return ((this.facts >> Place.TRANSPORT) & ONE_BIT) as Transport;
  }

  set transport(transport: Transport) {
    this.put(Place.TRANSPORT, ONE_BIT, transport);
  }

  /** Direction whose undecided bytes came first. */
  get firstPending(): Direction {
    return ((this.facts >> Place.FIRST_PENDING) & ONE_BIT) as Direction;
  }

  /** Directions whose earlier bytes rules for the protocol have not seen, as it was not known: bits as below. */
  get lateDirections(): number {
    return (this.facts >> Place.LATE) & TWO_BITS;
  }

  set lateDirections(directions: number) {
    this.put(Place.LATE, TWO_BITS, directions);
  }

  /** Directions whose first bytes belong to no known protocol: bit 0 to the server, bit 1 to the client. */
  get unknownDirections(): number {
    return (this.facts >> Place.UNKNOWN) & TWO_BITS;
  }

  set unknownDirections(directions: number) {
    this.put(Place.UNKNOWN, TWO_BITS, directions);
  }

  /** Of those, the ones whose bytes are not kept any more: bits as above. */
  get lostDirections(): number {
    return (this.facts >> Place.LOST) & TWO_BITS;
  }

  set lostDirections(directions: number) {
    this.put(Place.LOST, TWO_BITS, directions);
  }

  /** Directions whose end the parser was told, a bit for each. */
  get closed(): number {
    return (this.facts >> Place.CLOSED) & TWO_BITS;
  }

  set closed(directions: number) {
    this.put(Place.CLOSED, TWO_BITS, directions);
  }

  /** A pass rule has matched: the flow goes on uninspected. */
  get passed(): boolean {
    return ((this.facts >> Place.PASSED) & ONE_BIT) !== 0;
  }

  set passed(passed: boolean) {
    this.put(Place.PASSED, ONE_BIT, passed ? 1 : 0);
  }

  /** What a rule has matched is meant for all that follows: the rest is dropped and not looked at. */
  get dropped(): boolean {
    return ((this.facts >> Place.DROPPED) & ONE_BIT) !== 0;
  }

  set dropped(dropped: boolean) {
    this.put(Place.DROPPED, ONE_BIT, dropped ? 1 : 0);
  }

  /** Of a flow of datagrams that is `dropped`: also datagrams to come are not let through. */
  get blocksDatagrams(): boolean {
    return ((this.facts >> Place.BLOCKS_DATAGRAMS) & ONE_BIT) !== 0;
  }

  set blocksDatagrams(blocks: boolean) {
    this.put(Place.BLOCKS_DATAGRAMS, ONE_BIT, blocks ? 1 : 0);
  }

  /** The rest is ciphertext. */
  get opaque(): boolean {
    return ((this.facts >> Place.OPAQUE) & ONE_BIT) !== 0;
  }

  set opaque(opaque: boolean) {
    this.put(Place.OPAQUE, ONE_BIT, opaque ? 1 : 0);
  }

  /** Datagrams that did not tell the protocol; at most 255. */
  get probes(): number {
    return (this.facts >> Place.PROBES) & EIGHT_BITS;
  }

  set probes(probes: number) {
    this.put(Place.PROBES, EIGHT_BITS, probes);
  }

  /** Number of the protocol: 1 + its place in the list of protocols; 0 while it is not known. */
  get protocol(): number {
    return this.protocols & PROTOCOL_MASK;
  }

  set protocol(protocol: number) {
    this.protocols = (this.protocols & ~PROTOCOL_MASK) | protocol;
  }

  /** The protocol before it went over to the present one; 0: none. */
  get originalProtocol(): number {
    return (this.protocols >> PROTOCOL_BITS) & PROTOCOL_MASK;
  }

  set originalProtocol(protocol: number) {
    this.protocols = (this.protocols & ~(PROTOCOL_MASK << PROTOCOL_BITS)) | (protocol << PROTOCOL_BITS);
  }

  /** As which protocol it was recognised, whatever its parser has called it since. */
  get detected(): number {
    return (this.protocols >> (2 * PROTOCOL_BITS)) & PROTOCOL_MASK;
  }

  set detected(protocol: number) {
    const place = 2 * PROTOCOL_BITS;
    this.protocols = (this.protocols & ~(PROTOCOL_MASK << place)) | (protocol << place);
  }

  /** What the first bytes of a direction told by themselves; 0: they were not looked at yet. */
  protocolOf(direction: Direction): number {
    return (this.sides >> (direction * PROTOCOL_BITS)) & PROTOCOL_MASK;
  }

  setProtocolOf(direction: Direction, protocol: number): void {
    const place = direction * PROTOCOL_BITS;
    this.sides = (this.sides & ~(PROTOCOL_MASK << place)) | (protocol << place);
  }

  forgetSides(): void {
    this.sides = 0;
  }

  page(direction: Direction): number {
    return direction === 0 ? this.pageToServer : this.pageToClient;
  }

  setPage(direction: Direction, page: number): void {
    if (direction === 0) this.pageToServer = page;
    else this.pageToClient = page;
  }

  pending(direction: Direction): Uint8Array | null {
    return direction === 0 ? this.pendingToServer : this.pendingToClient;
  }

  setPending(direction: Direction, bytes: Uint8Array | null): void {
    if (bytes !== null && this.pendingToServer === null && this.pendingToClient === null)
      this.put(Place.FIRST_PENDING, ONE_BIT, direction);
    if (direction === 0) this.pendingToServer = bytes;
    else this.pendingToClient = bytes;
  }

  /** Bytes of the flow kept for its protocol: by its parser, or until there is one. */
  heldBytes(): number {
    if (this.parser !== null) return this.parser.heldBytes();
    return (this.pendingToServer?.length ?? 0) + (this.pendingToClient?.length ?? 0);
  }

  reset(): void {
    this.facts = 0;
    this.protocols = 0;
    this.sides = 0;
    this.parser = null;
    this.matchState = null;
    this.addresses = null;
    this.pageToServer = NO_PAGE;
    this.pageToClient = NO_PAGE;
    this.pendingToServer = null;
    this.pendingToClient = null;
  }

  private put(place: number, mask: number, value: number): void {
    this.facts = (this.facts & ~(mask << place)) | ((value & mask) << place);
  }
}
