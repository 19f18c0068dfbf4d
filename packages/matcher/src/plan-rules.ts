import { planAddresses } from './address-plan';
import type { AddressSet } from './address-set';
import type { BufferCatalog } from './buffer-catalog';
import type { BufferSlot } from './buffer-slot';
import type { RuleDraft } from './compile-rules';
import { type CompiledRule, TransportBit } from './compiled-rule';
import type {
  CompiledRuleSet,
  PacketPlan,
  PayloadPatterns,
  PortTable,
  RuleSetNeeds,
  TransactionPlan,
} from './compiled-rule-set';
import type { FastPattern } from './fast-pattern';
import { classifyPorts, type PortEntry } from './port-index';
import type { PortSet } from './port-set';
import { type PatternSet, PatternSetDraft, type Prefilter } from './prefilter';
import { PayloadMode } from './rule-builder';

/** Port lists above this size are as good as any port. */
const BROAD = 16_384;
/** Patterns with fewer bits of information are found in almost every packet: other conditions decide quicker. */
const WEAK_BITS = 12;
/**
 * Patterns of this many bits are so rare that they are looked for whatever the ports: one scan for them all costs less
 * than one more scan for the ports of the packet.
 */
const STRONG_BITS = 28;
/** Suricata's inspection chunk. */
const RAW_STREAM_WINDOW = 2560;
/** Transports in the order of `CompiledRuleSet.packetPlans`. */
const TRANSPORTS = [
  TransportBit.TCP,
  TransportBit.UDP,
  TransportBit.ICMP,
  TransportBit.ICMPV6,
  TransportBit.SCTP,
  TransportBit.OTHER,
] as const;

/** Puts every rule where the matcher will meet it. `drafts` stand in the order of their numbers. */
export function* planRules(
  drafts: readonly RuleDraft[],
  slots: readonly BufferSlot[],
  addressSets: readonly AddressSet[],
  catalog: BufferCatalog,
  generation: number,
): Generator<void, CompiledRuleSet> {
  const prefilters: Prefilter[] = [];
  const transactions = drafts.filter(({ compiled }) => compiled.buffers !== null);
  const others = drafts.filter(({ compiled }) => compiled.buffers === null);
  yield;

  const packetPlans: PacketPlan[] = [];
  for (const transport of TRANSPORTS) {
    for (const direction of [0, 1]) {
      const looking = others.filter(
        ({ compiled }) =>
          (compiled.transports & transport) !== 0 &&
          looksAtPackets(compiled, transport) &&
          looksThatWay(compiled, direction),
      );
      yield;
      packetPlans.push(yield* planPackets(looking, prefilters));
    }
  }
  const streamPatterns: PayloadPatterns[] = [];
  const streamUnfiltered: Int32Array[] = [];
  for (const direction of [0, 1]) {
    const looking = others.filter(
      ({ compiled }) => looksAtStreams(compiled) && looksThatWay(compiled, direction),
    );
    yield;
    streamPatterns.push(yield* planPatterns(looking.filter(hasPattern), prefilters));
    streamUnfiltered.push(numbersOf(looking.filter((draft) => !hasPattern(draft))));
  }
  const transactionPlans = yield* planTransactions(transactions, slots, catalog, prefilters);
  return {
    generation,
    rules: drafts.map(({ compiled }) => compiled),
    slots,
    addressSets,
    prefilters,
    packetPlans,
    streamPatterns: streamPatterns as [PayloadPatterns, PayloadPatterns],
    streamUnfiltered: streamUnfiltered as [Int32Array, Int32Array],
    transactionPlans,
    needs: needsOf(drafts, catalog, streamPatterns, streamUnfiltered, packetPlans),
  };
}

function looksThatWay(rule: CompiledRule, direction: number): boolean {
  return (rule.directions & (1 << direction)) !== 0;
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

/** True where the rule is found by its pattern. */
function hasPattern({ compiled, pattern }: RuleDraft): boolean {
  if (!pattern) return false;
  // A weak pattern is looked for where the ports bind it, or where there is nothing better.
  return pattern.bits >= WEAK_BITS || compiled.packetTests === null || portsOf(compiled) !== null;
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

interface Split {
  readonly any: RuleDraft[];
  readonly destination: PortEntry<RuleDraft>[];
  readonly source: PortEntry<RuleDraft>[];
}

function splitByPorts(drafts: readonly RuleDraft[]): Split {
  const split: Split = { any: [], destination: [], source: [] };
  for (const draft of drafts) {
    const strong = hasPattern(draft) && (draft.pattern as FastPattern).bits >= STRONG_BITS;
    const named = strong ? null : portsOf(draft.compiled);
    if (named) split[named.side].push({ ports: named.ports, item: draft });
    else split.any.push(draft);
  }
  return split;
}

function* tableOf<T>(
  entries: readonly PortEntry<RuleDraft>[],
  make: (drafts: readonly RuleDraft[]) => T | null,
): Generator<void, PortTable<T> | null> {
  if (entries.length === 0) return null;
  const { classOf, classes } = yield* classifyPorts(entries);
  const made: (T | null)[] = [];
  for (const drafts of classes) {
    made.push(drafts.length > 0 ? make(drafts) : null);
    yield;
  }
  return { classOf, classes: made };
}

function* planPatterns(
  drafts: readonly RuleDraft[],
  prefilters: Prefilter[],
): Generator<void, PayloadPatterns> {
  const split = splitByPorts(drafts);
  const make = (members: readonly RuleDraft[]): PatternSet | null => {
    const draft = new PatternSetDraft(true);
    for (const { pattern, compiled } of members) draft.add(pattern as FastPattern, compiled.number);
    return draft.build(prefilters);
  };
  const any = make(split.any);
  yield;
  return {
    any,
    byDestination: yield* tableOf(split.destination, make),
    bySource: yield* tableOf(split.source, make),
  };
}

function* planPackets(drafts: readonly RuleDraft[], prefilters: Prefilter[]): Generator<void, PacketPlan> {
  const filtered = drafts.filter(hasPattern);
  const unfiltered = drafts.filter((draft) => !hasPattern(draft));
  const split = splitByPorts(unfiltered.filter(({ compiled }) => !compiled.addressesOnly));
  return {
    patterns: yield* planPatterns(filtered, prefilters),
    unfiltered: numbersOf(split.any),
    unfilteredByDestination: yield* tableOf(split.destination, numbersOf),
    unfilteredBySource: yield* tableOf(split.source, numbersOf),
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
    const large = slot.streaming.includes(1);
    return [new PatternSetDraft(large), new PatternSetDraft(large)];
  });
  const plans = new Array<{ rules: number[]; progress: number[] } | null>(
    (catalog.protocols.length + 1) * 2,
  ).fill(null);
  let since = 0;
  for (const { compiled, pattern, patternSlot } of drafts) {
    if (++since % 256 === 0) yield;
    for (const direction of [0, 1]) {
      if (!looksThatWay(compiled, direction)) continue;
      if (pattern && patternSlot) patterns[patternSlot.number][direction].add(pattern, compiled.number);
      for (let protocol = 1; protocol <= catalog.protocols.length; protocol++) {
        if (compiled.appProtocols?.[protocol] !== 1) continue;
        const at = protocol * 2 + direction;
        plans[at] ??= { rules: [], progress: [] };
        if (pattern && patternSlot) continue;
        plans[at].rules.push(compiled.number);
        plans[at].progress.push(triggerOf(compiled, at));
      }
    }
  }
  for (const slot of slots) {
    for (const direction of [0, 1]) {
      slot.patterns[direction] = patterns[slot.number][direction].build(prefilters);
      yield;
    }
  }
  return plans.map((plan, at) => {
    if (!plan) return null;
    const scanned = slots.filter((slot) => slot.ids[at] >= 0 && slot.patterns[at & 1] !== null);
    scanned.sort((a, b) => a.progress[at] - b.progress[at]);
    return {
      slots: scanned,
      unfiltered: Int32Array.from(plan.rules),
      unfilteredProgress: Int32Array.from(plan.progress),
    };
  });
}

/** The progress at which every buffer of the rule is there, or begins to be there. */
function triggerOf(rule: CompiledRule, at: number): number {
  let progress = 0;
  for (const { slot } of rule.buffers ?? []) {
    if (slot.streaming[at] === 0 && slot.progress[at] > progress) progress = slot.progress[at];
  }
  return progress;
}

function needsOf(
  drafts: readonly RuleDraft[],
  catalog: BufferCatalog,
  streamPatterns: readonly PayloadPatterns[],
  streamUnfiltered: readonly Int32Array[],
  packetPlans: readonly PacketPlan[],
): RuleSetNeeds {
  const protocols = new Set<string>();
  let largestPattern = 0;
  let virtualSegments = false;
  for (const { compiled, pattern } of drafts) {
    compiled.appProtocols?.forEach((wanted, number) => {
      if (wanted) protocols.add(catalog.protocols[number - 1]);
    });
    if (compiled.buffers !== null) continue;
    if (pattern && pattern.bytes.length > largestPattern) largestPattern = pattern.bytes.length;
    const packets = (compiled.payloadMode & PayloadMode.PACKET) !== 0;
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
    packetRules: { tcp: anyPackets(0), udp: anyPackets(1), icmp: anyPackets(2, 3), other: anyPackets(4, 5) },
    streamRules: [
      anyPatterns(streamPatterns[0]) || streamUnfiltered[0].length > 0,
      anyPatterns(streamPatterns[1]) || streamUnfiltered[1].length > 0,
    ],
    protocols,
    largestPattern,
    rawStreamWindow: RAW_STREAM_WINDOW,
    virtualSegments,
  };
}
