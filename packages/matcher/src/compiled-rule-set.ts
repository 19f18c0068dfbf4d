import type { BufferSlot } from './buffer-slot';
import type { PatternSet, Prefilter } from './prefilter';
import type { RuleTable } from './rule-table';

/** Something for each class of ports. */
export interface PortTable<T> {
  /** By port; 0: none. */
  readonly classOf: Uint16Array;
  readonly classes: readonly (T | null)[];
}

/** What to look for in payloads of one kind and direction. */
export interface PayloadPatterns {
  /** Rules that name no ports. */
  readonly any: PatternSet | null;
  readonly byDestination: PortTable<PatternSet> | null;
  readonly bySource: PortTable<PatternSet> | null;
}

/** Bits for what of a TCP segment calls for a rule: the segment as a packet, the stream it goes into. */
export const SegmentPart = { PACKET: 1, STREAM: 2 } as const;

/** Rules that look at packets of one transport and direction. */
export interface PacketPlan {
  /** None for TCP: see `CompiledRuleSet.segmentPatterns`. */
  readonly patterns: PayloadPatterns;
  /** Rules without a pattern. */
  readonly unfiltered: Int32Array;
  readonly unfilteredByDestination: PortTable<Int32Array> | null;
  readonly unfilteredBySource: PortTable<Int32Array> | null;
  /** Those of them that look at packets without a payload. */
  readonly unfilteredEmpty: Int32Array;
  readonly emptyByDestination: PortTable<Int32Array> | null;
  readonly emptyBySource: PortTable<Int32Array> | null;
  /** Rules about addresses: looked at once for each direction of a flow. */
  readonly addresses: AddressPlan | null;
}

/** Rules about addresses, found by the source address of an IPv4 packet. */
export interface AddressPlan {
  /** First addresses of the intervals, ascending from 0. */
  readonly bounds: Uint32Array;
  /** Rules of each interval: those that name the source and do hold it. */
  readonly rules: readonly Int32Array[];
  /** The same for rules that name the destination only. */
  readonly destinationBounds: Uint32Array;
  readonly destinationRules: readonly Int32Array[];
  /** All of them, for IPv6. */
  readonly v6: Int32Array;
}

/** A buffer with patterns, as one protocol and direction has it. */
export interface ScannedBuffer {
  readonly slot: BufferSlot;
  readonly patterns: PatternSet;
  readonly progress: number;
  readonly multiple: boolean;
}

/** Buffers that are made of the same other buffers and complete at the same progress. */
export interface DerivedBuffers {
  readonly progress: number;
  /** The parser's numbers of what they are made of. */
  readonly sources: Int32Array;
  readonly members: readonly ScannedBuffer[];
}

/** Rules that look at transactions of one protocol and direction. */
export interface TransactionPlan {
  /** Buffers that are scanned when they are complete, in the order in which they are. */
  readonly whole: readonly ScannedBuffer[];
  /** Buffers that need not be scanned where what they are made of is known, by progress; not among `whole`. */
  readonly derived: readonly DerivedBuffers[];
  /** What all of `derived` are made of. */
  readonly derivedSources: Int32Array;
  /** By rule: 1 where the bytes of `derivedSources` settle whether its buffers match; empty where none are. */
  readonly settled: Uint8Array;
  /** Buffers that are scanned as they grow. */
  readonly growing: readonly ScannedBuffer[];
  /** Rules without a pattern in a buffer, and the progress at which all their buffers are there. */
  readonly unfiltered: Int32Array;
  readonly unfilteredProgress: Int32Array;
  /** Rules that are asked in states of a transaction only, and which these are. */
  readonly inStates: Int32Array;
  readonly states: Int32Array;
  /** There are rules that are found by raw contents. */
  readonly raw: boolean;
}

/** What the engine may leave out because no rule looks at it. */
export interface RuleSetNeeds {
  /** Rules that look at single packets, by transport. */
  readonly packetRules: {
    readonly tcp: boolean;
    readonly udp: boolean;
    readonly icmp: boolean;
    readonly other: boolean;
  };
  /** Rules that look at what application protocols carry over UDP. */
  readonly datagramTransactions: boolean;
  /** Rules that look at raw stream bytes, by themselves or beside a buffer of a transaction, by direction. */
  readonly streamRules: readonly [boolean, boolean];
  /** Application protocols that rules name or whose buffers they look at. */
  readonly protocols: ReadonlySet<string>;
  /** Bytes of the longest pattern in payloads and streams. */
  readonly largestPattern: number;
  /** Earlier bytes that a stream window should keep. */
  readonly rawStreamWindow: number;
  /** A rule looks at TCP packets by themselves: segmentation offload must be undone for it. */
  readonly virtualSegments: boolean;
  /** What rules ask of the flow that is not found out for nothing: bits of `FlowFact`. */
  readonly flowFacts: number;
  /** Rules that ask nothing about contents look at every TCP packet. */
  readonly tcpHeaders: boolean;
  /** A rule waits for events of parsers. */
  readonly appLayerEvents: boolean;
}

/** Where the matcher meets which rules. Immutable but for the databases that are attached to it. */
export interface RulePlan {
  readonly slots: readonly BufferSlot[];
  readonly prefilters: readonly Prefilter[];
  /** What rules are turned away by before they are looked at: see `CandidateGate`. */
  readonly gate: Int32Array;
  /** By rule: 1 where it looks at buffers and is found by raw contents. */
  readonly rawFiltered: Uint8Array;
  /** By transport (tcp, udp, icmp, icmpv6, sctp, other) times two plus direction. */
  readonly packetPlans: readonly PacketPlan[];
  /** By direction: for TCP, where one scan serves the rules that look at packets and those that look at streams. */
  readonly segmentPatterns: readonly [PayloadPatterns, PayloadPatterns];
  /** By rule: `SegmentPart` bits of what calls for it by a pattern of `segmentPatterns`. */
  readonly segmentParts: Uint8Array;
  /** Stream rules without a pattern, by direction. */
  readonly streamUnfiltered: readonly [Int32Array, Int32Array];
  /** By protocol number times two plus direction; null where no rule looks. */
  readonly transactionPlans: readonly (TransactionPlan | null)[];
  /** Rules that wait for an event of a parser, by its name in lower case. */
  readonly eventRules: ReadonlyMap<string, readonly number[]>;
  /** Rules that ask what is wrong with a packet's headers. */
  readonly decodeEventRules: readonly number[];
  readonly needs: RuleSetNeeds;
}

/** The rules as the matcher runs them. */
export interface CompiledRuleSet extends RulePlan {
  /** Unique in this thread: what refers to rules of another set by number is stale. */
  readonly generation: number;
  /** In the order in which they fire. */
  readonly rules: RuleTable;
  /** Lists of addresses have lower numbers than this. */
  readonly addressSetCount: number;
}
