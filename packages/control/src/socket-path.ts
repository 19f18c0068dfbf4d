import { readFileSync } from 'node:fs';

/** Loaded where a file may name the socket, which few do. */
const yaml = () => require('yaml') as typeof import('yaml');

/** Where the engine listens unless its configuration says otherwise. */
export const USUAL_SOCKET = '/run/portcullis/control.sock';

/** A text without either cannot have the key, however it is written: YAML's escapes need the second. */
const MAY_NAME_IT = /control|\\/;
/** Whole lines that are remarks. Where they stand in a text of several lines they are not, and name no key either. */
const REMARKS = /^[ \t]*#.*$/gm;

/**
 * The control socket that configuration files name, found without validating the rest of them: an engine that runs is
 * reached also while its configuration is being edited, and asking it something is quick.
 * @param files the one that wins comes last
 * @returns null where that cannot be told, because something is wrong with one of them
 */
export function socketPathIn(files: readonly string[]): string | null {
  let named = USUAL_SOCKET;
  for (const file of files) {
    let socket: unknown;
    try {
      const text = readFileSync(file, 'utf8');
      if (!MAY_NAME_IT.test(text.replace(REMARKS, ''))) continue;
      const document = yaml().parseDocument(text, { maxAliasCount: 100 } as object);
      if (document.errors.length > 0) {
        // Half written, it may still be clear about this.
        if (document.errors.some(({ code }) => code === 'DUPLICATE_KEY')) return null;
        socket = document.getIn(['control', 'socket']);
        if (typeof socket !== 'string' || socket === '') return null;
        named = socket;
        continue;
      }
      const settings: unknown = document.toJS({ maxAliasCount: 100 });
      if (settings === null) continue;
      if (!isMapping(settings)) return null;
      if (!Object.hasOwn(settings, 'control')) continue;
      if (!isMapping(settings.control)) return null;
      if (!Object.hasOwn(settings.control, 'socket')) continue;
      socket = settings.control.socket;
    } catch {
      return null;
    }
    if (typeof socket !== 'string' || socket === '') return null;
    named = socket;
  }
  return named;
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
