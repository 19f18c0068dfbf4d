import {
  type CompiledRuleSet,
  type CompileOptions,
  compileRules,
  DataSets,
  GeoDatabase,
  IpReputation,
  type NameTable,
  prepareDatabases,
} from '@portcullis/matcher';
import { allBuffers, type ProtocolDefinition } from '@portcullis/protocols';
import {
  type Classification,
  interceptedPorts,
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

/** What rules may ask besides the traffic, and what is done with their matches: plain data that crosses threads. */
export interface RuleLists {
  /** A threshold.config. */
  thresholds?: { path: string; text: string };
  /** For `iprep`: texts of a categories file, and of lists of addresses. */
  reputation?: { categories: string; lists: readonly string[] };
  /** For `geoip`: a MaxMind database. */
  geo?: Uint8Array;
}

/** Rule files as text, and what their variables stand for: plain data that crosses threads. */
export interface RuleSource {
  files: readonly { path: string; text: string }[];
  /** Signatures that are to be the other way than their files have them, by sid. */
  switches?: { disabled: readonly number[]; enabled: readonly number[] };
  /** Text of a classification.config; null: the classes everybody has. */
  classification: string | null;
  addressGroups: Readonly<Record<string, string>>;
  portGroups: Readonly<Record<string, string>>;
  /** What is done about matches; absent: what is usual. */
  policy?: DetectionPolicySettings;
  lists?: RuleLists;
  /** Compiled pattern databases are kept here; null: nowhere. */
  cacheDirectory: string | null;
}

/** What came of loading rules, as plain data. */
export interface RuleSummary {
  loaded: number;
  failed: FailedRuleSummary[];
  disabled: number;
  seconds: number;
  ports: { ranges: { first: number; last: number }[]; anyPortRules: number[] };
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
export function ruleClasses(source: RuleSource): Classification {
  return source.classification === null
    ? STANDARD_CLASSIFICATION
    : parseClassification(source.classification).classes;
}

function ruleSwitches({ switches }: RuleSource): RuleSwitches {
  return { disabled: new Set(switches?.disabled), enabled: new Set(switches?.enabled) };
}

/** Everything up to the pattern databases, in slices of a few milliseconds. */
export function* loadRules(
  source: RuleSource,
  protocols: readonly ProtocolDefinition[],
  names: NameTable,
  dataSets: DataSets = new DataSets(),
): Generator<void, LoadedRules> {
  const started = performance.now();
  const context: RuleContext = {
    variables: Variables.withDefaults({ addressGroups: source.addressGroups, portGroups: source.portGroups }),
    classes: ruleClasses(source),
  };
  const set = new RuleSet();
  const switches = ruleSwitches(source);
  for (const { path, text } of source.files) {
    const steps = parseRules(text, { ...context, file: path }, set, { switches });
    while (!steps.next().done) yield;
  }
  const problems: FailedRuleSummary[] = [];
  const compiling = compileRules(set.rules, {
    buffers: allBuffers(protocols),
    protocols: protocols.map((protocol) => protocol.name),
    names,
    dataSets,
    events: protocols.flatMap(({ events }) => events),
    ...compileLists(source.lists ?? {}, context.variables, problems),
  });
  let step = compiling.next();
  while (!step.done) {
    yield;
    step = compiling.next();
  }
  const { ruleset, failed, skipped } = step.value;
  const absent = new Set<Rule>([...failed.map(({ rule }) => rule), ...skipped]);
  const loaded = set.rules.filter((rule) => !absent.has(rule));
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
      ...failed.map(({ rule, error }) => ({
        file: rule.file,
        line: rule.place.line,
        sid: rule.sid,
        reason: error.message,
      })),
      ...problems,
    ],
    disabled: set.disabled + skipped.length,
    seconds: (performance.now() - started) / 1000,
    ports: portsOf(loaded),
    datagrams: [...(udp || other ? (['udp'] as const) : []), ...(icmp || other ? (['icmp'] as const) : [])],
  };
  yield;
  return {
    ruleset,
    policy: new DetectionPolicy(source.policy ?? DEFAULT_DETECTION_POLICY, ruleset.rules),
    summary,
  };
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
  if (geo !== undefined) options.geo = new GeoDatabase(Buffer.from(geo));
  return options;
}

/** `loadRules` in one go, with the databases. */
export async function loadRulesNow(
  source: RuleSource,
  protocols: readonly ProtocolDefinition[],
  names: NameTable,
  dataSets?: DataSets,
): Promise<LoadedRules> {
  const started = performance.now();
  const steps = loadRules(source, protocols, names, dataSets);
  let step = steps.next();
  while (!step.done) step = steps.next();
  await prepareDatabases(step.value.ruleset, databaseOptions(source));
  step.value.summary.seconds = (performance.now() - started) / 1000;
  return step.value;
}

export function databaseOptions(source: RuleSource): { cacheDirectory?: string } {
  return source.cacheDirectory === null ? {} : { cacheDirectory: source.cacheDirectory };
}

function portsOf(rules: readonly Rule[]): RuleSummary['ports'] {
  const { ranges, anyPortRules } = interceptedPorts(rules, () => true);
  return {
    ranges: ranges.map(({ first, last }) => ({ first, last })),
    anyPortRules: [...anyPortRules],
  };
}

/** `file:line: sid N: reason`. */
export function describeFailedRule({ file, line, sid, reason }: FailedRuleSummary): string {
  return `${file}:${line}: sid ${sid}: ${reason}`;
}
