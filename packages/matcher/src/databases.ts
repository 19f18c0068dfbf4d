import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Pattern,
  PatternDatabase,
  PatternError,
  patternLibraryFingerprint,
} from '@portcullis/pattern-binding';
import { type DatabaseOrder, writeWhole } from './compile-apart';
import type { CompiledRuleSet } from './compiled-rule-set';
import type { Prefilter } from './prefilter';

export interface DatabaseOptions {
  /**
   * Directory for compiled databases, made where it is missing. Only its owner may be able to write there: what
   * stands in it is trusted.
   */
  readonly cacheDirectory?: string;
  /**
   * Compile in processes of their own and hand over through the cache, without which it is not done: this process
   * then needs a few megabytes instead of several hundred.
   */
  readonly apart?: boolean;
}

export interface DatabaseReport {
  /** Databases that some thread of this process had already. */
  attached: number;
  /** Read from the cache. */
  cached: number;
  compiled: number;
  /** Bytes of all databases. */
  bytes: number;
  /** Files of the cache that could not be read or written, with the reason. */
  problems: string[];
}

/** Compilations under way at once: more only need more memory. */
const PARALLEL = 2;
/** What each database costs however few literals it has, in literals. */
const ORDER_COST = 50;
const SHARE_PREFIX = 'portcullis-patterns:';

/**
 * Makes the pattern databases of a rule set: attaches to those that another thread of this process has, reads those
 * that are in the cache, compiles the rest on threads of its own. The rule set keeps them alive.
 */
export async function prepareDatabases(
  ruleset: CompiledRuleSet,
  options: DatabaseOptions = {},
): Promise<DatabaseReport> {
  const work = new DatabaseWork(options);
  // Equal prefilters (of packets and streams, of both directions) need one database.
  const missing = new Map<string, Prefilter>();
  const searched = searchedOf(ruleset);
  for (const prefilter of searched) {
    if (!missing.has(prefilter.key) && !work.find(prefilter)) missing.set(prefilter.key, prefilter);
  }
  if (options.apart === true && missing.size > 0) await work.compileApart(missing);
  const next = missing.values();
  const worker = async () => {
    for (const prefilter of next)
      work.keep(prefilter, await PatternDatabase.compileAsync(work.patterns(prefilter)));
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  for (const prefilter of searched) work.attach(prefilter);
  return work.report;
}

/** As `prepareDatabases`, at once and on this thread. */
export function prepareDatabasesNow(ruleset: CompiledRuleSet, options: DatabaseOptions = {}): DatabaseReport {
  const work = new DatabaseWork(options);
  for (const prefilter of searchedOf(ruleset)) {
    if (!work.find(prefilter)) work.keep(prefilter, PatternDatabase.compile(work.patterns(prefilter)));
  }
  return work.report;
}

/**
 * Attaches a rule set to databases that another thread has prepared for the same rules.
 * @returns how many are missing; the rule set can be used when it is 0
 */
export function attachDatabases(ruleset: CompiledRuleSet): number {
  const work = new DatabaseWork({});
  let missing = 0;
  for (const prefilter of searchedOf(ruleset)) if (!work.attach(prefilter)) missing++;
  return missing;
}

/** Those that need a database. */
function searchedOf({ prefilters }: CompiledRuleSet): Prefilter[] {
  return prefilters.filter(({ firsts }) => firsts === null);
}

class DatabaseWork {
  readonly report: DatabaseReport = { attached: 0, cached: 0, compiled: 0, bytes: 0, problems: [] };
  private readonly seen = new Set<string>();
  private readonly directory: string | undefined;
  private fingerprint = '';

  constructor({ cacheDirectory }: DatabaseOptions) {
    this.directory = cacheDirectory;
    if (cacheDirectory === undefined) return;
    this.fingerprint = patternLibraryFingerprint();
    try {
      mkdirSync(cacheDirectory, { recursive: true, mode: 0o700 });
    } catch (error) {
      this.problem(error);
    }
  }

  attach(prefilter: Prefilter): boolean {
    if (prefilter.database) return true;
    const database = PatternDatabase.attach(SHARE_PREFIX + prefilter.key);
    if (!database) return false;
    if (!this.seen.has(prefilter.key)) this.report.attached++;
    this.take(prefilter, database);
    return true;
  }

  find(prefilter: Prefilter): boolean {
    if (this.attach(prefilter)) return true;
    if (this.directory === undefined) return false;
    try {
      const database = PatternDatabase.deserialize(readFileSync(this.path(prefilter)));
      this.report.cached++;
      this.publish(prefilter, database);
      return true;
    } catch (error) {
      const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
      // A damaged or foreign file is compiled anew and replaced.
      if (!missing && !(error instanceof PatternError)) this.problem(error);
      return false;
    }
  }

  patterns(prefilter: Prefilter): Pattern[] {
    return prefilter.literals().map(({ bytes, caseless }, id) => ({ expression: bytes, id, caseless }));
  }

  /** Takes a database that was just compiled. */
  keep(prefilter: Prefilter, database: PatternDatabase): void {
    this.report.compiled++;
    this.publish(prefilter, database);
    if (this.directory === undefined) return;
    try {
      writeWhole(this.path(prefilter), database.serialize());
    } catch (error) {
      this.problem(error);
    }
  }

  /** Takes out of `missing` what other processes have compiled; the rest is for this one. */
  async compileApart(missing: Map<string, Prefilter>): Promise<void> {
    // Beside the compiled form of this file; there is none where the sources run as they stand.
    const program = join(__dirname, 'compile-apart.js');
    if (this.directory === undefined || !existsSync(program)) return;
    const shares: DatabaseOrder[][] = Array.from({ length: PARALLEL }, () => []);
    const sizes = shares.map(() => 0);
    const largestFirst = [...missing.values()].sort((a, b) => b.literalCount - a.literalCount);
    for (const prefilter of largestFirst) {
      const share = sizes.indexOf(Math.min(...sizes));
      sizes[share] += prefilter.literalCount + ORDER_COST;
      const literals = prefilter
        .literals()
        .map(({ bytes, caseless }) => [Buffer.from(bytes).toString('base64'), caseless] as const);
      shares[share].push({ path: this.path(prefilter), literals });
    }
    await Promise.all(shares.map((orders) => this.order(program, orders)));
    for (const [key, prefilter] of missing) {
      if (!this.find(prefilter)) continue;
      this.report.cached--;
      this.report.compiled++;
      missing.delete(key);
    }
  }

  private async order(program: string, orders: readonly DatabaseOrder[]): Promise<void> {
    if (orders.length === 0) return;
    const file = join(this.directory as string, `order-${randomBytes(6).toString('hex')}.json`);
    try {
      writeFileSync(file, JSON.stringify(orders), { mode: 0o600, flag: 'wx' });
      const child = spawn(process.execPath, [program, file], { stdio: 'ignore' });
      const [code, signal] = await once(child, 'close');
      if (code !== 0) throw new Error(`compiling apart ended with ${signal ?? code}`);
    } catch (error) {
      this.problem(error);
    } finally {
      rmSync(file, { force: true });
    }
  }

  private publish(prefilter: Prefilter, database: PatternDatabase): void {
    try {
      database.share(SHARE_PREFIX + prefilter.key);
    } catch (error) {
      // Another thread was quicker: both are the same database.
      if (!(error instanceof PatternError && error.code === 'SHARE_KEY_TAKEN')) throw error;
    }
    this.take(prefilter, database);
  }

  private take(prefilter: Prefilter, database: PatternDatabase): void {
    prefilter.database = database;
    if (!this.seen.has(prefilter.key)) this.report.bytes += database.size;
    this.seen.add(prefilter.key);
  }

  private path(prefilter: Prefilter): string {
    const name = createHash('sha256')
      .update(this.fingerprint)
      .update('\n')
      .update(prefilter.key)
      .digest('hex');
    return join(this.directory as string, `${name}.patterns`);
  }

  private problem(error: unknown): void {
    const { message } = error as Error;
    if (this.report.problems.length < 8 && !this.report.problems.includes(message))
      this.report.problems.push(message);
  }
}
