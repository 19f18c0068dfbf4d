export { eveFilePath } from './eve-file';
export { setAt } from './layer';
export {
  type LoadOptions,
  loadConfiguration,
  type ResolvedConfiguration,
  resolveConfiguration,
  SETTINGS_FILE,
} from './load';
export { ConfigurationError, type ConfigurationProblem } from './problem';
export { parseDuration, parsePrefix } from './quantities';
export { replaceFile } from './replace-file';
export { changedRestartKeys, keepRestartKeys } from './restart-keys';
export type { Configuration } from './schema';
export { prepareChange, type SettingsChange } from './settings';
export { exportSettings, settingRows } from './show';
