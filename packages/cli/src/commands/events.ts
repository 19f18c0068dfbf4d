import { type Command, InvalidArgumentError } from 'commander';
import type { QueryOptions, TailOptions } from '../actions/events';
import { parseWholeNumber, withConfig, withJson } from '../options';

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

const actions = () => require('../actions/events') as typeof import('../actions/events');

export function addEventsCommands(program: Command): void {
  const events = program.command('events').description('show what was detected and what was done about it');
  withJson(withConfig(events.command('tail').description('show the newest events, and follow new ones')))
    .option('-n, --lines <n>', 'how many events to show', parseCount, DEFAULT_TAIL)
    .option('-f, --follow', 'keep going and show events as they happen, across rotations of the file')
    .option('--file <file>', 'read this EVE file instead of the configured one')
    .addHelpText('after', '\nExamples:\n  portcullis events tail -f\n  portcullis events tail -n 100 --json')
    .action((options: TailOptions) => actions().tail(options));
  withJson(
    withConfig(
      events.command('query').description('search the EVE file and its rotated predecessors, oldest first'),
    ),
  )
    .option('--since <when>', 'how far back (30m, 1h, 7d), or a time (ISO 8601)', parseSince)
    .option('--type <type>', 'alert, ban or engine')
    .option('--src <prefix>', 'source address or prefix, such as 203.0.113.0/24')
    .option('--sid <n>', 'signature id', parseWholeNumber)
    .option('--action <action>', 'of an alert: allowed, blocked; of a ban: added, expired, refused, …')
    .option('--limit <n>', 'show only the newest n', parseCount)
    .option('--file <file>', 'read this EVE file instead of the configured one')
    .addHelpText(
      'after',
      '\nExamples:\n  portcullis events query --since 1h --action blocked\n  portcullis events query --src 203.0.113.0/24 --json | jq .alert.signature',
    )
    .action((options: QueryOptions) => actions().query(options));
}
