import type { Command } from 'commander';
import type { ReplayCommandOptions } from '../actions/replay';
import { collectOption, parseWholeNumber, withConfig } from '../options';

const actions = () => require('../actions/replay') as typeof import('../actions/replay');

export function addReplayCommand(program: Command): void {
  withConfig(
    program
      .command('replay <capture...>')
      .description('inspect capture files; needs neither root nor the kernel'),
    { set: true },
  )
    .option(
      '--rules <file>',
      'rule file or folder instead of those of the configuration (may be repeated)',
      collectOption,
    )
    .option('--inline', 'decide on verdicts as a gateway would')
    .option('--eve <file>', "where the EVE records go; '-' is standard output (default)")
    .option('--profile [n]', 'print the n most expensive rules (default 20)', parseWholeNumber)
    .option('--strict', 'fail if a rule cannot be loaded')
    .addHelpText(
      'after',
      '\nExamples:\n  portcullis replay attack.pcap\n  portcullis replay --rules emerging-all.rules --eve alerts.json *.pcap',
    )
    .action((captures: string[], options: ReplayCommandOptions) => actions().replay(captures, options));
}
