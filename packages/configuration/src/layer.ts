import { readFileSync } from 'node:fs';
import type { Document, LineCounter, Node } from 'yaml';
import { ConfigurationError } from './problem';
import { yaml } from './yaml';

export type Path = readonly (string | number)[];
export type RawMapping = Record<string, unknown>;

/** Bounds on what a configuration file may expand to. */
const MAX_ALIASES = 100;

/**
 * @returns null where there is no such file
 * @throws ConfigurationError, or the system's own EACCES: what a user may not read is not a wrong configuration
 */
function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    if (code === 'EACCES') throw error;
    throw new ConfigurationError(path, [{ key: '', message, line: 0 }]);
  }
}

/** One source of settings: a file, or what the command line says. */
export class ConfigurationLayer {
  private constructor(
    /** What a person calls it: a path, or `--set`. */
    readonly source: string,
    /** The settings as they were written, not validated. */
    readonly raw: RawMapping,
    /** The settings as text; empty where they came as assignments. */
    readonly text: string,
    /** Null where they came as assignments. */
    private readonly parsed: { readonly document: Document; readonly lines: LineCounter } | null,
  ) {}

  /** @throws ConfigurationError */
  static fromText(source: string, text: string): ConfigurationLayer {
    const { LineCounter, parseDocument } = yaml();
    const lines = new LineCounter();
    const document = parseDocument(text, {
      lineCounter: lines,
      uniqueKeys: true,
      maxAliasCount: MAX_ALIASES,
    } as object);
    if (document.errors.length > 0) {
      const problems = document.errors.map((error) => ({
        key: '',
        message: error.message.split('\n', 1)[0] as string,
        line: lines.linePos(error.pos[0]).line,
      }));
      throw new ConfigurationError(source, problems);
    }
    const raw = document.contents === null ? {} : valueOfDocument(document, source, '');
    if (!isMapping(raw))
      throw new ConfigurationError(source, [
        { key: '', message: 'is not a mapping of keys to values', line: 1 },
      ]);
    return new ConfigurationLayer(source, raw, text, { document, lines });
  }

  /** @throws ConfigurationError also where the file cannot be read, EACCES where the user may not */
  static fromFile(path: string): ConfigurationLayer {
    const layer = ConfigurationLayer.fromFileIfThere(path);
    if (layer !== null) return layer;
    throw new ConfigurationError(path, [{ key: '', message: 'there is no such file', line: 0 }]);
  }

  /** As `fromFile`, but a file that is not there says nothing. */
  static fromFileIfThere(path: string): ConfigurationLayer | null {
    const text = readText(path);
    return text === null ? null : ConfigurationLayer.fromText(path, text);
  }

  /** @param assignments `a.b.c=value`, each as from `--set` */
  static fromAssignments(assignments: readonly string[], source = '--set'): ConfigurationLayer {
    const raw: RawMapping = {};
    for (const assignment of assignments) {
      const { path, value } = readAssignment(assignment, source);
      setAt(raw, path, value);
    }
    return new ConfigurationLayer(source, raw, '', null);
  }

  /** The line on which the key (or the nearest of its parents that is there) stands; 0 where there are no lines. */
  lineOf(path: Path): number {
    if (this.parsed === null) return 0;
    const { document, lines } = this.parsed;
    const { isMap, isScalar, isSeq } = yaml();
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

  /** True where this source says something about the key, about something in it, or about something it is in. */
  mentions(path: Path): boolean {
    let at: unknown = this.raw;
    for (const part of path) {
      if (!isMapping(at)) return true;
      if (!Object.hasOwn(at, part)) return false;
      at = at[part];
    }
    return true;
  }
}

export function isMapping(value: unknown): value is RawMapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `a.b=value` → path and value. @throws ConfigurationError */
export function readAssignment(assignment: string, source: string): { path: string[]; value: unknown } {
  const equals = assignment.indexOf('=');
  const key = assignment.slice(0, equals).trim();
  const path = key.split('.');
  if (equals < 1 || path.some((part) => part === '' || part === '__proto__'))
    throw new ConfigurationError(source, [{ key: '', message: `'${assignment}' is not KEY=VALUE`, line: 0 }]);
  const parsed = yaml().parseDocument(assignment.slice(equals + 1));
  if (parsed.errors.length > 0)
    throw new ConfigurationError(source, [{ key, message: (parsed.errors[0] as Error).message, line: 0 }]);
  return { path, value: valueOfDocument(parsed, source, key) };
}

/** @throws ConfigurationError where an alias means nothing, or too much */
function valueOfDocument(document: Document, source: string, key: string): unknown {
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    throw new ConfigurationError(source, [{ key, message: (error as Error).message, line: 0 }]);
  }
}

export function setAt(raw: RawMapping, path: readonly string[], value: unknown): void {
  let at = raw;
  for (const part of path.slice(0, -1)) {
    const inner = at[part];
    if (!isMapping(inner)) at[part] = {};
    at = at[part] as RawMapping;
  }
  at[path[path.length - 1] as string] = value;
}

/** Later layers win; mappings are merged, lists and values replaced as a whole. */
export function mergeLayers(layers: readonly ConfigurationLayer[]): RawMapping {
  const merged: RawMapping = {};
  for (const { raw } of layers) mergeInto(merged, raw);
  return merged;
}

function mergeInto(target: RawMapping, raw: RawMapping): void {
  for (const [key, value] of Object.entries(raw)) {
    const before = Object.hasOwn(target, key) ? target[key] : undefined;
    if (isMapping(before) && isMapping(value)) mergeInto(before, value);
    else target[key] = structuredClone(value);
  }
}
