import { type ConfigOptions, configuration, readConfiguration } from './options';

/** The EVE file of the configuration, or the one that is named. */
export function eveFile(options: ConfigOptions & { file?: string }): string {
  if (options.file !== undefined) return options.file;
  return configuration().eveFilePath(readConfiguration(options));
}
