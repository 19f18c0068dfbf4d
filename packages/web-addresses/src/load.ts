import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { type AddressTableData, ALLOWED, tableBytes } from './address-table';
import { FeedError } from './feed-lines';
import { type BadLine, type EntrySink, FeedLineReader, type FeedSettings, readFeed } from './feed-reader';
import { MAX_CATEGORIES, NAMED_BAD_LINES } from './limits';
import { AddressTableBuilder, type PrepareMemory } from './table-builder';

/** One list of addresses: a file in one of the forms. */
export interface AddressList extends FeedSettings {
  readonly name: string;
  readonly path: string;
  /** Of all its addresses, but for those whose line names another. */
  readonly category: string;
}

/** What a table is made of: plain data that crosses threads. */
export interface AddressSources {
  readonly lists: readonly AddressList[];
  /** Addresses that are in no category, whatever lists say. */
  readonly allowed: readonly string[];
  /** Files of such addresses. */
  readonly allowedFiles: readonly string[];
  /** Where the last good version of every list is kept; null: nowhere. */
  readonly keepDirectory: string | null;
}

/** What came of one list. */
export interface ListReport {
  readonly name: string;
  readonly category: string;
  entries: number;
  /** Addresses that an earlier entry of the same category covers word for word. */
  duplicates: number;
  badLines: number;
  /** The first bad lines. */
  firstBadLines: readonly BadLine[];
  /** When the file was written whose addresses are in force, milliseconds since 1970; null: there are none. */
  writtenAt: number | null;
  /** Why the feed itself is not in force: its last good version is, or nothing; null: it is. */
  problem: string | null;
}

/** A table and what is in it: plain data that crosses threads. */
export interface LoadedAddresses {
  readonly table: AddressTableData;
  readonly lists: readonly ListReport[];
  /** Shared by all threads. */
  readonly bytes: number;
  readonly seconds: number;
}

/** The list of exceptions, as reports name it. */
export const ALLOW_LIST = 'allow';
/** Exceptions that the configuration names are of their own; a feed of them is read as domains. */
const ALLOW_FORM: FeedSettings = { form: 'domains' };

/** Where the addresses of a list come from this time. */
type Origin = 'feed' | 'kept' | 'nowhere';

/**
 * Reads all lists into one table. A feed that cannot be used — unreadable, empty, more bad lines than good ones — does
 * not take its addresses away: its last good version stays in force.
 *
 * @param prepare as AddressTableBuilder takes it
 */
export function loadAddresses(sources: AddressSources, prepare?: PrepareMemory): LoadedAddresses {
  const started = performance.now();
  const problems = new Map<string, string>();
  const origins = new Map<string, Origin>(sources.lists.map(({ name }) => [name, 'feed']));
  if (sources.keepDirectory !== null) mkdirSync(sources.keepDirectory, { recursive: true, mode: 0o750 });
  // What a bad feed has put into a table cannot be taken out again: another is begun without it.
  for (;;) {
    const attempt = new Attempt(sources, origins, problems, prepare);
    const bad = attempt.run();
    if (bad === null) {
      const table = attempt.builder.finish();
      attempt.keep();
      return {
        table,
        lists: attempt.reports,
        bytes: tableBytes(table),
        seconds: (performance.now() - started) / 1000,
      };
    }
    const origin = origins.get(bad.name);
    if (origin === 'feed') problems.set(bad.name, bad.problem);
    const hasKept = origin === 'feed' && existsSync(keptPath(sources, bad.name) ?? '');
    origins.set(bad.name, hasKept ? 'kept' : 'nowhere');
  }
}

/** What is wrong with an exception of the configuration; null: nothing. */
export function exceptionProblem(text: string): string | null {
  const bytes = Buffer.from(text);
  return new FeedLineReader(ALLOW_FORM, () => null).read(bytes, 0, bytes.length, 1) ?? null;
}

/** One pass over all lists. */
class Attempt {
  readonly builder: AddressTableBuilder;
  readonly reports: ListReport[] = [];
  private readonly copies: { from: string; to: string }[] = [];

  constructor(
    private readonly sources: AddressSources,
    private readonly origins: ReadonlyMap<string, Origin>,
    private readonly problems: ReadonlyMap<string, string>,
    prepare?: PrepareMemory,
  ) {
    this.builder = new AddressTableBuilder(prepare);
  }

  /** @returns the list that must be read from elsewhere; null: all are in */
  run(): { name: string; problem: string } | null {
    this.readExceptions();
    for (const list of this.sources.lists) {
      const report = this.reportOf(list.name, list.category);
      const number = this.builder.addList(list.name);
      const path = this.pathOf(list);
      if (path === null) continue;
      try {
        const file = this.copied(list, path);
        this.read(list, file, number, report);
        report.writtenAt = statSync(path).mtimeMs;
      } catch (error) {
        this.forgetCopies();
        if (!(error instanceof FeedError)) throw error;
        return { name: list.name, problem: error.message };
      }
    }
    return null;
  }

  /** The feeds that were good are the ones to go back to. */
  keep(): void {
    for (const { from, to } of this.copies) renameSync(from, to);
  }

  private forgetCopies(): void {
    for (const { from } of this.copies) rmSync(from, { force: true });
    this.copies.length = 0;
  }

  private reportOf(name: string, category: string): ListReport {
    const report: ListReport = {
      name,
      category,
      entries: 0,
      duplicates: 0,
      badLines: 0,
      firstBadLines: [],
      writtenAt: null,
      problem: this.problems.get(name) ?? null,
    };
    this.reports.push(report);
    return report;
  }

  private pathOf({ name, path }: AddressList): string | null {
    switch (this.origins.get(name)) {
      case 'feed':
        return path;
      case 'kept':
        return keptPath(this.sources, name);
      default:
        return null;
    }
  }

  /** A copy of a feed, so that what is read is what is kept, even while somebody writes the feed. */
  private copied({ name }: AddressList, path: string): string {
    const kept = keptPath(this.sources, name);
    if (kept === null || path === kept) return path;
    const copy = `${kept}.new`;
    try {
      const { mtime } = statSync(path);
      this.copies.push({ from: copy, to: kept });
      copyFileSync(path, copy);
      utimesSync(copy, mtime, mtime);
    } catch (error) {
      throw new FeedError((error as Error).message);
    }
    return copy;
  }

  private read(list: AddressList, path: string, number: number, report: ListReport): void {
    const { builder } = this;
    const own = this.category(list.category);
    const { lines, bad, badLines } = readFeed(path, list, (address, flags, named) => {
      const category = named === null ? own : builder.categoryNumber(named);
      if (category < 0) return `there are more than ${MAX_CATEGORIES} categories`;
      if (builder.add(address, flags, number, category)) report.entries++;
      else report.duplicates++;
      return null;
    });
    report.badLines = bad;
    report.firstBadLines = badLines;
    checkLines(lines, bad, badLines);
  }

  private category(name: string): number {
    const number = this.builder.categoryNumber(name);
    if (number < 0) throw new FeedError(`there are more than ${MAX_CATEGORIES} categories`);
    return number;
  }

  /** @throws where one of them cannot be used: nobody is to be blocked for an exception that is missing */
  private readExceptions(): void {
    const { allowed, allowedFiles } = this.sources;
    if (allowed.length + allowedFiles.length === 0) return;
    const { builder } = this;
    const number = builder.addList(ALLOW_LIST);
    const report = this.reportOf(ALLOW_LIST, 'allowed');
    const sink: EntrySink = (address, flags) => {
      if (builder.add(address, flags, number, ALLOWED)) report.entries++;
      else report.duplicates++;
      return null;
    };
    const reader = new FeedLineReader(ALLOW_FORM, sink);
    for (const entry of allowed) {
      const bytes = Buffer.from(entry);
      const reason = reader.read(bytes, 0, bytes.length, 1);
      if (reason !== null) throw new Error(`the exception '${entry}': ${reason ?? 'it is empty'}`);
    }
    for (const path of allowedFiles) {
      const { bad, badLines } = readFeed(path, ALLOW_FORM, sink);
      report.badLines += bad;
      report.firstBadLines = [...report.firstBadLines, ...badLines].slice(0, NAMED_BAD_LINES);
      report.writtenAt = Math.max(report.writtenAt ?? 0, statSync(path).mtimeMs);
    }
  }
}

function checkLines(lines: number, bad: number, [first]: readonly BadLine[]): void {
  const example = first === undefined ? '' : ` (line ${first.line}: ${first.reason})`;
  if (lines === bad) throw new FeedError(`it holds no address${example}`);
  if (bad * 2 > lines)
    throw new FeedError(`${bad} of ${lines} lines are no addresses: is it in another form?${example}`);
}

function keptPath({ keepDirectory }: AddressSources, name: string): string | null {
  return keepDirectory === null ? null : join(keepDirectory, name);
}
