import type { FlowMatchState } from '@portcullis/matcher';
import type { Direction, ProtocolParser, Transport } from '@portcullis/protocols';

/** What is known of a flow's application protocol. */
export const ProtocolState = { UNDECIDED: 0, KNOWN: 1, UNKNOWN: 2 } as const;

/** No page of a raw window. */
export const NO_PAGE = -1;

/**
 * What the engine keeps of a flow that has carried payload, beside the reassembler's own tables. Objects are
 * pooled; a flow without payload has none.
 */
export class FlowInspection {
  protocolState: number = ProtocolState.UNDECIDED;
  /** Number of the protocol: 1 + its place in the list of protocols; 0 while it is not known. */
  protocol = 0;
  transport: Transport = 0;
  /** The protocol before it went over to the present one; 0: none. */
  originalProtocol = 0;
  /** As which protocol it was recognised, whatever its parser has called it since. */
  detected = 0;
  /** What the first bytes of each direction told by themselves; 0: they were not looked at yet. */
  private protocolToServer = 0;
  private protocolToClient = 0;
  /** Directions whose earlier bytes rules for the protocol have not seen, as it was not known: bits as below. */
  lateDirections = 0;
  /** Directions whose first bytes belong to no known protocol: bit 0 to the server, bit 1 to the client. */
  unknownDirections = 0;
  /** Of those, the ones whose bytes are not kept any more: bits as above. */
  lostDirections = 0;
  /** Datagrams that did not tell the protocol. */
  probes = 0;
  parser: ProtocolParser | null = null;
  matchState: FlowMatchState | null = null;
  /** A pass rule has matched: the flow goes on uninspected. */
  passed = false;
  /** What a rule has matched is meant for all that follows: the rest is dropped and not looked at. */
  dropped = false;
  /** The rest is ciphertext. */
  opaque = false;
  /** Directions whose end the parser was told, a bit for each. */
  closed = 0;
  /** Pages of the raw windows, by direction. */
  private pageToServer = NO_PAGE;
  private pageToClient = NO_PAGE;
  /** First bytes that are too few to tell the protocol, by direction. */
  private pendingToServer: Uint8Array | null = null;
  private pendingToClient: Uint8Array | null = null;
  /** Direction whose undecided bytes came first. */
  firstPending: Direction = 0;

  protocolOf(direction: Direction): number {
    return direction === 0 ? this.protocolToServer : this.protocolToClient;
  }

  setProtocolOf(direction: Direction, protocol: number): void {
    if (direction === 0) this.protocolToServer = protocol;
    else this.protocolToClient = protocol;
  }

  forgetSides(): void {
    this.protocolToServer = 0;
    this.protocolToClient = 0;
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
      this.firstPending = direction;
    if (direction === 0) this.pendingToServer = bytes;
    else this.pendingToClient = bytes;
  }

  reset(): void {
    this.protocolState = ProtocolState.UNDECIDED;
    this.protocol = 0;
    this.transport = 0;
    this.originalProtocol = 0;
    this.lateDirections = 0;
    this.detected = 0;
    this.forgetSides();
    this.unknownDirections = 0;
    this.lostDirections = 0;
    this.probes = 0;
    this.parser = null;
    this.matchState = null;
    this.passed = false;
    this.dropped = false;
    this.opaque = false;
    this.closed = 0;
    this.pageToServer = NO_PAGE;
    this.pageToClient = NO_PAGE;
    this.pendingToServer = null;
    this.pendingToClient = null;
    this.firstPending = 0;
  }
}
