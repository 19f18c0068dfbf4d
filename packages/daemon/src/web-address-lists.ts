import { statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Configuration } from '@portcullis/configuration';
import type { WebAddressesAnswer } from '@portcullis/control';
import type { EveRecord } from '@portcullis/events';
import {
  type AddressSources,
  type AddressTableData,
  type LoadedAddresses,
  loadAddressesInThread,
} from '@portcullis/web-addresses';
import { engineEvent } from './engine-event';

/** Files that somebody has written anew are noticed within so long. */
const LOOK_MILLISECONDS = 30_000;

export interface WebAddressListsOptions {
  /** The addresses that are in force from now on; null: none. */
  onLoaded(table: AddressTableData | null): void;
  /** What somebody should know: a list that cannot be used. */
  onProblem(record: EveRecord, message: string): void;
  onNews(message: string): void;
  /** How lists are read; tests give their own. */
  load?(sources: AddressSources): Promise<LoadedAddresses>;
}

/**
 * The lists of web addresses that the configuration names: read beside everything else, put in force as a whole, and
 * read again when their files have changed.
 */
export class WebAddressLists {
  private loaded: LoadedAddresses | null = null;
  private loadedAt = 0;
  private sources: AddressSources | null = null;
  /** What the files were like when they were read last. */
  private seen = '';
  private loading: Promise<void> | null = null;
  private timer: NodeJS.Timeout | null = null;
  private stopped = false;
  /** Told already. */
  private readonly told = new Map<string, string>();

  constructor(private readonly options: WebAddressListsOptions) {}

  get table(): AddressTableData | null {
    return this.loaded?.table ?? null;
  }

  /** Takes over what a configuration names; what has to be read comes in force when it has been. */
  configure(configuration: Configuration, configurationFile: string | null): void {
    this.sources = sourcesOf(configuration, configurationFile);
    this.timer ??= setInterval(() => this.look(), LOOK_MILLISECONDS).unref();
    this.look();
  }

  stop(): void {
    this.stopped = true;
    if (this.timer !== null) clearInterval(this.timer);
  }

  /** Reads what has changed since it was read last. */
  private look(): void {
    if (this.loading !== null || this.stopped) return;
    const { sources } = this;
    const seen = sources === null ? '' : JSON.stringify([sources, ...filesOf(sources).map(fileState)]);
    if (seen === this.seen) return;
    this.seen = seen;
    this.loading = this.read(sources).finally(() => {
      this.loading = null;
      // What has been configured meanwhile.
      this.look();
    });
  }

  private async read(sources: AddressSources | null): Promise<void> {
    if (sources === null) {
      this.loaded = null;
      this.options.onLoaded(null);
      return;
    }
    try {
      const loaded = await (this.options.load ?? loadAddressesInThread)(sources);
      if (this.stopped) return;
      this.loaded = loaded;
      this.loadedAt = Date.now();
      this.options.onLoaded(loaded.table);
      this.options.onNews(
        `${loaded.table.entries} web addresses of ${loaded.lists.length} lists are in force after ${loaded.seconds.toFixed(1)} s`,
      );
      this.forgetTold(new Set(['', ...loaded.lists.map(({ name }) => name)]));
      this.tell('', null);
      for (const { name, problem, entries } of loaded.lists) {
        const left =
          entries === 0 ? 'none of its addresses are in force' : 'its last good version stays in force';
        this.tell(
          name,
          problem === null ? null : `list ${name} of web addresses cannot be used: ${problem}; ${left}`,
        );
      }
    } catch (error) {
      if (this.stopped) return;
      this.tell('', `web addresses stay as they are: ${(error as Error).message}`);
    }
  }

  /** @param message null: it is well */
  private tell(name: string, message: string | null): void {
    if (message === null) this.told.delete(name);
    if (message === null || this.told.get(name) === message) return;
    this.told.set(name, message);
    const record: EveRecord = engineEvent('WEB_ADDRESS_LIST', message);
    this.options.onProblem(record, message);
  }

  private forgetTold(names: ReadonlySet<string>): void {
    for (const name of this.told.keys()) if (!names.has(name)) this.told.delete(name);
  }

  /** For `status`; null: no lists are configured. */
  answer(): WebAddressesAnswer | null {
    if (this.sources === null) return null;
    const { loaded } = this;
    return {
      entries: loaded?.table.entries ?? 0,
      bytes: loaded?.bytes ?? 0,
      loading: this.loading !== null,
      loaded_at: loaded === null ? null : new Date(this.loadedAt).toISOString(),
      problem: this.told.get('') ?? null,
      lists: (loaded?.lists ?? []).map((list) => ({
        name: list.name,
        category: list.category,
        entries: list.entries,
        duplicates: list.duplicates,
        bad_lines: list.badLines,
        first_bad_lines: list.firstBadLines.map(({ line, reason }) => ({ line, reason })),
        written_at: list.writtenAt === null ? null : new Date(list.writtenAt).toISOString(),
        age_s: list.writtenAt === null ? null : Math.max(0, Math.round((Date.now() - list.writtenAt) / 1000)),
        problem: list.problem,
      })),
    };
  }
}

/**
 * The lists that a configuration names, as their files are now; no version of them is kept for later.
 *
 * @param onProblem told of each list that cannot be used
 * @returns null where no lists are configured
 * @throws Error where no table can be made of them
 */
export async function readWebAddresses(
  configuration: Configuration,
  configurationFile: string | null,
  onProblem: (message: string) => void,
): Promise<AddressTableData | null> {
  const sources = sourcesOf(configuration, configurationFile);
  if (sources === null) return null;
  const { table, lists } = await loadAddressesInThread({ ...sources, keepDirectory: null });
  for (const { name, problem } of lists)
    if (problem !== null) onProblem(`list ${name} of web addresses cannot be used: ${problem}`);
  return table;
}

/** @returns null where no lists are configured */
function sourcesOf(configuration: Configuration, configurationFile: string | null): AddressSources | null {
  const { lists, allow, 'allow-files': allowFiles } = configuration['web-addresses'];
  if (lists.length === 0) return null;
  const base = configurationFile === null ? process.cwd() : dirname(resolve(configurationFile));
  return {
    lists: lists.map((list) => ({
      name: list.name,
      path: resolve(base, list.file),
      category: list.category,
      form: list.format,
      subdomains: list.subdomains,
      column: list.column,
      categoryColumn: list['category-column'],
      delimiter: list.delimiter,
      header: list.header,
    })),
    allowed: allow,
    allowedFiles: allowFiles.map((path) => resolve(base, path)),
    keepDirectory: join(configuration['state-dir'], 'web-addresses'),
  };
}

function filesOf({ lists, allowedFiles }: AddressSources): string[] {
  return [...lists.map(({ path }) => path), ...allowedFiles];
}

function fileState(path: string): string {
  try {
    const { mtimeMs, size, ino } = statSync(path);
    return `${mtimeMs} ${size} ${ino}`;
  } catch {
    return 'none';
  }
}
