export { ACTIVITY_CATEGORIES, ATTACKS_FROM_WITHIN } from './activity-categories';
export { addressesOverlap, addressRanges } from './address';
export {
  type Action,
  type AddressExpression,
  type AddressRange,
  type Place,
  type PortExpression,
  type Rule,
  RuleError,
  type RuleHeader,
  type RuleOption,
} from './ast';
export {
  type Classification,
  type ClassificationProblem,
  parseClassification,
  type RuleClass,
  STANDARD_CLASSIFICATION,
} from './classification';
export { type ContentPattern, decodeContent, decodePattern } from './content';
export { type InterceptedPorts, interceptedPorts } from './intercepted-ports';
export type { PortRange } from './port';
export { RuleText } from './position';
export { RULE_PROTOCOLS, type Transport } from './protocols';
export { LANGUAGE_VERSION, parseRequires, type Requirements } from './requires';
export { DEFAULT_PRIORITY, parseRule, type RuleContext, type RuleNotice } from './rule';
export {
  isOn,
  loadRuleFile,
  type ParseRulesOptions,
  parseRules,
  parseRuleText,
  type RuleLine,
  type RuleSwitches,
  ruleLines,
} from './rule-file';
export { RuleFileError, RuleSet } from './rule-set';
export {
  type EventFilter,
  parseThresholdConfig,
  type RateAction,
  type RateFilter,
  type Suppression,
  type ThresholdConfig,
  type ThresholdEntry,
  type ThresholdProblem,
  type TrackedBy,
} from './threshold-config';
export {
  decodeText,
  type IntegerLimits,
  type ListItem,
  parseInteger,
  parseList,
  parseQuoted,
  placeAfter,
  type QuotedValue,
} from './values';
export {
  SURICATA_ADDRESS_GROUPS,
  SURICATA_PORT_GROUPS,
  type VariableGroups,
  type VariableProblem,
  Variables,
} from './variables';
