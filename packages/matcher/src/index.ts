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
export { InspectionContext } from './context';
export {
  attachDatabases,
  type DatabaseOptions,
  type DatabaseReport,
  prepareDatabases,
  prepareDatabasesNow,
} from './databases';
export type { Expression, ExpressionCompiler, ExpressionOptions } from './expression';
export { FlowMatchState } from './flow-match-state';
export { MatchList } from './match-list';
export { Matcher, type MatcherStatistics, type RuleProfile, type SegmentUse } from './matcher';
export { DEFAULT_LIMITS, type MatcherLimits } from './matcher-limits';
export { NameTable } from './name-table';
export { type RuleCost, RuleCosts } from './rule-profile';
