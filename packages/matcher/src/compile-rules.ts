import type { BufferDefinition } from '@portcullis/protocols';
import { type Rule, RuleError, type ThresholdConfig } from '@portcullis/rules';
import { BufferCatalog } from './buffer-catalog';
import { BufferSlot } from './buffer-slot';
import { type BufferTest, CompiledRule, TransportBit } from './compiled-rule';
import type { CompiledRuleSet } from './compiled-rule-set';
import type { BufferStep } from './evaluation';
import { type ExpressionCompiler, pcreCompiler } from './expression';
import { chooseFastPattern, type FastPattern } from './fast-pattern';
import { addHook } from './hooks';
import { FlowFact } from './keyword';
import { Base64DecodeStep } from './keywords/base64';
import { ContentStep } from './keywords/content';
import { DataSets } from './lists/data-set';
import type { GeoDatabase } from './lists/geo-database';
import type { IpReputation } from './lists/ip-reputation';
import { ListFiles } from './lists/list-files';
import type { NameTable } from './name-table';
import { PacketBufferTest } from './packet-buffer';
import { planRules } from './plan-rules';
import { keywordOf } from './registry';
import { requirementsMet } from './requirements';
import {
  type BufferPart,
  type CompileEnvironment,
  DirectionBit,
  FlowState,
  PayloadMode,
  partKey,
  RuleBuilder,
} from './rule-builder';
import { compileHeader, HeaderLists } from './rule-header';
import { type ActionOrder, actionRanks, orderKey, STANDARD_ACTION_ORDER, sortByKey } from './rule-order';
import { Literal } from './search';
import { shapeOf } from './shape-of-steps';
import { ThresholdEntries } from './threshold-entries';
import { transportsOf } from './transport-index';

export interface CompileOptions {
  /** Buffer tables of all protocols there are. */
  readonly buffers: readonly BufferDefinition[];
  /** Application protocols, in the order of their numbers, which count from 1. */
  readonly protocols: readonly string[];
  /** Outlives the rule set. */
  readonly names: NameTable;
  /** Default: PCRE2 with limits. */
  readonly expressions?: ExpressionCompiler;
  /** Sets that rules ask for and add to; they outlive the rule set. Absent: each rule set has its own. */
  readonly dataSets?: DataSets;
  /** For `iprep`; absent: rules that ask for it are refused. */
  readonly reputation?: IpReputation;
  /** For `geoip`; absent: rules that ask for it are refused. */
  readonly geo?: GeoDatabase;
  /** What a threshold.config says. */
  readonly thresholds?: ThresholdConfig;
  /** Names of the events that parsers can give, in any case; absent: names are not checked. */
  readonly events?: readonly string[];
  /** Default: as Suricata's. */
  readonly actionOrder?: ActionOrder;
  /**
   * Compile every regular expression to see that it can be (default). Where another thread has done so for the same
   * rules it may be left out, which makes up half the work; an expression that cannot be compiled then never matches.
   */
  readonly checkExpressions?: boolean;
}

/** A rule that cannot be used, and why. */
export interface FailedRule {
  readonly rule: Rule;
  readonly error: RuleError;
}

export interface CompileResult {
  readonly ruleset: CompiledRuleSet;
  readonly failed: FailedRule[];
  /** Rules that ask for what this engine does not have (`requires`), and are therefore not used. */
  readonly skipped: readonly Rule[];
}

/** Told while rules are compiled. */
export interface CompileProgress {
  readonly done: number;
  readonly total: number;
}

/** A rule between its compilation and its place in the order. */
export interface RuleDraft {
  readonly compiled: CompiledRule;
  /** What the prefilter looks for, null where there is nothing. */
  readonly pattern: FastPattern | null;
  /** The pattern's buffer; null: the payload. */
  readonly patternSlot: BufferSlot | null;
  readonly key: number;
}

/** Longest slice between two yields, milliseconds. */
const SLICE = 1;
let generations = 0;

/**
 * Compiles rules. Yields after each millisecond or two of work, so that a worker can inspect packets meanwhile.
 * Patterns are not compiled here: see `prepareDatabases`.
 */
export function* compileRules(
  rules: readonly Rule[],
  options: CompileOptions,
): Generator<CompileProgress, CompileResult> {
  const catalog = new BufferCatalog(options.buffers, options.protocols);
  const environment: CompileEnvironment = {
    buffers: catalog,
    names: options.names,
    expressions: options.expressions ?? pcreCompiler,
    checkExpressions: options.checkExpressions ?? true,
    files: new ListFiles(),
    dataSets: options.dataSets ?? new DataSets(),
    reputation: options.reputation ?? null,
    geo: options.geo ?? null,
    thresholds: options.thresholds ? new ThresholdEntries(options.thresholds) : null,
    events: options.events ? new Set(options.events.map((name) => name.toLowerCase())) : null,
    actionRanks: actionRanks(options.actionOrder ?? STANDARD_ACTION_ORDER),
  };
  const slots = new SlotTable(catalog);
  const lists = new HeaderLists();
  const failed: FailedRule[] = [];
  const drafts: RuleDraft[] = [];
  const progress = { done: 0, total: rules.length };
  let pause = performance.now() + SLICE;
  const skipped: Rule[] = [];
  for (const rule of rules) {
    try {
      if (!requirementsMet(rule, environment)) skipped.push(rule);
      else drafts.push(compileRule(rule, environment, slots, lists));
    } catch (error) {
      if (!(error instanceof RuleError)) throw error;
      const named = error.sid === 0 ? new RuleError(error.message, error.place, rule.sid) : error;
      failed.push({ rule, error: named });
    }
    progress.done++;
    if (performance.now() >= pause) {
      yield progress;
      pause = performance.now() + SLICE;
    }
  }
  const steps = finish(drafts, slots.all, lists, catalog);
  for (;;) {
    const step = steps.next();
    if (step.done) return { ruleset: step.value, failed, skipped };
    if (performance.now() >= pause) {
      yield progress;
      pause = performance.now() + SLICE;
    }
  }
}

function* finish(
  drafts: readonly RuleDraft[],
  slots: readonly BufferSlot[],
  lists: HeaderLists,
  catalog: BufferCatalog,
): Generator<void, CompiledRuleSet> {
  const sorted = yield* sortByKey(drafts);
  for (let number = 0; number < sorted.length; number++) {
    sorted[number].compiled.number = number;
    if (number % 1024 === 0) yield;
  }
  generations++;
  return yield* planRules(sorted, slots, lists.addressSets, catalog, generations);
}

/** `compileRules` in one go, for tests and tools. */
export function compileRulesNow(rules: readonly Rule[], options: CompileOptions): CompileResult {
  const steps = compileRules(rules, options);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** Buffers with their transforms, each once. */
class SlotTable {
  readonly all: BufferSlot[] = [];
  private readonly byKey = new Map<string, BufferSlot>();

  constructor(private readonly catalog: BufferCatalog) {}

  slotOf(part: BufferPart): BufferSlot {
    const name = part.name as string;
    const key = partKey(name, part.transforms);
    let slot = this.byKey.get(key);
    if (!slot) {
      slot = new BufferSlot(this.all.length, name, part.transforms, this.catalog);
      this.all.push(slot);
      this.byKey.set(key, slot);
    }
    return slot;
  }
}

function compileRule(
  rule: Rule,
  environment: CompileEnvironment,
  slots: SlotTable,
  lists: HeaderLists,
): RuleDraft {
  const builder = new RuleBuilder(rule, environment);
  for (const option of rule.options) {
    const keyword = keywordOf(option.keyword, environment.buffers);
    if (!keyword) {
      throw new RuleError(`keyword ${option.keyword} is not supported yet`, option.place, rule.sid);
    }
    keyword.parse(option, builder);
  }
  addHook(builder);
  const compiled = new CompiledRule(rule);
  compileHeader(builder, compiled, lists);
  const { networkProtocols } = builder;
  if (networkProtocols !== null) {
    compiled.transports &= transportsOf((protocol) => networkProtocols.has(protocol));
  }
  compileDirections(builder, compiled);
  compilePayload(builder, compiled);

  const buffers: BufferTest[] = [];
  for (const part of builder.parts) {
    linkSteps(part.steps);
    const { steps, occurrences, side } = part;
    buffers.push({ slot: slots.slotOf(part), steps, occurrences, side });
  }
  if (buffers.length > MAX_BUFFERS) {
    throw new RuleError(`the rule looks at more than ${MAX_BUFFERS} buffers`, rule.place, rule.sid);
  }
  for (const { buffer, part } of builder.packetParts) {
    linkSteps(part.steps);
    builder.packetTests.push(new PacketBufferTest(buffer, part.transforms, part.steps));
  }
  // Asked of nothing but the protocol, a flow is told of once.
  const { packetTests } = builder;
  const { protocolTests } = builder;
  if (
    protocolTests > 0 &&
    packetTests.length === protocolTests &&
    buffers.length === 0 &&
    !compiled.payload
  ) {
    packetTests.push({ asks: FlowFact.PROTOCOLS, matches: ({ protocolDetected }) => protocolDetected });
  }
  compiled.buffers = buffers.length > 0 ? buffers : null;
  compiled.flowState = builder.flowState;
  compiled.packetTests = builder.packetTests.length > 0 ? builder.packetTests : null;
  compiled.flowBitConditions = builder.flowBitConditions.length > 0 ? builder.flowBitConditions : null;
  compiled.flowBitActions = builder.flowBitActions.length > 0 ? builder.flowBitActions : null;
  compiled.effects = builder.effects.length > 0 ? builder.effects : null;
  compiled.alwaysAlert = builder.alwaysAlert;
  compiled.tag = builder.tag;
  environment.thresholds?.apply(builder);
  compiled.noAlert = builder.noAlert;
  compiled.thresholds = builder.thresholds.length > 0 ? builder.thresholds : null;
  compiled.target = builder.target;
  compiled.appLayerEvent = eventOf(builder);
  compiled.addressesOnly = isAboutAddresses(builder, compiled);

  const pattern = choosePattern(builder, compiled);
  if (pattern) {
    compiled.fastPattern = new Literal(pattern.bytes, pattern.caseless);
    compiled.fastPatternEnd = pattern.end;
    pattern.step.prefiltered = pattern.atEnd;
    compiled.shape = shapeOf(pattern.part.steps);
  } else if (compiled.buffers === null && compiled.payload !== null) {
    compiled.shape = shapeOf(compiled.payload);
    compiled.shape.atLeast(1);
  }
  // Of other transports' packets the payload that dsize means is not what follows the IP header.
  const isSized = compiled.buffers === null && (compiled.transports & TransportBit.OTHER) === 0;
  if (isSized && builder.payloadSizes !== null) compiled.shape.within(builder.payloadSizes);
  const patternSlot = pattern && pattern.part !== builder.payload ? slots.slotOf(pattern.part) : null;
  compiled.rawFiltered = compiled.buffers !== null && pattern !== null && patternSlot === null;
  return { compiled, pattern, patternSlot, key: orderKey(rule, builder) };
}

/** Patterns of fewer bits are given up for a rarer raw content. */
const RARE_BITS = 36;
/** Raw contents of fewer bits are in every other stream. */
const RAW_BITS = 16;

/**
 * Buffers are smaller and less often there than payloads: where a rule has both, the pattern is in a buffer, unless all
 * that is asked of buffers is ordinary.
 */
function choosePattern(builder: RuleBuilder, compiled: CompiledRule): FastPattern | null {
  const { payload, parts } = builder;
  if (parts.length === 0) return patternAmong([payload], builder);
  const inBuffers = patternAmong(parts, builder);
  if (compiled.transports !== TransportBit.TCP || compiled.payloadMode === PayloadMode.PACKET)
    return inBuffers;
  if (inBuffers && inBuffers.bits >= RARE_BITS) return inBuffers;
  const raw = patternAmong([payload], builder);
  return raw && raw.bits >= RAW_BITS && raw.bits > (inBuffers?.bits ?? 0) ? raw : inBuffers;
}

function patternAmong(parts: readonly BufferPart[], builder: RuleBuilder): FastPattern | null {
  // What need not be there cannot be looked for; a rule that looks both ways begins with what comes first.
  const certain = parts.filter(({ occurrences, side }) => occurrences === null && side !== 1);
  const searched = certain.map((part) => ({
    part,
    contents: part.steps.filter((step) => step instanceof ContentStep),
  }));
  return chooseFastPattern(searched, builder.fastPattern);
}

/** One bit each in the state of a waiting rule, and one for the payload. */
const MAX_BUFFERS = 30;

/** Tells each content and expression which later steps count from where it matched. */
function linkSteps(steps: readonly BufferStep[]): void {
  let anchor: BufferStep | null = null;
  for (const step of steps) {
    if (step instanceof Base64DecodeStep) linkSteps(step.inner);
    if (step.relative) anchor?.followedBy(step);
    if (step.anchor) anchor = step;
  }
}

function compileDirections(builder: RuleBuilder, compiled: CompiledRule): void {
  const { rule } = builder;
  if (builder.isTwoWay) {
    if (builder.directions !== 0) {
      throw new RuleError(
        'a rule with => looks both ways: flow cannot name a direction',
        rule.place,
        rule.sid,
      );
    }
    if (builder.parts.length === 0) {
      throw new RuleError('a rule with => looks at buffers of a transaction', rule.place, rule.sid);
    }
    compiled.directions = DirectionBit.TO_SERVER | DirectionBit.TO_CLIENT;
    return;
  }
  let directions = builder.directions || DirectionBit.TO_SERVER | DirectionBit.TO_CLIENT;
  for (const part of builder.parts) {
    const before = directions;
    directions &= builder.environment.buffers.directions(part.name as string);
    if (directions !== 0) continue;
    const wanted = before === DirectionBit.TO_SERVER ? 'to the server' : 'to the client';
    throw new RuleError(
      `${part.name} does not occur ${wanted}, which the rest of the rule asks for`,
      rule.place,
      rule.sid,
    );
  }
  compiled.directions = directions;
}

function compilePayload(builder: RuleBuilder, compiled: CompiledRule): void {
  const { steps } = builder.payload;
  linkSteps(steps);
  compiled.payload = steps.length > 0 ? steps : null;
  let mode = builder.payloadMode;
  if (mode === 0 && steps.length > 0) {
    mode = PayloadMode.STREAM;
    // What is bound to a place may be meant for the packet: both are looked at.
    const bound = steps.some((step) => step instanceof ContentStep && (step.hasDepth || step.hasOffset));
    if (bound) mode |= PayloadMode.PACKET;
  }
  compiled.payloadMode = mode;
}

function eventOf({ appLayerEvents, rule }: RuleBuilder): string | null {
  if (appLayerEvents.length > 1)
    throw new RuleError('a rule can wait for one application-layer event only', rule.place, rule.sid);
  return appLayerEvents[0] ?? null;
}

/** Nothing but addresses and protocol: asked once for each direction of a flow, as Suricata's "IP only" rules. */
function isAboutAddresses(builder: RuleBuilder, compiled: CompiledRule): boolean {
  return (
    compiled.buffers === null &&
    compiled.payload === null &&
    !builder.everyPacket &&
    builder.packetTests.every(({ ofAddresses }) => ofAddresses === true) &&
    builder.directions === 0 &&
    compiled.appProtocols === null &&
    compiled.flowBitConditions === null &&
    builder.flowBitActions.every(({ change }) => change === 'set') &&
    compiled.sourcePorts === null &&
    compiled.destinationPorts === null &&
    (builder.flowState === 0 || builder.flowState === FlowState.STATELESS) &&
    builder.payloadMode === 0
  );
}
