import type { Command } from 'commander';
import type { DoctorOptions } from '../actions/doctor';
import { withConfig, withJson } from '../options';

const actions = () => require('../actions/doctor') as typeof import('../actions/doctor');

export function addDoctorCommand(program: Command): void {
  withJson(
    withConfig(
      program
        .command('doctor')
        .description('check that everything is in place, and say how to fix what is not'),
    ),
  )
    .addHelpText(
      'after',
      `
Exits with 0 when nothing has failed (warnings are no failure), 1 when something has, 4 without the rights to probe.

Examples:
  sudo portcullis doctor
  sudo portcullis doctor --json | jq '.[] | select(.state == "failed")'`,
    )
    .action((options: DoctorOptions) => actions().doctor(options));
}
