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
  withJson(withConfig(rules.command('list').description('signatures of the configured rule files')))
    .option('--search <text>', 'those with this in their message')
    .option('--class <name>', 'those of this classtype')
    .option('--off', 'those that are switched off')
    .option('--limit <n>', 'how many at most', parseWholeNumber, 50)
    .option('--offset <n>', 'how many to pass over', parseWholeNumber, 0)
    .addHelpText('after', '\nExample:\n  portcullis rules list --search log4j')
    .action((options: ListOptions) => actions().list(options));
  withJson(withConfig(rules.command('show').description('a signature as it stands in its file')))
    .argument('<sid>', 'its sid', (text) => parseSid(text))
    .addHelpText('after', '\nExample:\n  portcullis rules show 2034647')
    .action(([sid]: number[], options: SignatureOptions) => actions().show(sid as number, options));
  for (const [name, on, text] of [
    ['enable', true, 'switch signatures on, also such as their files have commented out'],
    ['disable', false, 'switch signatures off, kept over updates'],
  ] as const) {
    withJson(withConfig(rules.command(name).description(text)))
      .argument('<sid...>', 'their sids', parseSid)
      .addHelpText('after', `\nExample:\n  sudo portcullis rules ${name} 2034647 2034648`)
      .action((sids: number[], options: SignatureOptions) => actions().turn(on, sids, options));
  }
}
