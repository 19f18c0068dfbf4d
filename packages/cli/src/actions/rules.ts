import { readRuleSource } from '@portcullis/daemon';
import { describeFailedRule, Replay, type RuleLanguage, ruleLanguage } from '@portcullis/engine';
import { CommandError, Exit } from '../exit';
import { languagePage } from '../language-page';
import { type ConfigOptions, readConfiguration } from '../options';
import { colour, formatCount, printJson, printLine } from '../print';

export interface CheckOptions extends ConfigOptions {
  json?: boolean;
}

export interface KeywordsOptions {
  json?: boolean;
  markdown?: boolean;
}

export async function check(files: string[], options: CheckOptions): Promise<void> {
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

export function keywords(options: KeywordsOptions): void {
  const language = ruleLanguage();
  if (options.json) printJson(language);
  else if (options.markdown) process.stdout.write(languagePage(language));
  else printLanguage(language);
}

function printLanguage({ keywords, protocols }: RuleLanguage): void {
  printLine(`Keywords: ${keywords.join(', ')}`);
  for (const { name, buffers } of protocols) {
    if (buffers.length === 0) continue;
    printLine();
    printLine(`${colour.bold(name)}: ${buffers.map((buffer) => buffer.name).join(', ')}`);
  }
}
