import { planAddresses } from './address-plan';
import type { AddressSet } from './address-set';
import type { BufferCatalog } from './buffer-catalog';
import { BufferKind, type BufferSlot } from './buffer-slot';
import type { RuleDraft } from './compile-rules';
import { type CompiledRule, TransportBit } from './compiled-rule';
import {
  type CompiledRuleSet,
  type DerivedBuffers,
  type PacketPlan,
  type PayloadPatterns,
  type PortTable,
  type RuleSetNeeds,
  type ScannedBuffer,
  SegmentPart,
  type TransactionPlan,
} from './compiled-rule-set';
import type { FastPattern } from './fast-pattern';
import { classifyPorts, type PortEntry } from './port-index';
import type { PortSet } from './port-set';
import { HEAD_LENGTH, type PatternSet, PatternSetDraft, type Prefilter } from './prefilter';
import { PayloadMode } from './rule-builder';
import { isSettledBy } from './settled-rules';
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
/** Puts every rule where the matcher will meet it. `drafts` stand in the order of their numbers. */
export function* planRules(
  drafts: readonly RuleDraft[],
  slots: readonly BufferSlot[],
  addressSets: readonly AddressSet[],
  catalog: BufferCatalog,
  generation: number,
): Generator<void, CompiledRuleSet> {
  const prefilters: Prefilter[] = [];
  // What waits for an event is looked at when it comes, not before.
  const looking = yield* select(drafts, ({ compiled }) => compiled.appLayerEvent === null);
  const transactions = yield* select(looking, ({ compiled }) => compiled.buffers !== null);
  const others = yield* select(looking, ({ compiled }) => compiled.buffers === null);

  const packetPlans: PacketPlan[] = [];
  for (const transport of TRANSPORT_BITS) {
    for (const direction of [0, 1]) {
      const members = yield* select(
        others,
        ({ compiled }) =>
          (compiled.transports & transport) !== 0 &&
          looksAtPackets(compiled, transport) &&
          looksThatWay(compiled, direction),
      );
      packetPlans.push(yield* planPackets(members, transport, prefilters));
    }
  }
  const segmentPatterns: PayloadPatterns[] = [];
  const segmentParts = new Uint8Array(drafts.length);
  const streamUnfiltered: Int32Array[] = [];
  for (const direction of [0, 1]) {
    const members = yield* select(
      others,
      ({ compiled }) => looksAtStreams(compiled) && looksThatWay(compiled, direction),
    );
    streamUnfiltered.push(numbersOf(members.filter((draft) => !hasPattern(draft))));
    const searched = yield* select(
      looking,
      (draft) => looksThatWay(draft.compiled, direction) && segmentPartsOf(draft) !== 0,
    );
    for (const draft of searched) segmentParts[draft.compiled.number] = segmentPartsOf(draft);
    segmentPatterns.push(yield* planPatterns(searched, prefilters));
  }
  const transactionPlans = yield* planTransactions(transactions, slots, catalog, prefilters);
  return {
    generation,
    rules: drafts.map(({ compiled }) => compiled),
    slots,
    addressSets,
    prefilters,
    packetPlans,
    segmentPatterns: segmentPatterns as [PayloadPatterns, PayloadPatterns],
    segmentParts,
    streamUnfiltered: streamUnfiltered as [Int32Array, Int32Array],
    transactionPlans,
    eventRules: eventRulesOf(drafts),
    decodeEventRules: drafts
      .filter(({ compiled }) => compiled.packetTests?.some((test) => test.ofDecodeEvents) === true)
      .map(({ compiled }) => compiled.number),
    needs: yield* needsOf(drafts, catalog, segmentParts, streamUnfiltered, packetPlans),
  };
}

function* select(
  drafts: readonly RuleDraft[],
  wanted: (draft: RuleDraft) => boolean,
): Generator<void, RuleDraft[]> {
  const selected: RuleDraft[] = [];
  for (let i = 0; i < drafts.length; i++) {
    if (wanted(drafts[i])) selected.push(drafts[i]);
    if (i % 2048 === 2047) yield;
  }
  return selected;
}

function looksThatWay(rule: CompiledRule, direction: number): boolean {
  return (rule.directions & (1 << direction)) !== 0;
}

function eventRulesOf(drafts: readonly RuleDraft[]): Map<string, number[]> {
  const rules = new Map<string, number[]>();
  for (const { compiled } of drafts) {
    if (compiled.appLayerEvent === null) continue;
    const same = rules.get(compiled.appLayerEvent);
    if (same) same.push(compiled.number);
    else rules.set(compiled.appLayerEvent, [compiled.number]);
  }
  return rules;
}

/** Payload rules look at TCP packets only where they say so; other transports have no streams. */
function looksAtPackets(rule: CompiledRule, transport: number): boolean {
  if (transport !== TransportBit.TCP || rule.payload === null) return true;
  return (rule.payloadMode & PayloadMode.PACKET) !== 0;
}

function looksAtStreams(rule: CompiledRule): boolean {
  return (
    (rule.transports & TransportBit.TCP) !== 0 &&
    rule.payload !== null &&
    (rule.payloadMode & PayloadMode.STREAM) !== 0
  );
}

/** What of a TCP segment calls for a rule that is found by its pattern: `SegmentPart` bits. */
function segmentPartsOf(draft: RuleDraft): number {
  const { compiled } = draft;
  if (compiled.buffers !== null) return compiled.rawFiltered ? STREAM : 0;
  if ((compiled.transports & TransportBit.TCP) === 0 || !hasPattern(draft)) return 0;
  return (looksAtPackets(compiled, TransportBit.TCP) ? PACKET : 0) | (looksAtStreams(compiled) ? STREAM : 0);
}

/** True where the rule is found by its pattern. */
function hasPattern({ compiled, pattern }: RuleDraft): boolean {
  if (!pattern) return false;
  // A weak pattern is looked for where its place or the ports bind it, or where there is nothing better.
  if (pattern.bits >= WEAK_BITS || isBound(compiled, pattern)) return true;
  return compiled.packetTests === null || portsOf(compiled) !== null;
}

/** The pattern stands among the first bytes. */
function isBound(rule: CompiledRule, { end }: FastPattern): boolean {
  // A rule that looks at the packet's payload too counts from two different starts.
  return end > 0 && end <= HEAD_LENGTH && !rule.rawFiltered;
}

/** The port list that tells the packets of a rule from others. */
function portsOf(rule: CompiledRule): { side: 'destination' | 'source'; ports: PortSet } | null {
  if (rule.bidirectional) return null;
  const { destinationPorts, sourcePorts } = rule;
  if (destinationPorts && destinationPorts.size <= BROAD)
    return { side: 'destination', ports: destinationPorts };
  if (sourcePorts && sourcePorts.size <= BROAD) return { side: 'source', ports: sourcePorts };
  return null;
}

function numbersOf(drafts: readonly RuleDraft[]): Int32Array {
  return Int32Array.from(drafts.map(({ compiled }) => compiled.number));
}

// biome-ignore lint/correctness/useYield: small, but called where larger ones yield
function* numberTable(drafts: readonly RuleDraft[]): Generator<void, Int32Array> {
  return numbersOf(drafts);
}

interface Split {
  readonly any: RuleDraft[];
  readonly destination: PortEntry<RuleDraft>[];
  readonly source: PortEntry<RuleDraft>[];
}

/** The pattern is seldom found where its rule does not look. */
function isStrong(draft: RuleDraft): boolean {
  const pattern = draft.pattern as FastPattern;
  if (!hasPattern(draft)) return false;
  return pattern.bits >= (isBound(draft.compiled, pattern) ? STRONG_BOUND_BITS : STRONG_BITS);
}

function splitByPorts(drafts: readonly RuleDraft[]): Split {
  const split: Split = { any: [], destination: [], source: [] };
  for (const draft of drafts) {
    const named = isStrong(draft) ? null : portsOf(draft.compiled);
    if (named) split[named.side].push({ ports: named.ports, item: draft });
    else split.any.push(draft);
  }
  return split;
}

function* tableOf<T>(
  entries: readonly PortEntry<RuleDraft>[],
  make: (drafts: readonly RuleDraft[]) => Generator<void, T | null>,
): Generator<void, PortTable<T> | null> {
  if (entries.length === 0) return null;
  const { classOf, classes } = yield* classifyPorts(entries);
  const made: (T | null)[] = [];
  for (const drafts of classes) {
    made.push(drafts.length > 0 ? yield* make(drafts) : null);
    yield;
  }
  return { classOf, classes: made };
}

function* planPatterns(
  drafts: readonly RuleDraft[],
  prefilters: Prefilter[],
): Generator<void, PayloadPatterns> {
  const split = splitByPorts(drafts);
  function* make(members: readonly RuleDraft[]): Generator<void, PatternSet | null> {
    const draft = new PatternSetDraft(true);
    for (let i = 0; i < members.length; i++) {
      const { compiled, pattern } = members[i];
      const { end } = pattern as FastPattern;
      const bound = isBound(compiled, pattern as FastPattern);
      draft.add({ ...(pattern as FastPattern), end: bound ? end : 0 }, compiled.number);
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
  drafts: readonly RuleDraft[],
  transport: number,
  prefilters: Prefilter[],
): Generator<void, PacketPlan> {
  const filtered = drafts.filter(hasPattern);
  const unfiltered = drafts.filter((draft) => !hasPattern(draft));
  const split = splitByPorts(unfiltered.filter(({ compiled }) => !compiled.addressesOnly));
  const empty = splitByPorts(
    unfiltered.filter(({ compiled }) => !compiled.addressesOnly && compiled.shape.shortest === 0),
  );
  return {
    // Those of TCP are searched together with the patterns of streams.
    patterns: yield* planPatterns(transport === TransportBit.TCP ? [] : filtered, prefilters),
    unfiltered: numbersOf(split.any),
    unfilteredByDestination: yield* tableOf(split.destination, numberTable),
    unfilteredBySource: yield* tableOf(split.source, numberTable),
    unfilteredEmpty: numbersOf(empty.any),
    emptyByDestination: yield* tableOf(empty.destination, numberTable),
    emptyBySource: yield* tableOf(empty.source, numberTable),
    addresses: yield* planAddresses(
      unfiltered.filter(({ compiled }) => compiled.addressesOnly).map(({ compiled }) => compiled),
    ),
  };
}

function* planTransactions(
  drafts: readonly RuleDraft[],
  slots: readonly BufferSlot[],
  catalog: BufferCatalog,
  prefilters: Prefilter[],
): Generator<void, (TransactionPlan | null)[]> {
  const patterns = slots.map((slot) => {
    // Small buffers are scanned whole: one scan costs less than two.
    const large = slot.kinds.some((_, at) => slot.isStreaming(at));
    return [new PatternSetDraft(large), new PatternSetDraft(large)];
  });
  const plans = new Array<{ rules: number[]; progress: number[]; raw: boolean } | null>(
    (catalog.protocols.length + 1) * 2,
  ).fill(null);
  let since = 0;
  for (const { compiled, pattern, patternSlot } of drafts) {
    if (++since % 64 === 0) yield;
    for (const direction of [0, 1]) {
      if (!looksThatWay(compiled, direction)) continue;
      // A rule that looks both ways is found by its pattern in one of them, and waits in the other.
      const side = pattern?.part.side ?? -1;
      if ((side < 0 || side === direction) && pattern && patternSlot)
        patterns[patternSlot.number][direction].add(pattern, compiled.number);
      for (let protocol = 1; protocol <= catalog.protocols.length; protocol++) {
        if (compiled.appProtocols?.[protocol] !== 1) continue;
        const at = protocol * 2 + direction;
        plans[at] ??= { rules: [], progress: [], raw: false };
        if (compiled.rawFiltered) plans[at].raw = true;
        if (pattern) continue;
        plans[at].rules.push(compiled.number);
        plans[at].progress.push(triggerOf(compiled, at));
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
      settled: yield* settledRules(drafts, slotsMadeOf(derivedSources, slots, catalog, at)),
      growing: scanned.filter(({ slot }) => slot.isStreaming(at)),
      unfiltered: Int32Array.from(plan.rules),
      unfilteredProgress: Int32Array.from(plan.progress),
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
  drafts: readonly RuleDraft[],
  slots: ReadonlySet<BufferSlot>,
): Generator<void, Uint8Array> {
  if (slots.size === 0) return new Uint8Array(0);
  let rules = 0;
  for (const { compiled } of drafts) rules = Math.max(rules, compiled.number + 1);
  const settled = new Uint8Array(rules);
  for (let i = 0; i < drafts.length; i++) {
    const { compiled } = drafts[i];
    if (isSettledBy(compiled, slots)) settled[compiled.number] = 1;
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
function triggerOf(rule: CompiledRule, at: number): number {
  let progress = 0;
  for (const { slot } of rule.buffers ?? []) {
    if (!slot.isStreaming(at) && slot.progress(at) > progress) progress = slot.progress(at);
  }
  return progress;
}

function* needsOf(
  drafts: readonly RuleDraft[],
  catalog: BufferCatalog,
  segmentParts: Uint8Array,
  streamUnfiltered: readonly Int32Array[],
  packetPlans: readonly PacketPlan[],
): Generator<void, RuleSetNeeds> {
  const protocols = new Set<string>();
  let largestPattern = 0;
  let virtualSegments = false;
  /** Directions in which a rule looks at raw bytes of a stream, by itself or beside a buffer of a transaction. */
  const streams = [streamUnfiltered[0].length > 0, streamUnfiltered[1].length > 0];
  let segmentPackets = false;
  for (let i = 0; i < drafts.length; i++) {
    if (i % 2048 === 2047) yield;
    const { compiled, pattern } = drafts[i];
    const { appProtocols } = compiled;
    for (let number = 1; appProtocols !== null && number < appProtocols.length; number++) {
      if (appProtocols[number] === 1) protocols.add(catalog.protocols[number - 1]);
    }
    const parts = segmentParts[compiled.number];
    if ((parts & PACKET) !== 0) segmentPackets = true;
    if ((parts & STREAM) !== 0 || (compiled.buffers !== null && compiled.payload !== null)) {
      for (let direction = 0; direction < 2; direction++)
        if (looksThatWay(compiled, direction)) streams[direction] = true;
    }
    if (compiled.buffers !== null && !compiled.rawFiltered) continue;
    if (pattern && pattern.bytes.length > largestPattern) largestPattern = pattern.bytes.length;
    const packets = compiled.buffers === null && (compiled.payloadMode & PayloadMode.PACKET) !== 0;
    if (packets && (compiled.transports & TransportBit.TCP) !== 0) virtualSegments = true;
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
      tcp: segmentPackets || anyPackets(0),
      udp: anyPackets(1),
      icmp: anyPackets(2, 3),
      other: anyPackets(4, 5),
    },
    datagramTransactions: drafts.some(
      ({ compiled }) =>
        (compiled.transports & TransportBit.UDP) !== 0 &&
        (compiled.buffers !== null || compiled.appLayerEvent !== null),
    ),
    streamRules: [streams[0], streams[1]],
    protocols,
    largestPattern,
    rawStreamWindow: RAW_STREAM_WINDOW,
    virtualSegments,
    appLayerEvents: drafts.some(({ compiled }) => compiled.appLayerEvent !== null),
  };
}
