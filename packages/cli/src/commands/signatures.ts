import { type Command, InvalidArgumentError } from 'commander';
import type { ListOptions, SignatureOptions } from '../actions/signatures';
import { parseWholeNumber, withConfig, withJson } from '../options';

const actions = () => require('../actions/signatures') as typeof import('../actions/signatures');

function parseSid(text: string, previous: number[] = []): number[] {
  const sid = Number(text);
  if (!/^\d{1,10}$/.test(text) || sid < 1 || sid > 0xffffffff)
    throw new InvalidArgumentError('a sid is a whole number');
  return [...previous, sid];
}

export function addSignatureCommands(rules: Command): void {
  withJson(withConfig(rules.command('list').description('list the rules of the configured rule files')))
    .option('--search <text>', 'only rules with this text in their message')
    .option('--class <name>', 'only rules of this classtype')
    .option('--off', 'only rules that are switched off')
    .option('--limit <n>', 'show at most n', parseWholeNumber, 50)
    .option('--offset <n>', 'skip the first n', parseWholeNumber, 0)
    .addHelpText('after', '\nExample:\n  portcullis rules list --search log4j')
    .action((options: ListOptions) => actions().list(options));
  withJson(withConfig(rules.command('show').description('show one rule as it stands in its file')))
    .argument('<sid>', 'its sid', (text) => parseSid(text))
    .addHelpText('after', '\nExample:\n  portcullis rules show 2034647')
    .action(([sid]: number[], options: SignatureOptions) => actions().show(sid as number, options));
  for (const [name, on, text] of [
    ['enable', true, 'switch rules on, including those that their files have commented out'],
    ['disable', false, 'switch rules off; they stay off across updates'],
  ] as const) {
    withJson(withConfig(rules.command(name).description(text)))
      .argument('<sid...>', 'their sids', parseSid)
      .addHelpText('after', `\nExample:\n  sudo portcullis rules ${name} 2034647 2034648`)
      .action((sids: number[], options: SignatureOptions) => actions().turn(on, sids, options));
  }
}
