import { isDeepStrictEqual } from 'node:util';
import type { Configuration } from './schema';

/** Keys that shape what exists for as long as the engine runs: queues, tables, files, sockets. */
const restartKeys = [
  'nfqueue',
  'pcap',
  'mark',
  'firewall',
  'exception-policy',
  'stream',
  'app-layer',
  'flow',
  'control',
  'state-dir',
  'log-dir',
  'outputs',
  'metrics',
] as const satisfies readonly (keyof Configuration)[];

/** Names of the changed keys that take effect with the next start only. */
export function changedRestartKeys(before: Configuration, after: Configuration): string[] {
  return restartKeys.filter((key) => !isDeepStrictEqual(before[key], after[key]));
}

/** The new configuration, with what cannot change now as it was. */
export function keepRestartKeys(before: Configuration, after: Configuration): Configuration {
  const kept = Object.fromEntries(restartKeys.map((key) => [key, before[key]]));
  return { ...after, ...kept };
}
