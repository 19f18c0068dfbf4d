import type { Mode } from '@portcullis/control';
import { clearFirewall, Registration, unregister } from '@portcullis/daemon';
import { type Command, Option } from 'commander';
import { CommandError, Exit } from '../exit';
import { type ConfigOptions, readConfiguration, withConfig, withJson } from '../options';
import { formatCount, printJson, printLine } from '../print';

function needRoot(): void {
  if (process.getuid?.() !== 0) throw new CommandError(Exit.PERMISSION, 'this needs root: use sudo');
}

export function addServiceCommands(program: Command): void {
  const service = program.command('service').description('the processing mode, fixed at registration');
  withJson(
    withConfig(service.command('register').description('choose the mode; it stays until unregistered')),
  )
    .addOption(
      new Option('--mode <mode>', 'standard: inline, acts; monitoring: tells, never changes traffic')
        .choices(['standard', 'monitoring'])
        .makeOptionMandatory(),
    )
    .addHelpText('after', '\nExample:\n  sudo portcullis service register --mode monitoring')
    .action((options: ConfigOptions & { mode: Mode; json?: boolean }) => {
      needRoot();
      const registration = new Registration(readConfiguration(options)['state-dir']);
      const made = registration.register(options.mode, new Date());
      if (options.json) printJson(made);
      else printLine(`Registered in ${made.mode} mode; it counts from the next start of the engine.`);
    });
  withJson(
    withConfig(
      service
        .command('unregister')
        .description('take away what registering and running created; not while the engine runs'),
    ),
  )
    .option('--purge', 'bans, settings and the bypass chain too')
    .addHelpText('after', '\nExample:\n  sudo portcullis service unregister --purge')
    .action(async (options: ConfigOptions & { purge?: boolean; json?: boolean }) => {
      needRoot();
      const answer = await unregister(readConfiguration(options), options.purge ?? false);
      if (options.json) {
        printJson(answer);
        return;
      }
      printLine(answer.was_registered ? 'The service is no longer registered.' : 'It was not registered.');
      if (answer.bans_left > 0)
        printLine(`${formatCount(answer.bans_left)} bans stay in force; --purge lifts them.`);
      if (answer.bypass_kept)
        printLine('The chain portcullis_bypass holds rules of yours and was left in place.');
    });
  service
    .command('clear-firewall')
    .description('take all chains, rules and sets out of the kernel, bans too; files stay')
    .addHelpText(
      'after',
      '\nNot while the engine runs. Bans that have time left are in force again with its next start.\n\nExample:\n  sudo portcullis service clear-firewall',
    )
    .action(async () => {
      needRoot();
      await clearFirewall();
      printLine('No chain, rule or set of Portcullis is left in the kernel.');
    });
}
