import { type Command, Option } from 'commander';
import type { RegisterOptions, UnregisterOptions } from '../actions/service';
import { withConfig, withJson } from '../options';

const actions = () => require('../actions/service') as typeof import('../actions/service');

export function addServiceCommands(program: Command): void {
  const service = program.command('service').description('choose the processing mode; fixed once registered');
  withJson(
    withConfig(service.command('register').description('choose the mode; it stays until unregistered')),
  )
    .addOption(
      new Option(
        '--mode <mode>',
        'standard: inline, stops attacks; monitoring: reports only, never changes traffic',
      )
        .choices(['standard', 'monitoring'])
        .makeOptionMandatory(),
    )
    .addHelpText('after', '\nExample:\n  sudo portcullis service register --mode monitoring')
    .action((options: RegisterOptions) => actions().register(options));
  withJson(
    withConfig(
      service
        .command('unregister')
        .description(
          'remove what registering and running created; not while the engine runs, bans are kept on disk',
        ),
    ),
  )
    .option('--purge', 'remove bans, settings, all other state and the bypass chain too')
    .addHelpText('after', '\nExample:\n  sudo portcullis service unregister --purge')
    .action((options: UnregisterOptions) => actions().unregisterService(options));
  service
    .command('clear-firewall')
    .description('take all chains, rules and sets out of the kernel, bans included; files stay')
    .addHelpText(
      'after',
      '\nNot while the engine runs. Bans that have time left are in force again with its next start.\n\nExample:\n  sudo portcullis service clear-firewall',
    )
    .action(() => actions().clear());
}
