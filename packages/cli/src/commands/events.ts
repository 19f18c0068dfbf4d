import {
  type EventFilter,
  type EveRecord,
  eventMatcher,
  FileFollower,
  lastLines,
  parseRecord,
  queryEvents,
} from '@portcullis/events';
import { type Command, InvalidArgumentError } from 'commander';
import { eveFile } from '../eve-file';
import { eventLine } from '../event-line';
import { CommandError, Exit } from '../exit';
import { type ConfigOptions, parseWholeNumber, withConfig, withJson } from '../options';
import { terminalSafe, terminalSafeJson } from '../terminal-safe';

interface OutputOptions extends ConfigOptions {
  json?: boolean;
  file?: string;
}

interface TailOptions extends OutputOptions {
  lines?: number;
  follow?: boolean;
}

interface QueryOptions extends OutputOptions {
  since?: number;
  type?: string;
  src?: string;
  sid?: number;
  action?: string;
  limit?: number;
}

/** How many of the newest events can be asked for: they are kept until the last file is read. */
const LARGEST_COUNT = 100_000;
const DEFAULT_TAIL = 20;
const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, '': 1 };

/** `90`, `30m`, `1h`, `7d` before now, or a time as ISO 8601 has it. @returns milliseconds since 1970 */
function parseSince(text: string): number {
  const ago = /^(\d{1,9})\s*([smhd]?)$/.exec(text.trim().toLowerCase());
  if (ago) return Date.now() - Number(ago[1]) * (SECONDS[ago[2] as string] as number) * 1000;
  const time = /^\d{4}-/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time))
    throw new InvalidArgumentError('a duration such as 1h, or a time such as 2026-01-31T12:00:00Z is wanted');
  return time;
}

function parseCount(text: string): number {
  const count = parseWholeNumber(text);
  if (count > LARGEST_COUNT) throw new InvalidArgumentError(`${LARGEST_COUNT} at most`);
  return count;
}

/** Writes as fast as the reader of the output takes it. */
async function print(record: EveRecord, json: boolean | undefined): Promise<void> {
  const line = json ? terminalSafeJson(record) : eventLine(record);
  if (process.stdout.write(`${line}\n`)) return;
  await new Promise<void>((resolve) => process.stdout.once('drain', () => resolve()));
}

function unreadable(path: string, message: string): void {
  process.stderr.write(`portcullis: ${path}: ${terminalSafe(message)}\n`);
}

async function tail(options: TailOptions): Promise<void> {
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
    for (const line of await lastLines(path, options.lines ?? DEFAULT_TAIL, follower)) await show(line);
    if (options.follow) for await (const line of follower.follow({ signal: ended.signal })) await show(line);
  } catch (error) {
    throw fileError(path, error);
  } finally {
    await follower.close();
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}

async function query(options: QueryOptions): Promise<void> {
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

export function addEventsCommands(program: Command): void {
  const events = program.command('events').description('what was detected and done');
  withJson(withConfig(events.command('tail').description('the newest events, and those to come')))
    .option('-n, --lines <n>', `so many (default ${DEFAULT_TAIL})`, parseCount)
    .option('-f, --follow', 'go on with events as they come, over rotations of the file')
    .option('--file <file>', 'an EVE file other than that of the configuration')
    .addHelpText('after', '\nExamples:\n  portcullis events tail -f\n  portcullis events tail -n 100 --json')
    .action(tail);
  withJson(
    withConfig(
      events.command('query').description('search the EVE file and its rotated siblings, oldest first'),
    ),
  )
    .option('--since <when>', 'a duration before now (30m, 1h, 7d) or a time (ISO 8601)', parseSince)
    .option('--type <type>', 'alert, ban or engine')
    .option('--src <prefix>', 'source address, or a prefix: 203.0.113.0/24')
    .option('--sid <n>', 'signature', parseWholeNumber)
    .option('--action <action>', 'of an alert: allowed, blocked; of a ban: added, expired, refused, …')
    .option('--limit <n>', 'the newest n only', parseCount)
    .option('--file <file>', 'an EVE file other than that of the configuration')
    .addHelpText(
      'after',
      '\nExamples:\n  portcullis events query --since 1h --action blocked\n  portcullis events query --src 203.0.113.0/24 --json | jq .alert.signature',
    )
    .action(query);
}
