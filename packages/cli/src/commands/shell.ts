import { Argument, type Command } from 'commander';
import { describeCommand } from '../command-tree';
import { completionScript, SHELLS, type Shell } from '../completion';
import { manualPage } from '../manual-page';

/** What a shell and man(1) want to know about the program; the Debian package installs both. */
export function addShellCommands(program: Command): void {
  program
    .command('completion')
    .description('print a script that completes commands and options in a shell')
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .addHelpText('after', '\nExample:\n  source <(portcullis completion bash)')
    .action((shell: Shell) => {
      process.stdout.write(completionScript(shell, describeCommand(program)));
    });
  program
    .command('manual')
    .description('print all commands as a manual page')
    .addHelpText('after', '\nExample:\n  portcullis manual | man -l -')
    .action(() => {
      process.stdout.write(manualPage(describeCommand(program), program.version() ?? ''));
    });
}
