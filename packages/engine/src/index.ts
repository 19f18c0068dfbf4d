import { join } from 'node:path';

export type { ProtocolSettings } from '@portcullis/protocols';
export { alertRecord } from './alert-record';
export { DEFAULT_BLOCK_PAGE } from './block-page';
export type { DetectedRule, Detection } from './detection';
export {
  DEFAULT_DETECTION_POLICY,
  DEFAULT_KINDS,
  type DetectionKind,
  type DetectionPolicySettings,
  type DetectionResponse,
  type KindRow,
} from './detection-policy';
export type { ConnectionEnd, EarlierConnectionSettings } from './earlier-connections';
export type { Exemption } from './exemptions';
export { collectGarbage } from './garbage';
export { InspectCounter, InspectCounterNames } from './inspect-counters';
export { Inspector } from './inspector';
export type { InspectorOptions, OffloadMark } from './inspector-options';
export { ruleSourceKey } from './packed-rules-cache';
export { type PacketLayerOptions, PacketLayers } from './packet-layers';
export { keptRulesNow, prepareRulesApart } from './prepare-apart';
export { Replay, type ReplayOptions, type ReplayResult } from './replay';
export { ResetBuilder } from './reset';
export { type LanguageBuffer, type RuleLanguage, ruleLanguage } from './rule-language';
export { loadRulesNow } from './rule-loading';
export {
  describeFailedRule,
  type FailedRuleSummary,
  listsOfRulesAreCurrent,
  type PreparedRules,
  type RuleLists,
  type RuleSource,
  type RuleSummary,
  ruleClasses,
  ruleFileText,
} from './rule-source';
export type { PacketSender } from './segment-builder';
export type { WebAddressFacts } from './web-address-inspection';
export { type LostKind, LostKinds } from './worker/detection-outbox';
export {
  type FromWorker,
  type MirrorSettings,
  type QueueFacts,
  type QueueSettings,
  type SourceSettings,
  type ToWorker,
  type WorkerSettings,
  WorkerWord,
} from './worker/messages';
export { type BanPermit, callsForBan, PermitWord, type ProvisionalBan } from './worker/provisional-bans';
export { sharedClockOffset } from './worker/shared-clock';
export { makeSharedMemory } from './worker/shared-memory';
export {
  DropCounterNames,
  lostCounter,
  type WorkerCounterName,
  WorkerCounterNames,
} from './worker/worker-counters';

/** The compiled entry of an inspection thread, for `new Worker`. */
export const inspectionWorkerPath = join(__dirname, 'worker', 'main.js');
