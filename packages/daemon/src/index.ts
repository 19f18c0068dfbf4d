export type {
  BanListAnswer,
  BanRow,
  BansRemovedAnswer,
  DecoyRow,
  MirrorRow,
  PortsRow,
  QueueRow,
  ReloadAnswer,
  RulesAnswer,
  SettingsAnswer,
  ShownSettings,
  StatusAnswer,
  WebAddressesAnswer,
} from './answers';
export {
  type LoadOptions,
  loadConfiguration,
  type Origin,
  resolveConfiguration,
} from './configuration/load';
export { ConfigurationError, type ConfigurationProblem } from './configuration/problem';
export type { Configuration } from './configuration/schema';
export { prepareChange, type SettingsChange } from './configuration/settings';
export { exportSettings, type SettingRow, settingRows } from './configuration/show';
export { askEngine } from './control/client';
export { ControlError } from './control/protocol';
export { type DaemonOptions, engineVersion, type Logger, PortcullisDaemon } from './daemon';
export { type DiagnoseOptions, diagnose } from './doctor/diagnose';
export type { Finding, FindingState } from './doctor/finding';
export { PERMISSION_CHECK } from './doctor/machine';
export { NameLock } from './name-lock';
export { type Mode, type Registered, Registration } from './registration';
export { builtInRuleDirectory, FETCHED, RuleSourceError, readRuleSource, ruleStore } from './rule-source';
export { clearFirewall, type Unregistered, unregister } from './unregister';
