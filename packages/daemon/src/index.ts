export type {
  BanListAnswer,
  BanRow,
  BansRemovedAnswer,
  QueueRow,
  ReloadAnswer,
  RulesAnswer,
  StatusAnswer,
} from './answers';
export {
  ConfigurationError,
  type ConfigurationProblem,
  type LoadOptions,
  loadConfiguration,
} from './configuration/load';
export type { Configuration } from './configuration/schema';
export { askEngine } from './control/client';
export { ControlError } from './control/protocol';
export { type DaemonOptions, engineVersion, type Logger, PortcullisDaemon } from './daemon';
export { builtInRuleDirectory, RuleSourceError, readRuleSource } from './rule-source';
