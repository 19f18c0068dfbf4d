import { isAbsolute, join } from 'node:path';
import { type ConfigOptions, readConfiguration } from './options';

/** The EVE file of the configuration, or the one that is named. */
export function eveFile(options: ConfigOptions & { file?: string }): string {
  if (options.file !== undefined) return options.file;
  const { outputs, 'log-dir': directory } = readConfiguration(options);
  return isAbsolute(outputs.eve) ? outputs.eve : join(directory, outputs.eve);
}
