import type { ReloadAnswer } from '@portcullis/control';
import type { Command } from 'commander';
import { ask, type ConfigOptions, withConfig, withJson } from '../options';
import { formatCount, printJson, printLine } from '../print';

interface Options extends ConfigOptions {
  json?: boolean;
}

export function addProtectionCommands(program: Command): void {
  withJson(withConfig(program.command('enable').description('turn protection on; survives a reboot')))
    .addHelpText('after', '\nExample:\n  sudo portcullis enable')
    .action(async (options: Options) => {
      const answer = await ask<{ state: string }>(options, 'enable');
      if (options.json) printJson(answer);
      else printLine('Protection is on.');
    });
  withJson(
    withConfig(
      program.command('disable').description('turn protection off; survives a reboot, bans stay in force'),
    ),
  )
    .addHelpText('after', '\nExample:\n  sudo portcullis disable')
    .action(async (options: Options) => {
      const answer = await ask<{ state: string; bans_left: number }>(options, 'disable');
      if (options.json) printJson(answer);
      else
        printLine(
          `Protection is off.${answer.bans_left > 0 ? ` ${answer.bans_left === 1 ? '1 ban stays' : `${formatCount(answer.bans_left)} bans stay`} in force ('portcullis bans remove --all' lifts all bans).` : ''}`,
        );
    });
  withJson(
    withConfig(
      program
        .command('reload')
        .description('reread rules and configuration without losing a packet or a flow'),
    ),
  )
    .addHelpText('after', '\nExample:\n  sudo portcullis reload')
    .action(async (options: Options) => {
      const answer = await ask<ReloadAnswer>(options, 'reload');
      if (options.json) printJson(answer);
      else
        printLine(
          `${formatCount(answer.rules.loaded)} rules are in force, ${formatCount(answer.rules.failed)} could not be loaded.`,
        );
      for (const key of options.json ? [] : answer.needs_restart)
        printLine(`${key} has changed and takes effect when the engine is restarted`);
    });
}
