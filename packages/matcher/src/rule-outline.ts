import type { AddressSet } from './address-set';
import type { BufferShape } from './buffer-shape';
import type { BufferSlot } from './buffer-slot';
import type { RuleDraft } from './compile-rule';
import type { PortSet } from './port-set';
import { isSettledByBuffers } from './settled-rules';

/** The part of a `FastPattern` that outlives the compilation of its rule. */
export interface OutlinePattern {
  readonly bytes: Uint8Array;
  readonly caseless: boolean;
  readonly end: number;
  readonly from: number;
  readonly bits: number;
  /** Direction its buffer is of, in a rule that looks both ways; else -1. */
  readonly side: number;
}

/**
 * What of a rule decides where the matcher will meet it. Plans are made of these: the rules themselves, with all that
 * they look for, would be ten times as large, and most of them are never asked.
 */
export class RuleOutline {
  /** Its place in the order in which rules fire; known when all are there. */
  number = 0;
  readonly key: number;
  readonly transports: number;
  readonly ipVersion: number;
  readonly directions: number;
  readonly flowState: number;
  readonly bidirectional: boolean;
  readonly twoWay: boolean;
  readonly source: AddressSet | null;
  readonly destination: AddressSet | null;
  readonly sourcePorts: PortSet | null;
  readonly destinationPorts: PortSet | null;
  readonly appProtocols: Uint8Array | null;
  readonly appLayerEvent: string | null;
  readonly payloadMode: number;
  readonly hasPayload: boolean;
  /** Buffers it looks at; null: none. */
  readonly slots: readonly BufferSlot[] | null;
  /** States of a transaction in which it is asked, a bit each; 0: whatever they are. */
  readonly states: number;
  /** These are frames. */
  readonly ofFrames: boolean;
  /** See `isSettledByBuffers`. */
  readonly settledByBuffers: boolean;
  readonly hasPacketTests: boolean;
  /** Bits of `FlowFact`. */
  readonly asks: number;
  readonly asksDecodeEvents: boolean;
  readonly addressesOnly: boolean;
  readonly rawFiltered: boolean;
  readonly shape: BufferShape;
  readonly pattern: OutlinePattern | null;
  readonly patternSlot: BufferSlot | null;

  /**
   * @param place of the rule among those that were given
   * @param asksOutward it asks for what is neither in it nor in the other rules
   */
  constructor(
    { compiled, pattern, patternSlot, key }: RuleDraft,
    readonly place: number,
    readonly asksOutward: boolean,
  ) {
    const { buffers, packetTests } = compiled;
    this.key = key;
    this.transports = compiled.transports;
    this.ipVersion = compiled.ipVersion;
    this.directions = compiled.directions;
    this.flowState = compiled.flowState;
    this.bidirectional = compiled.bidirectional;
    this.twoWay = compiled.twoWay;
    this.source = compiled.source;
    this.destination = compiled.destination;
    this.sourcePorts = compiled.sourcePorts;
    this.destinationPorts = compiled.destinationPorts;
    this.appProtocols = compiled.appProtocols;
    this.appLayerEvent = compiled.appLayerEvent;
    this.payloadMode = compiled.payloadMode;
    this.hasPayload = compiled.payload !== null;
    this.slots = buffers === null ? null : buffers.map(({ slot }) => slot);
    this.states = compiled.states;
    this.ofFrames = compiled.ofFrames;
    this.settledByBuffers = isSettledByBuffers(compiled);
    this.hasPacketTests = packetTests !== null;
    this.asks = (packetTests ?? []).reduce((all, { asks = 0 }) => all | asks, 0);
    this.asksDecodeEvents = packetTests?.some((test) => test.ofDecodeEvents) === true;
    this.addressesOnly = compiled.addressesOnly;
    this.rawFiltered = compiled.rawFiltered;
    this.shape = compiled.shape;
    this.pattern = pattern && {
      // A copy: the content it is part of is let go.
      bytes: pattern.bytes.slice(),
      caseless: pattern.caseless,
      end: pattern.end,
      from: pattern.from,
      bits: pattern.bits,
      side: pattern.part.side,
    };
    this.patternSlot = patternSlot;
  }
}
