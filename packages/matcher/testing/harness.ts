/** What the tests of this package share: rules from text, packets and transactions made of plain values. */

import type { BufferDefinition, BufferView, Direction, MatchState, Transaction } from '@portcullis/protocols';
import { parseRuleText, type Rule, Variables } from '@portcullis/rules';
import { type CompileOptions, type CompileResult, compileRulesNow } from '../src/compile-rules';
import type { CompiledRuleSet } from '../src/compiled-rule-set';
import { InspectionContext } from '../src/context';
import { prepareDatabasesNow } from '../src/databases';
import { DataSets } from '../src/lists/data-set';
import { Matcher } from '../src/matcher';
import type { MatcherLimits } from '../src/matcher-limits';
import { NameTable } from '../src/name-table';
import { openRuleSet, packRuleSet } from '../src/packed-rule-set';
import type { RuleMemory } from '../src/rule-memory';

export const PROTOCOLS = ['http', 'dns'] as const;

function row(
  name: string,
  id: number,
  directions: readonly Direction[],
  progress: number,
  kind: '' | 'streaming' | 'multiple' = '',
  protocol = 'http',
): BufferDefinition {
  return {
    name,
    id,
    protocol,
    directions,
    progress,
    streaming: kind === 'streaming',
    multiple: kind === 'multiple',
  };
}

const OPCODES = new Map([
  ['query', 0],
  ['notify', 4],
]);
const FLAGS = new Map([
  ['retain', 1],
  ['dup', 8],
  ['high', 0x8000],
]);

export const BUFFERS: readonly BufferDefinition[] = [
  row('http.method', 1, [0], 1),
  row('http.uri', 2, [0], 1),
  row('http.uri.raw', 3, [0], 1),
  row('http.header', 4, [0, 1], 2),
  row('http.host', 5, [0], 2),
  row('http.user_agent', 6, [0], 2),
  row('http.request_body', 7, [0], 3, 'streaming'),
  row('http.stat_code', 8, [1], 1),
  row('http.response_body', 9, [1], 3, 'streaming'),
  row('file.data', 10, [0, 1], 3, 'streaming'),
  row('http.cookie', 11, [0, 1], 2),
  // Made of others: tests give them contents that follow from those.
  { ...row('http.request_line', 30, [0], 1), derivedFrom: ['http.request_line'] },
  { ...row('http.header.raw', 31, [0, 1], 2), derivedFrom: ['http.header.raw'] },
  { ...row('http.header_names', 32, [0, 1], 2), derivedFrom: ['http.header.raw'] },
  { ...row('http.start', 33, [0, 1], 2), derivedFrom: ['http.request_line', 'http.header.raw'] },
  row('dns.query', 20, [0, 1], 1, 'multiple', 'dns'),
  { ...row('dns.opcode', 21, [0, 1], 1, '', 'dns'), integer: { bytes: 1, names: OPCODES } },
  { ...row('dns.flags', 22, [0, 1], 1, '', 'dns'), integer: { bytes: 2, names: FLAGS, flags: true } },
  { ...row('dns.rrtype', 23, [0, 1], 1, 'multiple', 'dns'), integer: { bytes: 2 } },
  row('file.name', 25, [0, 1], 1, 'multiple'),
  row('file.md5', 26, [0, 1], 1, 'multiple'),
  { ...row('file.size', 24, [0, 1], 1, 'multiple'), integer: { bytes: 8 } },
];

const IDS = new Map(BUFFERS.map((definition) => [definition.name, definition.id]));

/** Text as bytes, one character a byte. */
export function latin1(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'latin1'));
}

interface Held {
  readonly pieces: Uint8Array[];
  fresh: number;
  complete: boolean;
}

/** A transaction whose buffers are set by name. */
export class TestTransaction implements Transaction {
  matchState: MatchState = null;
  readonly progressOf: [number, number] = [0, 0];
  private readonly held = new Map<number, Held>();

  constructor(readonly id = 0) {}

  /** Sets a buffer; a list for one that occurs several times. */
  set(name: string, value: string | readonly string[]): this {
    const values = typeof value === 'string' ? [value] : value;
    this.held.set(IDS.get(name) as number, { pieces: values.map(latin1), fresh: 0, complete: true });
    return this;
  }

  /** Adds to a growing buffer: what was there before is no longer fresh. */
  grow(name: string, more: string, complete: boolean): this {
    const id = IDS.get(name) as number;
    const before = this.held.get(id)?.pieces[0] ?? new Uint8Array(0);
    const bytes = Uint8Array.from([...before, ...latin1(more)]);
    this.held.set(id, { pieces: [bytes], fresh: before.length, complete });
    return this;
  }

  progress(direction: Direction): number {
    return this.progressOf[direction];
  }

  buffer(id: number, index: number, out: BufferView): boolean {
    const held = this.held.get(id);
    if (!held || index >= held.pieces.length) return false;
    const bytes = held.pieces[index];
    out.bytes = bytes;
    out.start = 0;
    out.end = bytes.length;
    out.streamOffset = 0;
    out.fresh = held.fresh;
    out.complete = held.complete;
    return true;
  }
}

export const VARIABLES = new Variables({
  addressGroups: { HOME_NET: '[10.0.0.0/8,fd00::/8]', EXTERNAL_NET: '!$HOME_NET' },
  portGroups: { HTTP_PORTS: '[80,8080]' },
});

function parsed(text: string): readonly Rule[] {
  const set = parseRuleText(text, { variables: VARIABLES });
  if (set.errors.length > 0) throw set.errors[0];
  return set.rules;
}

/** Compiles rules; a rule that cannot be read at all fails the test. */
export function compileText(
  text: string,
  names = new NameTable(),
  options: Partial<CompileOptions> = {},
): CompileResult {
  return compileRulesNow(parsed(text), { buffers: BUFFERS, protocols: PROTOCOLS, names, ...options });
}

/** Rules as an engine has them: compiled, packed, and opened again. Fails where a rule cannot be compiled. */
export function openText(
  text: string,
  names = new NameTable(),
  given: Partial<CompileOptions> = {},
): CompiledRuleSet {
  const rules = parsed(text);
  const options = { buffers: BUFFERS, protocols: PROTOCOLS, ...given };
  const result = compileRulesNow(rules, { ...options, names: new NameTable(), dataSets: new DataSets() });
  if (result.failed.length > 0) throw result.failed[0].error;
  const steps = openRuleSet(
    packRuleSet(result, rules, null),
    { variables: VARIABLES },
    { ...options, names },
    0,
  );
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value.ruleset;
  }
}

export interface PacketFields {
  readonly protocol?: number;
  readonly version?: 4 | 6;
  readonly source?: readonly number[];
  readonly destination?: readonly number[];
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly tcpFlags?: number;
  readonly payload?: string;
}

/** A matcher over rules given as text. All methods return the sids that fired, in their order. */
export class Harness {
  readonly context = new InspectionContext();
  readonly matcher: Matcher;
  readonly names = new NameTable();

  constructor(
    text: string,
    limits: Partial<MatcherLimits> = {},
    private readonly options: Partial<CompileOptions> = {},
    memory: RuleMemory | null = null,
  ) {
    this.matcher = new Matcher(this.compile(text), limits, memory);
    const { context } = this;
    context.hasFlow = true;
    context.flowEstablished = true;
    context.payloadInStream = true;
    context.timeMicros = 1e15;
    this.setPacket({});
  }

  compile(text: string) {
    const ruleset = openText(text, this.names, this.options);
    prepareDatabasesNow(ruleset);
    return ruleset;
  }

  setPacket(fields: PacketFields): void {
    const { packet } = this.context;
    packet.protocol = fields.protocol ?? 6;
    packet.version = fields.version ?? 4;
    packet.source.set(fields.source ?? [0, 0, 0xffff, 0x01020304]);
    packet.destination.set(fields.destination ?? [0, 0, 0xffff, 0x0a000001]);
    packet.sourcePort = fields.sourcePort ?? 40_000;
    packet.destinationPort = fields.destinationPort ?? 80;
    packet.tcpFlags = fields.tcpFlags ?? 0x18;
    const payload = latin1(fields.payload ?? '');
    packet.bytes = payload;
    packet.payload = 0;
    packet.payloadEnd = payload.length;
    this.context.payloadStart = 0;
    this.context.payloadEnd = payload.length;
  }

  private run(work: () => void): number[] {
    const { matcher, context } = this;
    matcher.begin(context);
    work();
    matcher.end(context);
    return Array.from(matcher.matches.subarray(0, matcher.matchCount), (number) => matcher.rule(number).sid);
  }

  packet(fields: PacketFields = {}): number[] {
    this.setPacket(fields);
    return this.run(() => this.matcher.inspectPacket(this.context));
  }

  /** A window of the stream. @param fresh where its new bytes begin */
  stream(text: string, fresh = 0, streamOffset = 0): number[] {
    const bytes = latin1(text);
    return this.run(() =>
      this.matcher.inspectStream(this.context, bytes, 0, bytes.length, fresh, streamOffset),
    );
  }

  transaction(
    transaction: TestTransaction,
    progress: number,
    direction: Direction = 0,
    protocol = 'http',
  ): number[] {
    this.context.direction = direction;
    this.context.appProtocol = PROTOCOLS.indexOf(protocol as 'http') + 1;
    transaction.progressOf[direction] = progress;
    return this.run(() => this.matcher.inspectTransaction(this.context, transaction, direction));
  }
}
