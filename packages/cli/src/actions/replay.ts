import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { protocolSettings, readRuleSource, readWebAddresses } from '@portcullis/daemon';
import { alertRecord, describeFailedRule, Replay, ruleClasses } from '@portcullis/engine';
import { eveJson } from '@portcullis/events';
import { CommandError, Exit } from '../exit';
import { type ConfigOptions, configurationFile, readConfiguration } from '../options';
import { formatCount, printProblem } from '../print';

export interface ReplayCommandOptions extends ConfigOptions {
  rules?: string[];
  inline?: boolean;
  eve?: string;
  strict?: boolean;
  profile?: boolean | number;
}

/** Rules that `--profile` prints. */
const USUAL_PROFILE = 20;

/** To standard error, as everything that is not an event. */
function tellCosts(costs: ReturnType<Replay['costliest']>): void {
  const rows = costs.map(({ sid, msg, checks, matches, microseconds }) =>
    [
      String(sid).padStart(10),
      (microseconds / 1000).toFixed(1).padStart(10),
      (microseconds / checks).toFixed(2).padStart(9),
      formatCount(checks).padStart(11),
      formatCount(matches).padStart(9),
      `  ${msg}`,
    ].join(' '),
  );
  printProblem(`\n       sid   total ms  µs/check      checks   matches   rule\n${rows.join('\n')}`);
}

export async function replay(captures: string[], options: ReplayCommandOptions): Promise<void> {
  const configuration = readConfiguration(options);
  if (options.rules) configuration['rule-files'] = options.rules;
  const source = readRuleSource(configuration, options.rules ? null : configurationFile(options));
  const classes = ruleClasses(source);
  const { stream } = configuration;
  const policy = configuration['exception-policy'];
  const engine = await Replay.load({
    rules: { ...source, cacheDirectory: null },
    stream: {
      memcap: stream.memcap,
      depth: stream.reassembly.depth,
      midstream: stream.midstream ?? false,
      asyncOneside: stream['async-oneside'] ?? false,
    },
    inline: options.inline ?? false,
    appLayer: {
      memcap: configuration['app-layer'].memcap,
      policy: policy['app-layer-memcap'] ?? policy.default,
    },
    protocols: protocolSettings(configuration),
    decodePolicy: policy.decode ?? policy.default,
    webAddresses: await readWebAddresses(configuration, configurationFile(options), printProblem),
    protectedNetworks: configuration.protect.networks,
    profile: options.profile !== undefined,
  });
  for (const failed of engine.rules.failed) printProblem(describeFailedRule(failed));
  if (options.strict && engine.rules.failed.length > 0)
    throw new CommandError(Exit.NOT_SO, `${engine.rules.failed.length} rules could not be loaded`);

  const toFile = options.eve !== undefined && options.eve !== '-';
  const out = toFile ? createWriteStream(options.eve as string, { mode: 0o640 }) : process.stdout;
  let outputError: Error | null = null;
  out.on('error', (error) => {
    outputError = error;
  });
  if (toFile) await once(out, 'open');
  let unreadable = 0;
  for (const capture of captures) {
    try {
      const result = engine.file(capture, (detection) => {
        const record = alertRecord(detection, {
          classes,
          captureFile: capture,
          mode: options.inline ? 'inline' : 'replay',
        });
        out.write(`${eveJson(record)}\n`);
      });
      const { packets, alerts, dropped, seconds, error } = result;
      printProblem(
        `${capture}: ${formatCount(packets)} packets, ${formatCount(alerts)} alerts${options.inline ? `, ${formatCount(dropped)} dropped` : ''}, ${seconds.toFixed(2)} s`,
      );
      if (error) {
        unreadable++;
        printProblem(`${capture}: ${error}`);
      }
    } catch (error) {
      unreadable++;
      printProblem(`${capture}: ${(error as Error).message}`);
    }
    // A slow reader of the records slows the replay down, instead of filling the memory.
    if (out.writableNeedDrain) await once(out, 'drain');
    if (outputError)
      throw new CommandError(Exit.NOT_SO, `cannot write ${options.eve}: ${(outputError as Error).message}`);
  }
  if (toFile) {
    out.end();
    await once(out, 'finish');
  }
  if (options.profile !== undefined)
    tellCosts(engine.costliest(options.profile === true ? USUAL_PROFILE : Number(options.profile)));
  if (unreadable > 0)
    throw new CommandError(
      Exit.NOT_SO,
      `${unreadable} of ${captures.length} captures could not be read to their end`,
    );
}
