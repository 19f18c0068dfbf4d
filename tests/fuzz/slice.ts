/** The process that fuzzes one target for a while; `campaign.ts` starts it. Loaded with `instrumented.cjs`. */

import { openSync, writeSync } from 'node:fs';
import { SeededRandom } from '@portcullis/testkit';
import { useCaptures } from './conversations';
import { readInputs, replaceInputs } from './corpus';
import { Coverage } from './coverage';
import type { Finding } from './finding';
import { Mutator } from './mutate';
import { findTarget } from './registry';
import { FuzzSession } from './session';
import { LARGEST_INPUT } from './target';
import { processMilliseconds } from './time';

export interface SliceOrder {
  readonly target: string;
  readonly seed: number;
  /** Of processor time, beside what it takes to begin. */
  readonly seconds: number;
  /** Inputs after which it ends early. */
  readonly inputs: number;
  /** Inputs that reached new code before; what is found now is added. */
  readonly corpus: string;
  /** Inputs that failed once. */
  readonly cases: string;
  /** The present input stands here, for when it takes this process with it. */
  readonly present: string;
  /** Failures that are known and not told again. */
  readonly known: readonly string[];
}

export type SliceMessage =
  | { readonly finding: Finding }
  | {
      readonly done: {
        readonly inputs: number;
        readonly corpus: number;
        readonly branches: number;
        readonly known: number;
        /** Of processor time, with what it took to begin. */
        readonly seconds: number;
        /** Processor time of the slowest input, in milliseconds. */
        readonly slowest: number;
        /** Bytes that memory in use grew by after the first part. */
        readonly growth: number;
      };
    };

/** How the file with the present input begins: inputs so far (a double), then the length (4 bytes), little-endian. */
export const PRESENT_HEAD = 12;
const MOST_CORPUS = 2000;
/** Part of the time, or of the inputs, after which memory should not grow any more. */
const WARM_UP = 0.4;
const MOST_FINDINGS = 20;
/** Inputs between two looks at the clock. */
const CLOCK_TURNS = 16;
const RECENT = 16;
/** Small inputs are quick, and changes to them tell more. */
const smaller = (a: Uint8Array, b: Uint8Array) => (a.length <= b.length ? a : b);

function tell(message: SliceMessage): Promise<void> {
  return new Promise((resolve) => process.send?.(message, undefined, undefined, () => resolve()));
}

async function memoryInUse(): Promise<number> {
  // What native code gives back it gives back behind the collection.
  for (let round = 0; round < 3; round++) {
    (globalThis as { gc?: () => void }).gc?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return heapUsed + Math.max(external, arrayBuffers);
}

async function fuzz(order: SliceOrder): Promise<void> {
  const random = new SeededRandom(order.seed);
  useCaptures();
  const target = findTarget(order.target);
  const session = await FuzzSession.open(target);
  const coverage = new Coverage();
  const seeds = [...target.seeds()];
  coverage.drop();
  const present = openSync(order.present, 'w');
  const page = Buffer.alloc(PRESENT_HEAD + LARGEST_INPUT);
  const known = new Set(order.known);
  let inputs = 0;
  let findings = 0;
  const corpus: Uint8Array[] = [];
  let added = 0;

  async function attempt(input: Uint8Array): Promise<void> {
    page.writeDoubleLE(inputs, 0);
    page.writeUInt32LE(input.length, 8);
    page.set(input.subarray(0, LARGEST_INPUT), PRESENT_HEAD);
    writeSync(present, page, 0, PRESENT_HEAD + Math.min(input.length, LARGEST_INPUT), 0);
    const failure = await session.run(input);
    inputs++;
    if (failure !== null) {
      if (known.has(failure.signature)) await session.restart();
      else {
        known.add(failure.signature);
        findings++;
        await tell({ finding: await session.explain(failure, input) });
      }
    }
    if (coverage.take() && failure === null) {
      if (corpus.length < MOST_CORPUS) corpus.push(input);
      else corpus[random.below(corpus.length)] = input;
      added++;
    }
  }

  for (const folder of [order.corpus, order.cases])
    for (const input of readInputs(folder)) await attempt(input);
  for (const input of seeds) await attempt(input.subarray(0, LARGEST_INPUT));
  if (corpus.length === 0) corpus.push(new Uint8Array(0));
  added = 0;
  const mutator = new Mutator(random, target.shape, [...(target.tokens ?? []), ...coverage.tokens()]);
  const began = processMilliseconds();
  const first = inputs;
  let before: number | null = null;
  let corpusBefore = 0;
  let used = 0;
  for (let turn = 0; used < order.seconds && inputs < order.inputs && findings < MOST_FINDINGS; turn++) {
    // Asking for it takes as long as a small input.
    if (turn % CLOCK_TURNS === 0) used = (processMilliseconds() - began) / 1000;
    const share = Math.max(used / order.seconds, (inputs - first) / (order.inputs - first));
    if (before === null && share > WARM_UP) {
      corpusBefore = corpus.reduce((sum, input) => sum + input.length, 0);
      before = await memoryInUse();
    }
    // Latest additions first: they are where something new was.
    const recent = added > 0 && random.chance(0.3);
    const base = recent
      ? corpus[corpus.length - 1 - random.below(Math.min(corpus.length, RECENT))]
      : smaller(random.pick(corpus), random.pick(corpus));
    await attempt(mutator.mutate(base as Uint8Array, random.pick(corpus)));
  }
  const corpusGrowth = corpus.reduce((sum, input) => sum + input.length, 0) - corpusBefore;
  const growth = before === null ? 0 : (await memoryInUse()) - before - corpusGrowth;
  replaceInputs(order.corpus, corpus);
  await tell({
    done: {
      inputs,
      corpus: corpus.length,
      branches: coverage.branches,
      known: coverage.known,
      seconds: processMilliseconds() / 1000,
      slowest: session.slowest,
      growth,
    },
  });
  await session.close();
  process.disconnect?.();
}

process.once('message', (order: SliceOrder) => {
  fuzz(order).catch((error) => {
    process.stderr.write(`${(error as Error).stack}\n`);
    process.exit(70);
  });
});
