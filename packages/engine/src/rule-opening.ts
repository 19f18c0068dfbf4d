import {
  type CompiledRuleSet,
  type CompileOptions,
  DataSets,
  type FailedRule,
  GeoDatabase,
  IpReputation,
  ListFiles,
  type NameTable,
  openRuleSet,
  prepareDatabases,
} from '@portcullis/matcher';
import { allBuffers, type ProtocolDefinition } from '@portcullis/protocols';
import { parseThresholdConfig, type RuleContext, Variables } from '@portcullis/rules';
import { DEFAULT_DETECTION_POLICY, DetectionPolicy } from './detection-policy';
import {
  type ConfiguredLists,
  type FailedRuleSummary,
  type PreparedRules,
  type RuleSource,
  type RuleSummary,
  ruleClasses,
} from './rule-source';

export interface LoadedRules {
  ruleset: CompiledRuleSet;
  policy: DetectionPolicy;
  dataSets: DataSets;
  summary: RuleSummary;
}

/** What the rules of one thread are made with. */
interface RuleUse {
  readonly protocols: readonly ProtocolDefinition[];
  readonly names: NameTable;
  readonly dataSets: DataSets;
  readonly files: ListFiles;
}

/** @param problems gets what of the lists is not used, and why */
export function compileOptions(
  source: Omit<RuleSource, 'files' | 'lists'>,
  lists: ConfiguredLists,
  { protocols, names, dataSets, files }: RuleUse,
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
      ...(source.dataDirectory !== undefined && { dataDirectory: source.dataDirectory }),
      events: protocols.flatMap(({ events }) => events),
      ...(source.actionOrder !== undefined && { actionOrder: source.actionOrder }),
      ...compileLists(lists, variables, problems),
    },
  };
}

/** @param problems gets the lines that are not used, and why */
function compileLists(
  { thresholds, reputation, geo }: ConfiguredLists,
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

export function summaryOf({ rule, error }: FailedRule): FailedRuleSummary {
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

function databaseOptions({ cacheDirectory }: PreparedRules): { cacheDirectory?: string } {
  return cacheDirectory === null ? {} : { cacheDirectory };
}

/** Runs steps one after the other, `between` after each. */
export function inOneGo<T>(steps: Generator<void, T>, between?: () => void): T {
  let step = steps.next();
  while (!step.done) {
    between?.();
    step = steps.next();
  }
  return step.value;
}
