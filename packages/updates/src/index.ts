export { ArchiveError, type RuleFile, unpackRules } from './archive';
export { ChecksumError, type ChecksumKind } from './checksum';
export { DownloadError } from './download';
export { RuleStore, type RuleVersion, type SetRecord } from './rule-store';
export {
  type RuleSetSource,
  type SourceFailure,
  type Trial,
  type UpdateResult,
  updateRules,
} from './update-rules';
