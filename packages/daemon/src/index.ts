export { type DaemonOptions, engineVersion, type Logger, PortcullisDaemon } from './daemon';
export { type DiagnoseOptions, diagnose } from './doctor/diagnose';
export type { Finding, FindingState } from './doctor/finding';
export { PERMISSION_CHECK } from './doctor/machine';
export { NameLock } from './name-lock';
export { type Registered, Registration } from './registration';
export { builtInRuleDirectory, FETCHED, RuleSourceError, readRuleSource, ruleStore } from './rule-source';
export { clearFirewall, type Unregistered, unregister } from './unregister';
export { readWebAddresses } from './web-address-lists';
