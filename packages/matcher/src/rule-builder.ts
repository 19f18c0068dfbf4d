import type { Direction } from '@portcullis/protocols';
import { type Action, type Rule, RuleError, type RuleOption } from '@portcullis/rules';
import type { BufferCatalog } from './buffer-catalog';
import { CONTENT_CASES } from './buffer-names';
import { type BufferStep, MAX_VARIABLES } from './evaluation';
import type { ExpressionCompiler } from './expression';
import type { FlowBitAction, FlowBitCondition } from './flow-bits';
import type { IntegerRange } from './integer-range';
import type { PacketTest, RuleEffect } from './keyword';
import type { Base64DecodeStep } from './keywords/base64';
import type { ContentStep } from './keywords/content';
import type { DataSets } from './lists/data-set';
import type { GeoDatabase } from './lists/geo-database';
import type { IpReputation } from './lists/ip-reputation';
import type { ListFiles } from './lists/list-files';
import type { NameTable } from './name-table';
import type { Occurrences } from './occurrences';
import { type Argument, invalid } from './option-value';
import type { PacketBuffer } from './packet-buffer';
import type { ProtocolState } from './protocol-states';
import type { TagSettings } from './tag-settings';
import type { ThresholdEntries } from './threshold-entries';
import type { ThresholdSettings } from './threshold-table';
import { noteWritten, type Transform } from './transform';

/** What rules are compiled against. */
export interface CompileEnvironment {
  readonly buffers: BufferCatalog;
  readonly names: NameTable;
  readonly expressions: ExpressionCompiler;
  /** Compile each expression at once, only to see that it can be. */
  readonly checkExpressions: boolean;
  readonly thresholds: ThresholdEntries | null;
  readonly files: ListFiles;
  /** Where data sets are kept from one run to the next; null: beside the rules. */
  readonly dataDirectory: string | null;
  readonly dataSets: DataSets;
  readonly reputation: IpReputation | null;
  readonly geo: GeoDatabase | null;
  /** Names of the events that parsers can give, in lower case; null: not known. */
  readonly events: ReadonlySet<string> | null;
  readonly actionRanks: Readonly<Record<Action, number>>;
}

/** Steps over one buffer. `name` is null for the payload. */
export class BufferPart {
  /** null: any one of them. */
  occurrences: Occurrences | null = null;
  /** Direction it is of, in a rule that looks both ways; else -1. */
  side: Direction | -1 = -1;

  constructor(
    readonly name: string | null,
    readonly transforms: readonly Transform[],
    readonly steps: BufferStep[] = [],
  ) {}
}

/** Flow states a rule asks for. */
export const FlowState = { ESTABLISHED: 1, NOT_ESTABLISHED: 2, STATELESS: 4 } as const;

/** How a payload is looked at. */
export const PayloadMode = { PACKET: 1, STREAM: 2 } as const;

/** Bits for the directions a rule looks at. */
export const DirectionBit = { TO_SERVER: 1, TO_CLIENT: 2 } as const;

/** A rule while its options are read. */
export class RuleBuilder {
  readonly payload = new BufferPart(null, []);
  readonly parts: BufferPart[] = [];
  readonly packetTests: PacketTest[] = [];
  /** Numbers of the network protocols it looks at, where a keyword says; null: those of its header. */
  networkProtocols: IntegerRange | null = null;
  readonly flowBitConditions: FlowBitCondition[] = [];
  readonly flowBitActions: FlowBitAction[] = [];
  readonly effects: RuleEffect[] = [];
  lastContent: ContentStep | null = null;
  fastPattern: { step: ContentStep; from: number; length: number } | null = null;
  /** Bits of `DirectionBit`, as `flow` says; 0: not said. */
  directions = 0;
  /** Bits of `FlowState`; 0: not said. */
  flowState = 0;
  /** Bits of `PayloadMode`, where a keyword says. */
  payloadMode = 0;
  /** Payload sizes of the packets it looks at; null: all. */
  payloadSizes: IntegerRange | null = null;
  noAlert = false;
  /** Its matches are told even where its action says that they are not (`pass`). */
  alwaysAlert = false;
  /** Packets after the match that its author wants recorded. */
  tag: TagSettings | null = null;
  target: 'src_ip' | 'dest_ip' | null = null;
  readonly thresholds: ThresholdSettings[] = [];
  /** Application-layer events it waits for, in lower case (`http.request_field_too_long`). */
  readonly appLayerEvents: string[] = [];
  /** States of a transaction in which the rule is asked, a bit each; 0: whatever they are. */
  states = 0;
  private statesDirection = 0;
  /** Application protocols that keywords ask for, as rule headers name them. */
  readonly protocols = new Set<string>();

  /** The last `base64_decode`. */
  base64: Base64DecodeStep | null = null;
  /** A keyword means every packet, where the rest of the rule would be asked once for a flow. */
  everyPacket = false;
  /** How many of the packet tests ask which application protocol the flow has. */
  protocolTests = 0;
  /** Steps over parts of the packet. */
  readonly packetParts: { readonly buffer: PacketBuffer; readonly part: BufferPart }[] = [];

  private bufferName: string | null = null;
  private packetBuffer: PacketBuffer | null = null;
  private side: Direction | -1 = -1;
  private transforms: Transform[] = [];
  private part: BufferPart | null = this.payload;
  private lastPart: BufferPart = this.payload;
  /** Where the last step was added. */
  private relativePart: BufferPart = this.payload;
  private readonly variables = new Map<string, number>();

  constructor(
    readonly rule: Rule,
    readonly environment: CompileEnvironment,
  ) {}

  /** True for a rule that looks at both directions of a transaction. */
  get isTwoWay(): boolean {
    return this.rule.header.direction === '=>';
  }

  /**
   * Takes a direction that a keyword's value begins with (`to_client, <100`), which rules that look both ways may say.
   * @returns the rest of the value, and where it begins
   */
  takeSide(option: RuleOption): { side: Direction | -1; value: string; at: number } {
    const value = option.value ?? '';
    const form = /^(to_server|to_client)\s*(?:,\s*|$)/.exec(value);
    if (!form) return { side: -1, value, at: 0 };
    if (!this.isTwoWay) throw invalid(option, 'a direction is for rules with =>');
    return { side: form[1] === 'to_server' ? 0 : 1, value: value.slice(form[0].length), at: form[0].length };
  }

  /** True where steps added now look at the payload. */
  get inPayload(): boolean {
    return this.bufferName === null;
  }

  /** The rule looks only at flows of that application protocol. */
  requireProtocol(name: string): void {
    this.protocols.add(name);
  }

  /**
   * The rule is asked in these states of a transaction only.
   * @param option null: the header says so
   * @throws RuleError where it cannot be
   */
  addStates(option: RuleOption | null, states: number, { direction, protocol }: ProtocolState): void {
    const { place, sid } = this.rule;
    const fail = (message: string) =>
      option ? invalid(option, message) : new RuleError(message, place, sid);
    if (this.isTwoWay) throw fail('a rule with => has no states');
    if (this.statesDirection !== 0 && this.statesDirection !== direction)
      throw fail('another state is of the other direction');
    if (this.states !== 0 && (this.states & states) === 0)
      throw fail('a transaction is in one state at a time');
    this.statesDirection = direction;
    this.states = this.states === 0 ? states : this.states & states;
    this.requireProtocol(protocol);
  }

  /** Once all options are read: the direction of the states is that of the rule. @throws RuleError where `flow` names the other */
  settleStates(): void {
    const { place, sid } = this.rule;
    if (this.statesDirection === 0) return;
    if (this.directions !== 0 && this.directions !== this.statesDirection)
      throw new RuleError('flow names the other direction than the state', place, sid);
    this.directions = this.statesDirection;
  }

  /** From here on steps look at the buffer of that name. */
  openBuffer(option: RuleOption, name: string, side: Direction | -1 = -1): void {
    this.requireBuffer(option, name);
    this.side = side;
    this.bufferName = name;
    this.packetBuffer = null;
    this.transforms = [];
    this.part = null;
  }

  /** From here on steps look at that part of the packet. */
  openPacketBuffer(buffer: PacketBuffer): void {
    this.side = -1;
    this.payloadMode |= PayloadMode.PACKET;
    this.bufferName = buffer.name;
    this.packetBuffer = buffer;
    this.transforms = [];
    this.part = null;
  }

  /** From here on steps are added to those, which another step runs. */
  openSteps(steps: BufferStep[]): void {
    this.part = new BufferPart(null, [], steps);
  }

  /** Says which occurrences of the buffer that was just opened have to match. */
  setOccurrences(option: RuleOption, occurrences: Occurrences): void {
    if (this.part !== null || this.packetBuffer !== null) {
      throw invalid(option, 'stands right behind a sticky buffer');
    }
    this.part = this.findPart(this.bufferName as string, this.transforms, true);
    this.part.occurrences = occurrences;
  }

  openPayload(): void {
    this.bufferName = null;
    this.packetBuffer = null;
    this.transforms = [];
    this.part = this.payload;
  }

  addTransform(option: RuleOption, transform: Transform): void {
    if (this.bufferName === null) throw invalid(option, 'needs a sticky buffer before it');
    // Behind contents it begins another buffer: the one before, transformed further.
    if (this.part !== null) this.transforms = [...this.transforms];
    this.part = null;
    this.transforms.push(transform);
    noteWritten(transform, option);
  }

  /** Adds a step to the buffer that is open; where none is, what counts from the step before goes where that one is. */
  add(step: BufferStep): void {
    this.part ??= this.openPart();
    const part = step.relative && this.part === this.payload ? this.relativePart : this.part;
    part.steps.push(step);
    this.relativePart = part;
  }

  addContent(step: ContentStep): void {
    this.add(step);
    const letters = this.transforms.length > 0 ? undefined : CONTENT_CASES.get(this.bufferName ?? '');
    if (letters !== undefined) step.setCase(letters);
    this.lastContent = step;
    this.lastPart = this.relativePart;
  }

  /** Adds a step to the buffer of that name, whatever is open. */
  addTo(option: RuleOption, name: string, step: BufferStep): void {
    this.requireBuffer(option, name);
    this.relativePart = this.findPart(name, []);
    this.relativePart.steps.push(step);
  }

  /** Adds a condition of its own on the buffer of that name, whatever is open. @param step null: that it is there */
  addCondition(
    name: string,
    step: BufferStep | null,
    occurrences: Occurrences | null = null,
    side: Direction | -1 = -1,
  ): void {
    let part: BufferPart;
    this.side = side;
    if (occurrences !== null || this.environment.buffers.isMultiple(name)) {
      part = new BufferPart(name, []);
      part.occurrences = occurrences;
      part.side = this.sideOf(name);
      this.parts.push(part);
    } else part = this.findPart(name, []);
    if (step !== null) part.steps.push(step);
  }

  /** Old form: the last content looks at that buffer. */
  moveLastContent(option: RuleOption, name: string): void {
    this.requireBuffer(option, name);
    if (!this.lastContent) throw invalid(option, 'needs a content before it');
    if (this.lastPart !== this.payload) throw invalid(option, 'the content before it already has a buffer');
    this.lastPart.steps.splice(this.lastPart.steps.indexOf(this.lastContent), 1);
    this.lastPart = this.findPart(name, []);
    this.lastPart.steps.push(this.lastContent);
    this.relativePart = this.lastPart;
  }

  defineVariable(option: RuleOption, argument: Argument): number {
    if (this.variables.has(argument.text)) {
      throw invalid(option, `the name ${argument.text} is used twice`, argument.index);
    }
    if (this.variables.size >= MAX_VARIABLES) throw invalid(option, `more than ${MAX_VARIABLES} variables`);
    const index = this.variables.size;
    this.variables.set(argument.text, index);
    return index;
  }

  variable(option: RuleOption, argument: Argument): number {
    const index = this.variables.get(argument.text);
    if (index === undefined) {
      throw invalid(option, `"${argument.text}" is neither a number nor extracted before`, argument.index);
    }
    return index;
  }

  private requireBuffer(option: RuleOption, name: string): void {
    if (!this.environment.buffers.has(name)) throw invalid(option, 'keyword is not supported yet');
  }

  /** Of a buffer that exists both ways, the one to the server is meant unless the rule says so. */
  private sideOf(name: string): Direction | -1 {
    if (!this.isTwoWay) return -1;
    if (this.side >= 0) return this.side;
    return (this.environment.buffers.directions(name) & DirectionBit.TO_SERVER) !== 0 ? 0 : 1;
  }

  private openPart(): BufferPart {
    const buffer = this.packetBuffer;
    if (buffer === null) return this.findPart(this.bufferName as string, this.transforms);
    const key = partKey(buffer.name, this.transforms);
    // Where it is there once, what is said of it later goes on from what was said before.
    const known = this.packetParts.find(
      (each) => each.buffer === buffer && partKey(buffer.name, each.part.transforms) === key,
    );
    if (known && buffer.multiple !== true) return known.part;
    const part = new BufferPart(buffer.name, this.transforms);
    this.packetParts.push({ buffer, part });
    return part;
  }

  private findPart(name: string, transforms: readonly Transform[], separate = false): BufferPart {
    const key = partKey(name, transforms);
    const side = this.sideOf(name);
    // Where a buffer occurs several times, each sticky keyword may mean another occurrence.
    if (!separate && !(this.environment.buffers.isMultiple(name) && this.part === null)) {
      const known = this.parts.find(
        (part) =>
          part.occurrences === null &&
          part.side === side &&
          partKey(part.name as string, part.transforms) === key,
      );
      if (known) return known;
    }
    const part = new BufferPart(name, transforms);
    part.side = side;
    this.parts.push(part);
    return part;
  }
}

export function partKey(name: string, transforms: readonly Transform[]): string {
  return [name, ...transforms.map((transform) => transform.key)].join(' ');
}
