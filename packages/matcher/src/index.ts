export { CONTENT_MODIFIERS, STICKY_ALIASES } from './buffer-names';
export {
  type CompileOptions,
  type CompileProgress,
  type CompileResult,
  compileRules,
  compileRulesNow,
  type FailedRule,
} from './compile-rules';
export { CompiledRule } from './compiled-rule';
export type { CompiledRuleSet, RuleSetNeeds } from './compiled-rule-set';
export { compilerFingerprint } from './compiler-fingerprint';
export { InspectionContext } from './context';
export {
  attachDatabases,
  type DatabaseOptions,
  type DatabaseReport,
  prepareDatabases,
  prepareDatabasesNow,
} from './databases';
export {
  PacketEventSet,
  STREAM_EVENTS,
  streamEventNumber,
} from './events/packet-events';
export type { Expression, ExpressionCompiler, ExpressionOptions } from './expression';
export { FlowMatchState } from './flow-match-state';
export { FlowFact } from './keyword';
export { REFUSED_KEYWORDS } from './keywords/information';
export { DataSet, DataSets } from './lists/data-set';
export { GeoDatabase } from './lists/geo-database';
export { IpReputation, type ReadReputation, readReputation } from './lists/ip-reputation';
export { LearntValues } from './lists/learnt-values';
export { ListFiles, listsAreCurrent, type ReadLists } from './lists/list-files';
export { MatchList } from './match-list';
export { Matcher } from './matcher';
export { DEFAULT_LIMITS, type MatcherLimits } from './matcher-limits';
export type { MatcherStatistics } from './matcher-statistics';
export { NameTable } from './name-table';
export { type OpenedRuleSet, openRuleSet, packRuleSet } from './packed-rule-set';
export { PackedTreeError } from './packed-tree';
export { PlaceLocks } from './place-locks';
export { keywordNames } from './registry';
export { makeRuleMemory, type RuleMemory } from './rule-memory';
export { type ActionOrder, STANDARD_ACTION_ORDER } from './rule-order';
export { type RuleCost, RuleCosts, type RuleProfile } from './rule-profile';
export type { SegmentUse } from './segment-scan';
