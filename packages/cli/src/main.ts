import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { addBansCommands, addProductAliases } from './commands/bans';
import { addConfigCommands } from './commands/config';
import { addDoctorCommand } from './commands/doctor';
import { addEventsCommands } from './commands/events';
import { addExcludeCommands } from './commands/exclude';
import { addProtectionCommands } from './commands/protection';
import { addReplayCommand } from './commands/replay';
import { addRulesCommands } from './commands/rules';
import { addRunCommand } from './commands/run';
import { addServiceCommands } from './commands/service';
import { addShellCommands } from './commands/shell';
import { addStatusCommand } from './commands/status';
import { addTopCommand } from './commands/top';
import { EXIT_MEANINGS, Exit, exitCodeOf } from './exit';
import { shown } from './terminal-safe';

const version = (
  JSON.parse(readFileSync(join(__dirname, '..', 'package.json'), 'utf8')) as { version: string }
).version;

export function buildProgram(): Command {
  const program = new Command('portcullis')
    .description('Network threat protection for Linux gateways and endpoints.')
    .version(version)
    // Options behind a subcommand are its own: the program has some of the same name for its aliases.
    .enablePositionalOptions()
    .exitOverride()
    .configureHelp({ sortSubcommands: false })
    .configureOutput({
      outputError: (text, write) => write(shown(text, false).replace(/^error: /, 'portcullis: ')),
    })
    .showHelpAfterError("('portcullis --help' lists the commands)")
    .addHelpText(
      'after',
      `\nExit codes: ${EXIT_MEANINGS.map(([code, meaning]) => `${code} ${meaning}`).join(', ')}.`,
    );
  addRunCommand(program);
  addReplayCommand(program);
  addRulesCommands(program);
  addStatusCommand(program);
  addTopCommand(program);
  addProtectionCommands(program);
  addBansCommands(program);
  addExcludeCommands(program);
  addConfigCommands(program);
  addServiceCommands(program);
  addEventsCommands(program);
  addDoctorCommand(program);
  addShellCommands(program);
  addProductAliases(program);
  // What is no command is named by the program's own action; set last, because subcommands inherit it.
  program.allowExcessArguments();
  return program;
}

/** Runs the command line that the process was started with, and sets its exit code. */
export async function main(): Promise<void> {
  // A reader that has seen enough (`| head`) is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) =>
    process.exit(error.code === 'EPIPE' ? Exit.DONE : Exit.NOT_SO),
  );
  try {
    await buildProgram().parseAsync(process.argv);
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? Exit.DONE : Exit.USAGE;
      return;
    }
    const message = (error as Error).message;
    if (message) process.stderr.write(`${shown(message, false).replace(/^/gm, 'portcullis: ')}\n`);
    process.exitCode = exitCodeOf(error);
  }
}
