import {
  type Direction,
  type EarlyData,
  type ProbedFlow,
  type ProtocolDefinition,
  type ProtocolParser,
  type TransactionListener,
  Transport,
} from '@portcullis/protocols';
import type { AnnouncedFlow } from './expected-flows';
import { type FlowInspection, ProtocolState } from './flow-inspection';

/** First bytes of a direction that are looked at to tell the protocol. */
const PROBE_BYTES = 1024;
/** Datagrams of a flow after which rules hear that its protocol is none that is known. */
const PROBED_DATAGRAMS = 4;
/** What servers on these ports speak over UDP, and nothing else: whatever else comes first there they pass over. */
const DATAGRAM_PORTS: ReadonlyMap<number, string> = new Map([[53, 'dns']]);
/** What servers on these ports speak over UDP as a rule: a datagram of it counts, whatever came before. */
const USUAL_PORTS: ReadonlyMap<number, string> = new Map([
  [67, 'dhcp'],
  [69, 'tftp'],
  [88, 'krb5'],
  [123, 'ntp'],
  [161, 'snmp'],
  [389, 'ldap'],
  [443, 'quic'],
  [500, 'ike'],
  [4500, 'ike'],
  [5060, 'sip'],
]);
/** Protocols on their ports whose servers read on behind what says nothing to them, though it came before their greeting. */
const TOLERANT_PORTS: ReadonlyMap<number, string> = new Map([
  [21, 'ftp'],
  [23, 'telnet'],
  [25, 'smtp'],
  [53, 'dns'],
  [110, 'pop3'],
  [143, 'imap'],
  [587, 'smtp'],
]);
const BOTH = 3;
const CR = 0x0d;
const LF = 0x0a;
/** Parsers kept for reuse, per protocol and transport. */
const POOLED_PARSERS = 1024;

/**
 * Finds out which protocol a flow speaks, by its bytes, and feeds the protocol's parser.
 */
export class AppLayer {
  /** The flow that is probed next: set before `data` and `datagram` where the protocol is not known yet. */
  readonly probed: { -readonly [Field in keyof ProbedFlow]: ProbedFlow[Field] } = {
    transport: Transport.TCP,
    clientPort: 0,
    serverPort: 0,
  };
  private readonly pools: ProtocolParser[][];
  /** What a parser takes by itself, in bytes: as `pools`. */
  private readonly ownBytes: Uint16Array;
  /** By transport: numbers of the protocols that it carries. */
  private readonly carried: readonly [Int32Array, Int32Array];
  /** By port: number of the protocol that is usual there over UDP. */
  private readonly usual = new Map<number, number>();
  private readonly joined = new Uint8Array(PROBE_BYTES);
  /** Whether the first bytes of both directions are looked at, or those of one are enough. */
  comparesSides = false;
  /** What the parser that is being fed has said of the bytes behind it; -1: nothing. */
  private upgradeAt = -1;
  private upgradeTo: string | null = null;
  private upgradeEarly: EarlyData | undefined = undefined;

  constructor(
    private readonly protocols: readonly ProtocolDefinition[],
    private readonly listener: TransactionListener & {
      /** What the flow's bytes told of its protocol has changed; the parser has not got any of them yet. */
      onDetected(flow: FlowInspection): void;
    },
  ) {
    this.pools = protocols.flatMap(() => [[], []]);
    this.ownBytes = Uint16Array.from(
      protocols.flatMap(({ parserBytes: { tcp = 0, udp = 0 } }) => [tcp, udp]),
    );
    const carriedBy = (transport: Transport) =>
      Int32Array.from(
        protocols.flatMap(({ transports }, place) => (transports.includes(transport) ? [place + 1] : [])),
      );
    for (const [port, name] of USUAL_PORTS) {
      const number = this.numberOf(name);
      if (number > 0) this.usual.set(port, number);
    }
    this.carried = [carriedBy(Transport.TCP), carriedBy(Transport.UDP)];
  }

  /** @returns 0 where there is no parser of that name */
  private numberOf(protocol: string): number {
    return this.protocols.findIndex(({ name }) => name === protocol) + 1;
  }

  /** What is known of a protocol number as it stands in `FlowInspection.protocol`; undefined for 0. */
  definition(protocol: number): ProtocolDefinition | undefined {
    return this.protocols[protocol - 1];
  }

  /** Takes the next bytes of a TCP direction. */
  data(flow: FlowInspection, direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    if (flow.parser !== null) {
      if (this.comparesSides && flow.protocolOf(direction) === 0)
        this.compare(flow, direction, bytes, start, end);
      this.feed(flow, flow.parser, direction, bytes, start, end);
    } else if (flow.protocolState === ProtocolState.UNDECIDED) {
      if ((flow.unknownDirections & (1 << direction)) === 0) this.probe(flow, direction, bytes, start, end);
      else this.keepUntold(flow, direction, bytes, start, end);
    }
  }

  /**
   * Tells the protocol of a UDP flow by a datagram of it, which is then for `FlowInspection.parser`. Any may do: a server passes
   * over those before it that say nothing to it.
   */
  recognise(flow: FlowInspection, direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    const found = this.find(direction, bytes, start, end);
    const spoken = DATAGRAM_PORTS.get(this.probed.serverPort);
    if (found > 0 && (spoken === undefined || this.definition(found)?.name === spoken))
      this.begin(flow, found, null, direction);
    else if (flow.protocolState === ProtocolState.UNDECIDED && ++flow.probes >= PROBED_DATAGRAMS)
      this.giveUp(flow);
  }

  /**
   * The same for a UDP flow whose protocol is known, which is another where a datagram of its client is one that servers on its
   * port wait for: those before it said nothing to the server.
   */
  reconsider(flow: FlowInspection, bytes: Uint8Array, start: number, end: number): void {
    const usual = this.usual.get(this.probed.serverPort);
    if (usual === undefined || usual === flow.protocol) return;
    if ((this.definition(usual) as ProtocolDefinition).probe(0, bytes, start, end, this.probed) <= 0) return;
    this.release(flow);
    flow.forgetSides();
    this.begin(flow, usual, null, 0);
  }

  /** The flow was announced: its protocol is known before its first byte. */
  expected(flow: FlowInspection, { protocol, note }: AnnouncedFlow): void {
    const number = this.numberOf(protocol);
    if (number > 0) this.begin(flow, number, note, -1);
  }

  /** The parser that is being fed says that another protocol follows; see `TransactionListener.onUpgrade`. */
  upgrade(protocol: string | null, at: number, early?: EarlyData): void {
    this.upgradeTo = protocol;
    this.upgradeAt = at;
    this.upgradeEarly = early;
  }

  /** What the flow carries has a name of its own (DNS within HTTP/2); its parser stays. */
  rename(flow: FlowInspection, protocol: string): void {
    const number = this.numberOf(protocol);
    if (number === 0) return;
    for (const side of [0, 1] as const)
      if (flow.protocolOf(side) === flow.protocol) flow.setProtocolOf(side, number);
    flow.protocol = number;
  }

  /** Which side of a TCP connection sends such bytes first; null: they do not tell. `probed` is set. */
  senderOf(bytes: Uint8Array, start: number, end: number): 'client' | 'server' | null {
    const last = Math.min(end, start + PROBE_BYTES);
    const asClient = this.find(0, bytes, start, last) > 0;
    const asServer = this.find(1, bytes, start, last) > 0;
    if (asClient === asServer) return null;
    return asClient ? 'client' : 'server';
  }

  gap(flow: FlowInspection, direction: Direction, length: number): void {
    if (flow.parser !== null) flow.parser.gap(direction, length);
    else if (flow.protocolState === ProtocolState.UNDECIDED) this.giveUp(flow);
  }

  close(flow: FlowInspection, direction: Direction): void {
    flow.parser?.close(direction);
  }

  release(flow: FlowInspection): void {
    const { parser } = flow;
    if (parser === null) return;
    flow.parser = null;
    parser.reset();
    // Back to the pool it is from, where the flow has got another name since.
    if (this.definition(flow.protocol)?.name !== parser.protocol) this.rename(flow, parser.protocol);
    const pool = this.pool(flow);
    if (pool.length < POOLED_PARSERS) pool.push(parser);
  }

  /** What the flow's parser takes by itself, in bytes. */
  parserBytes(flow: FlowInspection): number {
    return flow.parser === null ? 0 : (this.ownBytes[2 * (flow.detected - 1) + flow.transport] as number);
  }

  /** The flow goes on without a parser: what it speaks stays known, or is not found out any more. */
  abandon(flow: FlowInspection): void {
    const { protocol } = flow;
    this.release(flow);
    flow.protocol = protocol;
    flow.setPending(0, null);
    flow.setPending(1, null);
    if (flow.protocolState === ProtocolState.UNDECIDED) flow.protocolState = ProtocolState.UNKNOWN;
  }

  private pool(flow: FlowInspection): ProtocolParser[] {
    return this.pools[(flow.protocol - 1) * 2 + flow.transport] as ProtocolParser[];
  }

  private feed(
    flow: FlowInspection,
    parser: ProtocolParser,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    parser.feed(direction, bytes, start, end);
    if (this.upgradeAt < 0) return;
    const from = this.upgradeAt;
    const protocol = this.upgradeTo;
    const early = this.upgradeEarly;
    this.upgradeAt = -1;
    this.upgradeEarly = undefined;
    this.release(flow);
    flow.originalProtocol = flow.protocol;
    flow.protocol = 0;
    flow.forgetSides();
    flow.protocolState = ProtocolState.UNDECIDED;
    flow.unknownDirections = 0;
    flow.lostDirections = 0;
    if (protocol !== null) {
      const number = this.numberOf(protocol);
      if (number === 0) this.giveUp(flow);
      else this.begin(flow, number, null, -1);
    }
    if (early !== undefined) this.takeEarly(flow, early);
    // A parser looks at some byte before it says that others follow: this ends.
    if (from < end) this.data(flow, direction, bytes, Math.max(from, start), end);
  }

  /** What the client sent before it was known that another protocol follows. */
  private takeEarly(flow: FlowInspection, { bytes, missing }: EarlyData): void {
    this.data(flow, 0, bytes, 0, bytes.length);
    if (missing > 0) this.gap(flow, 0, missing);
    if ((flow.closed & 1) !== 0) this.close(flow, 0);
  }

  private probe(
    flow: FlowInspection,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const pending = flow.pending(direction);
    let from = bytes;
    let first = start;
    let last = Math.min(end, start + PROBE_BYTES);
    if (pending !== null) {
      const more = Math.min(end - start, PROBE_BYTES - pending.length);
      this.joined.set(pending, 0);
      this.joined.set(bytes.subarray(start, start + more), pending.length);
      from = this.joined;
      first = 0;
      last = pending.length + more;
    }
    const found = this.find(direction, from, first, last);
    if (found > 0) {
      this.start(flow, found, direction, bytes, start, end);
      return;
    }
    // Blank lines tell nothing, however many they are: what follows is looked at as if it came first.
    const text = found === 0 && last - first === PROBE_BYTES ? behindBlankLines(from, first, last) : first;
    if (text > first) {
      const taken = PROBE_BYTES - (pending?.length ?? 0);
      flow.setPending(direction, text < last ? from.slice(text, last) : null);
      if (start + taken < end) this.probe(flow, direction, bytes, start + taken, end);
      return;
    }
    // Whoever sends its first bytes one at a time is waited for, but no longer than the probe is long.
    if (found === 0 && last - first < PROBE_BYTES) {
      flow.setPending(direction, from.slice(first, last));
      return;
    }
    // Until the server says what it is, all that its client sends would have passed.
    const early = direction === 0 && flow.unknownDirections === 0 && flow.pending(1) === null;
    const likely = early ? this.numberOf(TOLERANT_PORTS.get(this.probed.serverPort) ?? '') : 0;
    if (likely > 0) {
      this.start(flow, likely, direction, bytes, start, end);
      return;
    }
    // What one direction does not tell the other may.
    flow.unknownDirections |= 1 << direction;
    if (flow.unknownDirections === BOTH) this.giveUp(flow);
    else this.keepUntold(flow, direction, bytes, start, end);
  }

  /**
   * Keeps bytes that do not tell the protocol, for the parser that the answer to them may call for. Where they are too
   * many nothing is kept: a parser would take their rest for their beginning.
   */
  private keepUntold(
    flow: FlowInspection,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const bit = 1 << direction;
    if ((flow.lostDirections & bit) !== 0) return;
    const pending = flow.pending(direction);
    const kept = pending?.length ?? 0;
    const length = kept + end - start;
    if (length > PROBE_BYTES) {
      flow.lostDirections |= bit;
      flow.setPending(direction, null);
      return;
    }
    const joined = new Uint8Array(length);
    if (pending !== null) joined.set(pending);
    joined.set(bytes.subarray(start, end), kept);
    flow.setPending(direction, joined);
  }

  /** @returns number of the protocol, 0 where more bytes can decide, -1 where it is none of them */
  private find(direction: Direction, bytes: Uint8Array, start: number, end: number): number {
    const { probed, protocols } = this;
    const carried = this.carried[probed.transport];
    let undecided = false;
    for (let i = 0; i < carried.length; i++) {
      const number = carried[i] as number;
      const definition = protocols[number - 1] as ProtocolDefinition;
      const answer = definition.probe(direction, bytes, start, end, probed);
      if (answer > 0) return number;
      if (answer === 0) undecided = true;
    }
    return undecided ? 0 : -1;
  }

  /**
   * The first bytes of the side that did not tell the protocol: those of a server may be of another than the client
   * asked for. The flow's parser stays.
   */
  private compare(
    flow: FlowInspection,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const found = this.find(direction, bytes, start, Math.min(end, start + PROBE_BYTES));
    const other = found > 0 && found !== flow.detected;
    flow.setProtocolOf(direction, other ? found : flow.protocol);
    if (other) this.listener.onDetected(flow);
  }

  /** @param direction of the bytes that told it; -1: it is known without */
  private begin(
    flow: FlowInspection,
    number: number,
    note: Uint8Array | null,
    direction: Direction | -1,
  ): void {
    flow.protocol = number;
    if (direction >= 0) flow.setProtocolOf(direction as Direction, number);
    else for (const side of [0, 1] as const) flow.setProtocolOf(side, number);
    flow.protocolState = ProtocolState.KNOWN;
    flow.lateDirections = BOTH;
    flow.detected = number;
    flow.transport = this.probed.transport;
    const definition = this.protocols[number - 1] as ProtocolDefinition;
    const parser = this.pool(flow).pop() ?? definition.create(this.listener, flow.transport);
    flow.parser = parser;
    if (note !== null) parser.expect?.(note);
    this.listener.onDetected(flow);
  }

  /** The protocol is known: its parser gets what both directions have sent so far. */
  private start(
    flow: FlowInspection,
    number: number,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    this.begin(flow, number, null, direction);
    const first = flow.firstPending;
    const second: Direction = first === 0 ? 1 : 0;
    for (const side of [first, second] as const) {
      const pending = flow.pending(side);
      flow.setPending(side, null);
      if ((flow.unknownDirections & (1 << side)) !== 0 || pending !== null) flow.setProtocolOf(side, number);
      if (pending !== null && flow.parser !== null)
        this.feed(flow, flow.parser, side, pending, 0, pending.length);
    }
    this.data(flow, direction, bytes, start, end);
  }

  private giveUp(flow: FlowInspection): void {
    flow.protocolState = ProtocolState.UNKNOWN;
    flow.setPending(0, null);
    flow.setPending(1, null);
    this.listener.onDetected(flow);
  }
}

function behindBlankLines(bytes: Uint8Array, start: number, end: number): number {
  let i = start;
  while (i < end && (bytes[i] === CR || bytes[i] === LF)) i++;
  return i;
}
