import { type Rule, RuleError } from '@portcullis/rules';
import type { BufferSlot } from './buffer-slot';
import { type BufferTest, CompiledRule, TransportBit } from './compiled-rule';
import type { BufferStep } from './evaluation';
import { chooseFastPattern, type FastPattern } from './fast-pattern';
import { addHook } from './hooks';
import { FlowFact } from './keyword';
import { Base64DecodeStep } from './keywords/base64';
import { ContentStep } from './keywords/content';
import { ExpressionStep } from './keywords/pcre';
import { PacketBufferTest } from './packet-buffer';
import { keywordOf } from './registry';
import {
  type BufferPart,
  type CompileEnvironment,
  DirectionBit,
  FlowState,
  PayloadMode,
  RuleBuilder,
} from './rule-builder';
import { compileHeader, type HeaderLists } from './rule-header';
import { orderKey } from './rule-order';
import { Literal } from './search';
import { shapeOf } from './shape-of-steps';
import type { SlotTable } from './slot-table';
import { transportsOf } from './transport-index';

/** A rule in the form the matcher runs, and what its place in the rule set is decided by. */
export interface RuleDraft {
  readonly compiled: CompiledRule;
  /** What the prefilter looks for, null where there is nothing. */
  readonly pattern: FastPattern | null;
  /** The pattern's buffer; null: the payload. */
  readonly patternSlot: BufferSlot | null;
  readonly key: number;
}

/** Reads the options of a rule. @throws RuleError */
function buildRule(rule: Rule, environment: CompileEnvironment): RuleBuilder {
  const builder = new RuleBuilder(rule, environment);
  for (const option of rule.options) {
    const keyword = keywordOf(option.keyword, environment.buffers);
    if (!keyword) {
      throw new RuleError(`keyword ${option.keyword} is not supported yet`, option.place, rule.sid);
    }
    keyword.parse(option, builder);
  }
  addHook(builder);
  builder.settleStates();
  return builder;
}

/** @throws RuleError */
export function compileRule(
  rule: Rule,
  environment: CompileEnvironment,
  slots: SlotTable,
  lists: HeaderLists,
): RuleDraft {
  const builder = buildRule(rule, environment);
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
  refuseMixedFrames(builder, buffers);
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
  // What asks for states only looks at transactions all the same.
  compiled.buffers = buffers.length > 0 || builder.states !== 0 ? buffers : null;
  compiled.states = builder.states;
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
  const steps = [builder.payload, ...builder.parts, ...builder.packetParts.map(({ part }) => part)].flatMap(
    (part) => part.steps,
  );
  const captures = steps.filter((step) => step instanceof ExpressionStep && step.captures);
  compiled.captures = captures.length > 0 ? (captures as ExpressionStep[]) : null;
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

/** A frame is told by itself: nothing of a transaction, and no other frame, is there at the same time. */
function refuseMixedFrames(
  { rule, appLayerEvents, states }: RuleBuilder,
  buffers: readonly BufferTest[],
): void {
  const frame = buffers.find(({ slot }) => slot.isFrame)?.slot.name;
  if (frame === undefined) return;
  const other =
    buffers.find(({ slot }) => slot.name !== frame)?.slot.name ??
    appLayerEvents[0] ??
    (states === 0 ? undefined : 'a state');
  if (other === undefined) return;
  throw new RuleError(
    `${frame} and ${other} cannot stand in one rule: a frame is looked at by itself`,
    rule.place,
    rule.sid,
  );
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
