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

interface NumberRange {
  first: number;
  last: number;
}

const isRange = (value: unknown): value is NumberRange =>
  typeof value === 'object' && value !== null && Object.keys(value).join() === 'first,last';

/** As `config set` would take it. */
function valueText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (isRange(value)) return value.first === value.last ? `${value.first}` : `${value.first}-${value.last}`;
  if (Array.isArray(value) && value.length > 0 && value.every(isRange))
    return `[${value.map(valueText).join(', ')}]`;
  return JSON.stringify(value);
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
      ? `${what}: changed, in force now.`
      : `${what}: changed; takes effect when the engine starts.`,
  );
  for (const key of answer.needs_restart) printLine(`${key} takes effect when the engine is restarted`);
}

export function addConfigCommands(program: Command): void {
  const config = program.command('config').description('show and change settings');
  withJson(
    withConfig(
      config.command('show').description('show the settings that differ from the defaults, or all of them'),
    ),
  )
    .option('--effective', 'show every setting, with its value and where it comes from')
    .addHelpText('after', '\nExample:\n  portcullis config show --effective')
    .action(async (options: Options & { effective?: boolean }) => {
      const answer = await shownSettings(options);
      const settings = options.effective
        ? answer.settings
        : answer.settings.filter(({ origin }) => origin !== 'default');
      if (options.json) printJson({ ...answer, settings });
      else if (settings.length === 0) printLine('No setting differs from its default.');
      else printSettings(settings);
    });
  withJson(
    withConfig(
      config
        .command('check')
        .description('check configuration, policy and settings, as the engine does when it starts'),
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
  withJson(withConfig(config.command('get <key>').description('print the value of one setting')))
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
        .description('change settings; they take effect at once and survive a restart'),
    ),
  )
    .addHelpText(
      'after',
      '\nExamples:\n  portcullis config set block-duration=2h\n  portcullis config set action-on-detect=notify',
    )
    .action((set: string[], options: Options) => change(options, { set }));
  withJson(
    withConfig(
      config
        .command('unset <key...>')
        .description('drop settings made here, back to what the file or the default says'),
    ),
  )
    .addHelpText('after', '\nExample:\n  portcullis config unset block-duration')
    .action((unset: string[], options: Options) => change(options, { unset }));
  withJson(
    withConfig(
      config.command('import <file>').description("replace the settings made with 'set' by those of a file"),
    ),
  )
    .addHelpText('after', '\nExample:\n  portcullis config import settings.yaml')
    .action((file: string, options: Options) => change(options, { replace: readText(file) }));
  withConfig(config.command('export').description("print what differs from the defaults, for 'import'"))
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
