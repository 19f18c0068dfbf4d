import type { Direction, Transaction } from '@portcullis/protocols';
import type { PacketView } from '@portcullis/wire';
import type { CompiledRule } from './compiled-rule';
import type { CompiledRuleSet } from './compiled-rule-set';
import type { InspectionContext } from './context';
import { ExpressionAllowance } from './expression-allowance';
import { HostBits } from './host-bits';
import type { MatchList } from './match-list';
import { DEFAULT_LIMITS, type MatcherLimits } from './matcher-limits';
import { MatcherStage } from './matcher-stage';
import type { MatcherStatistics } from './matcher-statistics';
import { PacketRules } from './packet-rules';
import { RuleEvaluator } from './rule-evaluator';
import type { RuleMemory } from './rule-memory';
import type { RuleProfile } from './rule-profile';
import { SegmentScan, type SegmentUse } from './segment-scan';
import { StreamRules } from './stream-rules';
import { ThresholdTable } from './threshold-table';
import { TransactionRules } from './transaction-rules';

/**
 * Evaluates a rule set over packets, streams and transactions. One per worker.
 *
 * For each packet: `begin`, then any of the `inspect…` calls, then `end`; `matches` then holds the rules that fired.
 */
export class Matcher {
  /** Rules that fired in this packet, in the order of their actions; final after `end`. */
  readonly fired: MatchList;

  private readonly limits: MatcherLimits;
  private readonly evaluator: RuleEvaluator;
  private readonly thresholds: ThresholdTable;
  private readonly hostBits: HostBits;
  // Parts that belong to one rule set and go with it.
  private stage!: MatcherStage;
  private segments!: SegmentScan;
  private packets!: PacketRules;
  private streams!: StreamRules;
  private transactions!: TransactionRules;

  /**
   * @param ruleset with its databases prepared or attached
   * @param memory what other matchers, with the same limits, remember too; null: its own
   */
  constructor(
    ruleset: CompiledRuleSet,
    limits: Partial<MatcherLimits> = {},
    memory: RuleMemory | null = null,
  ) {
    this.limits = { ...DEFAULT_LIMITS, ...limits };
    this.evaluator = new RuleEvaluator(this.limits);
    this.fired = this.evaluator.fired;
    this.thresholds = new ThresholdTable(this.limits.thresholds, memory?.thresholds, memory?.seed);
    this.hostBits = new HostBits(memory?.hostBits, memory?.seed);
    this.take(ruleset);
  }

  private take(ruleset: CompiledRuleSet): void {
    const { evaluator } = this;
    // What can fail comes first: the rule set in force stays whole.
    const stage = new MatcherStage(ruleset, this.limits);
    this.stage = stage;
    this.segments = new SegmentScan(stage);
    this.packets = new PacketRules(stage, this.segments, evaluator);
    this.streams = new StreamRules(stage, this.segments, evaluator);
    this.transactions = new TransactionRules(stage, this.segments, evaluator);
    this.fired.rules = ruleset.rules;
  }

  get ruleset(): CompiledRuleSet {
    return this.stage.ruleset;
  }

  /** Numbers of the rules that fired, `matchCount` of them. */
  get matches(): Int32Array {
    return this.fired.numbers;
  }

  get matchCount(): number {
    return this.fired.count;
  }

  rule(number: number): CompiledRule {
    return this.stage.ruleset.rules.get(number);
  }

  /** Takes the times of a profile, by rule; null: none is taken. */
  set profile(profile: RuleProfile | null) {
    this.evaluator.profile = profile;
  }

  /** From now on slow regular expressions get a part of the time only: for packets that wait for their verdict. */
  limitExpressions(): void {
    this.evaluator.evaluation.allowance ??= new ExpressionAllowance();
  }

  /** Searches for slow expressions that were left out. */
  get expressionsSkipped(): number {
    return this.evaluator.evaluation.allowance?.skipped ?? 0;
  }

  /** How often a bound of `MatcherLimits` has left a rule, or its alert, out. */
  get leftOut(): number {
    const counted = this.statistics();
    const { budgetExceeded, candidateOverflow, matchOverflow } = counted;
    const { waitingRefused, flowBitsRefused, transformOverflow } = counted;
    return (
      budgetExceeded +
      candidateOverflow +
      matchOverflow +
      waitingRefused +
      flowBitsRefused +
      transformOverflow
    );
  }

  statistics(): Readonly<MatcherStatistics> {
    const { counted, evaluation } = this.evaluator;
    this.collect();
    counted.recursionExceeded = evaluation.recursionExceeded;
    counted.budgetExceeded = evaluation.budgetExceeded;
    counted.matchOverflow = this.fired.overflow;
    counted.thresholdEvictions = this.thresholds.evictions;
    return counted;
  }

  /** Takes over counters of the parts that a reload replaces. */
  private collect(): void {
    const { counted } = this.evaluator;
    const { candidates, scan, buffers } = this.stage;
    const { inStream, inSegment } = this.segments;
    const { called, joint } = this.transactions.buffers;
    for (const list of [candidates, inStream, inSegment, called, joint]) {
      counted.candidateOverflow += list.overflow;
      list.overflow = 0;
    }
    counted.prefilterOverflow += scan.overflow;
    counted.transformOverflow += buffers.overflow;
    scan.overflow = 0;
    buffers.overflow = 0;
  }

  /**
   * Takes another rule set, whose databases are there. Flow bits and thresholds stay; what rules of the old set were
   * waiting for is dropped when its flow or transaction is next looked at. Not between `begin` and `end`.
   */
  swap(ruleset: CompiledRuleSet): void {
    const { stage } = this;
    this.collect();
    this.take(ruleset);
    stage.scan.close();
    this.fired.begin();
    this.profile = null;
  }

  /** Begins a packet. */
  begin(context: InspectionContext): void {
    const { evaluation } = this.evaluator;
    evaluation.context = context;
    context.hostBits = this.hostBits;
    evaluation.refill();
    this.fired.begin();
    this.stage.header.begin(context);
    this.segments.begin();
  }

  /** Within a packet: another one stands for it now (`context.packet`). What has matched so far stays. */
  turn(context: InspectionContext): void {
    this.stage.header.begin(context);
  }

  /**
   * True where no rule looks at a packet of this kind without a payload: most acknowledgments are such.
   * @param appProtocol of its flow; 0: not known
   */
  ignoresEmpty(packet: PacketView, direction: Direction, appProtocol: number): boolean {
    return this.packets.ignoresEmpty(packet, direction, appProtocol);
  }

  /** Rules that look at the packet itself: its headers, its payload. Again for each virtual segment. */
  inspectPacket(context: InspectionContext): void {
    this.packets.inspectPacket(context);
  }

  /**
   * Packets whose payload is not looked at any more: rules that ask nothing about contents.
   * @param asks bits of `FlowFact`: of those rules only which ask for one of them; 0: all
   */
  inspectHeaders(context: InspectionContext, asks = 0): void {
    this.packets.inspectHeaders(context, asks);
  }

  /** Packets that do not decode: only rules that ask for what is wrong with them (`packet.events`) look. */
  inspectUndecodable(context: InspectionContext): void {
    this.packets.inspectUndecodable(context);
  }

  /**
   * Looks for patterns in raw stream bytes. Before the parser is fed with them: rules that look at buffers may be found
   * by raw contents. `inspectStream` follows, with the same window; without this call it does both.
   * @param segment what it adds to the packet's inspection: nothing; the window's new bytes are the payload of the packet
   *   in hand, which `inspectPacket` looks at next; or in pieces
   */
  scanStream(
    context: InspectionContext,
    bytes: Uint8Array,
    start: number,
    end: number,
    fresh: number,
    streamOffset: number,
    segment: SegmentUse = 'none',
  ): void {
    this.segments.scanStream(context, bytes, start, end, fresh, streamOffset, segment);
  }

  /**
   * The window that was inspected last is held: what was found in it counts for transactions of later bytes too.
   * @param streamEnd place of its end in the stream
   */
  keepStream(context: InspectionContext, streamEnd: number): void {
    this.segments.keepStream(context, streamEnd);
  }

  /**
   * Rules that look at raw stream bytes.
   * @param start start of the window, from which `depth` and `offset` count
   * @param fresh bytes from here on are new; those before were inspected already
   * @param streamOffset place of `start` in the stream
   * @param late the protocol became known only now: for the rules that name it all bytes are new
   */
  inspectStream(
    context: InspectionContext,
    bytes: Uint8Array,
    start: number,
    end: number,
    fresh: number,
    streamOffset: number,
    late = false,
  ): void {
    this.streams.inspectStream(context, bytes, start, end, fresh, streamOffset, late);
  }

  /** Rules that look at buffers of transactions: those buffers that have come since the last call are looked at. */
  inspectTransaction(context: InspectionContext, transaction: Transaction, direction: Direction): void {
    this.transactions.inspectTransaction(context, transaction, direction);
  }

  /** Rules that look at frames: one has come or grown. `endTransaction` takes it back when it is over. */
  inspectFrame(context: InspectionContext, frame: Transaction, direction: Direction): void {
    this.transactions.inspectFrame(context, frame, direction);
  }

  /**
   * A parser has seen what a real peer would not send: the rules that name it. Those that look at buffers too wait for
   * the transaction's next progress.
   * @param transaction null where it is about the flow
   */
  appLayerEvent(
    context: InspectionContext,
    transaction: Transaction | null,
    direction: Direction,
    event: string,
  ): void {
    this.transactions.appLayerEvent(context, transaction, direction, event);
  }

  /** The transaction is over: its state goes back to the pool. */
  endTransaction(context: InspectionContext, transaction: Transaction): void {
    this.transactions.endTransaction(context, transaction);
  }

  /** Ends a packet: thresholds, `pass` and `noalert` are applied. */
  end(context: InspectionContext): void {
    if (this.fired.count > 0) this.fired.settle(context, this.thresholds);
  }

  /** Frees what the garbage collector does not know of. */
  close(): void {
    this.stage.scan.close();
  }
}
