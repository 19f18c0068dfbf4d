import type { Command } from 'commander';
import type { UpdateCommandOptions } from '../actions/rule-updates';
import { withConfig, withJson } from '../options';

const actions = () => require('../actions/rule-updates') as typeof import('../actions/rule-updates');

export function addUpdateCommands(rules: Command): void {
  withJson(
    withConfig(
      rules
        .command('update')
        .description("fetch rules from 'rule-sources', test them, and put them in force"),
    ),
  )
    .option('--force', 'take them even if they look wrong or were rolled back from')
    .addHelpText('after', '\nExample:\n  sudo portcullis rules update')
    .action((options: UpdateCommandOptions) => actions().update(options));
  withJson(withConfig(rules.command('rollback').description('go back to the rules before the last update')))
    .addHelpText('after', '\nExample:\n  sudo portcullis rules rollback')
    .action((options: UpdateCommandOptions) => actions().rollBack(options));
}
