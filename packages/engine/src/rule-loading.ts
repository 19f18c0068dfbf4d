import {
  type ActionOrder,
  type CompiledRuleSet,
  type CompileOptions,
  compileRules,
  compilerFingerprint,
  DataSets,
  type FailedRule,
  GeoDatabase,
  IpReputation,
  NameTable,
  openRuleSet,
  packRuleSet,
  prepareDatabases,
} from '@portcullis/matcher';
import { allBuffers, type ProtocolDefinition } from '@portcullis/protocols';
import {
  type Classification,
  interceptedPorts,
  type PortRange,
  parseClassification,
  parseRules,
  parseThresholdConfig,
  type Rule,
  type RuleContext,
  RuleSet,
  type RuleSwitches,
  STANDARD_CLASSIFICATION,
  Variables,
} from '@portcullis/rules';
import { DEFAULT_DETECTION_POLICY, DetectionPolicy, type DetectionPolicySettings } from './detection-policy';
import { keepPackedRules, readPackedRules, ruleSourceKey } from './packed-rules-cache';
import { looksAtReplyPayload } from './reply-payload';

/** What rules may ask besides the traffic, and what is done with their matches: plain data that crosses threads. */
export interface RuleLists {
  /** A threshold.config. */
  thresholds?: { path: string; text: string };
  /** For `iprep`: texts of a categories file, and of lists of addresses. */
  reputation?: { categories: string; lists: readonly string[] };
  /** For `geoip`: a MaxMind database. */
  geo?: Uint8Array;
}

/** Rule files, and what their variables stand for: plain data that crosses threads. */
export interface RuleSource {
  /** Their text, or its bytes in UTF-8. */
  files: readonly { path: string; text: string | Uint8Array }[];
  /** Signatures that are to be the other way than their files have them, by sid. */
  switches?: { disabled: readonly number[]; enabled: readonly number[] };
  /** Text of a classification.config; null: the classes everybody has. */
  classification: string | null;
  addressGroups: Readonly<Record<string, string>>;
  portGroups: Readonly<Record<string, string>>;
  /** What is done about matches; absent: what is usual. */
  policy?: DetectionPolicySettings;
  lists?: RuleLists;
  /** Which of the rules that match one packet count first; absent: as Suricata has it. */
  actionOrder?: ActionOrder;
  /** Compiled rules and pattern databases are kept here; null: nowhere. */
  cacheDirectory: string | null;
}

/** What came of loading rules, as plain data. */
export interface RuleSummary {
  loaded: number;
  failed: FailedRuleSummary[];
  disabled: number;
  seconds: number;
  ports: { ranges: PortRange[]; anyPortRules: number[]; named: PortRange[] };
  /** A rule looks at what services answer over TCP. */
  replyPayload: boolean;
  /** Protocols other than TCP that rules look at. */
  datagrams: ('udp' | 'icmp')[];
}

export interface FailedRuleSummary {
  file: string;
  line: number;
  sid: number;
  reason: string;
}

export interface LoadedRules {
  ruleset: CompiledRuleSet;
  policy: DetectionPolicy;
  summary: RuleSummary;
}

/** What the classes of the rules are called, and their priorities. */
export function ruleClasses(source: Pick<RuleSource, 'classification'>): Classification {
  return source.classification === null
    ? STANDARD_CLASSIFICATION
    : parseClassification(source.classification).classes;
}

function ruleSwitches({ switches }: RuleSource): RuleSwitches {
  return { disabled: new Set(switches?.disabled), enabled: new Set(switches?.enabled) };
}

/** The rules of a source in the form that threads share: plain data. */
export interface PreparedRules extends Omit<RuleSource, 'files'> {
  packed: Uint8Array<SharedArrayBuffer>;
}

export interface Preparation {
  prepared: PreparedRules;
  /** A rule failed for want of something outside: the next time it may be there. */
  provisional: boolean;
}

function compileOptions(
  source: Omit<RuleSource, 'files'>,
  protocols: readonly ProtocolDefinition[],
  names: NameTable,
  dataSets: DataSets,
  problems: FailedRuleSummary[],
): { context: RuleContext; options: CompileOptions } {
  const variables = Variables.withDefaults({
    addressGroups: source.addressGroups,
    portGroups: source.portGroups,
  });
  return {
    context: { variables, classes: ruleClasses(source) },
    options: {
      buffers: allBuffers(protocols),
      protocols: protocols.map((protocol) => protocol.name),
      names,
      dataSets,
      events: protocols.flatMap(({ events }) => events),
      ...(source.actionOrder !== undefined && { actionOrder: source.actionOrder }),
      ...compileLists(source.lists ?? {}, variables, problems),
    },
  };
}

/** What of the program and the protocols decides what comes of rules: in hex. */
function rulesFingerprint(protocols: readonly ProtocolDefinition[]): string {
  return compilerFingerprint({
    buffers: allBuffers(protocols),
    protocols: protocols.map((protocol) => protocol.name),
    events: protocols.flatMap(({ events }) => events),
  });
}

/** Reads and compiles rules, in slices of a few milliseconds. */
function* prepareRules(
  source: RuleSource,
  protocols: readonly ProtocolDefinition[],
): Generator<void, Preparation> {
  const started = performance.now();
  const problems: FailedRuleSummary[] = [];
  // Numbers of names and the contents of data sets belong to who opens the rules: these are let go.
  const { context, options } = compileOptions(source, protocols, new NameTable(), new DataSets(), problems);
  const set = new RuleSet();
  const switches = ruleSwitches(source);
  for (const file of source.files) {
    const steps = parseRules(ruleFileText(file), { ...context, file: file.path }, set, { switches });
    while (!steps.next().done) yield;
  }
  const { rules } = set;
  const compiling = compileRules(rules, options);
  let step = compiling.next();
  while (!step.done) {
    yield;
    step = compiling.next();
  }
  const { ruleset, failed, skipped } = step.value;
  const absent = new Set<Rule>([...failed.map(({ rule }) => rule), ...skipped]);
  const loaded = rules.filter((rule) => !absent.has(rule));
  yield;
  const { udp: udpPackets, icmp, other } = ruleset.needs.packetRules;
  const udp = udpPackets || ruleset.needs.datagramTransactions;
  const summary: RuleSummary = {
    loaded: loaded.length,
    failed: [
      ...set.errors.map((error) => ({
        file: error.file,
        line: error.place.line,
        sid: error.sid,
        reason: error.reason,
      })),
      ...failed.map(summaryOf),
      ...problems,
    ],
    disabled: set.disabled + skipped.length,
    seconds: (performance.now() - started) / 1000,
    ports: portsOf(loaded),
    replyPayload: looksAtReplyPayload(ruleset, loaded),
    datagrams: [...(udp || other ? (['udp'] as const) : []), ...(icmp || other ? (['icmp'] as const) : [])],
  };
  yield;
  const { files: _, ...rest } = source;
  return {
    prepared: { ...rest, packed: packRuleSet(step.value, rules, summary) },
    provisional: failed.some(({ asksOutward }) => asksOutward),
  };
}

function summaryOf({ rule, error }: FailedRule): FailedRuleSummary {
  return { file: rule.file, line: rule.place.line, sid: rule.sid, reason: error.message };
}

/** Makes the rules ready for the matcher but for the pattern databases, in slices of a few milliseconds. */
export function* openRules(
  prepared: PreparedRules,
  protocols: readonly ProtocolDefinition[],
  names: NameTable,
  dataSets: DataSets = new DataSets(),
): Generator<void, LoadedRules> {
  const { context, options } = compileOptions(prepared, protocols, names, dataSets, []);
  const { ruleset, failed, about } = yield* openRuleSet(prepared.packed, context, options);
  const told = about as RuleSummary;
  return {
    ruleset,
    policy: new DetectionPolicy(prepared.policy ?? DEFAULT_DETECTION_POLICY, ruleset.rules.length),
    summary: {
      ...told,
      loaded: told.loaded - failed.length,
      failed: [...told.failed, ...failed.map(summaryOf)],
    },
  };
}

/** Everything up to the pattern databases, in slices of a few milliseconds. */
export function* loadRules(
  source: RuleSource,
  protocols: readonly ProtocolDefinition[],
  names: NameTable,
  dataSets?: DataSets,
): Generator<void, LoadedRules> {
  const { prepared } = yield* prepareRules(source, protocols);
  return yield* openRules(prepared, protocols, names, dataSets);
}

/** @param problems gets the lines that are not used, and why */
function compileLists(
  { thresholds, reputation, geo }: RuleLists,
  variables: Variables,
  problems: FailedRuleSummary[],
): Pick<CompileOptions, 'thresholds' | 'reputation' | 'geo'> {
  const options: { -readonly [K in 'thresholds' | 'reputation' | 'geo']?: NonNullable<CompileOptions[K]> } =
    {};
  if (thresholds !== undefined) {
    options.thresholds = parseThresholdConfig(thresholds.text, variables);
    for (const { line, reason } of options.thresholds.problems)
      problems.push({ file: thresholds.path, line, sid: 0, reason });
  }
  if (reputation !== undefined) {
    const { categories, lists } = reputation;
    options.reputation = new IpReputation();
    const wrong = options.reputation.addCategories(categories);
    for (const list of lists) wrong.push(...options.reputation.addList(list));
    for (const { line, reason } of wrong) problems.push({ file: 'reputation', line, sid: 0, reason });
  }
  if (geo !== undefined) options.geo = new GeoDatabase(Buffer.from(geo.buffer, geo.byteOffset, geo.length));
  return options;
}

/** Runs steps one after the other, `between` after each. */
function inOneGo<T>(steps: Generator<void, T>, between?: () => void): T {
  let step = steps.next();
  while (!step.done) {
    between?.();
    step = steps.next();
  }
  return step.value;
}

/** Rules of the source that were compiled before. @returns null where they are not kept */
export function keptRules(
  source: RuleSource,
  protocols: readonly ProtocolDefinition[],
): PreparedRules | null {
  const { cacheDirectory, files: _, ...rest } = source;
  if (cacheDirectory === null) return null;
  const key = ruleSourceKey(source, rulesFingerprint(protocols));
  const packed = readPackedRules(cacheDirectory, key);
  return packed && { ...rest, cacheDirectory, packed };
}

/**
 * The rules of a source in the form that threads share: kept ones where there are, else compiled now, and kept.
 * @param between called every few milliseconds
 */
export function prepareRulesNow(
  source: RuleSource,
  protocols: readonly ProtocolDefinition[],
  between?: () => void,
): PreparedRules {
  const kept = keptRules(source, protocols);
  if (kept !== null) return kept;
  const { prepared, provisional } = inOneGo(prepareRules(source, protocols), between);
  const { cacheDirectory } = source;
  if (cacheDirectory === null || provisional) return prepared;
  keepPackedRules(cacheDirectory, ruleSourceKey(source, rulesFingerprint(protocols)), prepared.packed);
  return prepared;
}

/** `openRules` in one go, with the databases. */
export async function openRulesNow(
  prepared: PreparedRules,
  protocols: readonly ProtocolDefinition[],
  names: NameTable,
  dataSets?: DataSets,
): Promise<LoadedRules> {
  const loaded = inOneGo(openRules(prepared, protocols, names, dataSets));
  await prepareDatabases(loaded.ruleset, databaseOptions(prepared));
  return loaded;
}

/** Rules with their databases, in this thread. */
export async function loadRulesNow(
  source: RuleSource,
  protocols: readonly ProtocolDefinition[],
  names: NameTable,
  dataSets?: DataSets,
): Promise<LoadedRules> {
  const started = performance.now();
  const loaded = await openRulesNow(prepareRulesNow(source, protocols), protocols, names, dataSets);
  loaded.summary.seconds = (performance.now() - started) / 1000;
  return loaded;
}

function databaseOptions({ cacheDirectory }: PreparedRules): { cacheDirectory?: string } {
  return cacheDirectory === null ? {} : { cacheDirectory };
}

/** Text of a rule file of a source. */
export function ruleFileText({ text }: RuleSource['files'][number]): string {
  return typeof text === 'string' ? text : Buffer.from(text.buffer, text.byteOffset, text.length).toString();
}

const copyRange = ({ first, last }: PortRange): PortRange => ({ first, last });

function portsOf(rules: readonly Rule[]): RuleSummary['ports'] {
  const { ranges, anyPortRules, named } = interceptedPorts(rules, () => true);
  return { ranges: ranges.map(copyRange), anyPortRules: [...anyPortRules], named: named.map(copyRange) };
}

/** `file:line: sid N: reason`. */
export function describeFailedRule({ file, line, sid, reason }: FailedRuleSummary): string {
  return `${file}:${line}: sid ${sid}: ${reason}`;
}
