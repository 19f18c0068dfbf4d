import { readFileSync } from 'node:fs';
import { distance } from 'fastest-levenshtein';
import { type Document, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { z } from 'zod';
import { type Configuration, configurationSchema, keysOfLaterVersions } from './schema';

/** One thing that is wrong with a configuration. */
export interface ConfigurationProblem {
  /** `stream.reassembly.depth`; empty for the file as a whole. */
  key: string;
  message: string;
  /** Line in the file, from 1; 0 where the value came from `--set`. */
  line: number;
}

export class ConfigurationError extends Error {
  readonly code = 'CONFIGURATION_INVALID';
  constructor(
    readonly source: string,
    readonly problems: readonly ConfigurationProblem[],
  ) {
    super(
      problems
        .map(
          ({ key, message, line }) =>
            `${line > 0 ? `${source}:${line}` : source}: ${key ? `${key}: ` : ''}${message}`,
        )
        .join('\n'),
    );
    this.name = 'ConfigurationError';
  }
}

export interface LoadOptions {
  /** File to read; null for the defaults alone. */
  file: string | null;
  /** `a.b.c=value`, each as from `--set`. */
  overrides?: readonly string[];
}

/** Reads, overrides and validates. @throws ConfigurationError with every problem, not only the first */
export function loadConfiguration(options: LoadOptions): Configuration {
  const source = options.file ?? 'configuration';
  let text = '';
  if (options.file !== null) {
    try {
      text = readFileSync(options.file, 'utf8');
    } catch (error) {
      throw new ConfigurationError(source, [{ key: '', message: (error as Error).message, line: 0 }]);
    }
  }
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    uniqueKeys: true,
    maxAliasCount: 100,
  } as object);
  if (document.errors.length > 0) {
    const problems = document.errors.map((error) => ({
      key: '',
      message: error.message.split('\n', 1)[0] as string,
      line: lines.linePos(error.pos[0]).line,
    }));
    throw new ConfigurationError(source, problems);
  }
  const raw: unknown = document.contents === null ? {} : document.toJS({ maxAliasCount: 100 });
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw))
    throw new ConfigurationError(source, [
      { key: '', message: 'is not a mapping of keys to values', line: 1 },
    ]);
  const overridden = new Set<string>();
  for (const override of options.overrides ?? [])
    overridden.add(applyOverride(raw as Record<string, unknown>, override));

  const result = configurationSchema.safeParse(raw);
  if (result.success) return result.data;
  const problems = result.error.issues
    .flatMap((issue) => describe(issue))
    .map(({ path, message }) => {
      const key = path.join('.');
      const line = overridden.has(key) ? 0 : lineOf(document, lines, path);
      return { key, message, line };
    });
  throw new ConfigurationError(source, problems);
}

/** Sets one key of `raw` as `--set a.b=value` says. @returns the key */
function applyOverride(raw: Record<string, unknown>, override: string): string {
  const equals = override.indexOf('=');
  const key = override.slice(0, equals).trim();
  const path = key.split('.');
  if (equals < 1 || path.some((part) => part === '' || part === '__proto__'))
    throw new ConfigurationError('--set', [{ key: '', message: `'${override}' is not KEY=VALUE`, line: 0 }]);
  const parsed = parseDocument(override.slice(equals + 1));
  if (parsed.errors.length > 0)
    throw new ConfigurationError('--set', [{ key, message: (parsed.errors[0] as Error).message, line: 0 }]);
  let at = raw;
  for (const part of path.slice(0, -1)) {
    const inner = at[part];
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) at[part] = {};
    at = at[part] as Record<string, unknown>;
  }
  at[path[path.length - 1] as string] = parsed.toJS();
  return key;
}

type Path = readonly (string | number)[];

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
  const later = path.length === 0 ? keysOfLaterVersions[key] : undefined;
  if (later) return `is not available in this version: ${later}`;
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

function objectIn(schema: unknown): z.ZodObject | undefined {
  let at = schema as { def?: { innerType?: unknown } } | undefined;
  while (at && !(at instanceof z.ZodObject)) at = at.def?.innerType as typeof at;
  return at as z.ZodObject | undefined;
}

/** The line on which the key (or the nearest of its parents that is there) stands. */
function lineOf(document: Document, lines: LineCounter, path: Path): number {
  let node = document.contents as Node | null;
  let offset = node?.range?.[0];
  for (const part of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(part));
      if (!pair) break;
      offset = (pair.key as Node).range?.[0] ?? offset;
      node = pair.value as Node | null;
    } else if (isSeq(node)) {
      node = (node.items[Number(part)] as Node | undefined) ?? null;
      offset = node?.range?.[0] ?? offset;
    } else break;
  }
  return offset === undefined ? 0 : lines.linePos(offset).line;
}
