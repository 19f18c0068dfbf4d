import { Candidates } from './candidates';
import type { DerivedBuffers, ScannedBuffer, TransactionPlan } from './compiled-rule-set';
import { DerivedMemo, Verdict } from './derived-memo';
import type { MatcherStage } from './matcher-stage';

/** Groups of derived buffers that one number can tell apart. */
const MOST_JOINT = 128;
const { FAILS } = Verdict;

/** Asks the prefilter for the buffers of a transaction, or takes over what it found in the same bytes before. */
export class BufferScan {
  /** What derived buffers called for, before it is known as a whole. */
  readonly called: Candidates;
  /** What they call for in the transaction in hand. */
  readonly joint: Candidates;
  /** By protocol number times two plus direction, then by place in `TransactionPlan.derived`. */
  private readonly memos: readonly (readonly DerivedMemo[])[];
  /** By protocol number times two plus direction: what all derived buffers called for that were due at once. */
  private readonly jointMemos: readonly (DerivedMemo | null)[];
  /** By rule: place in the joint memo of a candidate that is settled by it, where the stamp is that of the transaction. */
  private readonly settledPlaces: Int32Array;
  private readonly settledStamps: Uint32Array;
  /** Buffers that lie in another array than those being gathered. */
  private readonly deferred: ScannedBuffer[] = [];
  /** The joint memo that knows the derived buffers of the transaction in hand; null: none does. */
  settledBy: DerivedMemo | null = null;
  private settledStamp = 0;

  constructor(private readonly stage: MatcherStage) {
    const { rules, transactionPlans } = stage.ruleset;
    this.called = new Candidates(rules.length, stage.limits.candidates);
    this.joint = new Candidates(rules.length, stage.limits.candidates);
    this.settledPlaces = new Int32Array(rules.length);
    this.settledStamps = new Uint32Array(rules.length);
    this.jointMemos = transactionPlans.map((plan) =>
      plan !== null && plan.derived.length > 1 ? new DerivedMemo() : null,
    );
    this.memos = transactionPlans.map((plan) => plan?.derived.map(() => new DerivedMemo()) ?? []);
  }

  /** Begins a transaction. */
  begin(): void {
    this.settledBy = null;
  }

  /** Asks the prefilter for the buffers that have come. Those in the same array are scanned in one call. */
  scanWhole(plan: TransactionPlan, seen: number, progress: number): void {
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
  scanDerived(plan: TransactionPlan, at: number, seen: number, progress: number): void {
    const { derived, derivedSources } = plan;
    const { candidates, gate } = this.stage;
    const { joint, jointMemos, memos } = this;
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
    for (let i = first; i < end; i++) this.scanGroup(derived[i], memos[at][i], joint);
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
    this.settledStamps.fill(0);
    this.settledStamp = 1;
  }

  /** A candidate at a place of the joint memo, which may know what comes out, or come to know it. */
  private addSettled(rule: number, place: number, plan: TransactionPlan): void {
    const { settledPlaces, settledStamps } = this;
    this.stage.candidates.add(rule);
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
  private scanGroup(
    { progress, sources, members }: DerivedBuffers,
    memo: DerivedMemo,
    into: Candidates,
  ): void {
    const { candidates, gate, scan } = this.stage;
    const { called } = this;
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
    for (let index = buffers.seenOf(slot); ; index++) {
      const view = buffers.get(slot, index);
      if (view === null) return;
      scan.add(patterns, view.bytes, view.start, view.end, view.fresh, false);
      scan.flush();
    }
  }

  /** Place of the candidate in the joint memo; -1: nothing settles it. */
  settledPlace(rule: number): number {
    const { settledPlaces, settledStamps } = this;
    return this.settledBy !== null && settledStamps[rule] === this.settledStamp ? settledPlaces[rule] : -1;
  }
}
