import type { BanListAnswer, BanRow, BansRemovedAnswer } from '@portcullis/control';
import type { Command } from 'commander';
import { CommandError, Exit } from '../exit';
import { ask, type ConfigOptions, parseWholeNumber, withConfig, withJson } from '../options';
import { colour, formatCount, formatDuration, printJson, printLine, printTable } from '../print';

const fileActions = () => require('../actions/ban-file') as typeof import('../actions/ban-file');

interface ListOptions extends ConfigOptions {
  json?: boolean;
  limit?: number;
  offset?: number;
}

function printBans(answer: BanListAnswer): void {
  if (answer.total === 0) {
    printLine('No device is blocked.');
    return;
  }
  printTable(
    ['ADDRESS', 'TIME LEFT', 'ORIGIN', 'TIMES', 'DROPPED', 'REASON'],
    answer.bans.map((ban) => [
      ban.prefix,
      formatDuration(ban.remaining_s),
      ban.origin,
      String(ban.count),
      ban.packets === null ? '–' : `${formatCount(ban.packets)} packets`,
      ban.reason + (ban.sid ? colour.dim(` (sid ${ban.sid})`) : ''),
    ]),
  );
  const shown = answer.bans.length;
  printLine(
    shown < answer.total
      ? `${formatCount(shown)} of ${formatCount(answer.total)} blocked devices; --offset ${answer.offset + shown} shows the next`
      : `${formatCount(answer.total)} blocked device${answer.total === 1 ? '' : 's'}`,
  );
}

async function list(options: ListOptions): Promise<void> {
  const answer = await ask<BanListAnswer>(options, 'bans.list', {
    limit: options.limit ?? 1000,
    offset: options.offset ?? 0,
  });
  if (options.json) printJson(answer);
  else printBans(answer);
}

async function remove(
  addresses: string[],
  options: ConfigOptions & { all?: boolean; json?: boolean },
): Promise<void> {
  if (addresses.length === 0 && !options.all)
    throw new CommandError(Exit.USAGE, 'name the addresses to let in again, or --all');
  if (addresses.length > 0 && options.all)
    throw new CommandError(Exit.USAGE, "give either addresses or '--all', not both");
  const answer = await ask<BansRemovedAnswer>(
    options,
    'bans.remove',
    options.all ? { all: true } : { addresses },
  );
  if (options.json) printJson(answer);
  else {
    for (const prefix of answer.removed) printLine(`${prefix} is let in again`);
    if (answer.count > answer.removed.length)
      printLine(`and ${formatCount(answer.count - answer.removed.length)} more`);
    for (const address of answer.not_banned) printLine(`${address} was not blocked`);
    if (options.all && answer.removed.length === 0) printLine('No device was blocked.');
  }
  if (answer.not_banned.length > 0) throw new CommandError(Exit.NOT_SO, '');
}

export function addBansCommands(program: Command): void {
  const bans = program.command('bans').description('list, add and remove blocked devices');
  withJson(withConfig(bans.command('list').description('show who is blocked, why and for how long')))
    .option('--limit <n>', 'show at most n (default 1000)', parseWholeNumber)
    .option('--offset <n>', 'skip the first n', parseWholeNumber)
    .addHelpText('after', '\nExample:\n  portcullis bans list --json | jq -r .bans[].prefix')
    .action(list);
  withJson(withConfig(bans.command('show <address>').description('show one blocked device')))
    .addHelpText('after', '\nExample:\n  portcullis bans show 203.0.113.9')
    .action(async (address: string, options: ListOptions) => {
      const ban = await ask<BanRow | null>(options, 'bans.show', { address });
      if (options.json) printJson(ban);
      else if (ban) printBans({ total: 1, offset: 0, bans: [ban] });
      if (!ban) throw new CommandError(Exit.NOT_SO, options.json ? '' : `${address} is not blocked`);
    });
  withJson(
    withConfig(bans.command('add [address]').description('block an address or a prefix, or those in a file')),
  )
    .option('--file <file>', "addresses and prefixes, one per line; '-' is standard input")
    .option('--for <duration>', 'how long: seconds, or a number with s, m, h or d (default: block-duration)')
    .option('--reason <text>', 'why; shown in the list and in the event')
    .addHelpText(
      'after',
      '\nExamples:\n  portcullis bans add 203.0.113.9 --for 2h --reason "port scan"\n  portcullis bans add 2001:db8:1::/64\n  portcullis bans add --file blocklist.txt --for 24h',
    )
    .action(
      async (
        address: string | undefined,
        options: ConfigOptions & { file?: string; for?: string; reason?: string; json?: boolean },
      ) => {
        const { file } = options;
        if ((address === undefined) === (file === undefined))
          throw new CommandError(Exit.USAGE, 'name an address, or --file');
        if (file !== undefined) return fileActions().addBansOfFile({ ...options, file });
        const ban = await ask<BanRow>(options, 'bans.add', {
          address,
          for: options.for,
          reason: options.reason,
        });
        if (options.json) printJson(ban);
        else printLine(`${ban.prefix} is blocked for ${formatDuration(ban.remaining_s)}`);
      },
    );
  withJson(
    withConfig(bans.command('remove [address...]').description('lift bans, so that addresses get in again')),
  )
    .option('--all', 'lift every ban')
    .addHelpText('after', '\nExamples:\n  portcullis bans remove 203.0.113.9\n  portcullis bans remove --all')
    .action(remove);
}

/** The same, in the words administrators of endpoint-security products know. */
export function addProductAliases(program: Command): void {
  withJson(withConfig(program))
    .option('--get-blocked-hosts', "same as 'bans list'")
    .option('--allow-hosts <address...>', "same as 'bans remove'")
    .action(
      async (
        options: ListOptions & { getBlockedHosts?: boolean; allowHosts?: string[] },
        command: Command,
      ) => {
        if (options.allowHosts) await remove(options.allowHosts, options);
        else if (options.getBlockedHosts) await list(options);
        else if (command.args.length > 0) command.error(`error: unknown command '${command.args[0]}'`);
        else command.help({ error: true });
      },
    );
}
