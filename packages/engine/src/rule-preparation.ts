import {
  compileRules,
  compilerFingerprint,
  DataSets,
  ListFiles,
  NameTable,
  packRuleSet,
  readReputation,
} from '@portcullis/matcher';
import { allBuffers, type ProtocolDefinition } from '@portcullis/protocols';
import {
  interceptedPorts,
  type PortRange,
  parseRules,
  type Rule,
  RuleSet,
  type RuleSwitches,
} from '@portcullis/rules';
import { keepPackedRules, readPackedRules, ruleSourceKey } from './packed-rules-cache';
import { looksAtReplyPayload } from './reply-payload';
import { compileOptions, inOneGo, openRules, summaryOf } from './rule-opening';
import {
  type ConfiguredLists,
  type FailedRuleSummary,
  type PreparedLists,
  type PreparedRules,
  type RuleSource,
  type RuleSummary,
  ruleFileText,
} from './rule-source';

export interface Preparation {
  prepared: PreparedRules;
  /** A rule failed for want of something outside: the next time it may be there. */
  provisional: boolean;
}

/** Reads and compiles rules, in slices of a few milliseconds. */
export function* prepareRules(
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

/** @param problems gets the lines that are not used, and why */
function readLists(
  { lists: { reputation, ...others } = {} }: RuleSource,
  problems: FailedRuleSummary[],
): ConfiguredLists {
  if (reputation === undefined) return others;
  const { read, problems: wrong } = readReputation(reputation.categories, reputation.lists);
  for (const { line, reason } of wrong) problems.push({ file: 'reputation', line, sid: 0, reason });
  return { ...others, reputation: read };
}

function ruleSwitches({ switches }: RuleSource): RuleSwitches {
  return { disabled: new Set(switches?.disabled), enabled: new Set(switches?.enabled) };
}

const copyRange = ({ first, last }: PortRange): PortRange => ({ first, last });

function portsOf(rules: readonly Rule[]): RuleSummary['ports'] {
  const { ranges, anyPortRules, named } = interceptedPorts(rules, () => true);
  return { ranges: ranges.map(copyRange), anyPortRules: [...anyPortRules], named: named.map(copyRange) };
}

/** What of the program and the protocols decides what comes of rules: in hex. */
function rulesFingerprint(protocols: readonly ProtocolDefinition[]): string {
  return compilerFingerprint({
    buffers: allBuffers(protocols),
    protocols: protocols.map((protocol) => protocol.name),
    events: protocols.flatMap(({ events }) => events),
  });
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
