import { createHash } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { RuleFile } from './archive';

/** What is kept of one source within a version. */
export interface FetchedSet {
  readonly name: string;
  readonly url: string;
  readonly etag?: string | undefined;
  readonly lastModified?: string | undefined;
  /** ISO 8601. */
  readonly fetched: string;
  readonly files: readonly RuleFile[];
}

/** The same without the rules. */
export interface SetRecord extends Omit<FetchedSet, 'files'> {
  /** Names within the version's folder. */
  readonly files: readonly string[];
}

/** All rule sets as they were at one time. */
export interface RuleVersion {
  readonly id: string;
  readonly directory: string;
  /** SHA-256 over names and contents: two versions with the same rules have the same. */
  readonly digest: string;
  readonly sets: readonly SetRecord[];
}

const MANIFEST = 'manifest.json';
const CURRENT = 'current';
const PREVIOUS = 'previous';
const REJECTED = 'rolled-back';
/** Digests of versions that were rolled back from; the oldest are forgotten. */
const MOST_REJECTED = 20;
const VERSION_NAME = /^[0-9]{8}T[0-9]{9}Z-[0-9a-f]{12}$/;

/**
 * Versions of fetched rules in one folder. `current` and `previous` are symbolic links that are replaced by renaming,
 * so that whoever reads them sees a whole version, also after a crash; only one process may write at a time.
 */
export class RuleStore {
  constructor(readonly directory: string) {}

  get current(): RuleVersion | null {
    return this.linked(CURRENT);
  }

  get previous(): RuleVersion | null {
    return this.linked(PREVIOUS);
  }

  /** Writes a version that is not in force yet. */
  write(sets: readonly FetchedSet[], now = new Date()): RuleVersion {
    const digest = digestOf(sets);
    const id = `${now.toISOString().replace(/[-:.]/g, '')}-${digest.slice(0, 12)}`;
    const directory = join(this.directory, id);
    for (const { name, files } of sets) {
      mkdirSync(join(directory, name), { recursive: true, mode: 0o750 });
      for (const file of files) writeDurably(join(directory, name, file.name), file.text);
    }
    const records: SetRecord[] = sets.map((set) => ({
      ...set,
      files: set.files.map((file) => `${set.name}/${file.name}`),
    }));
    writeDurably(
      join(directory, MANIFEST),
      Buffer.from(`${JSON.stringify({ digest, sets: records }, null, 2)}\n`),
    );
    return { id, directory, digest, sets: records };
  }

  /** Puts a written version in force; what was in force can be gone back to, anything older is deleted. */
  activate(version: RuleVersion): void {
    const before = this.current;
    if (before !== null && before.id !== version.id) this.link(PREVIOUS, before.id);
    this.link(CURRENT, version.id);
    this.prune();
  }

  /** Takes a version with the same rules, fetched later, for the one in force. */
  renew(version: RuleVersion): void {
    this.link(CURRENT, version.id);
    this.prune();
  }

  /**
   * Goes back to the previous version, and remembers not to take the present one again.
   * @returns what is in force now; null where there is nothing to go back to
   */
  rollBack(): RuleVersion | null {
    const { current, previous } = this;
    if (current === null || previous === null || current.id === previous.id) return null;
    this.link(CURRENT, previous.id);
    this.link(PREVIOUS, current.id);
    this.rejected = [
      ...this.rejected.filter((digest) => digest !== current.digest && digest !== previous.digest),
      current.digest,
    ];
    return previous;
  }

  /** Undoes `activate`, for a version that nobody could use. */
  discard(version: RuleVersion): void {
    const { current, previous } = this;
    if (current?.id === version.id) {
      if (previous !== null && previous.id !== version.id) this.link(CURRENT, previous.id);
      else rmSync(join(this.directory, CURRENT), { force: true });
    }
    rmSync(version.directory, { recursive: true, force: true });
  }

  /** Whether these rules were rolled back from. */
  wasRejected(version: RuleVersion): boolean {
    return this.rejected.includes(version.digest);
  }

  private get rejected(): string[] {
    const text = readIfThere(join(this.directory, REJECTED)) ?? '';
    return text.split('\n').filter((line) => /^[0-9a-f]{64}$/.test(line));
  }

  private set rejected(digests: readonly string[]) {
    const path = join(this.directory, REJECTED);
    writeDurably(`${path}.next`, Buffer.from(`${digests.slice(-MOST_REJECTED).join('\n')}\n`));
    renameSync(`${path}.next`, path);
  }

  private linked(link: string): RuleVersion | null {
    let id: string;
    try {
      id = readlinkSync(join(this.directory, link));
    } catch {
      return null;
    }
    const directory = join(this.directory, id);
    const text = VERSION_NAME.test(id) ? readIfThere(join(directory, MANIFEST)) : null;
    if (text === null) return null;
    const { digest, sets } = JSON.parse(text) as Pick<RuleVersion, 'digest' | 'sets'>;
    return { id, directory, digest, sets };
  }

  private link(link: string, id: string): void {
    const path = join(this.directory, link);
    rmSync(`${path}.next`, { force: true });
    symlinkSync(id, `${path}.next`);
    renameSync(`${path}.next`, path);
  }

  private prune(): void {
    const kept = [this.current?.id, this.previous?.id];
    for (const name of readdirSync(this.directory)) {
      if (VERSION_NAME.test(name) && !kept.includes(name))
        rmSync(join(this.directory, name), { recursive: true, force: true });
    }
  }
}

function digestOf(sets: readonly FetchedSet[]): string {
  const hash = createHash('sha256');
  for (const { name, files } of sets) {
    for (const file of files) hash.update(`${name}/${file.name} ${file.text.length}\n`).update(file.text);
  }
  return hash.digest('hex');
}

function writeDurably(path: string, content: Uint8Array): void {
  const file = openSync(path, 'w', 0o640);
  try {
    for (let at = 0; at < content.length; ) at += writeSync(file, content, at);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
