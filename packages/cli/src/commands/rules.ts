import type { Command } from 'commander';
import type { CheckOptions, KeywordsOptions } from '../actions/rules';
import { withConfig, withJson } from '../options';
import { addUpdateCommands } from './rule-updates';
import { addSignatureCommands } from './signatures';

const actions = () => require('../actions/rules') as typeof import('../actions/rules');

export function addRulesCommands(program: Command): void {
  const rules = program.command('rules').description('check, update, list and switch rules');
  withJson(
    withConfig(
      rules
        .command('check <file...>')
        .description('load rule files as the engine would, and report what is wrong'),
    ),
  )
    .addHelpText('after', '\nExample:\n  portcullis rules check --json local.rules')
    .action((files: string[], options: CheckOptions) => actions().check(files, options));
  addUpdateCommands(rules);
  addSignatureCommands(rules);
  withJson(rules.command('keywords').description('show the rule language of this version'))
    .option('--markdown', 'print it as a documentation page')
    .addHelpText('after', '\nExample:\n  portcullis rules keywords --json | jq .keywords')
    .action((options: KeywordsOptions) => actions().keywords(options));
}
