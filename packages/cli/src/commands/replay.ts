import type { Command } from 'commander';
import type { ReplayCommandOptions } from '../actions/replay';
import { collectOption, parseWholeNumber, withConfig } from '../options';

const actions = () => require('../actions/replay') as typeof import('../actions/replay');

export function addReplayCommand(program: Command): void {
  withConfig(
    program
      .command('replay <capture...>')
      .description('inspect captures, without root and without the kernel'),
    { set: true },
  )
    .option(
      '--rules <file>',
      'rule file or folder instead of those of the configuration (may be repeated)',
      collectOption,
    )
    .option('--inline', 'decide verdicts as on a gateway')
    .option('--eve <file>', "where the EVE records go; '-' is standard output (default)")
    .option('--profile [n]', 'print the n costliest rules (default 20)', parseWholeNumber)
    .option('--strict', 'a rule that cannot be loaded is an error')
    .addHelpText(
      'after',
      '\nExamples:\n  portcullis replay attack.pcap\n  portcullis replay --rules emerging-all.rules --eve alerts.json *.pcap',
    )
    .action((captures: string[], options: ReplayCommandOptions) => actions().replay(captures, options));
}
