/** How fast captures are inspected: one large capture, one worker, all rules. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadConfiguration } from '@portcullis/configuration';
import { readRuleSource } from '@portcullis/daemon';
import { Replay, type ReplayOptions } from '@portcullis/engine';
import { median } from './figures';
import { capturesIn, makeLargeCapture } from './large-capture';
import { printStages } from './replay-stages';
import { findRuleFile, ruleFilesEntry } from './rule-source';

const MEGABYTE = 1e6;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      captures: { type: 'string' },
      rules: { type: 'string' },
      megabytes: { type: 'string', default: '150' },
      seed: { type: 'string', default: '1' },
      rounds: { type: 'string', default: '5' },
      stages: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const corpora = process.env.PORTCULLIS_CORPORA;
  const folder = values.captures ?? (corpora === undefined ? undefined : join(corpora, 'pcaps'));
  if (values.help || folder === undefined) {
    process.stdout.write(
      `npm run bench:replay -- [--captures FOLDER] [--rules FILE] [--megabytes N] [--seed N] [--rounds N] [--stages]\n` +
        'Without --captures the folder pcaps of PORTCULLIS_CORPORA is used. A first round, in which code is compiled and rules are made,\n' +
        'is printed and not counted. --stages: what reading, decoding, reassembly, parsers and rules take instead.\n',
    );
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-replay-'));
  try {
    process.stderr.write(`making a capture of ${values.megabytes} MB from ${folder} …\n`);
    const capture = makeLargeCapture(join(directory, 'large.pcap'), capturesIn(folder), {
      least: Number(values.megabytes) * MEGABYTE,
      seed: Number(values.seed),
    });
    const rules = findRuleFile(values.rules ?? null);
    const configuration = loadConfiguration({
      file: null,
      overrides: [`rule-files=[${JSON.stringify(ruleFilesEntry(rules))}]`],
    });
    process.stderr.write(`loading ${rules ?? 'the built-in rules'} …\n`);
    const options: ReplayOptions = {
      rules: { ...readRuleSource(configuration, null), cacheDirectory: null },
      stream: { memcap: configuration.stream.memcap, depth: configuration.stream.reassembly.depth },
      inline: false,
      decodePolicy: 'open',
    };
    const replay = await Replay.load(options);
    process.stdout.write(
      `${(capture.bytes / MEGABYTE).toFixed(1)} MB, ${capture.packets} packets from ${capture.captures} captures (seed ${values.seed}); ` +
        `${replay.rules.loaded} rules\n`,
    );
    if (values.stages) {
      await printStages(capture.path, options, replay, Number(values.rounds));
      return;
    }
    const speeds: number[] = [];
    const rates: number[] = [];
    const costs: number[] = [];
    for (let round = 0; round <= Number(values.rounds); round++) {
      const before = process.cpuUsage();
      const { seconds, packets, alerts } = replay.file(capture.path, () => {});
      const { user, system } = process.cpuUsage(before);
      const processor = (user + system) / 1e6;
      const megabytes = capture.bytes / MEGABYTE;
      const speed = megabytes / seconds;
      const rate = packets / seconds;
      const cost = (processor * 1000) / megabytes;
      if (round > 0) {
        speeds.push(speed);
        rates.push(rate);
        costs.push(cost);
      }
      process.stdout.write(
        `${round === 0 ? 'warm-up' : `round ${round}`}: ${seconds.toFixed(2)} s, ${speed.toFixed(1)} MB/s, ${Math.round(rate)} packets/s, ` +
          `${processor.toFixed(2)} s of CPU (${cost.toFixed(2)} ms a MB), ${alerts} alerts, ` +
          `${Math.round(process.memoryUsage().rss / MEGABYTE)} MB resident\n`,
      );
    }
    process.stdout.write(
      `median: ${median(speeds).toFixed(1)} MB/s, ${Math.round(median(rates))} packets/s, ${median(costs).toFixed(2)} ms of CPU a MB\n`,
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

void main();
