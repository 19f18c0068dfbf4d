import { FlowFact, type SegmentUse } from '@portcullis/matcher';
import type { Direction } from '@portcullis/protocols';
import { IpProtocol } from '@portcullis/wire';
import type { PacketInHand } from './packet-in-hand';

const { TCP } = IpProtocol;
const { PROTOCOLS } = FlowFact;

/** Rules that look at single packets: when they do, and at what. */
export class PacketRuleInspection {
  /** How the scan of the stream has looked at the packet in hand too, whose rules wait for the protocol; null: not. */
  waitingSegment: SegmentUse | null = null;

  constructor(private readonly hand: PacketInHand) {}

  inspectPacketRules(slot: number, direction: Direction): void {
    const { hand } = this;
    hand.packetRulesDone = true;
    const { matcher, view } = hand;
    if (!hand.rulesLookAtPackets(view.protocol)) return;
    if (slot >= 0 && hand.inspections[slot]?.passed === true) return;
    const context = hand.describe(slot, direction);
    const { payload, payloadEnd } = view;
    const length = payloadEnd - payload;
    const piece = slot >= 0 && view.protocol === TCP && length > 0 ? hand.pieceSize(slot) : length;
    if (length <= piece) matcher.inspectPacket(context);
    else this.inspectPieces(piece);
    hand.keepState(slot);
  }

  /** A super-segment: rules that look at packets see it as the packets it is made of. */
  private inspectPieces(piece: number): void {
    const { matcher, context, view } = this.hand;
    const { payload, payloadEnd } = view;
    for (let at = payload; at < payloadEnd; at += piece) {
      context.payloadStart = at;
      context.payloadEnd = Math.min(at + piece, payloadEnd);
      matcher.inspectPacket(context);
    }
    context.payloadStart = payload;
    context.payloadEnd = payloadEnd;
  }

  /** Rules about nothing but the protocol: once, and of the one that the parser has made of it. */
  inspectProtocolRules(slot: number, direction: Direction): void {
    const { hand } = this;
    const { matcher, context } = hand;
    if ((matcher.ruleset.needs.flowFacts & PROTOCOLS) === 0) return;
    if (slot < 0 || hand.inspections[slot]?.passed === true) return;
    hand.describe(slot, direction);
    context.protocolDetected = true;
    matcher.inspectHeaders(context, PROTOCOLS);
    context.protocolDetected = false;
    hand.keepState(slot);
  }

  inspectHeaderRules(slot: number, direction: Direction): void {
    const { hand } = this;
    const { matcher } = hand;
    if (hand.packetRulesDone || !matcher.ruleset.needs.tcpHeaders) return;
    hand.packetRulesDone = true;
    const flow = slot < 0 ? null : hand.inspections[slot];
    if (flow?.passed === true || flow?.opaque === true) return;
    matcher.inspectHeaders(hand.describe(slot, direction));
    hand.keepState(slot);
  }

  /** Rules that look at the packet whose bytes are being fed and that were to know the protocol. */
  inspectWaitingRules(): void {
    const { hand } = this;
    const { context, slot, reassembler } = hand;
    if (hand.packetRulesDone || !hand.inPacket || slot !== reassembler.slot) return;
    const { direction, streamStart, streamEnd, streamBytes } = context;
    const { waitingSegment: segment } = this;
    if (segment === null) this.inspectPacketRules(slot, reassembler.direction);
    else {
      hand.packetRulesDone = true;
      hand.describe(slot, direction);
      if (segment === 'packet') hand.matcher.inspectPacket(context);
      else if (segment === 'pieces') this.inspectPieces(hand.pieceSize(slot));
      hand.keepState(slot);
    }
    hand.describeData(slot, direction);
    context.streamBytes = streamBytes;
    context.streamStart = streamStart;
    context.streamEnd = streamEnd;
  }
}
