import { PatternScanner } from '@portcullis/pattern-binding';
import type { CandidateGate } from './candidate-gate';
import type { Candidates } from './candidates';
import type { CompiledRuleSet, PayloadPatterns } from './compiled-rule-set';
import { HEAD_LENGTH, type PatternSet, type Prefilter } from './prefilter';
import { MEMO_LENGTH, ScanMemo } from './scan-memo';

/** Ids that one scan reports at most; with more, all rules of the prefilter are evaluated. */
const MAX_MATCHES = 4096;
const MAX_JOBS = 32;
const NO_BYTES = new Uint8Array(0);

/** Finds candidates by their patterns. Scans of the same bytes are gathered into one native call. */
export class PrefilterScan {
  /** Scans with more matches than could be told. */
  overflow = 0;

  private readonly scanner = new PatternScanner(MAX_MATCHES, MAX_JOBS);
  private readonly indexes: Int32Array;
  private readonly prefilters: readonly Prefilter[];
  private readonly jobs: Int32Array;
  private readonly jobPrefilters = new Int32Array(MAX_JOBS);
  /** Entry of the memo that a job fills; -1: none. */
  private readonly jobEntries = new Int32Array(MAX_JOBS);
  /** By prefilter, made when a short buffer is first scanned with it. */
  private readonly memos: (ScanMemo | null)[];
  /** Whole buffer of a job, by whose shape rules are turned away; none where the second is below the first. */
  private readonly jobStarts = new Int32Array(MAX_JOBS);
  private readonly jobEnds = new Int32Array(MAX_JOBS);
  /** Where the rules go that were called for. Not to be changed while something is asked for. */
  target: Candidates;
  private bytes: Uint8Array = NO_BYTES;
  private jobCount = 0;

  /** @throws Error where a database of the rule set is missing */
  constructor(
    ruleset: CompiledRuleSet,
    candidates: Candidates,
    private readonly gate: CandidateGate,
  ) {
    this.target = candidates;
    this.prefilters = ruleset.prefilters;
    this.jobs = this.scanner.jobs;
    this.memos = ruleset.prefilters.map(() => null);
    this.indexes = Int32Array.from(ruleset.prefilters, ({ database }) => {
      if (!database) throw new Error('the pattern databases of the rule set are not prepared');
      return this.scanner.add(database);
    });
  }

  /**
   * Asks for the patterns of a payload, by the ports of its packet.
   * @param whole `[start, end)` is all that the rules will look at
   */
  payload(
    patterns: PayloadPatterns,
    sourcePort: number,
    destinationPort: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    fresh: number,
    whole: boolean,
  ): void {
    if (patterns.any !== null) this.add(patterns.any, bytes, start, end, fresh, whole);
    if (patterns.byDestination !== null) {
      const set = patterns.byDestination.classes[patterns.byDestination.classOf[destinationPort]];
      if (set !== null) this.add(set, bytes, start, end, fresh, whole);
    }
    if (patterns.bySource !== null) {
      const set = patterns.bySource.classes[patterns.bySource.classOf[sourcePort]];
      if (set !== null) this.add(set, bytes, start, end, fresh, whole);
    }
  }

  /** Asks for the patterns of a buffer that is there in whole. What was found in the same bytes before is taken over. */
  whole(set: PatternSet, bytes: Uint8Array, start: number, end: number): void {
    const { anywhere } = set;
    const length = end - start;
    if (anywhere === null || set.head !== null || length > MEMO_LENGTH || length === 0) {
      this.add(set, bytes, start, end, start, true);
      return;
    }
    const { number } = anywhere;
    let memo = this.memos[number];
    if (memo === null) {
      memo = new ScanMemo();
      this.memos[number] = memo;
    }
    const entry = memo.entryOf(bytes, start, end);
    if (!memo.holds(entry, bytes, start, end)) {
      this.addJob(anywhere, bytes, start, end, start, end);
      this.jobEntries[this.jobCount - 1] = entry;
      return;
    }
    const first = memo.firstId(entry);
    for (let i = 0; i < memo.counts[entry]; i++) this.call(anywhere, memo.ids[first + i], bytes, start, end);
  }

  /** The rules of a pattern become candidates, but for those that the packet or the whole buffer speaks against. */
  private call(
    { offsets, rules }: Prefilter,
    id: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const { target, gate } = this;
    const until = offsets[id + 1];
    if (end < start) {
      for (let i = offsets[id]; i < until; i++) if (gate.admits(rules[i])) target.add(rules[i]);
      return;
    }
    for (let i = offsets[id]; i < until; i++) {
      if (gate.admitsBuffer(rules[i], bytes, start, end)) target.add(rules[i]);
    }
  }

  /**
   * Asks for patterns of which a part lies in `[fresh, end)`.
   * @param whole `[start, end)` is all that the rules will look at
   */
  add(set: PatternSet, bytes: Uint8Array, start: number, end: number, fresh: number, whole: boolean): void {
    const { anywhere, head } = set;
    const wholeEnd = whole ? end : start - 1;
    if (anywhere !== null) {
      const from = fresh - anywhere.longest + 1;
      this.addJob(anywhere, bytes, Math.max(from, start), end, start, wholeEnd);
    }
    if (head !== null) {
      const from = fresh - head.longest + 1;
      const to = end - start > HEAD_LENGTH ? start + HEAD_LENGTH : end;
      this.addJob(head, bytes, Math.max(from, start), to, start, wholeEnd);
    }
  }

  /** True where `bytes` can be added without a scan of what was asked for before. */
  takes(bytes: Uint8Array): boolean {
    return this.jobCount === 0 || bytes === this.bytes;
  }

  private addJob(
    prefilter: Prefilter,
    bytes: Uint8Array,
    from: number,
    to: number,
    wholeStart: number,
    wholeEnd: number,
  ): void {
    if (to <= from) return;
    if (bytes !== this.bytes || this.jobCount === MAX_JOBS) {
      this.flush();
      this.bytes = bytes;
    }
    const at = this.jobCount * 3;
    this.jobs[at] = this.indexes[prefilter.number];
    this.jobs[at + 1] = from;
    this.jobs[at + 2] = to;
    this.jobEntries[this.jobCount] = -1;
    this.jobStarts[this.jobCount] = wholeStart;
    this.jobEnds[this.jobCount] = wholeEnd;
    this.jobPrefilters[this.jobCount++] = prefilter.number;
  }

  /** Scans what was asked for and adds the rules of the patterns found to the candidates. */
  flush(): void {
    const { jobCount, scanner, target } = this;
    if (jobCount === 0) return;
    this.jobCount = 0;
    scanner.scanMany(this.bytes, this.jobs, jobCount);
    const { counts, matches } = scanner;
    let at = 0;
    for (let job = 0; job < jobCount; job++) {
      const count = counts[job];
      const prefilter = this.prefilters[this.jobPrefilters[job]];
      if (count > MAX_MATCHES) {
        this.overflow++;
        target.addAll(prefilter.rules);
        continue;
      }
      const entry = this.jobEntries[job];
      if (entry >= 0) {
        const from = this.jobs[job * 3 + 1];
        const to = this.jobs[job * 3 + 2];
        this.memos[prefilter.number]?.store(entry, this.bytes, from, to, matches, at, count);
      }
      const start = this.jobStarts[job];
      const end = this.jobEnds[job];
      for (const last = at + count; at < last; at++)
        this.call(prefilter, matches[at], this.bytes, start, end);
    }
  }

  close(): void {
    this.scanner.close();
  }
}
