import { PatternScanner } from '@portcullis/pattern-binding';
import type { CandidateGate } from './candidate-gate';
import type { Candidates } from './candidates';
import { type CompiledRuleSet, type PayloadPatterns, SegmentPart } from './compiled-rule-set';
import { LONGEST_PAYLOAD, PayloadMemo } from './payload-memo';
import { HEAD_LENGTH, type PatternSet, type Prefilter } from './prefilter';
import { MEMO_LENGTH, ScanMemo } from './scan-memo';

/** Ids that one scan reports at most; with more, all rules of the prefilter are evaluated. */
const MAX_MATCHES = 4096;
const MAX_JOBS = 32;
const NO_BYTES = new Uint8Array(0);
/** Below all bounds. */
const ANY_BASE = -(2 ** 30);
const { PACKET, STREAM } = SegmentPart;
/** Beside the bits of `SegmentPart`: a payload that is no part of a stream. */
const DATAGRAM = 4;

/** Finds candidates by their patterns. Scans of the same bytes are gathered into one native call. */
export class PrefilterScan {
  /** Scans with more matches than could be told. */
  overflow = 0;

  private readonly scanner = new PatternScanner(MAX_MATCHES, MAX_JOBS);
  private readonly indexes: Int32Array;
  private readonly prefilters: readonly Prefilter[];
  private readonly jobs: Int32Array;
  /** See `PatternScanner.bases`. */
  private readonly bases: Int32Array;
  private readonly jobPrefilters = new Int32Array(MAX_JOBS);
  /** Entry of the memo that a job fills; -1: none. */
  private readonly jobEntries = new Int32Array(MAX_JOBS);
  /** By prefilter, made when a short buffer is first scanned with it. */
  private readonly memos: (ScanMemo | null)[];
  /** Whole buffer of a job, by whose shape rules are turned away; none where the second is below the first. */
  private readonly jobStarts = new Int32Array(MAX_JOBS);
  private readonly jobEnds = new Int32Array(MAX_JOBS);
  /** `SegmentPart` bits of a job over a TCP segment, or DATAGRAM; 0 for buffers. */
  private readonly jobParts = new Uint8Array(MAX_JOBS);
  private readonly segmentParts: Uint8Array;
  /** By the first prefilter of a pattern set. */
  private readonly payloadMemos: (PayloadMemo | null)[];
  /** The memo that a job fills; null: none. */
  private readonly jobMemos: (PayloadMemo | null)[] = new Array(MAX_JOBS).fill(null);
  /** Where the rules go that were called for. Not to be changed while something is asked for. */
  target: Candidates;
  /** The same for rules that look at a TCP segment as a packet; those that look at the stream go to `target`. */
  packetTarget: Candidates;
  private bytes: Uint8Array = NO_BYTES;
  private jobCount = 0;

  /** @throws Error where a database of the rule set is missing */
  constructor(
    ruleset: CompiledRuleSet,
    candidates: Candidates,
    private readonly gate: CandidateGate,
  ) {
    this.target = candidates;
    this.packetTarget = candidates;
    this.segmentParts = ruleset.segmentParts;
    this.payloadMemos = ruleset.prefilters.map(() => null);
    this.prefilters = ruleset.prefilters;
    this.jobs = this.scanner.jobs;
    this.bases = this.scanner.bases;
    this.memos = ruleset.prefilters.map(() => null);
    this.indexes = Int32Array.from(ruleset.prefilters, (prefilter) => {
      const { database, bounds, firsts, table } = prefilter;
      if (firsts !== null) return this.scanner.addPlaced({ ...table, firsts, lasts: prefilter.lasts() });
      if (!database) throw new Error('the pattern databases of the rule set are not prepared');
      return this.scanner.add(database, bounds.some((end) => end > 0) ? bounds : null);
    });
  }

  /** Asks for the patterns of a packet's payload that is no part of a stream. */
  datagram(
    { any, byDestination, bySource }: PayloadPatterns,
    sourcePort: number,
    destinationPort: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    if (any !== null) this.addDatagram(any, bytes, start, end);
    if (byDestination !== null) {
      const set = byDestination.classes[byDestination.classOf[destinationPort]];
      if (set !== null) this.addDatagram(set, bytes, start, end);
    }
    if (bySource !== null) {
      const set = bySource.classes[bySource.classOf[sourcePort]];
      if (set !== null) this.addDatagram(set, bytes, start, end);
    }
  }

  private addDatagram(set: PatternSet, bytes: Uint8Array, start: number, end: number): void {
    if (end - start <= LONGEST_PAYLOAD) {
      this.remembered(set, bytes, start, end, start, DATAGRAM);
      return;
    }
    const { anywhere, head } = set;
    if (anywhere !== null) this.addJob(anywhere, bytes, start, end, 0, start, end, DATAGRAM);
    if (head !== null) this.addJob(head, bytes, start, start + HEAD_LENGTH, 0, start, end, DATAGRAM);
  }

  /**
   * Asks for the patterns of a TCP segment.
   * @param start of the stream window it is added to
   * @param fresh where the segment's payload begins
   * @param parts `SegmentPart` bits: which rules it is to call for
   */
  segment(
    patterns: PayloadPatterns,
    sourcePort: number,
    destinationPort: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    fresh: number,
    parts: number,
  ): void {
    const { any, byDestination, bySource } = patterns;
    if (any !== null) {
      // Of a packet that is looked at in pieces it is not known where they begin, on which it depends what is found.
      const small = start === fresh && end > start && end - start <= LONGEST_PAYLOAD;
      if (small && !this.gate.inPieces) this.remembered(any, bytes, start, end, start, parts);
      else this.addSegment(any, bytes, start, end, fresh, parts);
    }
    if (byDestination !== null) {
      const set = byDestination.classes[byDestination.classOf[destinationPort]];
      if (set !== null) this.addSegment(set, bytes, start, end, fresh, parts);
    }
    if (bySource !== null) {
      const set = bySource.classes[bySource.classOf[sourcePort]];
      if (set !== null) this.addSegment(set, bytes, start, end, fresh, parts);
    }
  }

  /** Asks for the patterns that stand at the beginning of a packet, which is one of those a super-segment is made of. */
  pieceHead(
    patterns: PayloadPatterns,
    sourcePort: number,
    destinationPort: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const { any, byDestination, bySource } = patterns;
    if (any !== null) this.addHead(any, bytes, start, end);
    if (byDestination !== null) {
      const set = byDestination.classes[byDestination.classOf[destinationPort]];
      if (set !== null) this.addHead(set, bytes, start, end);
    }
    if (bySource !== null) {
      const set = bySource.classes[bySource.classOf[sourcePort]];
      if (set !== null) this.addHead(set, bytes, start, end);
    }
  }

  private addHead({ head }: PatternSet, bytes: Uint8Array, start: number, end: number): void {
    if (head === null) return;
    const to = end - start > HEAD_LENGTH ? start + HEAD_LENGTH : end;
    this.addJob(head, bytes, start, to, 0, start, end, PACKET);
  }

  private addSegment(
    { anywhere, head }: PatternSet,
    bytes: Uint8Array,
    start: number,
    end: number,
    fresh: number,
    parts: number,
  ): void {
    if (anywhere !== null) {
      const from = Math.max(fresh - anywhere.longest + 1, start);
      // Places count from the window or from the packet: from the later one nothing is found too far behind.
      const base = this.gate.inPieces ? ANY_BASE : from - fresh;
      this.addJob(anywhere, bytes, from, end, base, fresh, end, parts);
    }
    if (head === null) return;
    const joint = start === fresh;
    if (joint || (parts & STREAM) !== 0) {
      const to = end - start > HEAD_LENGTH ? start + HEAD_LENGTH : end;
      const from = Math.max(fresh - head.longest + 1, start);
      this.addJob(head, bytes, from, to, from - start, fresh, end, joint ? parts : STREAM);
    }
    if (!joint && (parts & PACKET) !== 0) {
      const to = end - fresh > HEAD_LENGTH ? fresh + HEAD_LENGTH : end;
      this.addJob(head, bytes, fresh, to, 0, fresh, end, PACKET);
    }
  }

  /**
   * Asks for the patterns of bytes that begin here: what was found in the same bytes before is taken over.
   * @param wholeStart where the buffer begins by whose shape rules are turned away; above `end`: by none
   */
  private remembered(
    set: PatternSet,
    bytes: Uint8Array,
    start: number,
    end: number,
    wholeStart: number,
    parts: number,
  ): void {
    const { anywhere, head } = set;
    const { number } = (anywhere ?? head) as Prefilter;
    let memo = this.payloadMemos[number];
    if (memo === null) {
      memo = new PayloadMemo(anywhere === null ? -1 : anywhere.number);
      this.payloadMemos[number] = memo;
    }
    // One entry at a time: what is found now must not come into another.
    if (memo.filling) this.flush();
    if (memo.find(bytes, start, end)) {
      const { anywhereCount, headCount } = memo;
      for (let i = 0; i < anywhereCount; i++)
        this.call(anywhere as Prefilter, memo.id(i), bytes, wholeStart, end, parts);
      for (let i = 0; i < headCount; i++)
        this.call(head as Prefilter, memo.id(anywhereCount + i), bytes, wholeStart, end, parts);
      return;
    }
    // The two jobs are answered together: nothing may be scanned between them.
    if (bytes !== this.bytes || this.jobCount + 2 > MAX_JOBS) {
      this.flush();
      this.bytes = bytes;
    }
    const filled = memo.again ? memo : null;
    if (filled !== null) {
      filled.store(bytes, start, end);
      filled.filling = true;
    }
    if (anywhere !== null) {
      this.addJob(anywhere, bytes, start, end, 0, wholeStart, end, parts);
      this.jobMemos[this.jobCount - 1] = filled;
    }
    if (head !== null) {
      const to = end - start > HEAD_LENGTH ? start + HEAD_LENGTH : end;
      this.addJob(head, bytes, start, to, 0, wholeStart, end, parts);
      this.jobMemos[this.jobCount - 1] = filled;
    }
  }

  /**
   * Asks for the patterns of a buffer that grows.
   * @param fresh where its new bytes begin
   */
  growing(set: PatternSet, bytes: Uint8Array, start: number, end: number, fresh: number): void {
    if (fresh === start && end > start && end - start <= LONGEST_PAYLOAD)
      this.remembered(set, bytes, start, end, end + 1, 0);
    else this.add(set, bytes, start, end, fresh, false);
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
      this.addJob(anywhere, bytes, start, end, 0, start, end, 0);
      this.jobEntries[this.jobCount - 1] = entry;
      return;
    }
    const first = memo.firstId(entry);
    for (let i = 0; i < memo.counts[entry]; i++)
      this.call(anywhere, memo.ids[first + i], bytes, start, end, 0);
  }

  /** The rules of a pattern become candidates, but for those that the packet or the whole buffer speaks against. */
  private call(
    { offsets, rules }: Prefilter,
    id: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    parts: number,
  ): void {
    const { target, gate } = this;
    const until = offsets[id + 1];
    if (parts === DATAGRAM) {
      for (let i = offsets[id]; i < until; i++) {
        const rule = rules[i];
        if (gate.admitsPorts(rule) && gate.admitsBuffer(rule, bytes, start, end)) target.add(rule);
      }
      return;
    }
    if (parts !== 0) {
      const { segmentParts, packetTarget } = this;
      for (let i = offsets[id]; i < until; i++) {
        const rule = rules[i];
        const wanted = segmentParts[rule] & parts;
        if (wanted === 0 || !gate.admitsPorts(rule)) continue;
        if ((wanted & STREAM) !== 0 && gate.admits(rule)) target.add(rule);
        if ((wanted & PACKET) !== 0 && gate.admitsPacket(rule, bytes, start, end)) packetTarget.add(rule);
      }
      return;
    }
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
      const from = Math.max(fresh - anywhere.longest + 1, start);
      this.addJob(anywhere, bytes, from, end, from - start, start, wholeEnd, 0);
    }
    if (head !== null) {
      const from = Math.max(fresh - head.longest + 1, start);
      const to = end - start > HEAD_LENGTH ? start + HEAD_LENGTH : end;
      this.addJob(head, bytes, from, to, from - start, start, wholeEnd, 0);
    }
  }

  /** True where `bytes` can be added without a scan of what was asked for before. */
  takes(bytes: Uint8Array): boolean {
    return this.jobCount === 0 || bytes === this.bytes;
  }

  /** @param base where `from` lies in the buffer that the bounds of patterns count from */
  private addJob(
    prefilter: Prefilter,
    bytes: Uint8Array,
    from: number,
    to: number,
    base: number,
    wholeStart: number,
    wholeEnd: number,
    parts: number,
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
    this.bases[this.jobCount] = base;
    this.jobEntries[this.jobCount] = -1;
    this.jobMemos[this.jobCount] = null;
    this.jobStarts[this.jobCount] = wholeStart;
    this.jobEnds[this.jobCount] = wholeEnd;
    this.jobParts[this.jobCount] = parts;
    this.jobPrefilters[this.jobCount++] = prefilter.number;
  }

  /** Scans what was asked for and adds the rules of the patterns found to the candidates. */
  flush(): void {
    const { jobCount, scanner } = this;
    if (jobCount === 0) return;
    this.jobCount = 0;
    scanner.scanMany(this.bytes, this.jobs, jobCount);
    const { counts, matches } = scanner;
    const { jobMemos } = this;
    let at = 0;
    for (let job = 0; job < jobCount; job++) {
      const count = counts[job];
      const prefilter = this.prefilters[this.jobPrefilters[job]];
      const memo = jobMemos[job];
      if (memo !== null) memo.filling = false;
      if (count > MAX_MATCHES) {
        this.overflow++;
        if (memo !== null) memo.forget();
        this.callAll(prefilter, this.jobParts[job]);
        continue;
      }
      if (memo !== null) memo.storeIds(prefilter.number !== memo.first, matches, at, count);
      const entry = this.jobEntries[job];
      if (entry >= 0) {
        const from = this.jobs[job * 3 + 1];
        const to = this.jobs[job * 3 + 2];
        this.memos[prefilter.number]?.store(entry, this.bytes, from, to, matches, at, count);
      }
      const start = this.jobStarts[job];
      const end = this.jobEnds[job];
      const parts = this.jobParts[job];
      for (const last = at + count; at < last; at++)
        this.call(prefilter, matches[at], this.bytes, start, end, parts);
    }
  }

  /** More patterns were found than can be told: all rules become candidates. */
  private callAll({ rules }: Prefilter, parts: number): void {
    const { target, packetTarget, segmentParts } = this;
    if (parts === 0 || parts === DATAGRAM) {
      target.addAll(rules);
      return;
    }
    for (let i = 0; i < rules.length; i++) {
      const wanted = segmentParts[rules[i]] & parts;
      if ((wanted & STREAM) !== 0) target.add(rules[i]);
      if ((wanted & PACKET) !== 0) packetTarget.add(rules[i]);
    }
  }

  close(): void {
    this.scanner.close();
  }
}
