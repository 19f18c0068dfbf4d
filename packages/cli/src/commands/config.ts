import { readFileSync } from 'node:fs';
import type { SettingsChange } from '@portcullis/configuration';
import type { SettingRow } from '@portcullis/control';
import type { Command } from 'commander';
import { CommandError, Exit } from '../exit';
import { type ConfigOptions, withConfig, withJson } from '../options';
import { colour, printJson, printLine, printTable } from '../print';
import { changeSettings, checkedSettings, exportedSettings, shownSettings } from '../settings-client';

interface Options extends ConfigOptions {
  json?: boolean;
}

function valueText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

export function printSettings(settings: readonly SettingRow[]): void {
  printTable(
    ['KEY', 'VALUE', 'FROM'],
    settings.map(({ key, value, origin, locked }) => [
      key,
      valueText(value),
      `${origin === 'default' ? colour.dim(origin) : origin}${locked ? ' (locked)' : ''}`,
    ]),
  );
}

async function change(options: Options, wanted: SettingsChange): Promise<void> {
  const answer = await changeSettings(options, wanted);
  if (options.json) {
    printJson(answer);
    return;
  }
  const what = answer.changed.join(', ') || 'the settings';
  printLine(
    answer.live
      ? `${what}: changed, in force.`
      : `${what}: changed; the engine is not running, it counts from its next start.`,
  );
  for (const key of answer.needs_restart) printLine(`${key} takes effect with the next start of the engine`);
}

export function addConfigCommands(program: Command): void {
  const config = program.command('config').description('settings from the command line');
  withJson(withConfig(config.command('show').description('what differs from the defaults, or everything')))
    .option('--effective', 'every setting, with its value and where it came from')
    .addHelpText('after', '\nExample:\n  portcullis config show --effective')
    .action(async (options: Options & { effective?: boolean }) => {
      const answer = await shownSettings(options);
      const settings = options.effective
        ? answer.settings
        : answer.settings.filter(({ origin }) => origin !== 'default');
      if (options.json) printJson({ ...answer, settings });
      else if (settings.length === 0) printLine('Everything is as it is by itself.');
      else printSettings(settings);
    });
  withJson(
    withConfig(
      config
        .command('check')
        .description('reads configuration, policy and settings as an engine that starts would'),
    ),
  )
    .addHelpText(
      'after',
      '\nAsks no engine: a file can be checked before it takes effect. Ends with 2 where something is wrong.\n\nExamples:\n  portcullis config check && portcullis reload\n  portcullis config check --config new.yaml',
    )
    .action((options: Options) => {
      const checked = checkedSettings(options);
      if (options.json) printJson(checked);
      else
        printLine(
          `valid: ${checked.files.join(', ') || 'no file, the defaults hold'}; ${checked.changed} settings differ from the defaults`,
        );
    });
  withJson(withConfig(config.command('get <key>').description('the value of one setting')))
    .addHelpText('after', '\nExample:\n  portcullis config get block-duration')
    .action(async (key: string, options: Options) => {
      const { settings } = await shownSettings(options);
      const below = settings.filter((row) => row.key === key || row.key.startsWith(`${key}.`));
      if (below.length === 0) throw new CommandError(Exit.NOT_SO, `'${key}' is not a key`);
      if (options.json) printJson(below.length === 1 ? below[0] : below);
      else
        for (const row of below)
          printLine(below.length === 1 ? valueText(row.value) : `${row.key}=${valueText(row.value)}`);
    });
  withJson(
    withConfig(
      config
        .command('set <key=value...>')
        .description('change settings: in force at once, kept over a restart'),
    ),
  )
    .addHelpText(
      'after',
      '\nExamples:\n  portcullis config set block-duration=2h\n  portcullis config set action-on-detect=notify',
    )
    .action((set: string[], options: Options) => change(options, { set }));
  withJson(
    withConfig(config.command('unset <key...>').description('back to what the file or the default says')),
  )
    .addHelpText('after', '\nExample:\n  portcullis config unset block-duration')
    .action((unset: string[], options: Options) => change(options, { unset }));
  withJson(
    withConfig(
      config.command('import <file>').description("settings of a file instead of those made with 'set'"),
    ),
  )
    .addHelpText('after', '\nExample:\n  portcullis config import settings.yaml')
    .action((file: string, options: Options) => change(options, { replace: readText(file) }));
  withConfig(config.command('export').description("what differs from the defaults, for 'import'"))
    .addHelpText('after', '\nExample:\n  portcullis config export > settings.yaml')
    .action(async (options: Options) => {
      process.stdout.write((await exportedSettings(options)).yaml);
    });
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new CommandError(Exit.USAGE, `cannot read ${file}: ${(error as Error).message}`);
  }
}
