import { CandidateGate } from './candidate-gate';
import { Candidates } from './candidates';
import type { CompiledRuleSet } from './compiled-rule-set';
import type { InspectionContext } from './context';
import { HeaderCheck } from './header-check';
import type { MatcherLimits } from './matcher-limits';
import { PrefilterScan } from './prefilter-scan';
import { TransactionBuffers } from './transaction-buffers';

/** What the inspections of packets, streams and transactions share of one rule set; it goes with the rule set. */
export class MatcherStage {
  readonly candidates: Candidates;
  readonly gate: CandidateGate;
  readonly scan: PrefilterScan;
  readonly header: HeaderCheck;
  readonly buffers: TransactionBuffers;
  constructor(
    readonly ruleset: CompiledRuleSet,
    readonly limits: MatcherLimits,
  ) {
    this.candidates = new Candidates(ruleset.rules.length, limits.candidates);
    this.gate = new CandidateGate(ruleset.gate);
    this.scan = new PrefilterScan(ruleset, this.candidates, this.gate);
    this.header = new HeaderCheck(ruleset);
    this.buffers = new TransactionBuffers(ruleset.slots, limits.transformMemory);
  }

  /** Rules without a pattern, but for those that the packet in hand speaks against. */
  addGated(rules: Int32Array, { packet, payloadStart, payloadEnd }: InspectionContext): void {
    const { candidates, gate } = this;
    const { bytes } = packet;
    for (let i = 0; i < rules.length; i++) {
      const rule = rules[i];
      if (!gate.admitsBuffer(rule, bytes, payloadStart, payloadEnd)) continue;
      if (gate.admitsPorts(rule) && gate.admitsProtocol(rule)) candidates.add(rule);
    }
  }
}
