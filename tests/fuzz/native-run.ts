import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeInput } from './corpus';
import type { Finding } from './finding';
import type { NativeTarget } from './native-targets';

const root = join(__dirname, '../..');
const PRODUCTS = join(root, 'node_modules/.cache/portcullis-fuzz/native');
const LARGEST = 4096;
const MEMORY_MB = 1024;
const MINIMISE_SECONDS = 20;
const MOST_FRAMES = 30;
/** Part of the inputs after which memory should not grow any more. */
const WARM_UP = 0.4;
/** Memory that was given back waits less long for its second use: so its growth is seen, and inputs are quicker. */
const ASAN_OPTIONS = 'quarantine_size_mb=8:thread_local_quarantine_size_kb=64';

export interface NativeOrder {
  /** What reached new code before; what is found now is added. */
  readonly corpus: string;
  /** Inputs that failed once: tried first; null: not. */
  readonly cases: string | null;
  readonly seconds: number;
  readonly inputs: number;
  readonly seed: number;
}

export interface NativeResult {
  readonly inputs: number;
  /** Of processor time; of a clock where the harness did not come to its end. */
  readonly seconds: number;
  readonly branches: number;
  readonly corpus: number;
  /** Processor time of the slowest input, in milliseconds. */
  readonly slowest: number;
  /** Bytes that memory in use grew by after the inputs known before; what is kept of new ones is part of it. */
  readonly growth: number;
  readonly findings: Finding[];
}

/** Builds a harness with libFuzzer and the sanitizers for addresses and undefined behaviour, unless it is there. */
export function buildNative(target: NativeTarget): string {
  const folder = join(__dirname, 'native');
  const harness = [join(folder, target.harness), join(folder, 'entry.c')];
  const sources = target.sources.map((source) => join(root, source));
  const flags = [
    '-g',
    '-O1',
    '-fsanitize=fuzzer,address,undefined',
    '-fno-sanitize-recover=undefined',
    '-fno-omit-frame-pointer',
    ...target.flags,
    ...target.wrapped.map((name) => `-Wl,--wrap=${name}`),
  ];
  const read = new Set([...harness, ...sources, ...headersBeside([...harness, ...sources])]);
  const key = createHash('sha1').update(JSON.stringify(flags));
  for (const path of [...read].sort()) key.update(readFileSync(path));
  const product = join(PRODUCTS, `${target.harness.replace(/\W/g, '-')}-${key.digest('hex').slice(0, 12)}`);
  if (existsSync(product)) return product;
  mkdirSync(PRODUCTS, { recursive: true });
  const made = `${product}.new-${process.pid}`;
  const cpp = [...harness, ...sources].some((path) => path.endsWith('.cc'));
  const objects = mkdtempSync(join(tmpdir(), 'portcullis-fuzz-'));
  try {
    const parts = [...harness, ...sources].map((source, index) => {
      const object = join(objects, `${index}.o`);
      const language = source.endsWith('.cc') ? ['clang++', '-std=c++17'] : ['clang', '-std=gnu11'];
      const compile = flags.filter((flag) => !flag.startsWith('-Wl') && !flag.startsWith('-l'));
      execFileSync(language[0] as string, [language[1] as string, ...compile, '-c', source, '-o', object]);
      return object;
    });
    execFileSync(cpp ? 'clang++' : 'clang', [...parts, ...flags, '-o', made]);
    renameSync(made, product);
  } finally {
    rmSync(objects, { recursive: true });
  }
  return product;
}

function headersBeside(sources: readonly string[]): string[] {
  const folders = new Set(sources.map((source) => join(source, '..')));
  return [...folders].flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.h'))
      .map((name) => join(folder, name)),
  );
}

function runHarness(
  program: string,
  args: readonly string[],
): Promise<{ status: number | null; text: string }> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ASAN_OPTIONS },
    });
    const lines: Buffer[] = [];
    child.stderr.on('data', (chunk: Buffer) => lines.push(chunk));
    child.on('close', (status) => resolve({ status, text: Buffer.concat(lines).toString('latin1') }));
  });
}

function lastNumber(text: string, pattern: RegExp): number {
  return Number([...text.matchAll(pattern)].at(-1)?.[1] ?? 0);
}

/** Memory once the inputs known before have run and the sanitizer's own tables stand. */
function warmMegabytes(text: string): number {
  const told = [...text.matchAll(/^#(\d+)\t.* rss: (\d+)Mb/gm)];
  const last = Number(told.at(-1)?.[1] ?? 0);
  return Number(told.find(([, input]) => Number(input) > last * WARM_UP)?.[2] ?? 0);
}

/** What the sanitizer, or a claim of the harness, says. */
function complaintOf(text: string): string {
  return (
    /^claim does not hold: .*/m.exec(text)?.[0] ??
    /runtime error: .*/.exec(text)?.[0] ??
    /^SUMMARY: .*/m.exec(text)?.[0] ??
    'the harness ended'
  );
}

function traceOf(text: string): string {
  return text
    .split('\n')
    .filter((line) => /^\s+#\d+ .* in |ERROR: AddressSanitizer|runtime error/.test(line))
    .slice(0, MOST_FRAMES)
    .join('\n');
}

export async function fuzzNative(target: NativeTarget, order: NativeOrder): Promise<NativeResult> {
  const began = Date.now();
  const program = buildNative(target);
  const { corpus, cases, inputs } = order;
  for (const seed of target.seeds()) writeInput(corpus, seed);
  const artifacts = mkdtempSync(join(tmpdir(), 'portcullis-fuzz-'));
  const findings: Finding[] = [];
  try {
    const { status, text } = await runHarness(program, [
      corpus,
      ...(cases !== null && existsSync(cases) ? [cases] : []),
      `-runs=${inputs}`,
      `-max_total_time=${order.seconds}`,
      `-seed=${(order.seed >>> 1) + 1}`,
      `-max_len=${LARGEST}`,
      `-rss_limit_mb=${MEMORY_MB}`,
      `-artifact_prefix=${artifacts}/`,
      '-reduce_inputs=0',
      '-print_funcs=0',
      '-print_final_stats=1',
    ]);
    const [artifact] = readdirSync(artifacts);
    if (status !== 0) {
      const message = `${complaintOf(text)}\n${traceOf(text)}`;
      const input =
        artifact === undefined
          ? Buffer.alloc(0)
          : await smallest(program, artifacts, join(artifacts, artifact));
      findings.push({
        target: target.name,
        kind: 'crash',
        signature: complaintOf(text),
        message,
        input: input.toString('latin1'),
      });
    }
    return {
      inputs: lastNumber(text, /stat::number_of_executed_units: (\d+)/g) || lastNumber(text, /^#(\d+)/gm),
      seconds: lastNumber(text, /processor_ns: (\d+)/g) / 1e9 || (Date.now() - began) / 1000,
      branches: lastNumber(text, / cov: (\d+)/g),
      slowest: lastNumber(text, /slowest_input_ns: (\d+)/g) / 1e6,
      growth: Math.max(0, lastNumber(text, / rss: (\d+)Mb/g) - warmMegabytes(text)) << 20,
      corpus: readdirSync(corpus).length,
      findings,
    };
  } finally {
    rmSync(artifacts, { recursive: true });
  }
}

async function smallest(program: string, folder: string, input: string): Promise<Buffer> {
  const best = join(folder, 'smallest');
  await runHarness(program, [
    input,
    '-minimize_crash=1',
    `-max_total_time=${MINIMISE_SECONDS}`,
    `-exact_artifact_path=${best}`,
  ]);
  return readFileSync(existsSync(best) ? best : input);
}
