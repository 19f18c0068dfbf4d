import { FlowFact } from '@portcullis/matcher';
import {
  type Direction,
  type EarlyData,
  type ExpectedFlow,
  type ProtocolDefinition,
  type Transaction,
  type TransactionListener,
  Transport,
} from '@portcullis/protocols';
import { TcpFlag } from '@portcullis/wire';
import type { AddressControl } from './address-control';
import { AppLayer } from './app-layer';
import type { ExpectedFlows } from './expected-flows';
import type { FlowInspection } from './flow-inspection';
import type { PacketInHand } from './packet-in-hand';
import type { PacketRuleInspection } from './packet-rule-inspection';

const { PROTOCOLS } = FlowFact;
const OVER_TCP = Transport.TCP;
const { SYN } = TcpFlag;

/** What parsers tell of the flow that is being fed: transactions and events go to the rules that look at them. */
export class TransactionInspection implements TransactionListener {
  readonly appLayer: AppLayer;
  private readonly words = new Uint32Array(4);

  constructor(
    private readonly hand: PacketInHand,
    private readonly packetRules: PacketRuleInspection,
    private readonly addresses: AddressControl,
    private readonly protocols: readonly ProtocolDefinition[],
    readonly expected: ExpectedFlows,
  ) {
    this.appLayer = new AppLayer(protocols, this);
    this.followRules();
  }

  /** Finds out what the rules in force ask for: what each side of a flow speaks, and which frames. */
  followRules(): void {
    const { needs, slots } = this.hand.matcher.ruleset;
    this.appLayer.comparesSides = (needs.flowFacts & PROTOCOLS) !== 0;
    const wanted = new Set(slots.flatMap(({ isFrame, ids }) => (isFrame ? [...ids] : [])));
    for (const { frames } of this.protocols) frames?.want(wanted);
  }

  /** Before the parser gets the first byte, so that packet rules still come before those about transactions. */
  onDetected(): void {
    this.hand.protocolDetected = true;
    if (this.hand.flow !== null) this.packetRules.inspectWaitingRules();
  }

  onProgress(tx: Transaction, direction: Direction): void {
    const { hand } = this;
    const { flow, context, matcher } = hand;
    if (flow === null || flow.passed || flow.dropped) return;
    this.describe(flow, direction);
    const before = matcher.matchCount;
    const turned = hand.turnTo(hand.slot, direction);
    if (direction === 0) this.addresses.inspect(tx, flow);
    matcher.inspectTransaction(context, tx, direction);
    if (turned) hand.turnBack();
    if (matcher.matchCount > before) this.rememberFacts(tx, flow, before);
  }

  private describe(flow: FlowInspection, direction: Direction): void {
    const { context, view } = this.hand;
    context.appProtocol = flow.protocol;
    context.direction = direction;
    if (context.flowEstablished || flow.transport !== OVER_TCP || (view.tcpFlags & SYN) === 0) return;
    // What a SYN brings is said in the connection that it opens.
    view.decodeTcpOptions();
    context.flowEstablished = view.hasFastOpen;
  }

  /** The transaction's buffers are gone when the packet is concluded; most rules that only set flow bits tell nothing. */
  private rememberFacts(tx: Transaction, flow: FlowInspection, before: number): void {
    const { hand } = this;
    const definition = this.appLayer.definition(flow.protocol);
    if (definition?.describe === undefined || hand.factsOf.has(tx.id)) return;
    const { fired } = hand.matcher;
    for (let i = before; i < fired.count; i++) {
      if (hand.matcher.rule(fired.numbers[i] as number).noAlert) continue;
      hand.factsOf.set(tx.id, { protocol: definition.name, facts: definition.describe(tx) });
      return;
    }
  }

  onFrame(frame: Transaction, direction: Direction, over: boolean): void {
    const { hand } = this;
    const { flow, context, matcher } = hand;
    if (flow === null) return;
    if (!flow.passed && !flow.dropped) {
      this.describe(flow, direction);
      const turned = hand.turnTo(hand.slot, direction);
      matcher.inspectFrame(context, frame, direction);
      if (turned) hand.turnBack();
    }
    if (over && frame.matchState !== null) matcher.endTransaction(context, frame);
  }

  onTransactionEnd(tx: Transaction): void {
    const { hand } = this;
    if (hand.flow === null) return;
    if (tx.matchState !== null) hand.matcher.endTransaction(hand.context, tx);
    if (this.appLayer.definition(hand.flow.protocol)?.separateTransactions === true)
      hand.transactionEnded = true;
  }

  onEvent(tx: Transaction | null, direction: Direction, event: string): void {
    const { flow, context, matcher } = this.hand;
    if (flow === null || flow.passed || !matcher.ruleset.needs.appLayerEvents) return;
    this.describe(flow, direction);
    const before = matcher.matchCount;
    matcher.appLayerEvent(context, tx, direction, event);
    if (tx !== null && matcher.matchCount > before) this.rememberFacts(tx, flow, before);
  }

  onProtocol(protocol: string): void {
    const { hand } = this;
    if (hand.flow === null) return;
    this.appLayer.rename(hand.flow, protocol);
    hand.protocolDetected = true;
  }

  onUpgrade(protocol: string | null, at: number, early?: EarlyData): void {
    this.appLayer.upgrade(protocol, at, early);
  }

  onExpectation(expected: ExpectedFlow): void {
    const { hand } = this;
    if (hand.slot < 0) return;
    if (expected.listener === 'client') hand.table.sourceWords(hand.slot, this.words);
    else hand.table.destinationWords(hand.slot, this.words);
    this.expected.add(this.words, expected, hand.now);
  }
}
