import type { Mode } from '@portcullis/control';
import { clearFirewall, Registration, unregister } from '@portcullis/daemon';
import { CommandError, Exit } from '../exit';
import { type ConfigOptions, readConfiguration } from '../options';
import { printJson, printLine } from '../print';

export interface RegisterOptions extends ConfigOptions {
  mode: Mode;
  json?: boolean;
}

export interface UnregisterOptions extends ConfigOptions {
  purge?: boolean;
  json?: boolean;
}

function needRoot(): void {
  if (process.getuid?.() !== 0) throw new CommandError(Exit.PERMISSION, 'this needs root: use sudo');
}

export function register(options: RegisterOptions): void {
  needRoot();
  const registration = new Registration(readConfiguration(options)['state-dir']);
  const made = registration.register(options.mode, new Date());
  if (options.json) printJson(made);
  else printLine(`Registered in ${made.mode} mode; it counts from the next start of the engine.`);
}

export async function unregisterService(options: UnregisterOptions): Promise<void> {
  needRoot();
  const answer = await unregister(readConfiguration(options), options.purge ?? false);
  if (options.json) {
    printJson(answer);
    return;
  }
  printLine(answer.was_registered ? 'The service is no longer registered.' : 'It was not registered.');
  if (answer.bypass_kept)
    printLine('The chain portcullis_bypass holds rules of yours and was left in place.');
}

export async function clear(): Promise<void> {
  needRoot();
  await clearFirewall();
  printLine('No chain, rule or set of Portcullis is left in the kernel.');
}
