import type { BufferView, Direction, Transaction } from '@portcullis/protocols';
import { BufferScan } from './buffer-scan';
import { BufferKind, PROGRESS_SHIFT } from './buffer-slot';
import type { BufferTest, CompiledRule } from './compiled-rule';
import type { InspectionContext } from './context';
import { type DerivedMemo, Verdict } from './derived-memo';
import type { MatcherStage } from './matcher-stage';
import { needsAll, type Occurrences, occurrencesHold } from './occurrences';
import { LAST_STATE } from './protocol-states';
import type { RuleEvaluator } from './rule-evaluator';
import type { SegmentScan } from './segment-scan';
import { PAYLOAD_DONE, packSeen, seenOf, TransactionState } from './transaction-state';

const POOL = 1024;
const { UNKNOWN, FAILS, MATCHES } = Verdict;
const NOT_MATCHED = 0;
const MATCHED = 1;
const WAITS = 2;

/** Rules that look at buffers of transactions, and those that wait for an event of a parser. */
export class TransactionRules {
  readonly buffers: BufferScan;
  private readonly pool: TransactionState[] = [];
  /** States that the transaction in hand was in since it was last looked at, a bit each. */
  private visited = 0;
  /** Buffer tests of the rule in hand that have matched. */
  private done = 0;
  /** What is known of the buffers of the rule in hand before they are looked at, then what has come out: a `Verdict`. */
  private verdict: number = UNKNOWN;

  constructor(
    private readonly stage: MatcherStage,
    private readonly segments: SegmentScan,
    private readonly evaluator: RuleEvaluator,
  ) {
    this.buffers = new BufferScan(stage);
  }

  /** See `Matcher.inspectTransaction`. */
  inspectTransaction(context: InspectionContext, transaction: Transaction, direction: Direction): void {
    this.inspect(context, transaction, context.appProtocol * 2 + direction);
  }

  /** See `Matcher.inspectFrame`. */
  inspectFrame(context: InspectionContext, frame: Transaction, direction: Direction): void {
    const { transactionPlans } = this.stage.ruleset;
    this.inspect(context, frame, transactionPlans.length / 2 + context.appProtocol * 2 + direction);
  }

  /** @param at the plan's place in the rule set */
  private inspect(context: InspectionContext, transaction: Transaction, at: number): void {
    const { ruleset, candidates, gate, buffers } = this.stage;
    const direction = (at & 1) as Direction;
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
    this.buffers.begin();
    buffers.begin(transaction, at);
    this.buffers.scanWhole(plan, seen, progress);
    if (plan.derived.length > 0) this.buffers.scanDerived(plan, at, seen, progress);
    const { unfiltered, unfilteredProgress } = plan;
    for (let i = 0; i < unfiltered.length; i++) {
      if (unfilteredProgress[i] > seen && unfilteredProgress[i] <= progress && gate.admits(unfiltered[i]))
        candidates.add(unfiltered[i]);
    }
    const { inStates, states } = plan;
    this.visited = inStates.length > 0 ? statesBetween(seen, progress) : 0;
    for (let i = 0; i < inStates.length; i++)
      if ((states[i] & this.visited) !== 0 && gate.admits(inStates[i])) candidates.add(inStates[i]);
    if (plan.raw) this.segments.addRawFound(context, direction);
    const waiting = state !== null ? state.count : 0;
    for (let i = 0; i < waiting; i++) {
      const entry = (state as TransactionState).rules[i];
      if ((entry & 1) === direction || ruleset.rules.get(entry >> 1).twoWay) candidates.add(entry >> 1);
    }

    if (candidates.count > 0) {
      candidates.sort();
      this.evaluator.counted.candidates += candidates.count;
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

  /** See `Matcher.appLayerEvent`. */
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
      if (rule.payload !== null && !this.evaluator.rawMatches(rule, context)) continue;
      if (transaction === null) {
        if (rule.buffers === null) this.evaluator.fire(rule, context, -1);
        continue;
      }
      const state = this.stateOf(transaction);
      const entry = number * 2 + (turned ? 1 - direction : direction);
      if (state.hasFired(entry) || waitingPlace(state, entry) >= 0) continue;
      const { waiting } = this.evaluator.limits;
      if (rule.buffers !== null) {
        if (!state.wait(entry, PAYLOAD_DONE, waiting)) this.evaluator.counted.waitingRefused++;
        continue;
      }
      if (!state.remember(entry, waiting)) this.evaluator.counted.waitingRefused++;
      context.transactionId = transaction.id;
      this.evaluator.fire(rule, context, transaction.id);
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

  private evaluateTransaction(
    context: InspectionContext,
    transaction: Transaction,
    given: TransactionState | null,
    packed: number,
    at: number,
    progress: number,
  ): TransactionState | null {
    const { candidates, ruleset } = this.stage;
    const { limits } = this.evaluator;
    const { profile } = this.evaluator;
    let state = given;
    for (let i = 0; i < candidates.count; i++) {
      const rule = ruleset.rules.get(candidates.rules[i]);
      const entry = rule.number * 2 + (rule.twoWay ? 0 : at & 1);
      const place = state === null ? -1 : waitingPlace(state, entry);
      if (place < 0 && state !== null && state.firedCount > 0 && state.hasFired(entry)) continue;
      this.done = place < 0 || state === null ? 0 : state.done[place];
      const settled = place < 0 ? this.buffers.settledPlace(rule.number) : -1;
      const before = settled < 0 ? UNKNOWN : (this.buffers.settledBy as DerivedMemo).verdict(settled);
      this.verdict = before;
      if (profile !== null) profile.start(rule.number);
      const outcome = this.transactionMatches(rule, context, transaction, place >= 0, at, progress);
      if (settled >= 0 && before === UNKNOWN && this.verdict !== UNKNOWN)
        (this.buffers.settledBy as DerivedMemo).settle(settled, this.verdict);
      if (profile !== null) profile.stop(rule.number, outcome === MATCHED);
      if (outcome === WAITS) {
        if (place >= 0 && state !== null) state.done[place] = this.done;
        else {
          state ??= this.attachState(transaction, packed);
          if (!state.wait(entry, this.done, limits.waiting)) this.evaluator.counted.waitingRefused++;
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
        if (!state.remember(entry, limits.waiting)) this.evaluator.counted.waitingRefused++;
      }
      this.evaluator.fire(rule, context, transaction.id);
    }
    return state;
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
    if (rule.states !== 0 && (rule.states & this.visited) === 0)
      return rule.states > this.visited ? WAITS : NOT_MATCHED;
    let waits = false;
    if (rule.payload !== null && (this.done & PAYLOAD_DONE) === 0) {
      // The raw contents may come with later bytes of the transaction.
      if (this.evaluator.rawMatches(rule, context)) this.done |= PAYLOAD_DONE;
      else waits = true;
    }
    if (this.verdict === MATCHES) return MATCHED;
    this.evaluator.counted.evaluated++;
    const tests = rule.buffers as readonly BufferTest[];
    for (let i = 0; i < tests.length; i++) {
      if (this.done & (1 << i)) continue;
      const { side } = tests[i];
      const outcome =
        side >= 0 && side !== (at & 1)
          ? this.otherSideMatches(tests[i], transaction, at)
          : this.bufferMatches(tests[i], at, progress);
      if (outcome === NOT_MATCHED) {
        if (!this.evaluator.evaluation.exhausted) this.verdict = FAILS;
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

  private bufferMatches(test: BufferTest, at: number, progress: number): number {
    const { slot, steps } = test;
    const { buffers } = this.stage;
    const { evaluation } = this.evaluator;
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
    const { evaluation } = this.evaluator;
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

  /** See `Matcher.endTransaction`. */
  endTransaction(context: InspectionContext, transaction: Transaction): void {
    if (transaction.id >= 0) context.flowState?.unsetTransactionBit(transaction.id, -1);
    const state = transaction.matchState;
    transaction.matchState = null;
    if (state instanceof TransactionState && state.isSmall && this.pool.length < POOL) this.pool.push(state);
  }
}

function waitingPlace(state: TransactionState, entry: number): number {
  for (let i = 0; i < state.count; i++) if (state.rules[i] === entry) return i;
  return -1;
}

/** Bits of the states from the one that was seen last to the one that was reached. @param seen below 0: none was */
function statesBetween(seen: number, progress: number): number {
  const last = Math.min(progress, LAST_STATE);
  return ((2 << last) - 1) & -(1 << Math.min(Math.max(seen, 0), last));
}

/** A growing buffer may call for the rule again with its next bytes. */
function mayFireAgain(tests: readonly BufferTest[], at: number): boolean {
  for (let i = 0; i < tests.length; i++) if (tests[i].slot.isStreaming(at)) return true;
  return false;
}
