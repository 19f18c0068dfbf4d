import { readFileSync, rmSync } from 'node:fs';
import { ConfigurationLayer, readAssignment } from './layer';
import {
  isKey,
  isWithin,
  type LoadOptions,
  leavesOf,
  type ResolvedConfiguration,
  refuseLocked,
  resolveConfiguration,
  settingsPath,
} from './load';
import { ConfigurationError } from './problem';
import { replaceFile } from './replace-file';
import { withDigest, withoutDigest } from './settings-digest';
import { yaml } from './yaml';

/** What is to become of the settings made from the command line. */
export type SettingsChange =
  | { readonly set: readonly string[] }
  | { readonly unset: readonly string[] }
  /** YAML that takes the place of all of them. */
  | { readonly replace: string };

/** A change that has been found good and is not in force yet. */
export interface PreparedChange {
  readonly resolved: ResolvedConfiguration;
  /** Keys that were named. */
  readonly keys: readonly string[];
  /** Makes it last. Replaced as a whole, so that a crash leaves the old or the new settings. */
  store(): void;
  /** Takes a stored change back. */
  undo(): void;
}

/**
 * Tries a change of the settings out, against everything else that is configured.
 * @throws ConfigurationError where it is wrong, or against the policy; nothing has changed then
 */
export function prepareChange(options: LoadOptions, change: SettingsChange): PreparedChange {
  const current = resolveConfiguration({ ...options, settings: false });
  const path = settingsPath(current.configuration);
  const before = readIfThere(path);
  const { text, named } = changed(path, before, change);
  const policy = options.policy ? ([['policy', ConfigurationLayer.fromFile(options.policy)]] as const) : [];
  refuseLocked(named, policy, current.locked);
  if ('set' in change) refuseOverridden(named, options.overrides);
  const resolved = resolveConfiguration(options, ConfigurationLayer.fromText(path, text));
  return {
    resolved,
    keys: leavesOf(named.raw).map((each) => each.join('.')),
    store: () => replaceFile(path, withDigest(text)),
    undo: () => (before === null ? rmSync(path, { force: true }) : replaceFile(path, before)),
  };
}

/** What `--set` says counts for as long as the engine runs: a setting beside it would be stored and do nothing. */
function refuseOverridden(named: ConfigurationLayer, overrides: readonly string[] = []): void {
  const given = leavesOf(ConfigurationLayer.fromAssignments(overrides).raw);
  const problems = leavesOf(named.raw)
    // Beside keys that were given others of the same mapping count.
    .filter((path) => given.some((outer) => isWithin(path, outer)))
    .map((path) => ({
      key: path.join('.'),
      message: 'was given to the engine with --set when it was started, and that counts; start it without',
      line: named.lineOf(path),
    }));
  if (problems.length > 0) throw new ConfigurationError(named.source, problems);
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function changed(
  path: string,
  before: string | null,
  change: SettingsChange,
): { text: string; named: ConfigurationLayer } {
  if ('replace' in change)
    return { text: change.replace, named: ConfigurationLayer.fromText('import', change.replace) };
  const { Document, parseDocument } = yaml();
  const document = before === null ? new Document({}) : parseDocument(withoutDigest(before));
  if (document.contents === null || document.errors.length > 0)
    document.contents = document.createNode({}) as typeof document.contents;
  if ('set' in change) {
    for (const assignment of change.set) {
      const { path: key, value } = readAssignment(assignment, 'config set');
      document.setIn(key, value);
    }
    return { text: String(document), named: ConfigurationLayer.fromAssignments(change.set, 'config set') };
  }
  for (const name of change.unset) {
    const key = name.split('.');
    if (!isKey(key) || !document.hasIn(key))
      throw new ConfigurationError(path, [{ key: name, message: 'is not set here', line: 0 }]);
    document.deleteIn(key);
  }
  const named = ConfigurationLayer.fromAssignments(
    change.unset.map((name) => `${name}=`),
    'config unset',
  );
  return { text: String(document), named };
}
