import {
  type EventFilter,
  type EveRecord,
  eventMatcher,
  FileFollower,
  lastLines,
  parseRecord,
  queryEvents,
} from '@portcullis/events';
import { eveFile } from '../eve-file';
import { eventLine } from '../event-line';
import { CommandError, Exit } from '../exit';
import type { ConfigOptions } from '../options';
import { printProblem } from '../print';
import { terminalSafeJson } from '../terminal-safe';

interface OutputOptions extends ConfigOptions {
  json?: boolean;
  file?: string;
}

export interface TailOptions extends OutputOptions {
  lines: number;
  follow?: boolean;
}

export interface QueryOptions extends OutputOptions {
  since?: number;
  type?: string;
  src?: string;
  sid?: number;
  action?: string;
  limit?: number;
}

/** Writes as fast as the reader of the output takes it. */
async function print(record: EveRecord, json: boolean | undefined): Promise<void> {
  const line = json ? terminalSafeJson(record) : eventLine(record);
  if (process.stdout.write(`${line}\n`)) return;
  await new Promise<void>((resolve) => process.stdout.once('drain', () => resolve()));
}

function unreadable(path: string, message: string): void {
  printProblem(`portcullis: ${path}: ${message}`);
}

export async function tail(options: TailOptions): Promise<void> {
  const path = eveFile(options);
  const follower = new FileFollower(path);
  const ended = new AbortController();
  const stop = () => ended.abort();
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  const show = async (line: string) => {
    const record = parseRecord(line);
    if (record) await print(record, options.json);
  };
  try {
    for (const line of await lastLines(path, options.lines, follower)) await show(line);
    if (options.follow) for await (const line of follower.follow({ signal: ended.signal })) await show(line);
  } catch (error) {
    throw fileError(path, error);
  } finally {
    await follower.close();
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}

export async function query(options: QueryOptions): Promise<void> {
  const { since, type, src, sid, action, limit } = options;
  const filter: EventFilter = {
    ...(since !== undefined && { since }),
    ...(type !== undefined && { type }),
    ...(src !== undefined && { source: src }),
    ...(sid !== undefined && { sid }),
    ...(action !== undefined && { action }),
  };
  try {
    eventMatcher(filter);
  } catch (error) {
    throw new CommandError(Exit.USAGE, (error as Error).message);
  }
  const path = eveFile(options);
  let newest: EveRecord[] = [];
  try {
    for await (const record of queryEvents(path, filter, unreadable)) {
      if (limit === undefined) {
        await print(record, options.json);
        continue;
      }
      newest.push(record);
      if (newest.length > 2 * limit) newest = newest.slice(newest.length - limit);
    }
  } catch (error) {
    throw fileError(path, error);
  }
  if (limit === undefined || limit === 0) return;
  for (const record of newest.slice(-limit)) await print(record, options.json);
}

function fileError(path: string, error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return new CommandError(Exit.NOT_SO, `${path}: no events have been written there`);
  if (code === 'EACCES' || code === 'EPERM') return new CommandError(Exit.PERMISSION, `${path}: ${message}`);
  return error;
}
