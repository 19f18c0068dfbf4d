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
  ListFiles,
  listsAreCurrent,
  NameTable,
  openRuleSet,
  packRuleSet,
  prepareDatabases,
  type ReadLists,
  type ReadReputation,
  readReputation,
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
  dataSets: DataSets;
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

/** Lists as they were read, in memory that threads share. */
export interface PreparedLists extends Omit<RuleLists, 'reputation'> {
  reputation?: ReadReputation;
  /** Those that rules name. */
  named: ReadLists;
}

/** The rules of a source in the form that threads share: plain data. */
export interface PreparedRules extends Omit<RuleSource, 'files' | 'lists'> {
  packed: Uint8Array<SharedArrayBuffer>;
  lists?: PreparedLists;
}

export interface Preparation {
  prepared: PreparedRules;
  /** A rule failed for want of something outside: the next time it may be there. */
  provisional: boolean;
}

/** What the rules of one thread are made with. */
interface RuleUse {
  readonly protocols: readonly ProtocolDefinition[];
  readonly names: NameTable;
  readonly dataSets: DataSets;
}

function compileOptions(
  source: Omit<RuleSource, 'files' | 'lists'>,
  lists: Omit<PreparedLists, 'named'>,
  { protocols, names, dataSets, files }: RuleUse & { files: ListFiles },
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
      files,
      events: protocols.flatMap(({ events }) => events),
      ...(source.actionOrder !== undefined && { actionOrder: source.actionOrder }),
      ...compileLists(lists, variables, problems),
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
  const lists = readLists(source, problems);
  const files = new ListFiles();
  // Numbers of names and what data sets learn belong to who opens the rules: these are let go.
  const use = { protocols, names: new NameTable(), dataSets: new DataSets(), files };
  const { context, options } = compileOptions(source, lists, use, problems);
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
  return {
    prepared: preparedRules(source, packRuleSet(step.value, rules, summary), { ...lists, named: files.read }),
    provisional: failed.some(({ asksOutward }) => asksOutward),
  };
}

function preparedRules(
  { files: _, lists: __, ...rest }: RuleSource,
  packed: Uint8Array<SharedArrayBuffer>,
  lists: PreparedLists,
): PreparedRules {
  return { ...rest, packed, lists };
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
  files: ListFiles = new ListFiles(prepared.lists?.named),
): Generator<void, LoadedRules> {
  const { named: _, ...lists } = prepared.lists ?? { named: null };
  const use = { protocols, names, dataSets, files };
  const { context, options } = compileOptions(prepared, lists, use, []);
  const { ruleset, failed, about } = yield* openRuleSet(prepared.packed, context, options);
  const told = about as RuleSummary;
  return {
    ruleset,
    policy: new DetectionPolicy(prepared.policy ?? DEFAULT_DETECTION_POLICY, ruleset.rules.length),
    dataSets,
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
function readLists(
  { lists: { reputation, ...others } = {} }: RuleSource,
  problems: FailedRuleSummary[],
): Omit<PreparedLists, 'named'> {
  if (reputation === undefined) return others;
  const { read, problems: wrong } = readReputation(reputation.categories, reputation.lists);
  for (const { line, reason } of wrong) problems.push({ file: 'reputation', line, sid: 0, reason });
  return { ...others, reputation: read };
}

/** @param problems gets the lines that are not used, and why */
function compileLists(
  { thresholds, reputation, geo }: Omit<PreparedLists, 'named'>,
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
  if (reputation !== undefined) options.reputation = new IpReputation(reputation);
  if (geo !== undefined) options.geo = new GeoDatabase(Buffer.from(geo.buffer, geo.byteOffset, geo.length));
  return options;
}

/** Whether the files that rules name are still what they were when the rules were prepared. */
export function listsOfRulesAreCurrent({ lists }: PreparedRules): boolean {
  return lists === undefined || listsAreCurrent(lists.named);
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

/** Rules that name files are kept apart from others: whoever has them reads those files too. */
const NAMING_FILES = '-naming-files';

/**
 * Rules of the source that were compiled before.
 * @returns null where they are not kept, or files are to be read with them: that is what `keptRulesAndLists` is for
 */
export function keptRules(
  source: RuleSource,
  protocols: readonly ProtocolDefinition[],
): PreparedRules | null {
  const { cacheDirectory, lists: { reputation, ...lists } = {} } = source;
  if (cacheDirectory === null || reputation !== undefined) return null;
  const packed = readPackedRules(cacheDirectory, ruleSourceKey(source, rulesFingerprint(protocols)));
  return packed && preparedRules(source, packed, { ...lists, named: new Map() });
}

/** The same with the files that belong to them: of large ones that takes seconds. @returns null where they are not kept */
export function keptRulesAndLists(
  source: RuleSource,
  protocols: readonly ProtocolDefinition[],
): PreparedRules | null {
  const { cacheDirectory } = source;
  if (cacheDirectory === null) return null;
  const key = ruleSourceKey(source, rulesFingerprint(protocols));
  const naming = readPackedRules(cacheDirectory, key + NAMING_FILES);
  const packed = naming ?? readPackedRules(cacheDirectory, key);
  if (packed === null) return null;
  // What is wrong with lists is told by the summary that was kept with the rules.
  const lists = readLists(source, []);
  const files = new ListFiles();
  if (naming) {
    const rules = preparedRules(source, packed, { ...lists, named: new Map() });
    inOneGo(openRules(rules, protocols, new NameTable(), new DataSets(), files));
  }
  return preparedRules(source, packed, { ...lists, named: files.read });
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
  const kept = keptRulesAndLists(source, protocols);
  if (kept !== null) return kept;
  const { prepared, provisional } = inOneGo(prepareRules(source, protocols), between);
  const { cacheDirectory } = source;
  if (cacheDirectory === null || provisional) return prepared;
  const key = ruleSourceKey(source, rulesFingerprint(protocols));
  const namesFiles = (prepared.lists as PreparedLists).named.size > 0;
  keepPackedRules(cacheDirectory, namesFiles ? key + NAMING_FILES : key, prepared.packed);
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
