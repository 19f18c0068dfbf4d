import { planAddresses } from './address-plan';
import type { BufferCatalog } from './buffer-catalog';
import { BufferKind, type BufferSlot } from './buffer-slot';
import { gateNumbers } from './candidate-gate';
import { TransportBit } from './compiled-rule';
import {
  type DerivedBuffers,
  type PacketPlan,
  type PayloadPatterns,
  type PortTable,
  type RulePlan,
  type RuleSetNeeds,
  type ScannedBuffer,
  SegmentPart,
  type TransactionPlan,
} from './compiled-rule-set';
import { classifyPorts, type PortEntry } from './port-index';
import type { PortSet } from './port-set';
import { HEAD_LENGTH, type PatternSet, PatternSetDraft, type Prefilter } from './prefilter';
import { PayloadMode } from './rule-builder';
import type { OutlinePattern, RuleOutline } from './rule-outline';
import { TRANSPORT_BITS } from './transport-index';

const { PACKET, STREAM } = SegmentPart;

/** Port lists above this size are as good as any port. */
const BROAD = 16_384;
/** Patterns with fewer bits of information are found in almost every packet: other conditions decide quicker. */
const WEAK_BITS = 12;
/**
 * Patterns of this many bits are so rare that they are looked for whatever the ports: to find one now and then where its
 * rule does not look costs less than one more scan for the ports of the packet.
 */
const STRONG_BITS = 18;
/** The same for patterns that are looked for among the first bytes only. */
const STRONG_BOUND_BITS = 8;
/** Suricata's inspection chunk. */
const RAW_STREAM_WINDOW = 2560;
const EMPTY_TRANSACTION_PLAN: TransactionPlan = {
  whole: [],
  derived: [],
  derivedSources: new Int32Array(0),
  settled: new Uint8Array(0),
  growing: [],
  unfiltered: new Int32Array(0),
  unfilteredProgress: new Int32Array(0),
  inStates: new Int32Array(0),
  states: new Int32Array(0),
  raw: false,
};

/** Puts every rule where the matcher will meet it. `outlines` stand in the order of their numbers. */
export function* planRules(
  outlines: readonly RuleOutline[],
  slots: readonly BufferSlot[],
  catalog: BufferCatalog,
): Generator<void, RulePlan> {
  const prefilters: Prefilter[] = [];
  // What waits for an event is looked at when it comes, not before.
  const looking = yield* select(outlines, (rule) => rule.appLayerEvent === null);
  const transactions = yield* select(looking, (rule) => rule.slots !== null);
  const others = yield* select(looking, (rule) => rule.slots === null);

  const packetPlans: PacketPlan[] = [];
  for (const transport of TRANSPORT_BITS) {
    for (const direction of [0, 1]) {
      const members = yield* select(
        others,
        (rule) =>
          (rule.transports & transport) !== 0 &&
          looksAtPackets(rule, transport) &&
          looksThatWay(rule, direction),
      );
      packetPlans.push(yield* planPackets(members, transport, prefilters));
    }
  }
  const segmentPatterns: PayloadPatterns[] = [];
  const segmentParts = new Uint8Array(outlines.length);
  const streamUnfiltered: Int32Array[] = [];
  for (const direction of [0, 1]) {
    const members = yield* select(others, (rule) => looksAtStreams(rule) && looksThatWay(rule, direction));
    streamUnfiltered.push(numbersOf(members.filter((rule) => !hasPattern(rule))));
    const searched = yield* select(
      looking,
      (rule) => looksThatWay(rule, direction) && segmentPartsOf(rule) !== 0,
    );
    for (const rule of searched) segmentParts[rule.number] = segmentPartsOf(rule);
    segmentPatterns.push(yield* planPatterns(searched, prefilters));
  }
  const transactionPlans = yield* planTransactions(transactions, slots, catalog, prefilters);
  // Rules that an event calls for, and that look at buffers then: their transactions are inspected too.
  const called = yield* select(outlines, (rule) => rule.appLayerEvent !== null);
  for (const rule of called) {
    if (rule.slots === null) continue;
    for (let at = 2; at < transactionPlans.length; at++) {
      if (rule.appProtocols?.[at >> 1] === 1 && looksThatWay(rule, at & 1))
        transactionPlans[at] ??= EMPTY_TRANSACTION_PLAN;
    }
  }
  return {
    slots,
    gate: gateNumbers(outlines),
    rawFiltered: Uint8Array.from(outlines, (rule) => (rule.rawFiltered ? 1 : 0)),
    prefilters,
    packetPlans,
    segmentPatterns: segmentPatterns as [PayloadPatterns, PayloadPatterns],
    segmentParts,
    streamUnfiltered: streamUnfiltered as [Int32Array, Int32Array],
    transactionPlans,
    eventRules: eventRulesOf(outlines),
    decodeEventRules: outlines.filter((rule) => rule.asksDecodeEvents).map((rule) => rule.number),
    needs: yield* needsOf(outlines, catalog, segmentParts, streamUnfiltered, packetPlans),
  };
}

function* select(
  outlines: readonly RuleOutline[],
  wanted: (rule: RuleOutline) => boolean,
): Generator<void, RuleOutline[]> {
  const selected: RuleOutline[] = [];
  for (let i = 0; i < outlines.length; i++) {
    if (wanted(outlines[i])) selected.push(outlines[i]);
    if (i % 2048 === 2047) yield;
  }
  return selected;
}

function looksThatWay(rule: RuleOutline, direction: number): boolean {
  return (rule.directions & (1 << direction)) !== 0;
}

function eventRulesOf(outlines: readonly RuleOutline[]): Map<string, number[]> {
  const rules = new Map<string, number[]>();
  for (const rule of outlines) {
    if (rule.appLayerEvent === null) continue;
    const same = rules.get(rule.appLayerEvent);
    if (same) same.push(rule.number);
    else rules.set(rule.appLayerEvent, [rule.number]);
  }
  return rules;
}

/** Payload rules look at TCP packets only where they say so; other transports have no streams. */
function looksAtPackets(rule: RuleOutline, transport: number): boolean {
  if (transport !== TransportBit.TCP || !rule.hasPayload) return true;
  return (rule.payloadMode & PayloadMode.PACKET) !== 0;
}

/** Behind the depth of a stream only these look at its packets. */
function looksAtHeaders(rule: RuleOutline): boolean {
  const { transports, hasPayload, slots, appLayerEvent, addressesOnly } = rule;
  if ((transports & TransportBit.TCP) === 0 || addressesOnly) return false;
  return !hasPayload && slots === null && appLayerEvent === null;
}

function looksAtStreams(rule: RuleOutline): boolean {
  return (
    (rule.transports & TransportBit.TCP) !== 0 &&
    rule.hasPayload &&
    (rule.payloadMode & PayloadMode.STREAM) !== 0
  );
}

/** What of a TCP segment calls for a rule that is found by its pattern: `SegmentPart` bits. */
function segmentPartsOf(rule: RuleOutline): number {
  if (rule.slots !== null) return rule.rawFiltered ? STREAM : 0;
  if ((rule.transports & TransportBit.TCP) === 0 || !hasPattern(rule)) return 0;
  return (looksAtPackets(rule, TransportBit.TCP) ? PACKET : 0) | (looksAtStreams(rule) ? STREAM : 0);
}

/** True where the rule is found by its pattern. */
function hasPattern(rule: RuleOutline): boolean {
  const { pattern } = rule;
  if (!pattern) return false;
  // A weak pattern is looked for where its place or the ports bind it, or where there is nothing better.
  if (pattern.bits >= WEAK_BITS || isBound(rule, pattern)) return true;
  return !rule.hasPacketTests || portsOf(rule) !== null;
}

/** The pattern stands among the first bytes. */
function isBound(rule: RuleOutline, { end }: OutlinePattern): boolean {
  // A rule that looks at the packet's payload too counts from two different starts.
  return end > 0 && end <= HEAD_LENGTH && !rule.rawFiltered;
}

/** The port list that tells the packets of a rule from others. */
function portsOf(rule: RuleOutline): { side: 'destination' | 'source'; ports: PortSet } | null {
  if (rule.bidirectional) return null;
  const { destinationPorts, sourcePorts } = rule;
  if (destinationPorts && destinationPorts.size <= BROAD)
    return { side: 'destination', ports: destinationPorts };
  if (sourcePorts && sourcePorts.size <= BROAD) return { side: 'source', ports: sourcePorts };
  return null;
}

function numbersOf(outlines: readonly RuleOutline[]): Int32Array {
  return Int32Array.from(outlines.map((rule) => rule.number));
}

// biome-ignore lint/correctness/useYield: small, but called where larger ones yield
function* numberTable(outlines: readonly RuleOutline[]): Generator<void, Int32Array> {
  return numbersOf(outlines);
}

interface Split {
  readonly any: RuleOutline[];
  readonly destination: PortEntry<RuleOutline>[];
  readonly source: PortEntry<RuleOutline>[];
}

/** The pattern is seldom found where its rule does not look. */
function isStrong(rule: RuleOutline): boolean {
  const pattern = rule.pattern as OutlinePattern;
  if (!hasPattern(rule)) return false;
  return pattern.bits >= (isBound(rule, pattern) ? STRONG_BOUND_BITS : STRONG_BITS);
}

function splitByPorts(outlines: readonly RuleOutline[]): Split {
  const split: Split = { any: [], destination: [], source: [] };
  for (const rule of outlines) {
    const named = isStrong(rule) ? null : portsOf(rule);
    if (named) split[named.side].push({ ports: named.ports, item: rule });
    else split.any.push(rule);
  }
  return split;
}

function* tableOf<T>(
  entries: readonly PortEntry<RuleOutline>[],
  make: (outlines: readonly RuleOutline[]) => Generator<void, T | null>,
): Generator<void, PortTable<T> | null> {
  if (entries.length === 0) return null;
  const { classOf, classes } = yield* classifyPorts(entries);
  const made: (T | null)[] = [];
  for (const outlines of classes) {
    made.push(outlines.length > 0 ? yield* make(outlines) : null);
    yield;
  }
  return { classOf, classes: made };
}

function* planPatterns(
  outlines: readonly RuleOutline[],
  prefilters: Prefilter[],
): Generator<void, PayloadPatterns> {
  const split = splitByPorts(outlines);
  function* make(members: readonly RuleOutline[]): Generator<void, PatternSet | null> {
    const draft = new PatternSetDraft(true);
    for (let i = 0; i < members.length; i++) {
      const rule = members[i];
      const { pattern } = rule;
      const { end } = pattern as OutlinePattern;
      const bound = isBound(rule, pattern as OutlinePattern);
      draft.add({ ...(pattern as OutlinePattern), end: bound ? end : 0 }, rule.number);
      if (i % 128 === 127) yield;
    }
    return yield* draft.build(prefilters);
  }
  const any = yield* make(split.any);
  return {
    any,
    byDestination: yield* tableOf(split.destination, make),
    bySource: yield* tableOf(split.source, make),
  };
}

function* planPackets(
  outlines: readonly RuleOutline[],
  transport: number,
  prefilters: Prefilter[],
): Generator<void, PacketPlan> {
  const filtered = outlines.filter(hasPattern);
  const unfiltered = outlines.filter((rule) => !hasPattern(rule));
  const split = splitByPorts(unfiltered.filter((rule) => !rule.addressesOnly));
  const empty = splitByPorts(unfiltered.filter((rule) => !rule.addressesOnly && rule.shape.shortest === 0));
  return {
    // Those of TCP are searched together with the patterns of streams.
    patterns: yield* planPatterns(transport === TransportBit.TCP ? [] : filtered, prefilters),
    unfiltered: numbersOf(split.any),
    unfilteredByDestination: yield* tableOf(split.destination, numberTable),
    unfilteredBySource: yield* tableOf(split.source, numberTable),
    unfilteredEmpty: numbersOf(empty.any),
    emptyByDestination: yield* tableOf(empty.destination, numberTable),
    emptyBySource: yield* tableOf(empty.source, numberTable),
    addresses: yield* planAddresses(unfiltered.filter((rule) => rule.addressesOnly)),
  };
}

function* planTransactions(
  outlines: readonly RuleOutline[],
  slots: readonly BufferSlot[],
  catalog: BufferCatalog,
  prefilters: Prefilter[],
): Generator<void, (TransactionPlan | null)[]> {
  const patterns = slots.map((slot) => {
    // Small buffers are scanned whole: one scan costs less than two.
    const large = slot.kinds.some((_, at) => slot.isStreaming(at));
    return [new PatternSetDraft(large), new PatternSetDraft(large)];
  });
  const plans = new Array<{
    rules: number[];
    progress: number[];
    inStates: number[];
    states: number[];
    raw: boolean;
  } | null>(catalog.planCount).fill(null);
  let since = 0;
  for (const rule of outlines) {
    const { pattern, patternSlot } = rule;
    if (++since % 64 === 0) yield;
    for (const direction of [0, 1]) {
      if (!looksThatWay(rule, direction)) continue;
      // A rule that looks both ways is found by its pattern in one of them, and waits in the other.
      const side = pattern?.side ?? -1;
      if ((side < 0 || side === direction) && pattern && patternSlot)
        patterns[patternSlot.number][direction].add(pattern, rule.number);
      for (let protocol = 1; protocol <= catalog.protocols.length; protocol++) {
        if (rule.appProtocols?.[protocol] !== 1) continue;
        const at = protocol * 2 + direction + (rule.ofFrames ? catalog.firstFramePlan : 0);
        plans[at] ??= { rules: [], progress: [], inStates: [], states: [], raw: false };
        if (rule.rawFiltered) plans[at].raw = true;
        if (rule.states !== 0) {
          plans[at].inStates.push(rule.number);
          plans[at].states.push(rule.states);
          continue;
        }
        if (pattern) continue;
        plans[at].rules.push(rule.number);
        plans[at].progress.push(triggerOf(rule, at));
      }
    }
  }
  for (const slot of slots) {
    for (const direction of [0, 1]) {
      slot.patterns[direction] = yield* patterns[slot.number][direction].build(prefilters);
    }
  }
  const made: (TransactionPlan | null)[] = [];
  for (let at = 0; at < plans.length; at++) {
    const plan = plans[at];
    if (!plan) {
      made.push(null);
      continue;
    }
    const scanned: ScannedBuffer[] = [];
    for (const slot of slots) {
      const found = slot.patterns[at & 1];
      if (slot.kinds[at] < 0 || found === null) continue;
      const multiple = (slot.kinds[at] & BufferKind.MULTIPLE) !== 0;
      scanned.push({ slot, patterns: found, progress: slot.progress(at), multiple });
    }
    scanned.sort((a, b) => a.progress - b.progress);
    const { whole, derived } = splitDerived(
      scanned.filter(({ slot }) => !slot.isStreaming(at)),
      at,
      catalog,
    );
    const derivedSources = new Set(derived.flatMap(({ sources }) => [...sources]));
    made.push({
      whole,
      derived,
      derivedSources: Int32Array.from(derivedSources),
      settled: yield* settledRules(outlines, slotsMadeOf(derivedSources, slots, catalog, at)),
      growing: scanned.filter(({ slot }) => slot.isStreaming(at)),
      unfiltered: Int32Array.from(plan.rules),
      unfilteredProgress: Int32Array.from(plan.progress),
      inStates: Int32Array.from(plan.inStates),
      states: Int32Array.from(plan.states),
      raw: plan.raw,
    });
  }
  return made;
}

/** Buffers that are there once and whole, and made of nothing but `sources`. */
function slotsMadeOf(
  sources: ReadonlySet<number>,
  slots: readonly BufferSlot[],
  catalog: BufferCatalog,
  at: number,
): ReadonlySet<BufferSlot> {
  const made = slots.filter((slot) => {
    const kind = slot.kinds[at];
    if (kind < 0 || (kind & (BufferKind.MULTIPLE | BufferKind.STREAMING)) !== 0) return false;
    const of = catalog.sources(slot.name, at);
    return of.length > 0 && of.every((source) => sources.has(source));
  });
  return new Set(made);
}

function* settledRules(
  outlines: readonly RuleOutline[],
  slots: ReadonlySet<BufferSlot>,
): Generator<void, Uint8Array> {
  if (slots.size === 0) return new Uint8Array(0);
  let rules = 0;
  for (const rule of outlines) rules = Math.max(rules, rule.number + 1);
  const settled = new Uint8Array(rules);
  for (let i = 0; i < outlines.length; i++) {
    const rule = outlines[i];
    if (rule.settledByBuffers && rule.slots?.every((slot) => slots.has(slot))) settled[rule.number] = 1;
    if (i % 128 === 127) yield;
  }
  return settled;
}

/** Parts those buffers that are made of others from the rest. */
function splitDerived(
  scanned: readonly ScannedBuffer[],
  at: number,
  catalog: BufferCatalog,
): { whole: ScannedBuffer[]; derived: DerivedBuffers[] } {
  const groups = new Map<string, { progress: number; sources: number[]; members: ScannedBuffer[] }>();
  const whole: ScannedBuffer[] = [];
  for (const buffer of scanned) {
    const sources = buffer.multiple ? [] : catalog.sources(buffer.slot.name, at);
    if (sources.length === 0) {
      whole.push(buffer);
      continue;
    }
    const key = `${buffer.progress} ${sources.join(' ')}`;
    const group = groups.get(key) ?? { progress: buffer.progress, sources, members: [] };
    groups.set(key, group);
    group.members.push(buffer);
  }
  const derived: DerivedBuffers[] = [];
  for (const { progress, sources, members } of groups.values()) {
    derived.push({ progress, sources: Int32Array.from(sources), members });
  }
  return { whole, derived };
}

/** The progress at which every buffer of the rule is there, or begins to be there. */
function triggerOf(rule: RuleOutline, at: number): number {
  let progress = 0;
  for (const slot of rule.slots ?? []) {
    if (!slot.isStreaming(at) && slot.progress(at) > progress) progress = slot.progress(at);
  }
  return progress;
}

function* needsOf(
  outlines: readonly RuleOutline[],
  catalog: BufferCatalog,
  segmentParts: Uint8Array,
  streamUnfiltered: readonly Int32Array[],
  packetPlans: readonly PacketPlan[],
): Generator<void, RuleSetNeeds> {
  const protocols = new Set<string>();
  let largestPattern = 0;
  let virtualSegments = false;
  let flowFacts = 0;
  let tcpHeaders = false;
  /** Directions in which a rule looks at raw bytes of a stream, by itself or beside a buffer of a transaction. */
  const streams = [streamUnfiltered[0].length > 0, streamUnfiltered[1].length > 0];
  let segmentPackets = false;
  for (let i = 0; i < outlines.length; i++) {
    if (i % 2048 === 2047) yield;
    const rule = outlines[i];
    const { appProtocols, pattern } = rule;
    flowFacts |= rule.asks;
    if (looksAtHeaders(rule)) tcpHeaders = true;
    for (let number = 1; appProtocols !== null && number < appProtocols.length; number++) {
      if (appProtocols[number] === 1) protocols.add(catalog.protocols[number - 1]);
    }
    const parts = segmentParts[rule.number];
    if ((parts & PACKET) !== 0) segmentPackets = true;
    if ((parts & STREAM) !== 0 || (rule.slots !== null && rule.hasPayload)) {
      for (let direction = 0; direction < 2; direction++)
        if (looksThatWay(rule, direction)) streams[direction] = true;
    }
    if (rule.slots !== null && !rule.rawFiltered) continue;
    if (pattern && pattern.bytes.length > largestPattern) largestPattern = pattern.bytes.length;
    const packets = rule.slots === null && (rule.payloadMode & PayloadMode.PACKET) !== 0;
    if (packets && (rule.transports & TransportBit.TCP) !== 0) virtualSegments = true;
  }
  const anyPatterns = ({ any, byDestination, bySource }: PayloadPatterns) =>
    any !== null || byDestination !== null || bySource !== null;
  const anyPackets = (...transports: number[]) =>
    transports.some((transport) =>
      [0, 1].some((direction) => {
        const plan = packetPlans[transport * 2 + direction];
        return (
          anyPatterns(plan.patterns) ||
          plan.unfiltered.length > 0 ||
          plan.unfilteredByDestination !== null ||
          plan.unfilteredBySource !== null ||
          plan.addresses !== null
        );
      }),
    );
  return {
    packetRules: {
      // Packets that belong to no stream are looked at by the rules for streams.
      tcp: segmentPackets || anyPackets(0) || streams[0] || streams[1],
      udp: anyPackets(1),
      icmp: anyPackets(2, 3),
      other: anyPackets(4, 5),
    },
    datagramTransactions: outlines.some(
      (rule) =>
        (rule.transports & TransportBit.UDP) !== 0 && (rule.slots !== null || rule.appLayerEvent !== null),
    ),
    streamRules: [streams[0], streams[1]],
    protocols,
    largestPattern,
    rawStreamWindow: RAW_STREAM_WINDOW,
    virtualSegments,
    flowFacts,
    tcpHeaders,
    appLayerEvents: outlines.some((rule) => rule.appLayerEvent !== null),
  };
}
