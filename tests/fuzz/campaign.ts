/** Fuzzes target after target, a slice of time each, until all have had their share; goes on where it stopped. */

import { type ChildProcess, fork } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readInputs, writeInput } from './corpus';
import type { Finding, FindingKind } from './finding';
import { fuzzNative } from './native-run';
import type { NativeTarget } from './native-targets';
import { PRESENT_HEAD, type SliceMessage, type SliceOrder } from './slice';
import type { FuzzTarget } from './target';
import { millisecondsOf } from './time';

export interface CampaignOptions {
  readonly state: string;
  /** Cases of the repository; new findings are written there. */
  readonly cases: string;
  /** Over all targets, also those that are not fuzzed by this call. */
  readonly inputs: number;
  /** Of all targets together. */
  readonly weights: number;
  /** Of processor time, for one slice. */
  readonly seconds: number;
  /** After which it stops, to be gone on with; in seconds. */
  readonly atMost: number;
  /** Targets at the same time. */
  readonly lanes: number;
  readonly seed: number;
  say(line: string): void;
}

export interface Tally {
  inputs: number;
  /** Of processor time. */
  seconds: number;
  findings: number;
  corpus: number;
  branches: number;
  /** Processor time of the slowest input, in milliseconds. */
  slowest: number;
  /** Bytes that memory grew by, at most, in one slice after its first part. */
  growth: number;
}

interface State {
  readonly tallies: Record<string, Tally>;
  /** Signatures of what was found, by target. */
  readonly known: Record<string, string[]>;
}

type AnyTarget = FuzzTarget | NativeTarget;

const isNative = (target: AnyTarget): target is NativeTarget => 'harness' in target;

/** An input that keeps a process busy for so long is taken for one that never ends. More than making a finding smaller takes. */
const HANG_MS = 40_000;
const LOOK_MS = 500;
/** Part of the inputs that every target has, however long each of them takes. */
const LEAST_SHARE = 0.001;
/** Bytes that memory may grow by in one slice after its first part. */
const MOST_GROWTH = 48 << 20;
const HEAP_MB = 1536;
const ROOT = join(__dirname, '../..');

export class Campaign {
  private readonly state: State;

  constructor(
    private readonly targets: readonly AnyTarget[],
    private readonly options: CampaignOptions,
  ) {
    mkdirSync(options.state, { recursive: true });
    this.state = existsSync(this.path)
      ? (JSON.parse(readFileSync(this.path, 'utf8')) as State)
      : { tallies: {}, known: {} };
  }

  /** @returns findings of this call */
  async run(): Promise<Finding[]> {
    const { targets, options } = this;
    const began = Date.now();
    const findings: Finding[] = [];
    const goal = (target: AnyTarget) =>
      Math.ceil(options.inputs * Math.max(LEAST_SHARE, target.weight / options.weights));
    const busy = new Set<AnyTarget>();
    let turn = 0;
    const next = (): AnyTarget | null => {
      if (Date.now() - began > options.atMost * 1000) return null;
      for (let looked = 0; looked < targets.length; looked++) {
        const target = targets[turn++ % targets.length] as AnyTarget;
        if (!busy.has(target) && this.tally(target).inputs < goal(target)) return target;
      }
      return null;
    };
    const lane = async (_: unknown, number: number) => {
      for (let target = next(); target !== null; target = next()) {
        busy.add(target);
        const tally = this.tally(target);
        const found = await this.slice(target, goal(target) - tally.inputs, options.seed + turn, number);
        busy.delete(target);
        for (const finding of found) this.keep(finding);
        findings.push(...found);
        this.save();
        this.progress(target, tally, goal(target));
      }
    };
    await Promise.all(Array.from({ length: options.lanes }, lane));
    return findings;
  }

  table(): string {
    const row = (name: string, ...cells: (string | number)[]) =>
      name.padEnd(36) + cells.map((cell) => cell.toLocaleString('en').padStart(12)).join('');
    const lines = [
      row(
        'target',
        'inputs',
        'seconds',
        'inputs/s',
        'branches',
        'corpus',
        'slowest ms',
        'growth KiB',
        'findings',
      ),
    ];
    for (const [name, tally] of Object.entries(this.state.tallies)) {
      const { inputs, seconds, branches, corpus, slowest, growth, findings } = tally;
      lines.push(
        row(
          name,
          inputs,
          Math.round(seconds),
          Math.round(inputs / Math.max(seconds, 0.001)),
          branches,
          corpus,
          Number(slowest.toPrecision(2)),
          growth >> 10,
          findings,
        ),
      );
    }
    lines.push(row('total', this.total));
    return lines.join('\n');
  }

  private get total(): number {
    return Object.values(this.state.tallies).reduce((sum, { inputs }) => sum + inputs, 0);
  }

  private get path(): string {
    return join(this.options.state, 'state.json');
  }

  private tally({ name }: AnyTarget): Tally {
    this.state.tallies[name] ??= {
      inputs: 0,
      seconds: 0,
      findings: 0,
      corpus: 0,
      branches: 0,
      slowest: 0,
      growth: 0,
    };
    return this.state.tallies[name];
  }

  private save(): void {
    const next = `${this.path}.new`;
    writeFileSync(next, `${JSON.stringify(this.state, null, 1)}\n`);
    renameSync(next, this.path);
  }

  private progress({ name }: AnyTarget, tally: Tally, goal: number): void {
    const { say, inputs } = this.options;
    const rate = Math.round(tally.inputs / Math.max(tally.seconds, 0.001));
    const share = ((100 * this.total) / inputs).toFixed(2);
    say(
      `${share.padStart(6)} % of ${inputs.toExponential(0)}  ${name.padEnd(34)} ${tally.inputs} of ${goal}, ${rate}/s, ` +
        `${tally.branches} branches, ${tally.corpus} in corpus, ${tally.findings} findings`,
    );
  }

  private keep(finding: Finding): void {
    const { state, options } = this;
    state.known[finding.target] = [...(state.known[finding.target] ?? []), finding.signature];
    this.tally({ name: finding.target } as AnyTarget).findings++;
    const path = writeInput(join(options.cases, finding.target), Buffer.from(finding.input, 'latin1'));
    writeFileSync(`${path}.txt`, `${finding.kind}: ${finding.message.replaceAll(`${ROOT}/`, '')}\n`);
    options.say(
      `FOUND in ${finding.target}: ${finding.kind}: ${finding.message.split('\n', 3).join(' ')}\n  ${path}`,
    );
  }

  private async slice(target: AnyTarget, inputs: number, seed: number, lane: number): Promise<Finding[]> {
    const { state, cases, seconds } = this.options;
    const tally = this.tally(target);
    const corpus = join(state, 'corpus', target.name);
    if (isNative(target)) {
      // What has failed and is not mended yet would end every slice at once.
      const failing = (this.state.known[target.name] ?? []).length > 0;
      const result = await fuzzNative(target, {
        corpus,
        cases: failing ? null : join(cases, target.name),
        seconds,
        inputs,
        seed,
      });
      tally.inputs += result.inputs;
      tally.seconds += result.seconds;
      tally.branches = result.branches;
      tally.corpus = result.corpus;
      tally.slowest = Math.max(tally.slowest, result.slowest);
      tally.growth = Math.max(tally.growth, result.growth);
      return result.findings;
    }
    return this.sliceOfProcess(target, tally, {
      target: target.name,
      seed: seed >>> 0,
      seconds,
      inputs,
      corpus,
      cases: join(cases, target.name),
      present: join(state, `present-input-${lane}`),
      known: this.state.known[target.name] ?? [],
    });
  }

  private sliceOfProcess(target: FuzzTarget, tally: Tally, order: SliceOrder): Promise<Finding[]> {
    const findings: Finding[] = [];
    const failure = (kind: FindingKind, message: string, input: Uint8Array): Finding => ({
      target: target.name,
      kind,
      signature: `${kind} ${message.slice(0, 80)}`,
      message,
      input: Buffer.from(input).toString('latin1'),
    });
    const child = fork(join(__dirname, 'slice.ts'), {
      execArgv: [
        '--require',
        join(__dirname, 'instrumented.cjs'),
        '--expose-gc',
        `--max-old-space-size=${HEAP_MB}`,
      ],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    return new Promise((resolve) => {
      let done = false;
      let hung = false;
      const watch = watchHang(child, order.present, () => {
        hung = true;
        child.kill('SIGKILL');
      });
      child.on('message', (message: SliceMessage) => {
        if ('finding' in message) {
          findings.push(message.finding);
          return;
        }
        done = true;
        const { inputs, corpus, branches, seconds, slowest, growth } = message.done;
        tally.inputs += inputs;
        tally.seconds += seconds;
        tally.slowest = Math.max(tally.slowest, slowest);
        tally.growth = Math.max(tally.growth, growth);
        tally.corpus = corpus;
        tally.branches = branches;
        if (growth > MOST_GROWTH)
          findings.push(
            failure('memory', `memory grew by ${growth >> 20} MiB in one slice`, new Uint8Array(0)),
          );
      });
      child.on('exit', (code, signal) => {
        clearInterval(watch);
        if (!done) {
          const { inputs, input } = readPresent(order.present);
          tally.inputs += inputs;
          findings.push(
            hung
              ? failure('hang', 'does not end', input)
              : failure('crash', `the process ended with ${signal ?? code}`, input),
          );
        }
        resolve(findings);
      });
      child.send(order);
    });
  }
}

/** Calls `hung` once the process has used much time and still has the same input. */
function watchHang(child: ChildProcess, present: string, hung: () => void): NodeJS.Timeout {
  let last = -1;
  let since = 0;
  return setInterval(() => {
    const { inputs } = readPresent(present);
    const used = millisecondsOf(child.pid as number);
    if (inputs !== last) {
      last = inputs;
      since = used;
    } else if (used - since > HANG_MS) hung();
  }, LOOK_MS);
}

function readPresent(path: string): { inputs: number; input: Uint8Array } {
  const page = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
  if (page.length < PRESENT_HEAD) return { inputs: 0, input: new Uint8Array(0) };
  const length = page.readUInt32LE(8);
  return { inputs: page.readDoubleLE(0), input: page.subarray(PRESENT_HEAD, PRESENT_HEAD + length) };
}

/** Cases of the repository for a target. */
export function casesOf(folder: string, target: string): Uint8Array[] {
  return readInputs(join(folder, target));
}
