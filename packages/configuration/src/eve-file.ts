import { isAbsolute, join } from 'node:path';
import type { Configuration } from './schema';

/** The file that events are written to. */
export function eveFilePath({ outputs, 'log-dir': directory }: Configuration): string {
  return isAbsolute(outputs.eve) ? outputs.eve : join(directory, outputs.eve);
}
