import { join } from 'node:path';
import type { Origin } from '@portcullis/control';
import { distance } from 'fastest-levenshtein';
import * as z from 'zod';
import { ConfigurationLayer, isMapping, mergeLayers, type Path } from './layer';
import { ConfigurationError } from './problem';
import { type Configuration, configurationSchema } from './schema';
import { isAsWritten } from './settings-digest';

/** Settings made from the command line stand here, in the state directory. */
export const SETTINGS_FILE = 'settings.yaml';
/** Keys that say where the settings are cannot stand among them. */
const PLACE_KEYS = ['state-dir', 'control'];

export interface LoadOptions {
  /** Local configuration; null for the defaults alone. */
  file: string | null;
  /** `a.b.c=value`, each as from `--set`. */
  overrides?: readonly string[];
  /** Wins over everything else; null: there is none. */
  policy?: string | null;
  /** Also what was set from the command line before (default false). */
  settings?: boolean;
}

/** A configuration with where it came from. */
export interface ResolvedConfiguration {
  readonly configuration: Configuration;
  /** @param path of a key: the strongest source that says something about it */
  origin(path: Path): Origin;
  /** The value as that source has it, not in base units; undefined for defaults. */
  written(path: Path): unknown;
  /** Keys that only the policy may set, with all below them. */
  readonly locked: readonly string[];
  readonly hasPolicy: boolean;
  /** What is in force although it may not be what somebody wanted. */
  readonly warnings: readonly string[];
}

type NamedLayer = readonly [Origin, ConfigurationLayer];

/** Reads, merges and validates. @throws ConfigurationError with every problem, not only the first */
export function loadConfiguration(options: LoadOptions): Configuration {
  return resolveConfiguration(options).configuration;
}

/**
 * As `loadConfiguration`; the result also tells where each value came from.
 * @param settings instead of the ones in the state directory, to try them out
 */
export function resolveConfiguration(
  options: LoadOptions,
  settings: ConfigurationLayer | null = null,
): ResolvedConfiguration {
  const file: NamedLayer[] =
    options.file === null ? [] : [['file', ConfigurationLayer.fromFile(options.file)]];
  const overrides: NamedLayer[] = options.overrides?.length
    ? [['command line', ConfigurationLayer.fromAssignments(options.overrides)]]
    : [];
  const given: NamedLayer[] = options.policy ? [['policy', ConfigurationLayer.fromFile(options.policy)]] : [];
  const { policy, locked } = withoutLocks(given);
  for (const layer of overrides) refuseLocked(layer[1], policy, locked);
  const placed = [...file, ...overrides, ...policy];
  const stored = settings === null && options.settings;
  const made = stored ? storedSettings(validate(placed, options)) : settings;
  if (made === null) return resolved(validate(placed, options), placed, locked);
  for (const key of PLACE_KEYS) {
    if (made.mentions([key]))
      throw new ConfigurationError(made.source, [
        { key, message: 'can only be said in the configuration file', line: made.lineOf([key]) },
      ]);
  }
  // A policy that came later than a setting wins silently; a new setting against it is refused.
  const layers: NamedLayer[] = [...file, ['settings', made], ...overrides, ...policy];
  return resolved(validate(layers, options), layers, locked, stored ? doubtsAbout(made) : []);
}

export function settingsPath(configuration: Configuration): string {
  return join(configuration['state-dir'], SETTINGS_FILE);
}

function storedSettings(configuration: Configuration): ConfigurationLayer | null {
  return ConfigurationLayer.fromFileIfThere(settingsPath(configuration));
}

function doubtsAbout(settings: ConfigurationLayer): string[] {
  if (isAsWritten(settings.text)) return [];
  return [
    `${settings.source} is not as 'portcullis config' wrote it: edited by hand, or damaged. It counts as it is ('portcullis config show'); the next 'portcullis config set' confirms it`,
  ];
}

function resolved(
  configuration: Configuration,
  layers: readonly NamedLayer[],
  locked: readonly string[],
  warnings: readonly string[] = [],
): ResolvedConfiguration {
  const merged = mergeLayers(layers.map(([, layer]) => layer));
  return {
    configuration,
    origin: (path) => layers.findLast(([, layer]) => layer.mentions(path))?.[0] ?? 'default',
    written: (path) => path.reduce<unknown>((at, part) => (isMapping(at) ? at[part] : undefined), merged),
    locked,
    warnings,
    hasPolicy: layers.some(([origin]) => origin === 'policy'),
  };
}

/** Takes the list of locked keys out of a policy. */
function withoutLocks(policy: NamedLayer[]): { policy: NamedLayer[]; locked: string[] } {
  const layer = policy[0]?.[1];
  if (layer === undefined || !Object.hasOwn(layer.raw, 'locked')) return { policy, locked: [] };
  const { locked } = layer.raw;
  const problem = (message: string): never => {
    throw new ConfigurationError(layer.source, [{ key: 'locked', message, line: layer.lineOf(['locked']) }]);
  };
  if (!Array.isArray(locked) || !locked.every((key) => typeof key === 'string'))
    return problem('is not a list of keys');
  for (const key of locked as string[]) {
    if (!isKey(key.split('.'))) problem(`'${key}' is not a key`);
  }
  delete layer.raw.locked;
  return { policy, locked: locked as string[] };
}

/** @throws ConfigurationError where a source says something about what only the policy may set */
export function refuseLocked(
  layer: ConfigurationLayer,
  policy: readonly NamedLayer[],
  locked: readonly string[],
): void {
  const refused = leavesOf(layer.raw).filter(
    (path) =>
      policy.some(([, each]) => each.mentions(path)) ||
      locked.some((key) => isWithin(path, key.split('.')) || isWithin(key.split('.'), path)),
  );
  if (refused.length === 0) return;
  throw new ConfigurationError(
    layer.source,
    refused.map((path) => ({
      key: path.join('.'),
      message: 'is set by the policy and cannot be changed here',
      line: layer.lineOf(path),
    })),
  );
}

/** The path is `outer`, or below it. */
export function isWithin(path: Path, outer: Path): boolean {
  return outer.every((part, place) => path[place] === part);
}

/** Paths of all values that are not mappings. */
export function leavesOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [path];
  const entries = Object.entries(value);
  if (entries.length === 0) return path.length > 0 ? [path] : [];
  return entries.flatMap(([key, inner]) => leavesOf(inner, [...path, key]));
}

function validate(layers: readonly NamedLayer[], options: LoadOptions): Configuration {
  const result = configurationSchema.safeParse(mergeLayers(layers.map(([, layer]) => layer)));
  if (result.success) return result.data;
  const source = options.file ?? 'configuration';
  const problems = result.error.issues
    .flatMap((issue) => describe(issue))
    .map(({ path, message }) => {
      const layer = layers.findLast(([, each]) => each.mentions(path))?.[1];
      return {
        key: path.join('.'),
        message,
        line: layer?.lineOf(path) ?? 0,
        ...(layer !== undefined && layer.source !== source && { source: layer.source }),
      };
    });
  throw new ConfigurationError(source, problems);
}

function describe(issue: z.core.$ZodIssue): { path: Path; message: string }[] {
  const path = issue.path as Path;
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ path: [...path, key], message: unknownKey(path, key) }));
  if (issue.code === 'invalid_union') {
    const inner = issue.errors.flat();
    const custom = inner.find((one) => one.code === 'custom');
    return [{ path, message: custom?.message ?? inner.map((one) => one.message).join(', or ') }];
  }
  return [{ path, message: issue.message }];
}

function unknownKey(path: Path, key: string): string {
  const known = keysAt(path);
  const nearest = known
    .map((name) => ({ name, far: distance(name, key) }))
    .sort((a, b) => a.far - b.far)
    .at(0);
  const close = nearest && nearest.far <= Math.max(3, key.length / 2);
  return close
    ? `is not a key; did you mean '${nearest.name}'?`
    : `is not a key; known here: ${known.join(', ')}`;
}

/** Names of the keys that stand below `path`. */
function keysAt(path: Path): string[] {
  let schema: unknown = configurationSchema;
  for (const part of path) {
    const object = objectIn(schema);
    schema = object?.shape[String(part)];
  }
  return Object.keys(objectIn(schema)?.shape ?? {});
}

/** True where other keys stand below. */
export function isGroup(path: Path): boolean {
  return keysAt(path).length > 0;
}

/** True for a key of the configuration, and for one of those below it. */
export function isKey(path: Path): boolean {
  return keysAt(path.slice(0, -1)).includes(String(path[path.length - 1]));
}

function objectIn(schema: unknown): z.ZodObject | undefined {
  let at = schema as { def?: { innerType?: unknown; out?: unknown } } | undefined;
  while (at && !(at instanceof z.ZodObject)) at = (at.def?.innerType ?? at.def?.out) as typeof at;
  return at as z.ZodObject | undefined;
}
