import type { Direction } from '@portcullis/protocols';
import { type Action, type Place, parseList, type Rule } from '@portcullis/rules';
import type { AddressSet } from './address-set';
import { BufferShape } from './buffer-shape';
import type { BufferSlot } from './buffer-slot';
import type { BufferStep } from './evaluation';
import type { FlowBitAction, FlowBitCondition } from './flow-bits';
import type { PacketTest, RuleEffect } from './keyword';
import type { Occurrences } from './occurrences';
import type { PortSet } from './port-set';
import type { Literal } from './search';
import type { TagSettings } from './tag-settings';
import type { ThresholdSettings } from './threshold-table';

/** Bits for the transports a rule looks at. */
export const TransportBit = { TCP: 1, UDP: 2, ICMP: 4, ICMPV6: 8, SCTP: 16, OTHER: 32 } as const;
export const ANY_TRANSPORT = 63;

/** Steps over one buffer of a transaction. */
export interface BufferTest {
  readonly slot: BufferSlot;
  readonly steps: readonly BufferStep[];
  /** null: any one of them. */
  readonly occurrences: Occurrences | null;
  /** Direction that the buffer is of, in a rule that looks both ways; -1: the one that is being inspected. */
  readonly side: Direction | -1;
}

/** A rule as the matcher runs it. `number` is its place in Suricata's order: rules fire in order of it. */
export class CompiledRule {
  // What every candidate is asked stands first, so that it lies together in memory.
  number = 0;
  /** Bits of `TransportBit`. */
  transports = ANY_TRANSPORT;
  /** 0: any. */
  ipVersion = 0;
  source: AddressSet | null = null;
  destination: AddressSet | null = null;
  sourcePorts: PortSet | null = null;
  destinationPorts: PortSet | null = null;
  bidirectional = false;
  /** Looks at both directions of a transaction (`=>`). */
  twoWay = false;
  /** Bits of `DirectionBit`; never 0. */
  directions = 3;
  /** Bits of `FlowState`; 0: whatever. */
  flowState = 0;
  /** `appProtocols[n]` is 1 where the rule looks at flows of application protocol `n`; null: at all. */
  appProtocols: Uint8Array | null = null;
  packetTests: readonly PacketTest[] | null = null;
  flowBitConditions: readonly FlowBitCondition[] | null = null;
  flowBitActions: readonly FlowBitAction[] | null = null;
  effects: readonly RuleEffect[] | null = null;
  /** Steps over the payload or the stream. */
  payload: readonly BufferStep[] | null = null;
  /** Bits of `PayloadMode`. */
  payloadMode = 0;
  buffers: readonly BufferTest[] | null = null;
  /** States of a transaction in which it is asked, a bit each; 0: whatever they are. */
  states = 0;
  noAlert = false;
  /** Its matches are told even where its action says that they are not (`pass`). */
  alwaysAlert = false;
  tag: TagSettings | null = null;
  thresholds: readonly ThresholdSettings[] | null = null;
  /** Application-layer event it waits for, in lower case. */
  appLayerEvent: string | null = null;
  target: 'src_ip' | 'dest_ip' | null = null;
  /** Expressions with groups that alerts tell of; null: none. */
  captures: readonly { readonly captured: Readonly<Record<string, string>> }[] | null = null;
  /** The literal the prefilter looks for, and whether letters match in both cases; null: none. */
  fastPattern: Literal | null = null;
  /** That literal ends at or before this place of the buffer; 0: anywhere. */
  fastPatternEnd = 0;
  /** What may be said of the buffer the pattern is in, or of the packet's payload. */
  shape = new BufferShape();
  /** Looks at buffers, but is found by raw contents: it is evaluated while its pattern is in the stream window. */
  rawFiltered = false;
  /** Names addresses and ports only: looked at once for each direction of a flow. */
  addressesOnly = false;

  readonly sid: number;
  readonly gid: number;
  readonly rev: number;
  readonly msg: string;
  readonly action: Action;
  readonly classtype: string | null;
  readonly priority: number;
  readonly file: string;
  readonly place: Place;
  readonly references: readonly string[];
  private readonly metadataValues: readonly string[];
  /** gid and sid as one number: the same rule in another rule set. */
  readonly identity: number;

  constructor(rule: Rule) {
    this.sid = rule.sid;
    this.gid = rule.gid;
    this.rev = rule.rev;
    this.msg = rule.msg;
    this.action = rule.header.action;
    this.classtype = rule.classtype;
    this.priority = rule.priority;
    this.file = rule.file;
    this.place = rule.place;
    this.identity = rule.gid * 0x100000000 + rule.sid;
    const values = (keyword: string) =>
      rule.options.filter((option) => option.keyword === keyword).map((option) => option.value ?? '');
    this.metadataValues = values('metadata');
    this.references = values('reference');
  }

  /** It looks at frames, and so at no buffer of a transaction. */
  get ofFrames(): boolean {
    return this.buffers?.some(({ slot }) => slot.isFrame) === true;
  }

  /** It asks more than the headers of a packet: where it matches, its `pass` is meant for the rest of the flow too. */
  get ofFlow(): boolean {
    if (this.buffers !== null || this.payload !== null || this.appLayerEvent !== null) return true;
    return this.addressesOnly || (this.appProtocols !== null && this.packetTests === null);
  }

  /**
   * `metadata` as key → values. Read each time it is asked for, which is with an alert: kept for all rules it would be
   * the largest part of the rule set.
   */
  get metadata(): ReadonlyMap<string, readonly string[]> {
    const metadata = new Map<string, string[]>();
    for (const value of this.metadataValues) {
      for (const { text } of parseList(value, this.place)) {
        if (text === '') continue;
        const blank = text.search(/\s/);
        const key = blank < 0 ? text : text.slice(0, blank);
        const known = metadata.get(key) ?? [];
        if (blank >= 0) known.push(text.slice(blank).trimStart());
        metadata.set(key, known);
      }
    }
    return metadata;
  }
}
