import type { BufferView, Direction, Transaction } from '@portcullis/protocols';
import type { PacketView } from '@portcullis/wire';
import { intervalOf } from './address-plan';
import { BufferKind, PROGRESS_SHIFT } from './buffer-slot';
import { CandidateGate } from './candidate-gate';
import { Candidates } from './candidates';
import type { BufferTest, CompiledRule } from './compiled-rule';
import {
  type AddressPlan,
  type CompiledRuleSet,
  type DerivedBuffers,
  type PacketPlan,
  type PortTable,
  type ScannedBuffer,
  SegmentPart,
  type TransactionPlan,
} from './compiled-rule-set';
import { InspectionContext } from './context';
import { DerivedMemo, Verdict } from './derived-memo';
import { Evaluation } from './evaluation';
import { FlowMatchState } from './flow-match-state';
import { HeaderCheck } from './header-check';
import { MatchList } from './match-list';
import { DEFAULT_LIMITS, type MatcherLimits } from './matcher-limits';
import { needsAll, type Occurrences, occurrencesHold } from './occurrences';
import { PrefilterScan } from './prefilter-scan';
import { PayloadMode } from './rule-builder';
import { ThresholdTable } from './threshold-table';
import { TransactionBuffers } from './transaction-buffers';
import { PAYLOAD_DONE, packSeen, seenOf, TransactionState } from './transaction-state';
import { TRANSPORT_INDEX } from './transport-index';

const { PACKET, STREAM } = SegmentPart;
const POOL = 1024;
/** Groups of derived buffers that one number can tell apart. */
const MOST_JOINT = 128;
const { UNKNOWN, FAILS, MATCHES } = Verdict;
const NOT_MATCHED = 0;
const MATCHED = 1;
const WAITS = 2;

/** What a matcher has counted since it was made. */
export interface MatcherStatistics {
  candidates: number;
  evaluated: number;
  recursionExceeded: number;
  budgetExceeded: number;
  prefilterOverflow: number;
  candidateOverflow: number;
  matchOverflow: number;
  waitingRefused: number;
  flowBitsRefused: number;
  transformOverflow: number;
  thresholdEvictions: number;
}

/** Parts that belong to one rule set and go with it. */
class Stage {
  readonly candidates: Candidates;
  /** Found in the stream window, where it is scanned before the parser is fed. */
  readonly inStream: Candidates;
  /** Found in a TCP segment for rules that look at packets, where it was scanned together with the stream window. */
  readonly inSegment: Candidates;
  readonly gate: CandidateGate;
  readonly scan: PrefilterScan;
  readonly header: HeaderCheck;
  readonly buffers: TransactionBuffers;
  /** What derived buffers called for, before it is known as a whole. */
  readonly called: Candidates;
  /** By protocol number times two plus direction, then by place in `TransactionPlan.derived`. */
  readonly memos: readonly (readonly DerivedMemo[])[];
  /** By protocol number times two plus direction: what all derived buffers called for that were due at once. */
  readonly jointMemos: readonly (DerivedMemo | null)[];
  /** What they call for in the transaction in hand. */
  readonly joint: Candidates;
  /** By rule: place in the joint memo of a candidate that is settled by it, where the stamp is that of the transaction. */
  readonly settledPlaces: Int32Array;
  readonly settledStamps: Uint32Array;

  constructor(
    readonly ruleset: CompiledRuleSet,
    limits: MatcherLimits,
  ) {
    this.candidates = new Candidates(ruleset.rules.length, limits.candidates);
    this.inStream = new Candidates(ruleset.rules.length, limits.candidates);
    this.inSegment = new Candidates(ruleset.rules.length, limits.candidates);
    this.gate = new CandidateGate(ruleset.gate);
    this.called = new Candidates(ruleset.rules.length, limits.candidates);
    this.joint = new Candidates(ruleset.rules.length, limits.candidates);
    this.settledPlaces = new Int32Array(ruleset.rules.length);
    this.settledStamps = new Uint32Array(ruleset.rules.length);
    this.jointMemos = ruleset.transactionPlans.map((plan) =>
      plan !== null && plan.derived.length > 1 ? new DerivedMemo() : null,
    );
    this.memos = ruleset.transactionPlans.map((plan) => plan?.derived.map(() => new DerivedMemo()) ?? []);
    this.scan = new PrefilterScan(ruleset, this.candidates, this.gate);
    this.header = new HeaderCheck(ruleset);
    this.buffers = new TransactionBuffers(ruleset.slots, limits.transformMemory);
  }
}

/**
 * Evaluates a rule set over packets, streams and transactions. One per worker.
 *
 * For each packet: `begin`, then any of the `inspect…` calls, then `end`; `matches` then holds the rules that fired.
 */
export class Matcher {
  /** Rules that fired in this packet, in the order of their actions; final after `end`. */
  readonly fired: MatchList;
  /** Ticks and counts by rule while a profile is taken; null: none is. */
  profile: RuleProfile | null = null;

  private stage: Stage;
  private readonly limits: MatcherLimits;
  private readonly evaluation: Evaluation;
  private readonly thresholds: ThresholdTable;
  private readonly pool: TransactionState[] = [];
  private readonly counted: MatcherStatistics = {
    candidates: 0,
    evaluated: 0,
    recursionExceeded: 0,
    budgetExceeded: 0,
    prefilterOverflow: 0,
    candidateOverflow: 0,
    matchOverflow: 0,
    waitingRefused: 0,
    flowBitsRefused: 0,
    transformOverflow: 0,
    thresholdEvictions: 0,
  };
  /** Buffers that lie in another array than those being gathered. */
  private readonly deferred: ScannedBuffer[] = [];
  /** The stream window was scanned and not yet inspected. */
  private scanned = false;
  /** `inSegment` holds what was found in the packet in hand. */
  private segmentScanned = false;
  /** The packet in hand is looked at in pieces, after a scan of the whole. */
  private inPieces = false;
  /** Direction of the bytes that `rawFound` is of; -1: none were scanned in this packet. */
  private rawDirection = -1;
  /** Buffer tests of the rule in hand that have matched. */
  private done = 0;
  /** What is known of the buffers of the rule in hand before they are looked at, then what has come out: a `Verdict`. */
  private verdict: number = UNKNOWN;
  /** The joint memo that knows the derived buffers of the transaction in hand; null: none does. */
  private settledBy: DerivedMemo | null = null;
  private settledStamp = 0;

  /** @param ruleset with its databases prepared or attached */
  constructor(ruleset: CompiledRuleSet, limits: Partial<MatcherLimits> = {}) {
    this.limits = { ...DEFAULT_LIMITS, ...limits };
    this.stage = new Stage(ruleset, this.limits);
    this.fired = new MatchList(this.limits.matches);
    this.fired.rules = ruleset.rules;
    this.evaluation = new Evaluation(new InspectionContext(), this.limits);
    this.thresholds = new ThresholdTable(this.limits.thresholds);
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

  statistics(): Readonly<MatcherStatistics> {
    const { counted, evaluation } = this;
    this.collect();
    counted.recursionExceeded = evaluation.recursionExceeded;
    counted.budgetExceeded = evaluation.budgetExceeded;
    counted.matchOverflow = this.fired.overflow;
    counted.thresholdEvictions = this.thresholds.evictions;
    return counted;
  }

  /** Takes over counters of the parts that a reload replaces. */
  private collect(): void {
    const { candidates, inStream, inSegment, called, joint, scan, buffers } = this.stage;
    this.counted.candidateOverflow +=
      candidates.overflow + inStream.overflow + inSegment.overflow + called.overflow + joint.overflow;
    inStream.overflow = 0;
    inSegment.overflow = 0;
    joint.overflow = 0;
    called.overflow = 0;
    this.counted.prefilterOverflow += scan.overflow;
    this.counted.transformOverflow += buffers.overflow;
    candidates.overflow = 0;
    scan.overflow = 0;
    buffers.overflow = 0;
  }

  /**
   * Takes another rule set, whose databases are there. Flow bits and thresholds stay; what rules of the old set were
   * waiting for is dropped when its flow or transaction is next looked at. Not between `begin` and `end`.
   */
  swap(ruleset: CompiledRuleSet): void {
    const next = new Stage(ruleset, this.limits);
    this.collect();
    this.stage.scan.close();
    this.stage = next;
    this.fired.rules = ruleset.rules;
    this.fired.begin();
    // Nothing of the old set is kept alive.
    this.deferred.length = 0;
    this.profile = null;
  }

  /** Begins a packet. */
  begin(context: InspectionContext): void {
    this.evaluation.context = context;
    this.evaluation.refill();
    this.fired.begin();
    this.stage.header.begin(context);
    this.scanned = false;
    this.segmentScanned = false;
    this.rawDirection = -1;
  }

  /**
   * True where no rule looks at a packet of this kind without a payload: most acknowledgments are such.
   * @param appProtocol of its flow; 0: not known
   */
  ignoresEmpty(
    { protocol, sourcePort, destinationPort }: PacketView,
    direction: Direction,
    appProtocol: number,
  ): boolean {
    const { rules, packetPlans } = this.stage.ruleset;
    const plan = packetPlans[TRANSPORT_INDEX[protocol] * 2 + direction];
    const { unfilteredEmpty, emptyByDestination, emptyBySource, addresses } = plan;
    if (addresses !== null) return false;
    for (let i = 0; i < unfilteredEmpty.length; i++) {
      const { appProtocols } = rules.get(unfilteredEmpty[i]);
      if (appProtocols === null || appProtocols[appProtocol] === 1) return false;
    }
    if (emptyByDestination !== null && emptyByDestination.classOf[destinationPort] !== 0) return false;
    return emptyBySource === null || emptyBySource.classOf[sourcePort] === 0;
  }

  /** Rules that look at the packet itself: its headers, its payload. Again for each virtual segment. */
  inspectPacket(context: InspectionContext): void {
    const { ruleset, candidates, gate, scan } = this.stage;
    const { packet, payloadStart, payloadEnd } = context;
    candidates.begin();
    gate.begin(context);
    const transport = TRANSPORT_INDEX[packet.protocol];
    const plan = ruleset.packetPlans[transport * 2 + context.direction];
    this.addUnfiltered(plan, context);
    if (payloadEnd > payloadStart) {
      if (transport === 0) this.scanSegment(context);
      else {
        const { sourcePort, destinationPort, bytes } = packet;
        const start = payloadStart;
        scan.payload(plan.patterns, sourcePort, destinationPort, bytes, start, payloadEnd, start, true);
        scan.flush();
      }
    }
    if (candidates.count === 0) return;
    candidates.sort();
    this.counted.candidates += candidates.count;
    const { rules } = ruleset;
    for (let i = 0; i < candidates.count; i++) {
      const rule = rules.get(candidates.rules[i]);
      if (this.profile !== null) this.profile.start(rule.number);
      const matched = this.packetMatches(rule, context);
      if (this.profile !== null) this.profile.stop(rule.number, matched);
      if (matched) this.fire(rule, context, -1);
    }
  }

  /**
   * Packets whose payload is not looked at any more: rules that ask nothing about contents.
   * @param asks bits of `FlowFact`: of those rules only which ask for one of them; 0: all
   */
  inspectHeaders(context: InspectionContext, asks = 0): void {
    const { ruleset, candidates, gate, header } = this.stage;
    candidates.begin();
    gate.begin(context);
    const transport = TRANSPORT_INDEX[context.packet.protocol];
    this.addUnfiltered(ruleset.packetPlans[transport * 2 + context.direction], context);
    candidates.sort();
    for (let i = 0; i < candidates.count; i++) {
      const rule = ruleset.rules.get(candidates.rules[i]);
      if (rule.buffers !== null || rule.payload !== null) continue;
      if (asks !== 0 && rule.packetTests?.some((test) => ((test.asks ?? 0) & asks) !== 0) !== true) continue;
      if (header.matches(rule, context)) this.fire(rule, context, -1);
    }
  }

  /** Looks for patterns in the payload of a TCP packet, unless `scanStream` has done so. */
  private scanSegment(context: InspectionContext): void {
    const { ruleset, candidates, inSegment, gate, scan } = this.stage;
    const { direction, payloadStart, payloadEnd, packet } = context;
    const { sourcePort, destinationPort, bytes } = packet;
    const patterns = ruleset.segmentPatterns[direction];
    if (this.segmentScanned) {
      for (let i = 0; i < inSegment.count; i++) {
        const rule = inSegment.rules[i];
        if (!this.inPieces || gate.admitsBuffer(rule, bytes, payloadStart, payloadEnd)) candidates.add(rule);
      }
      if (!this.inPieces) return;
      scan.pieceHead(patterns, sourcePort, destinationPort, bytes, payloadStart, payloadEnd);
      scan.flush();
      return;
    }
    let parts: number = PACKET;
    if (!context.payloadInStream) {
      // No stream will hold these bytes: stream rules look at the packet instead.
      this.addGated(ruleset.streamUnfiltered[direction], context);
      parts = PACKET | STREAM;
    }
    const start = payloadStart;
    scan.segment(patterns, sourcePort, destinationPort, bytes, start, payloadEnd, start, parts);
    scan.flush();
  }

  /** Packets that do not decode: only rules that ask for what is wrong with them (`packet.events`) look. */
  inspectUndecodable(context: InspectionContext): void {
    const { ruleset, header } = this.stage;
    for (const number of ruleset.decodeEventRules) {
      const rule = ruleset.rules.get(number);
      if (rule.buffers !== null || rule.payload !== null || !header.matches(rule, context)) continue;
      this.fire(rule, context, -1);
    }
  }

  private packetMatches(rule: CompiledRule, context: InspectionContext): boolean {
    // Found by raw contents, evaluated with its buffers.
    if (rule.buffers !== null) return false;
    if (!this.stage.header.matches(rule, context)) return false;
    if (rule.payload === null) return true;
    const { payloadStart, payloadEnd } = context;
    if (payloadEnd <= payloadStart) return false;
    this.counted.evaluated++;
    return this.evaluation.matches(rule.payload, context.packet.bytes, payloadStart, payloadEnd, 0, true);
  }

  private addUnfiltered(plan: PacketPlan, context: InspectionContext): void {
    const { packet } = context;
    const full = context.payloadEnd > context.payloadStart;
    const byDestination = full ? plan.unfilteredByDestination : plan.emptyByDestination;
    const bySource = full ? plan.unfilteredBySource : plan.emptyBySource;
    this.addGated(full ? plan.unfiltered : plan.unfilteredEmpty, context);
    if (byDestination !== null) this.addClass(byDestination, packet.destinationPort, context);
    if (bySource !== null) this.addClass(bySource, packet.sourcePort, context);
    if (plan.addresses !== null && (!context.hasFlow || context.firstOfDirection)) {
      this.addAddressRules(plan.addresses, context);
    }
  }

  private addClass(table: PortTable<Int32Array>, port: number, context: InspectionContext): void {
    const rules = table.classes[table.classOf[port]];
    if (rules !== null) this.addGated(rules, context);
  }

  private addGated(rules: Int32Array, { packet, payloadStart, payloadEnd }: InspectionContext): void {
    const { candidates, gate } = this.stage;
    const { bytes } = packet;
    for (let i = 0; i < rules.length; i++) {
      if (gate.admitsBuffer(rules[i], bytes, payloadStart, payloadEnd)) candidates.add(rules[i]);
    }
  }

  private addAddressRules(plan: AddressPlan, { packet }: InspectionContext): void {
    const { candidates } = this.stage;
    if (packet.version !== 4) {
      candidates.addAll(plan.v6);
      return;
    }
    candidates.addAll(plan.rules[intervalOf(plan.bounds, packet.source[3])]);
    candidates.addAll(plan.destinationRules[intervalOf(plan.destinationBounds, packet.destination[3])]);
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
    const { ruleset, candidates, inStream, inSegment, gate, scan } = this.stage;
    const { direction, packet } = context;
    inStream.begin();
    gate.begin(context);
    let parts: number = STREAM;
    if (segment !== 'none') {
      inSegment.begin();
      this.segmentScanned = true;
      this.inPieces = segment === 'pieces';
      parts = PACKET | STREAM;
    }
    const patterns = ruleset.segmentPatterns[direction];
    scan.target = inStream;
    scan.packetTarget = inSegment;
    gate.inPieces = segment === 'pieces';
    scan.segment(patterns, packet.sourcePort, packet.destinationPort, bytes, start, end, fresh, parts);
    scan.flush();
    gate.inPieces = false;
    scan.target = candidates;
    scan.packetTarget = candidates;
    this.scanned = true;
    this.rawDirection = direction;
    const state = context.flowState;
    if (state === null || state.rawFound.length === 0) return;
    state.belongTo(ruleset.generation);
    state.expireRaw(direction, streamOffset);
    if (state.empty) context.flowState = null;
  }

  /**
   * The window that was inspected last is held: what was found in it counts for transactions of later bytes too.
   * @param streamEnd place of its end in the stream
   */
  keepStream(context: InspectionContext, streamEnd: number): void {
    const { inStream, ruleset } = this.stage;
    if (this.rawDirection !== context.direction || inStream.count === 0) return;
    for (let i = 0; i < inStream.count; i++) {
      const rule = inStream.rules[i];
      if (ruleset.rawFiltered[rule] === 0) continue;
      context.flowState ??= new FlowMatchState();
      const state = context.flowState;
      state.belongTo(ruleset.generation);
      if (!state.keepRaw(context.direction, rule, streamEnd)) this.counted.waitingRefused++;
    }
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
    const { ruleset, candidates, inStream, gate } = this.stage;
    const { direction } = context;
    const { scanned } = this;
    this.scanned = false;
    if (end <= fresh || !ruleset.needs.streamRules[direction]) return;
    if (!scanned) this.scanStream(context, bytes, start, end, fresh, streamOffset);
    candidates.begin();
    gate.begin(context);
    const unfiltered = ruleset.streamUnfiltered[direction];
    for (let i = 0; i < unfiltered.length; i++) if (gate.admits(unfiltered[i])) candidates.add(unfiltered[i]);
    for (let i = 0; i < inStream.count; i++) {
      const rule = inStream.rules[i];
      if (ruleset.rawFiltered[rule] === 0) candidates.add(rule);
    }
    const found = candidates.count;
    const waiting =
      context.flowState !== null && this.addStreamWaiting(context, context.flowState, streamOffset);
    if (candidates.count === 0) return;
    candidates.sort();
    this.counted.candidates += candidates.count;
    const { rules } = ruleset;
    for (let i = 0; i < candidates.count; i++) {
      const rule = rules.get(candidates.rules[i]);
      // The pattern may lie in bytes that were inspected before; then only a rule that waits may look again.
      const again = waiting && this.isStreamWaiting(context, rule.number);
      const unseen = again || (late && rule.appProtocols !== null);
      if (fresh > start && found > 0 && !unseen && !this.patternIsNew(rule, bytes, start, end, fresh))
        continue;
      if (this.profile !== null) this.profile.start(rule.number);
      let matched = false;
      let open = false;
      if (this.stage.header.matches(rule, context) && rule.payload !== null) {
        this.counted.evaluated++;
        matched = this.evaluation.matches(rule.payload, bytes, start, end, 0, false);
        open = !matched && this.evaluation.open;
      }
      if (this.profile !== null) this.profile.stop(rule.number, matched);
      if (matched) {
        if (again) this.endStreamWaiting(context, rule.number);
        this.fire(rule, context, -1);
      } else if (open && !again && rule.fastPattern !== null) {
        this.waitInStream(context, rule.number, streamOffset + end - start);
      }
    }
  }

  private patternIsNew(
    rule: CompiledRule,
    bytes: Uint8Array,
    start: number,
    end: number,
    fresh: number,
  ): boolean {
    const pattern = rule.fastPattern;
    if (pattern === null) return true;
    const from = fresh - pattern.bytes.length + 1;
    const to = rule.fastPatternEnd > 0 ? Math.min(end, start + rule.fastPatternEnd) : end;
    return pattern.find(bytes, Math.max(from, start), to) >= 0;
  }

  /** Adds the rules that wait in this direction; forgets those whose pattern has left the window. */
  private addStreamWaiting(context: InspectionContext, state: FlowMatchState, streamOffset: number): boolean {
    if (state.waiting.length === 0) return false;
    if (state.generation !== this.stage.ruleset.generation) {
      state.belongTo(this.stage.ruleset.generation);
      if (state.empty) context.flowState = null;
      return false;
    }
    state.expireWaiting(context.direction, streamOffset);
    let added = false;
    for (let i = 0; i < state.waiting.length; i += 3) {
      if (state.waiting[i] !== context.direction) continue;
      this.stage.candidates.add(state.waiting[i + 1]);
      added = true;
    }
    if (state.empty) context.flowState = null;
    return added;
  }

  private isStreamWaiting(context: InspectionContext, rule: number): boolean {
    const state = context.flowState;
    if (state === null) return false;
    const { waiting } = state;
    for (let i = 0; i < waiting.length; i += 3) {
      if (waiting[i] === context.direction && waiting[i + 1] === rule) return true;
    }
    return false;
  }

  private waitInStream(context: InspectionContext, rule: number, until: number): void {
    context.flowState ??= new FlowMatchState();
    const state = context.flowState;
    state.belongTo(this.stage.ruleset.generation);
    if (!state.wait(context.direction, rule, until)) this.counted.waitingRefused++;
  }

  private endStreamWaiting(context: InspectionContext, rule: number): void {
    const state = context.flowState;
    if (state === null) return;
    state.endWait(context.direction, rule);
    if (state.empty) context.flowState = null;
  }

  /** Rules that look at buffers of transactions: those buffers that have come since the last call are looked at. */
  inspectTransaction(context: InspectionContext, transaction: Transaction, direction: Direction): void {
    const { ruleset, candidates, gate, buffers } = this.stage;
    const at = context.appProtocol * 2 + direction;
    const plan = ruleset.transactionPlans[at];
    if (!plan) return;
    context.dceLittleEndian = transaction.dceLittleEndian === true;
    const progress = transaction.progress(direction);
    const held = transaction.matchState;
    context.transactionId = transaction.id;
    let state: TransactionState | null = held instanceof TransactionState ? held : null;
    if (state !== null && state.generation !== ruleset.generation) {
      state.count = 0;
      state.firedCount = 0;
      state.generation = ruleset.generation;
    }
    const packed = typeof held === 'number' ? held : 0;
    const seen = state !== null ? state.seen[direction] : seenOf(packed, direction);

    candidates.begin();
    gate.begin(context);
    this.settledBy = null;
    buffers.begin(transaction, at);
    this.scanBuffers(plan, seen, progress);
    if (plan.derived.length > 0) this.scanDerivedDue(plan, at, seen, progress);
    const { unfiltered, unfilteredProgress } = plan;
    for (let i = 0; i < unfiltered.length; i++) {
      if (unfilteredProgress[i] > seen && unfilteredProgress[i] <= progress && gate.admits(unfiltered[i]))
        candidates.add(unfiltered[i]);
    }
    if (plan.raw) this.addRawFound(context, direction);
    const waiting = state !== null ? state.count : 0;
    for (let i = 0; i < waiting; i++) {
      const entry = (state as TransactionState).rules[i];
      if ((entry & 1) === direction || ruleset.rules.get(entry >> 1).twoWay) candidates.add(entry >> 1);
    }

    if (candidates.count > 0) {
      candidates.sort();
      this.counted.candidates += candidates.count;
      state = this.evaluateTransaction(context, transaction, state, packed, at, progress);
    }
    if (state !== null) state.seen[direction] = progress;
    else {
      transaction.matchState =
        direction === 0 ? packSeen(progress, seenOf(packed, 1)) : packSeen(seenOf(packed, 0), progress);
    }
    buffers.end();
    context.transactionId = -1;
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
    const { ruleset, header } = this.stage;
    const named = ruleset.eventRules.get(event.toLowerCase());
    if (named === undefined) return;
    for (const number of named) {
      const rule = ruleset.rules.get(number);
      // What happened in one direction is known to the rules for the other one too.
      const turned = (rule.directions & (1 << direction)) === 0;
      if (!header.matches(rule, context, turned)) continue;
      if (rule.payload !== null && !this.rawMatches(rule, context)) continue;
      if (transaction === null) {
        if (rule.buffers === null) this.fire(rule, context, -1);
        continue;
      }
      const state = this.stateOf(transaction);
      const entry = number * 2 + (turned ? 1 - direction : direction);
      if (state.hasFired(entry) || waitingPlace(state, entry) >= 0) continue;
      const { waiting } = this.limits;
      if (rule.buffers !== null) {
        if (!state.wait(entry, PAYLOAD_DONE, waiting)) this.counted.waitingRefused++;
        continue;
      }
      if (!state.remember(entry, waiting)) this.counted.waitingRefused++;
      context.transactionId = transaction.id;
      this.fire(rule, context, transaction.id);
      context.transactionId = -1;
    }
  }

  /** The transaction's state in the present rule set's numbers, made where there is none. */
  private stateOf(transaction: Transaction): TransactionState {
    const held = transaction.matchState;
    if (!(held instanceof TransactionState))
      return this.attachState(transaction, typeof held === 'number' ? held : 0);
    const { generation } = this.stage.ruleset;
    if (held.generation !== generation) {
      held.count = 0;
      held.firedCount = 0;
      held.generation = generation;
    }
    return held;
  }

  /** Rules whose raw contents are in the stream window, or in the payload where there is no window. */
  private addRawFound(context: InspectionContext, direction: Direction): void {
    const { ruleset, candidates, inStream } = this.stage;
    if (this.rawDirection !== direction) this.scanRaw(context, direction);
    for (let i = 0; i < inStream.count; i++) {
      const rule = inStream.rules[i];
      if (ruleset.rawFiltered[rule] === 1) candidates.add(rule);
    }
    const state = context.flowState;
    if (state === null || state.rawFound.length === 0 || state.generation !== ruleset.generation) return;
    const { rawFound } = state;
    for (let i = 0; i < rawFound.length; i += 3)
      if (rawFound[i] === direction) candidates.add(rawFound[i + 1]);
  }

  /** A transaction that progresses without new bytes, as at the end of a flow. */
  private scanRaw(context: InspectionContext, direction: Direction): void {
    const { ruleset, candidates, inStream, scan } = this.stage;
    const { packet, streamStart, streamEnd, payloadStart, payloadEnd } = context;
    const patterns = ruleset.segmentPatterns[direction];
    const { sourcePort, destinationPort, bytes } = packet;
    this.rawDirection = direction;
    inStream.begin();
    scan.target = inStream;
    if (streamEnd > streamStart) {
      const window = context.streamBytes;
      const start = streamStart;
      scan.segment(patterns, sourcePort, destinationPort, window, start, streamEnd, start, STREAM);
    }
    if (payloadEnd > payloadStart) {
      const start = payloadStart;
      scan.segment(patterns, sourcePort, destinationPort, bytes, start, payloadEnd, start, STREAM);
    }
    scan.flush();
    scan.target = candidates;
  }

  /** Asks the prefilter for the buffers that have come. Those in the same array are scanned in one call. */
  private scanBuffers(plan: TransactionPlan, seen: number, progress: number): void {
    const { scan, buffers } = this.stage;
    const { whole, growing } = plan;
    const deferredCount = this.gather(whole, seen, progress);
    for (let i = 0; i < growing.length; i++) {
      const scanned = growing[i];
      if (scanned.multiple) {
        this.scanAll(scanned);
        continue;
      }
      const view = buffers.get(scanned.slot, 0);
      if (view !== null) scan.growing(scanned.patterns, view.bytes, view.start, view.end, view.fresh);
    }
    this.drain(deferredCount);
  }

  /** Derived buffers that have come: most often all that a message has, made of bytes that were seen before. */
  private scanDerivedDue(plan: TransactionPlan, at: number, seen: number, progress: number): void {
    const { derived, derivedSources } = plan;
    const { candidates, joint, gate, jointMemos, memos } = this.stage;
    let first = 0;
    while (first < derived.length && derived[first].progress <= seen) first++;
    let end = first;
    while (end < derived.length && derived[end].progress <= progress) end++;
    const memo = end - first > 1 ? jointMemos[at] : null;
    // Which of them are due is part of what the rules depend on.
    const facts = gate.facts | (first << 16) | (end << 24);
    const known = memo !== null && end < MOST_JOINT && this.keyOf(derivedSources, memo);
    if (known && memo.find(facts)) {
      const { count } = memo;
      this.beginSettled(memo);
      for (let i = 0; i < count; i++) if (memo.verdict(i) !== FAILS) this.addSettled(memo.rule(i), i, plan);
      return;
    }
    joint.begin();
    for (let i = first; i < end; i++) this.scanDerived(derived[i], memos[at][i], joint);
    if (known && memo.store(facts, joint.rules, joint.count)) {
      this.beginSettled(memo);
      for (let i = 0; i < joint.count; i++) this.addSettled(joint.rules[i], i, plan);
      return;
    }
    for (let i = 0; i < joint.count; i++) candidates.add(joint.rules[i]);
  }

  private beginSettled(memo: DerivedMemo): void {
    this.settledBy = memo;
    this.settledStamp = (this.settledStamp + 1) >>> 0;
    if (this.settledStamp !== 0) return;
    this.stage.settledStamps.fill(0);
    this.settledStamp = 1;
  }

  /** A candidate at a place of the joint memo, which may know what comes out, or come to know it. */
  private addSettled(rule: number, place: number, plan: TransactionPlan): void {
    const { candidates, settledPlaces, settledStamps } = this.stage;
    candidates.add(rule);
    if (plan.settled[rule] !== 1) return;
    settledPlaces[rule] = place;
    settledStamps[rule] = this.settledStamp;
  }

  /** Begins a key with what buffers are made of. @returns false where it cannot be one */
  private keyOf(sources: Int32Array, memo: DerivedMemo): boolean {
    const { buffers } = this.stage;
    memo.begin();
    for (let i = 0; i < sources.length; i++) {
      const view = buffers.source(sources[i]);
      if (view === null || !memo.add(view)) return false;
    }
    return true;
  }

  /** Rules that derived buffers call for: known where the same bytes were seen before, else by scanning. */
  private scanDerived(
    { progress, sources, members }: DerivedBuffers,
    memo: DerivedMemo,
    into: Candidates,
  ): void {
    const { candidates, called, gate, scan } = this.stage;
    const known = this.keyOf(sources, memo);
    if (known && memo.find(gate.facts)) {
      for (let i = 0; i < memo.count; i++) into.add(memo.rule(i));
      return;
    }
    called.begin();
    scan.target = called;
    this.drain(this.gather(members, progress - 1, progress));
    scan.target = candidates;
    if (known) memo.store(gate.facts, called.rules, called.count);
    for (let i = 0; i < called.count; i++) into.add(called.rules[i]);
  }

  /** Asks for whole buffers. @returns how many lie elsewhere and must wait, in `deferred` */
  private gather(whole: readonly ScannedBuffer[], seen: number, progress: number): number {
    const { scan, buffers } = this.stage;
    const { deferred } = this;
    let deferredCount = 0;
    for (let i = 0; i < whole.length; i++) {
      const scanned = whole[i];
      if (scanned.progress <= seen) continue;
      if (scanned.progress > progress) break;
      if (scanned.multiple) {
        this.scanAll(scanned);
        continue;
      }
      const view = buffers.get(scanned.slot, 0);
      if (view === null) continue;
      if (scan.takes(view.bytes)) scan.whole(scanned.patterns, view.bytes, view.start, view.end);
      else deferred[deferredCount++] = scanned;
    }
    return deferredCount;
  }

  /** Scans what was asked for, then the buffers that had to wait. */
  private drain(waiting: number): void {
    const { scan, buffers } = this.stage;
    const { deferred } = this;
    let deferredCount = waiting;
    scan.flush();
    while (deferredCount > 0) {
      let kept = 0;
      for (let i = 0; i < deferredCount; i++) {
        const scanned = deferred[i];
        const view = buffers.get(scanned.slot, 0);
        if (view === null) continue;
        if (scan.takes(view.bytes)) scan.whole(scanned.patterns, view.bytes, view.start, view.end);
        else deferred[kept++] = scanned;
      }
      scan.flush();
      deferredCount = kept;
    }
  }

  /** A buffer that occurs several times. The next one may be made in the same place: none waits for a scan. */
  private scanAll({ slot, patterns }: ScannedBuffer): void {
    const { scan, buffers } = this.stage;
    for (let index = 0; ; index++) {
      const view = buffers.get(slot, index);
      if (view === null) return;
      scan.add(patterns, view.bytes, view.start, view.end, view.fresh, false);
      scan.flush();
    }
  }

  private evaluateTransaction(
    context: InspectionContext,
    transaction: Transaction,
    given: TransactionState | null,
    packed: number,
    at: number,
    progress: number,
  ): TransactionState | null {
    const { candidates, ruleset } = this.stage;
    const { limits } = this;
    let state = given;
    for (let i = 0; i < candidates.count; i++) {
      const rule = ruleset.rules.get(candidates.rules[i]);
      const entry = rule.number * 2 + (rule.twoWay ? 0 : at & 1);
      const place = state === null ? -1 : waitingPlace(state, entry);
      if (place < 0 && state !== null && state.firedCount > 0 && state.hasFired(entry)) continue;
      this.done = place < 0 || state === null ? 0 : state.done[place];
      const settled = place < 0 ? this.settledPlace(rule.number) : -1;
      const before = settled < 0 ? UNKNOWN : (this.settledBy as DerivedMemo).verdict(settled);
      this.verdict = before;
      if (this.profile !== null) this.profile.start(rule.number);
      const outcome = this.transactionMatches(rule, context, transaction, place >= 0, at, progress);
      if (settled >= 0 && before === UNKNOWN && this.verdict !== UNKNOWN)
        (this.settledBy as DerivedMemo).settle(settled, this.verdict);
      if (this.profile !== null) this.profile.stop(rule.number, outcome === MATCHED);
      if (outcome === WAITS) {
        if (place >= 0 && state !== null) state.done[place] = this.done;
        else {
          state ??= this.attachState(transaction, packed);
          if (!state.wait(entry, this.done, limits.waiting)) this.counted.waitingRefused++;
        }
        continue;
      }
      if (place >= 0 && state !== null) {
        state.count--;
        state.rules[place] = state.rules[state.count];
        state.done[place] = state.done[state.count];
      }
      if (outcome !== MATCHED) continue;
      if (rule.rawFiltered || rule.twoWay || mayFireAgain(rule.buffers as readonly BufferTest[], at)) {
        state ??= this.attachState(transaction, packed);
        if (!state.remember(entry, limits.waiting)) this.counted.waitingRefused++;
      }
      this.fire(rule, context, transaction.id);
    }
    return state;
  }

  /** Place of the candidate in the joint memo; -1: nothing settles it. */
  private settledPlace(rule: number): number {
    const { settledPlaces, settledStamps } = this.stage;
    return this.settledBy !== null && settledStamps[rule] === this.settledStamp ? settledPlaces[rule] : -1;
  }

  private attachState(transaction: Transaction, packed: number): TransactionState {
    const state = this.pool.pop() ?? new TransactionState();
    state.reset(this.stage.ruleset.generation);
    state.seen[0] = seenOf(packed, 0);
    state.seen[1] = seenOf(packed, 1);
    transaction.matchState = state;
    return state;
  }

  /** @returns MATCHED, NOT_MATCHED, or WAITS with `this.done` saying which buffers have matched */
  private transactionMatches(
    rule: CompiledRule,
    context: InspectionContext,
    transaction: Transaction,
    waited: boolean,
    at: number,
    progress: number,
  ): number {
    if (!waited) {
      if ((rule.directions & (1 << (at & 1))) === 0) return NOT_MATCHED;
      if (!this.stage.header.matches(rule, context)) return NOT_MATCHED;
    }
    let waits = false;
    if (rule.payload !== null && (this.done & PAYLOAD_DONE) === 0) {
      // The raw contents may come with later bytes of the transaction.
      if (this.rawMatches(rule, context)) this.done |= PAYLOAD_DONE;
      else waits = true;
    }
    if (this.verdict === MATCHES) return MATCHED;
    this.counted.evaluated++;
    const tests = rule.buffers as readonly BufferTest[];
    for (let i = 0; i < tests.length; i++) {
      if (this.done & (1 << i)) continue;
      const { side } = tests[i];
      const outcome =
        side >= 0 && side !== (at & 1)
          ? this.otherSideMatches(tests[i], transaction, at)
          : this.bufferMatches(tests[i], at, progress);
      if (outcome === NOT_MATCHED) {
        // Where the budget is spent, it is not the bytes that have decided.
        if (this.evaluation.budget >= 0) this.verdict = FAILS;
        return NOT_MATCHED;
      }
      if (outcome === MATCHED) this.done |= 1 << i;
      else waits = true;
    }
    if (waits) return WAITS;
    this.verdict = MATCHES;
    return MATCHED;
  }

  /** A buffer of the direction that is not being inspected, for rules that look both ways. */
  private otherSideMatches(test: BufferTest, transaction: Transaction, at: number): number {
    const { buffers } = this.stage;
    const other = at ^ 1;
    buffers.begin(transaction, other);
    const outcome = this.bufferMatches(test, other, transaction.progress((other & 1) as Direction));
    buffers.begin(transaction, at);
    return outcome;
  }

  /** Raw contents of a rule that looks at buffers too: the stream window, or the payload. */
  private rawMatches(rule: CompiledRule, context: InspectionContext): boolean {
    const steps = rule.payload;
    if (steps === null) return true;
    const { evaluation } = this;
    const { payloadStart, payloadEnd, streamStart, streamEnd } = context;
    if (rule.payloadMode !== PayloadMode.PACKET && streamEnd > streamStart) {
      if (evaluation.matches(steps, context.streamBytes, streamStart, streamEnd, 0, false)) return true;
      if ((rule.payloadMode & PayloadMode.PACKET) === 0) return false;
    }
    if (payloadEnd <= payloadStart) return false;
    return evaluation.matches(steps, context.packet.bytes, payloadStart, payloadEnd, 0, true);
  }

  private bufferMatches(test: BufferTest, at: number, progress: number): number {
    const { slot, steps } = test;
    const { buffers } = this.stage;
    const { evaluation } = this;
    const kind = slot.kinds[at];
    if (kind < 0) return NOT_MATCHED;
    const reached = progress >= kind >> PROGRESS_SHIFT;
    if (!reached && (kind & BufferKind.STREAMING) === 0) return WAITS;
    if (test.occurrences !== null) return this.occurrencesMatch(test, test.occurrences, reached);
    const multiple = (kind & BufferKind.MULTIPLE) !== 0;
    let open = !reached;
    for (let index = 0; ; index++) {
      const view: BufferView | null = buffers.get(slot, index);
      if (view === null) break;
      const complete = view.complete || (reached && !multiple);
      if (evaluation.matches(steps, view.bytes, view.start, view.end, view.streamOffset, complete))
        return MATCHED;
      if (!multiple) {
        // What cannot be mended by more bytes is final.
        return !complete && evaluation.open ? WAITS : NOT_MATCHED;
      }
      if (!complete && evaluation.open) open = true;
    }
    return open ? WAITS : NOT_MATCHED;
  }

  /** Some occurrences of a buffer: they are counted once all of them are there. */
  private occurrencesMatch({ slot, steps }: BufferTest, occurrences: Occurrences, reached: boolean): number {
    if (!reached && needsAll(occurrences)) return WAITS;
    const { evaluation } = this;
    const { buffers } = this.stage;
    const matches = (index: number) => {
      const view = buffers.get(slot, index);
      if (view === null) return false;
      return evaluation.matches(steps, view.bytes, view.start, view.end, view.streamOffset, true);
    };
    let total = 0;
    let matching = 0;
    for (; buffers.get(slot, total) !== null; total++) if (matches(total)) matching++;
    if (occurrencesHold(occurrences, total, matching, matches)) return MATCHED;
    return reached ? NOT_MATCHED : WAITS;
  }

  /** The transaction is over: its state goes back to the pool. */
  endTransaction(context: InspectionContext, transaction: Transaction): void {
    context.flowState?.unsetTransactionBit(transaction.id, -1);
    const state = transaction.matchState;
    transaction.matchState = null;
    if (state instanceof TransactionState && this.pool.length < POOL) this.pool.push(state);
  }

  /** Ends a packet: thresholds, `pass` and `noalert` are applied. */
  end(context: InspectionContext): void {
    if (this.fired.count > 0) this.fired.settle(context, this.thresholds);
  }

  private fire(rule: CompiledRule, context: InspectionContext, transaction: number): void {
    if (!this.fired.add(rule.number, transaction)) return;
    const { effects } = rule;
    if (effects !== null) {
      for (let i = 0; i < effects.length; i++) {
        if (!effects[i].apply(context)) this.counted.flowBitsRefused++;
      }
    }
    const actions = rule.flowBitActions;
    if (actions === null) return;
    if (!context.hasFlow) return;
    for (const { bits, change } of actions) {
      for (let i = 0; i < bits.length; i++) {
        const bit = bits[i];
        const isSet = context.flowState?.has(bit) === true;
        const wanted = change === 'set' || (change === 'toggle' && !isSet);
        if (wanted === isSet) continue;
        context.flowState ??= new FlowMatchState();
        if (!wanted) context.flowState.unset(bit);
        else if (!context.flowState.set(bit)) this.counted.flowBitsRefused++;
      }
    }
    if (context.flowState?.empty) context.flowState = null;
  }

  /** Frees what the garbage collector does not know of. */
  close(): void {
    this.stage.scan.close();
  }
}

/** What a scan of a stream window serves besides. */
export type SegmentUse = 'none' | 'packet' | 'pieces';

/** Takes the times of a profile. */
export interface RuleProfile {
  start(rule: number): void;
  stop(rule: number, matched: boolean): void;
}

function waitingPlace(state: TransactionState, entry: number): number {
  for (let i = 0; i < state.count; i++) if (state.rules[i] === entry) return i;
  return -1;
}

/** A growing buffer may call for the rule again with its next bytes. */
function mayFireAgain(tests: readonly BufferTest[], at: number): boolean {
  for (let i = 0; i < tests.length; i++) if (tests[i].slot.isStreaming(at)) return true;
  return false;
}
