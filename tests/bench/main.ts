import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir, totalmem } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Lab } from '@portcullis/testkit';
import { measureBanTime } from './ban-time';
import { median } from './figures';
import { measureMemoryPerFlow } from './memory-per-flow';
import { consumerSeconds, type Mode, modeTitles, openMode } from './modes';
import { type BenchOptions, parseOptions, UsageError, usage, type WorkloadName } from './options';
import { betweenMarks, figure, markdownReport, percent, type Report, textReport } from './report';
import { findRuleFile, ruleFilesEntry } from './rule-source';
import { LAB_PREFIX } from './site';
import { MOST_STOLEN, readProcessorTicks, stolenShare } from './stolen-time';
import { type Measurement, summarize } from './summary';
import { workloads } from './workloads';

const root = join(__dirname, '..', '..', '..');
const page = join(root, 'docs', 'performance.md');

const WARM_UP_SECONDS = 2;
/** Into a measurement, before the attack is sent. */
const ATTACK_AFTER = 0.25;

const say = (text: string) => process.stdout.write(`· ${text}\n`);

const modesOf = (name: WorkloadName, modes: readonly Mode[]) =>
  modes.filter((mode) => workloads[name].modes?.includes(mode.name) ?? true);

/**
 * Every mode, every workload, round after round; in every round another mode begins.
 * @param fullLoad requests per second of an engine, for as long as nothing better is known
 */
async function measureTraffic(
  modes: readonly Mode[],
  options: BenchOptions,
  fullLoad: number,
): Promise<{ measurements: Measurement[]; repeated: number }> {
  const measurements: Measurement[] = [];
  const each = options.workloads.reduce((sum, name) => sum + modesOf(name, modes).length, 0);
  const total = options.rounds * each;
  const full = () => {
    const rates = measurements.filter(({ workload, mode }) => workload === 'keepalive' && mode === 'engine');
    return rates.length > 0 ? median(rates.map(({ rate }) => rate)) : fullLoad;
  };
  // As many in all as there are rounds.
  const repeatsLeft = new Map(options.workloads.map((name) => [name, options.rounds]));
  let repeated = 0;
  for (let round = 0; round < options.rounds; round++) {
    for (const name of options.workloads) {
      const chosen = modesOf(name, modes);
      for (;;) {
        const done: Measurement[] = [];
        for (let turn = 0; turn < chosen.length; turn++) {
          const mode = chosen[(turn + round) % chosen.length] as Mode;
          const measurement = await measureOnce(modes, mode, round, name, options.seconds, full());
          done.push(measurement);
          say(`${measurements.length + done.length}/${total}  ${measurementText(measurement)}`);
        }
        const left = repeatsLeft.get(name) as number;
        const disturbed = done.some(({ stolen }) => stolen > MOST_STOLEN);
        const missed = done.some(({ attackStopped }) => attackStopped === false);
        // An attack that was not stopped is never passed over.
        if (!disturbed || missed || left === 0) {
          measurements.push(...done);
          break;
        }
        repeatsLeft.set(name, left - 1);
        repeated++;
        say('again: the host took processor time away');
      }
    }
  }
  return { measurements, repeated };
}

function measurementText({ workload, mode, rate, attackStopped, stolen }: Measurement): string {
  const { title, rateUnit } = workloads[workload];
  const attack =
    attackStopped === null ? '' : `; planted attack ${attackStopped ? 'stopped' : 'NOT STOPPED'}`;
  const away = stolen > MOST_STOLEN ? `; ${percent(stolen)} of the processors taken away` : '';
  return `${title}, ${modeTitles[mode]}: ${figure(rate)} ${rateUnit}${attack}${away}`;
}

async function measureOnce(
  modes: readonly Mode[],
  mode: Mode,
  round: number,
  workload: Measurement['workload'],
  seconds: number,
  full: number,
): Promise<Measurement> {
  const others = modes.filter((other) => other !== mode);
  const idle = () => others.reduce((sum, other) => sum + consumerSeconds(other), 0);
  const idleBefore = idle();
  const before = consumerSeconds(mode);
  const started = performance.now();
  const ticks = readProcessorTicks();
  const running = workloads[workload].run(mode.site, seconds, full);
  // One that has failed must not end the program before it is waited for.
  running.catch(() => {});
  const attackStopped =
    mode.rules === null
      ? null
      : await setTimeout(ATTACK_AFTER * seconds * 1000).then(() => mode.site.attack());
  const sample = await running;
  const stolen = stolenShare(ticks, readProcessorTicks());
  const consumer = consumerSeconds(mode) - before;
  const bystanders = (idle() - idleBefore) / ((performance.now() - started) / 1000);
  return { round, workload, mode: mode.name, ...sample, consumer, bystanders, stolen, attackStopped };
}

/**
 * Before an engine is measured it has seen such traffic: its code is compiled.
 * @returns requests per second that an engine has served
 */
async function warmUp(modes: readonly Mode[], options: BenchOptions): Promise<number> {
  let full = Number.NaN;
  for (const mode of modes.filter(({ rules }) => rules !== null)) {
    const names = options.workloads.filter((name) => name !== 'half' && modesOf(name, [mode]).length > 0);
    if (options.workloads.includes('half') && !names.includes('keepalive')) names.push('keepalive');
    for (const name of names) {
      const { rate } = await workloads[name].run(mode.site, WARM_UP_SECONDS, full);
      if (name === 'keepalive' && !(full > rate)) full = rate;
    }
  }
  return full;
}

async function bench(options: BenchOptions, folder: string): Promise<Report> {
  const before = loadavg()[0] as number;
  const ruleFile = findRuleFile(options.rules);
  const cacheFolder = join(folder, 'pattern-cache');
  const modes: Mode[] = [];
  let measurements: Measurement[] = [];
  let repeated = 0;
  const packets: Report['packets'] = [];
  if (options.workloads.length > 0) {
    // One after the other: the first engine compiles the patterns that the next ones find.
    for (const name of options.modes) {
      say(`starting: ${modeTitles[name]}`);
      modes.push(await openMode(name, { options, folder, ruleFile }));
    }
    const fullLoad = await warmUp(modes, options);
    ({ measurements, repeated } = await measureTraffic(modes, options, fullLoad));
    for (const mode of modes) {
      const totals = await mode.totals();
      if (totals) packets.push({ mode: mode.name, ...totals });
      mode.site.lab.destroy();
    }
  }
  let memory: Report['memory'] = null;
  if (options.extras.includes('memory')) {
    say(`memory of ${figure(options.flows)} flows at rest`);
    memory = measureMemoryPerFlow(options.flows, ruleFilesEntry(ruleFile), cacheFolder);
  }
  let ban: Report['ban'] = null;
  if (options.extras.includes('ban')) {
    say(`time from attack to ban, ${options.attacks} attacks`);
    ban = await measureBanTime(options.attacks, join(folder, 'ban'), cacheFolder);
  }
  return {
    date: new Date().toISOString().slice(0, 16).replace('T', ' ').concat(' UTC'),
    machine: machine(),
    commit: commit(),
    load: { before, after: loadavg()[0] as number },
    rounds: options.rounds,
    seconds: options.seconds,
    queues: options.queues,
    rules: {
      source: ruleFile === null ? 'the built-in rules' : basename(ruleFile),
      loaded: modes.find((mode) => mode.rules !== null)?.rules ?? null,
    },
    rows: summarize(measurements),
    idle: measurements.length > 0 ? median(measurements.map((one) => one.bystanders)) : null,
    stolen: { most: Math.max(0, ...measurements.map((one) => one.stolen)), repeated },
    packets,
    memory,
    ban,
    measurements,
  };
}

function machine(): Report['machine'] {
  const processors = cpus();
  return {
    processor: processors[0]?.model.trim() ?? 'unknown processor',
    cores: processors.length,
    memoryGigabytes: Math.round(totalmem() / 1024 ** 3),
    kernel: release(),
    node: process.versions.node,
  };
}

function commit(): string {
  const git = (...argv: string[]) =>
    // The checkout may belong to the user who called sudo.
    execFileSync('git', ['-c', `safe.directory=${root}`, ...argv], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  try {
    const changed = git('status', '--porcelain') !== '';
    return git('rev-parse', '--short', 'HEAD') + (changed ? ' with changes' : '');
  } catch {
    return 'unknown';
  }
}

async function main(): Promise<void> {
  let options: BenchOptions | 'help';
  try {
    options = parseOptions(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`portcullis: ${error.message}\n\n${usage}`);
    process.exitCode = 2;
    return;
  }
  if (options === 'help') {
    process.stdout.write(usage);
    return;
  }
  const missing = Lab.available();
  if (missing !== null) throw new UsageError(`the benchmark cannot run here: ${missing}`);
  Lab.cleanStale(LAB_PREFIX);
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-bench-'));
  // The labs' own handlers remove the namespaces and end this process.
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

  const report = await bench(options, folder);
  process.stdout.write(`\n${textReport(report)}\n`);
  if (options.json !== null) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
  if (options.write) {
    writeFileSync(page, betweenMarks(readFileSync(page, 'utf8'), markdownReport(report)));
    say('docs/performance.md has the new tables');
  }
  const missed = report.measurements.filter(({ attackStopped }) => attackStopped === false).length;
  if (missed > 0) process.stderr.write(`portcullis: ${missed} planted attacks were NOT stopped\n`);
  process.exit(missed > 0 ? 1 : 0);
}

main().catch((error: Error) => {
  process.stderr.write(error instanceof UsageError ? `portcullis: ${error.message}\n` : `${error.stack}\n`);
  process.exit(1);
});
