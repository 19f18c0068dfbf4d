import type { Command } from 'commander';
import type { CheckOptions, KeywordsOptions } from '../actions/rules';
import { withConfig, withJson } from '../options';
import { addUpdateCommands } from './rule-updates';
import { addSignatureCommands } from './signatures';

const actions = () => require('../actions/rules') as typeof import('../actions/rules');

export function addRulesCommands(program: Command): void {
  const rules = program.command('rules').description('signatures');
  withJson(
    withConfig(
      rules
        .command('check <file...>')
        .description('load rule files as the engine would, and name what is wrong'),
    ),
  )
    .addHelpText('after', '\nExample:\n  portcullis rules check --json local.rules')
    .action((files: string[], options: CheckOptions) => actions().check(files, options));
  addUpdateCommands(rules);
  addSignatureCommands(rules);
  withJson(rules.command('keywords').description('the rule language as this version has it'))
    .option('--markdown', 'as a page of documentation')
    .addHelpText('after', '\nExample:\n  portcullis rules keywords --json | jq .keywords')
    .action((options: KeywordsOptions) => actions().keywords(options));
}
