import { type Command, InvalidArgumentError } from 'commander';
import type { TopOptions } from '../actions/top';
import { withConfig, withJson } from '../options';

const actions = () => require('../actions/top') as typeof import('../actions/top');

function parseInterval(text: string): number {
  const seconds = Number(text);
  if (!(seconds >= 0.2 && seconds <= 3600)) throw new InvalidArgumentError('must be 0.2 to 3600 seconds');
  return seconds;
}

function parseTimes(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1)
    throw new InvalidArgumentError('must be a whole number, 1 or more');
  return count;
}

export function addTopCommand(program: Command): void {
  withJson(
    withConfig(program.command('top').description('live view of traffic, alerts and bans; press q to quit')),
  )
    .option('-i, --interval <seconds>', 'seconds between updates', parseInterval, 2)
    .option('-n, --count <n>', 'stop after n updates', parseTimes)
    .addHelpText(
      'after',
      '\nExamples:\n  sudo portcullis top\n  sudo portcullis top --json --interval 10 | jq .packets.received',
    )
    .action((options: TopOptions) => actions().top(options));
}
