import type { Direction } from '@portcullis/protocols';
import { Candidates } from './candidates';
import { SegmentPart } from './compiled-rule-set';
import type { InspectionContext } from './context';
import { addListed, FlowMatchState } from './flow-match-state';
import type { MatcherStage } from './matcher-stage';

const { PACKET, STREAM } = SegmentPart;

/** What a scan of a stream window serves besides. */
export type SegmentUse = 'none' | 'packet' | 'pieces';

/**
 * Looks for patterns in TCP segments: one scan serves the rules that look at the segment as a packet, those that look at
 * the stream it goes into, and those about transactions that are found by what stands in the raw stream.
 */
export class SegmentScan {
  /** Found in the stream window, where it is scanned before the parser is fed. */
  readonly inStream: Candidates;
  /** Found in a TCP segment for rules that look at packets, where it was scanned together with the stream window. */
  readonly inSegment: Candidates;
  /** The stream window was scanned and not yet inspected. */
  private scanned = false;
  /** `inSegment` holds what was found in the packet in hand. */
  private segmentScanned = false;
  /** The packet in hand is looked at in pieces, after a scan of the whole. */
  private inPieces = false;
  /** Direction of the bytes that `rawFound` is of; -1: none were scanned in this packet. */
  private rawDirection = -1;
  /** They are all that the window holds, not only what is new in it. */
  private rawInWhole = false;

  constructor(private readonly stage: MatcherStage) {
    this.inStream = new Candidates(stage.ruleset.rules.length, stage.limits.candidates);
    this.inSegment = new Candidates(stage.ruleset.rules.length, stage.limits.candidates);
  }

  /** Begins a packet. */
  begin(): void {
    this.scanned = false;
    this.segmentScanned = false;
    this.rawDirection = -1;
    this.rawInWhole = false;
  }

  /** @returns true where the stream window was scanned, which is asked once */
  takeScanned(): boolean {
    const { scanned } = this;
    this.scanned = false;
    return scanned;
  }

  /** Looks for patterns in the payload of a TCP packet, unless `scanStream` has done so. */
  scanSegment(context: InspectionContext): void {
    const { ruleset, candidates, gate, scan } = this.stage;
    const { inSegment } = this;
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
      this.stage.addGated(ruleset.streamUnfiltered[direction], context);
      parts = PACKET | STREAM;
    }
    const start = payloadStart;
    scan.segment(patterns, sourcePort, destinationPort, bytes, start, payloadEnd, start, parts);
    scan.flush();
  }

  /** See `Matcher.scanStream`. */
  scanStream(
    context: InspectionContext,
    bytes: Uint8Array,
    start: number,
    end: number,
    fresh: number,
    streamOffset: number,
    segment: SegmentUse = 'none',
  ): void {
    const { ruleset, candidates, gate, scan } = this.stage;
    const { inStream, inSegment } = this;
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
    this.rawInWhole = fresh === start;
    const state = context.flowState;
    if (state === null || state.rawFound.length === 0) return;
    state.belongTo(ruleset.generation);
    state.expireRaw(direction, streamOffset);
    if (state.empty) context.flowState = null;
  }

  /** See `Matcher.keepStream`. */
  keepStream(context: InspectionContext, streamEnd: number): void {
    const { ruleset } = this.stage;
    const { inStream } = this;
    if (this.rawDirection !== context.direction || inStream.count === 0) return;
    for (let i = 0; i < inStream.count; i++) {
      const rule = inStream.rules[i];
      if (ruleset.rawFiltered[rule] === 0) continue;
      context.flowState ??= new FlowMatchState();
      const state = context.flowState;
      state.belongTo(ruleset.generation);
      state.keepRaw(context.direction, rule, streamEnd);
    }
  }

  /** Rules whose raw contents are in the stream window, or in the payload where there is no window. */
  addRawFound(context: InspectionContext, direction: Direction): void {
    const { ruleset, candidates } = this.stage;
    const { inStream } = this;
    const { flowState } = context;
    const state = flowState !== null && flowState.generation === ruleset.generation ? flowState : null;
    if (this.rawDirection !== direction || (state?.hasMoreRaw(direction) === true && !this.rawInWhole))
      this.scanRaw(context, direction);
    for (let i = 0; i < inStream.count; i++) {
      const rule = inStream.rules[i];
      if (ruleset.rawFiltered[rule] === 1) candidates.add(rule);
    }
    if (state !== null) addListed(state.rawFound, direction, candidates);
  }

  /** For a transaction that progresses without new bytes, as at the end of a flow, and where more was found than is listed. */
  private scanRaw(context: InspectionContext, direction: Direction): void {
    const { ruleset, candidates, scan } = this.stage;
    const { inStream } = this;
    const { packet, streamStart, streamEnd, payloadStart, payloadEnd } = context;
    const patterns = ruleset.segmentPatterns[direction];
    const { sourcePort, destinationPort, bytes } = packet;
    this.rawDirection = direction;
    this.rawInWhole = true;
    // What was found before, in this window or that of the other direction, is gone.
    this.scanned = false;
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
}
