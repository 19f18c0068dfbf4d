import type { Command } from 'commander';
import type { RunOptions } from '../actions/run';
import { withConfig } from '../options';

const rights = () => require('../rights') as typeof import('../rights');
const actions = () => require('../actions/run') as typeof import('../actions/run');

export function addRunCommand(program: Command): void {
  withConfig(program.command('run').description('run the engine in the foreground'), { set: true })
    .option('--enable', "turn protection on, as 'portcullis enable' does")
    .option('--purge', 'leave nothing behind on exit: lift bans, delete settings, state and events')
    .addHelpText(
      'after',
      `
Examples:
  sudo portcullis run --enable
  sudo portcullis run --enable --set protect.networks=[192.168.1.0/24] --set rule-files=[/etc/portcullis/rules]`,
    )
    .action((options: RunOptions) => {
      // Before anything else is loaded: the program may begin anew.
      rights().giveUpRights();
      return actions().run(options);
    });
}
