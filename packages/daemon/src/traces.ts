import { lstatSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type Configuration, eveFilePath, SETTINGS_FILE } from '@portcullis/configuration';
import { OFFENDERS_FILE } from './offenders';

/** What the engine and its commands write into the state directory, the registration apart. */
const STATE: readonly (string | RegExp)[] = [
  'state.json',
  SETTINGS_FILE,
  /^bans\.(snapshot|journal\.\d+)$/,
  OFFENDERS_FILE,
  'data-sets',
  'pattern-cache',
  'rule-sets',
  'spool',
  'web-addresses',
];
/** Behind the name of a file that was being written when its writer was killed. */
const UNFINISHED = /\.next$/;

/** Takes the state directory's files away, and the directory where nothing of somebody else's is in it. */
export function removeState(directory: string): void {
  for (const name of namesIn(directory)) {
    const finished = name.replace(UNFINISHED, '');
    const ours = STATE.some((each) => (typeof each === 'string' ? each === finished : each.test(finished)));
    if (ours) rmSync(join(directory, name), { recursive: true, force: true });
  }
  removeIfEmpty(directory);
}

/**
 * Takes away what a run has left on the disk: state, events, and the folders that are empty then. What somebody else has put
 * there stays: rotated event files, and the registration, which only unregistering ends.
 */
export function removeTraces(configuration: Configuration): void {
  const { 'log-dir': logs, 'state-dir': state, control } = configuration;
  removeState(state);
  const events = eveFilePath(configuration);
  // One that leads elsewhere may have other writers.
  if (dirname(events) === resolve(logs) && isFile(events)) rmSync(events);
  removeIfEmpty(logs);
  removeIfEmpty(dirname(control.socket));
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function isFile(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // Somebody else's files are in it, or it is a mount.
  }
}
