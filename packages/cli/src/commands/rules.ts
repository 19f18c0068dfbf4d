import { readRuleSource } from '@portcullis/daemon';
import { describeFailedRule, Replay } from '@portcullis/engine';
import type { Command } from 'commander';
import { CommandError, Exit } from '../exit';
import { type ConfigOptions, readConfiguration, withConfig, withJson } from '../options';
import { formatCount, printJson, printLine } from '../print';

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
}
