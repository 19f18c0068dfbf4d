import { readRuleSource } from '@portcullis/daemon';
import { describeFailedRule, Replay, type RuleLanguage, ruleLanguage } from '@portcullis/engine';
import type { Command } from 'commander';
import { CommandError, Exit } from '../exit';
import { languagePage } from '../language-page';
import { type ConfigOptions, readConfiguration, withConfig, withJson } from '../options';
import { colour, formatCount, printJson, printLine } from '../print';
import { addUpdateCommands } from './rule-updates';
import { addSignatureCommands } from './signatures';

async function check(files: string[], options: ConfigOptions & { json?: boolean }): Promise<void> {
  const configuration = readConfiguration(options);
  configuration['rule-files'] = files;
  const engine = await Replay.load({
    rules: { ...readRuleSource(configuration, null), cacheDirectory: null },
    stream: {},
    inline: false,
    decodePolicy: 'open',
  });
  const { loaded, failed, disabled, seconds } = engine.rules;
  if (options.json) {
    printJson({ loaded, failed, seconds: Math.round(seconds * 1000) / 1000 });
  } else {
    for (const rule of failed) printLine(describeFailedRule(rule));
    printLine(
      `${formatCount(loaded)} rules loaded in ${seconds.toFixed(1)} s, ${formatCount(failed.length)} failed, ${formatCount(disabled)} switched off in the files`,
    );
  }
  if (failed.length > 0) throw new CommandError(Exit.NOT_SO, '');
}

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
    .action(check);
  addUpdateCommands(rules);
  addSignatureCommands(rules);
  withJson(rules.command('keywords').description('the rule language as this version has it'))
    .option('--markdown', 'as a page of documentation')
    .addHelpText('after', '\nExample:\n  portcullis rules keywords --json | jq .keywords')
    .action((options: { json?: boolean; markdown?: boolean }) => {
      const language = ruleLanguage();
      if (options.json) printJson(language);
      else if (options.markdown) process.stdout.write(languagePage(language));
      else printLanguage(language);
    });
}

function printLanguage({ keywords, protocols }: RuleLanguage): void {
  printLine(`Keywords: ${keywords.join(', ')}`);
  for (const { name, buffers } of protocols) {
    if (buffers.length === 0) continue;
    printLine();
    printLine(`${colour.bold(name)}: ${buffers.map((buffer) => buffer.name).join(', ')}`);
  }
}
