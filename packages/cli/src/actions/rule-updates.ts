import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Configuration, resolveConfiguration } from '@portcullis/configuration';
import { FETCHED, NameLock, readRuleSource, ruleStore } from '@portcullis/daemon';
import { Replay } from '@portcullis/engine';
import {
  type RuleSetSource,
  type RuleVersion,
  type SourceFailure,
  type Trial,
  updateRules,
} from '@portcullis/updates';
import { CommandError, Exit } from '../exit';
import { ask, type ConfigOptions, configurationFile, isUnreachable, loadOptions } from '../options';
import { formatCount, printJson, printLine, printProblem } from '../print';

export interface UpdateCommandOptions extends ConfigOptions {
  json?: boolean;
  force?: boolean;
}

function configured(options: ConfigOptions): Configuration {
  return resolveConfiguration({ ...loadOptions(options), settings: true }).configuration;
}

/** What is done to the fetched rules is done by one process at a time. */
async function alone<Answer>(configuration: Configuration, work: () => Promise<Answer>): Promise<Answer> {
  const { directory } = ruleStore(configuration);
  const lock = new NameLock(
    `portcullis-rules-${createHash('sha256').update(resolve(directory)).digest('hex').slice(0, 16)}`,
  );
  if (!(await lock.acquire()))
    throw new CommandError(Exit.NOT_SO, 'rules are being updated already; try again when that is done');
  try {
    return await work();
  } finally {
    await lock.release();
  }
}

function sourcesOf(configuration: Configuration, options: ConfigOptions): RuleSetSource[] {
  const file = configurationFile(options);
  const base = file === null ? process.cwd() : dirname(resolve(file));
  return configuration['rule-sources'].map(({ ca, ...source }) => ({
    ...source,
    ...(ca !== undefined && { ca: readFileSync(resolve(base, ca), 'utf8') }),
  }));
}

/** Loads rules as the engine would; their compiled patterns are kept, so that the engine's reload is quick. */
async function tryOut(
  configuration: Configuration,
  options: ConfigOptions,
  version: RuleVersion,
): Promise<Trial> {
  const engine = await Replay.load({
    rules: readRuleSource(configuration, configurationFile(options), version),
    stream: {},
    inline: false,
    decodePolicy: 'open',
  });
  return { loaded: engine.rules.loaded, failed: engine.rules.failed.length };
}

/** @returns whether an engine has them in force now */
async function reload(options: ConfigOptions): Promise<boolean> {
  try {
    await ask(options, 'reload');
    return true;
  } catch (error) {
    if (isUnreachable(error)) return false;
    throw error;
  }
}

function warnOfFailures(failed: readonly SourceFailure[]): void {
  for (const { name, reason } of failed)
    printProblem(`portcullis: ${name}: ${reason}; what it gave before stays`);
}

export async function update(options: UpdateCommandOptions): Promise<void> {
  const configuration = configured(options);
  const tell = (line: string) => {
    if (!options.json) printLine(line);
  };
  const sources = sourcesOf(configuration, options);
  if (sources.length === 0)
    throw new CommandError(Exit.USAGE, "no source is configured: name one with 'rule-sources'");
  const used = configuration['rule-files'].includes(FETCHED);
  let live = false;
  const result = await alone(configuration, () =>
    updateRules({
      sources,
      store: ruleStore(configuration),
      tryOut: (version) => {
        tell('trying the new rules out …');
        return tryOut(configuration, options, version);
      },
      apply: async () => {
        live = await reload(options);
      },
      force: options.force ?? false,
      tell,
    }),
  );
  warnOfFailures(result.failed);
  if (options.json) {
    const { failed, outcome } = result;
    printJson({
      outcome,
      live,
      failed,
      ...(result.outcome === 'refused' && { reason: result.reason }),
      ...(result.outcome === 'updated' && {
        version: result.version.id,
        ...result.trial,
        failed_rules: result.trial.failed,
        failed,
      }),
    });
  } else if (result.outcome === 'unchanged') {
    printLine('The rules are up to date.');
  } else if (result.outcome === 'updated') {
    printLine(
      `${formatCount(result.trial.loaded)} rules, ${formatCount(result.trial.failed)} cannot be loaded: ${live ? 'in force now' : 'in force when the engine starts'}`,
    );
    if (!used) printLine(`But 'rule-files' does not say '${FETCHED}': they are not used.`);
  }
  if (result.outcome === 'refused')
    throw new CommandError(Exit.NOT_SO, `nothing has changed: ${result.reason}`);
  if (result.failed.length > 0) throw new CommandError(Exit.NOT_SO, '');
}

export async function rollBack(options: UpdateCommandOptions): Promise<void> {
  const configuration = configured(options);
  const store = ruleStore(configuration);
  await alone(configuration, async () => {
    const version = store.rollBack();
    if (version === null) throw new CommandError(Exit.NOT_SO, 'there is no earlier version of the rules');
    let live: boolean;
    try {
      live = await reload(options);
    } catch (error) {
      store.rollBack();
      throw error;
    }
    if (options.json) printJson({ version: version.id, live });
    else
      printLine(
        `The rules of ${version.id} are back${live ? '' : ', in force when the engine starts'}; what was rolled back from is not taken again.`,
      );
  });
}
