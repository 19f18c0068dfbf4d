import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type RuleFile, unpackRules } from './archive';
import { type ChecksumKind, verifyChecksum } from './checksum';
import { download } from './download';
import type { FetchedSet, RuleStore, RuleVersion, SetRecord } from './rule-store';

export interface RuleSetSource {
  /** Letters, digits, `-` and `_`: it becomes a folder. */
  readonly name: string;
  /** `https://…`, or `file:///…` for a machine without a way out. */
  readonly url: string;
  readonly checksum: ChecksumKind;
  readonly headers?: Readonly<Record<string, string>>;
  /** Authorities to trust instead of the system's, PEM. */
  readonly ca?: string;
}

/** What a version's rules do when they are loaded. */
export interface Trial {
  readonly loaded: number;
  readonly failed: number;
}

export interface UpdateOptions {
  readonly sources: readonly RuleSetSource[];
  readonly store: RuleStore;
  /** Loads the rules as the engine would. */
  tryOut(version: RuleVersion): Promise<Trial>;
  /** Has the engine take the rules that are in force now. What it throws undoes the update. */
  apply(): Promise<void>;
  /** Take what was fetched although it looks wrong, or was rolled back from. */
  readonly force?: boolean;
  tell?(line: string): void;
}

export type UpdateResult =
  | { readonly outcome: 'unchanged'; readonly failed: readonly SourceFailure[] }
  | { readonly outcome: 'refused'; readonly reason: string; readonly failed: readonly SourceFailure[] }
  | {
      readonly outcome: 'updated';
      readonly version: RuleVersion;
      readonly trial: Trial;
      readonly failed: readonly SourceFailure[];
    };

/** A source that gave nothing usable. What it gave before stays. */
export interface SourceFailure {
  readonly name: string;
  readonly reason: string;
}

/** More rules than this that do not load are not a few new keywords but a wrong file. */
const LARGEST_FAILED_SHARE = 0.1;
/** A set that has lost this much since the last time is more likely cut than tidied. */
const SMALLEST_SHARE_OF_BEFORE = 0.5;

/**
 * Fetches what has changed, tries it out with the rest, and puts it in force; nothing has changed where it throws or
 * says otherwise.
 */
export async function updateRules(options: UpdateOptions): Promise<UpdateResult> {
  const { sources, store, force = false, tell = () => {} } = options;
  const current = store.current;
  const failed: SourceFailure[] = [];
  const sets: FetchedSet[] = [];
  let changed = current === null ? sources.length > 0 : current.sets.length !== sources.length;
  for (const source of sources) {
    const before = current?.sets.find(({ name, url }) => name === source.name && url === source.url);
    try {
      const fetched = await fetchSet(source, before, tell);
      if (fetched !== null) changed = true;
      const set = fetched ?? keptSet(current, before);
      if (set !== null) sets.push(set);
    } catch (error) {
      failed.push({ name: source.name, reason: (error as Error).message });
      const kept = keptSet(current, before);
      if (kept !== null) sets.push(kept);
      else changed ||= before !== undefined;
    }
  }
  if (!changed || sets.length === 0) return { outcome: 'unchanged', failed };
  const version = store.write(sets);
  try {
    if (version.digest === current?.digest) {
      store.renew(version);
      return { outcome: 'unchanged', failed };
    }
    const refused = (reason: string): UpdateResult => {
      store.discard(version);
      return { outcome: 'refused', reason, failed };
    };
    if (!force && store.wasRejected(version))
      return refused('these rules were rolled back from; --force takes them all the same');
    const trial = await options.tryOut(version);
    const objection = force ? null : objectionTo(version, current, trial);
    if (objection !== null) return refused(`${objection}; --force takes them all the same`);
    store.activate(version);
    await options.apply();
    return { outcome: 'updated', version, trial, failed };
  } catch (error) {
    store.discard(version);
    throw error;
  }
}

function objectionTo(
  version: RuleVersion,
  current: RuleVersion | null,
  { loaded, failed }: Trial,
): string | null {
  if (loaded === 0) return 'none of the rules can be loaded';
  if (failed / (loaded + failed) > LARGEST_FAILED_SHARE)
    return `${failed} of ${loaded + failed} rules cannot be loaded`;
  for (const set of version.sets) {
    const before = current?.sets.find(({ name }) => name === set.name);
    if (before === undefined || current === null) continue;
    const was = sizeOf(current, before);
    const is = sizeOf(version, set);
    if (is < was * SMALLEST_SHARE_OF_BEFORE) return `${set.name} has shrunk from ${was} to ${is} bytes`;
  }
  return null;
}

function sizeOf(version: RuleVersion, set: SetRecord): number {
  return set.files.reduce((sum, file) => sum + readFileSync(join(version.directory, file)).length, 0);
}

/** @returns null where nothing has changed since `before` */
async function fetchSet(
  source: RuleSetSource,
  before: SetRecord | undefined,
  tell: (line: string) => void,
): Promise<FetchedSet | null> {
  const { name, url, checksum, headers, ca } = source;
  const made = (files: RuleFile[], tags: Pick<FetchedSet, 'etag' | 'lastModified'> = {}): FetchedSet => ({
    name,
    url,
    ...tags,
    fetched: new Date().toISOString(),
    files,
  });
  if (url.startsWith('file:')) return made(await unpackRules(readFileSync(fileURLToPath(url)), name));
  const options = { ...(headers && { headers }), ...(ca !== undefined && { ca }) };
  const answer = await download(url, { ...options, ...(before && { known: before }) });
  if (answer === null) {
    tell(`${name}: not changed since ${before?.lastModified ?? before?.fetched}`);
    return null;
  }
  const { body, etag, lastModified } = answer;
  const verified = await verifyChecksum(url, body, checksum, options);
  const files = await unpackRules(body, name);
  tell(
    `${name}: ${(body.length / 1e6).toFixed(1)} MB, ${files.length} ${files.length === 1 ? 'file' : 'files'}, ${
      verified === null ? 'the source has no checksum to compare with' : `${verified} right`
    }`,
  );
  return made(files, { etag, lastModified });
}

/** What the version in force has of a source. */
function keptSet(current: RuleVersion | null, before: SetRecord | undefined): FetchedSet | null {
  if (current === null || before === undefined) return null;
  return {
    ...before,
    files: before.files.map((file) => ({
      name: file.slice(before.name.length + 1),
      text: readFileSync(join(current.directory, file)),
    })),
  };
}
