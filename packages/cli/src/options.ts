import { existsSync } from 'node:fs';
import type { Configuration, LoadOptions } from '@portcullis/configuration';
import { askEngine, ControlError, socketPathIn, USUAL_SOCKET } from '@portcullis/control';
import { type Command, InvalidArgumentError } from 'commander';
import { printProblem } from './print';

/** Loaded where one is validated: whoever only asks the engine something does without. */
export const configuration = () =>
  require('@portcullis/configuration') as typeof import('@portcullis/configuration');

/** Where a configuration is looked for when neither `--config` nor PORTCULLIS_CONFIG names one. */
export const USUAL_FILE = '/etc/portcullis/portcullis.yaml';

const collect = (value: string, previous: string[] | undefined): string[] => [...(previous ?? []), value];

export interface ConfigOptions {
  config?: string;
  set?: string[];
}

/** Gives a command `--config`; every command has it, because the control socket is found there. */
export function withConfig(command: Command, { set = false } = {}): Command {
  command.option(
    '--config <file>',
    `configuration (default: PORTCULLIS_CONFIG, then ${USUAL_FILE} where it exists)`,
  );
  if (set)
    command.option(
      '--set <key=value>',
      'override one key, for example --set block-duration=10m (may be repeated)',
      collect,
    );
  return command;
}

export function withJson(command: Command): Command {
  return command.option('--json', 'print JSON for scripts');
}

export function collectOption(value: string, previous: string[] | undefined): string[] {
  return collect(value, previous);
}

export function configurationFile(options: ConfigOptions): string | null {
  if (options.config) return options.config;
  const named = process.env.PORTCULLIS_CONFIG;
  if (named) return named;
  return existsSync(USUAL_FILE) ? USUAL_FILE : null;
}

/** Where the administration's policy is looked for when PORTCULLIS_POLICY does not name one. */
export const USUAL_POLICY = '/etc/portcullis/policy.yaml';

export function policyFile(): string | null {
  const named = process.env.PORTCULLIS_POLICY;
  if (named !== undefined) return named === '' ? null : named;
  return existsSync(USUAL_POLICY) ? USUAL_POLICY : null;
}

export function loadOptions(options: ConfigOptions): LoadOptions {
  return { file: configurationFile(options), overrides: options.set ?? [], policy: policyFile() };
}

export function readConfiguration(options: ConfigOptions): Configuration {
  return configuration().loadConfiguration(loadOptions(options));
}

/**
 * Asks the engine that the configuration's control socket leads to; where the configuration is too broken to name one, the
 * engine on the usual socket (there is one in a network namespace), which is said. Where none answers, a configuration that
 * is wrong is the likelier reason and is told instead.
 */
export async function ask<Answer>(
  options: ConfigOptions,
  command: string,
  args: Record<string, unknown> = {},
): Promise<Answer> {
  const files = [configurationFile(options), policyFile()].filter((file) => file !== null);
  const named = socketPathIn(files);
  try {
    const answer = await askEngine(named ?? USUAL_SOCKET, command, args);
    if (named === null)
      printProblem(`portcullis: the configuration cannot be read; the engine on ${USUAL_SOCKET} answers`);
    return answer as Answer;
  } catch (error) {
    if (isUnreachable(error) && files.length > 0) readConfiguration(options);
    throw error;
  }
}

export function isUnreachable(error: unknown): boolean {
  return error instanceof ControlError && error.code === 'ENGINE_UNREACHABLE';
}

export function parseWholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('a whole number is wanted');
  return Number(text);
}
