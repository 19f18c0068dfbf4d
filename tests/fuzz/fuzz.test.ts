/**
 * The short form of the fuzzing (the long one: `npm run fuzz`): every target over what failed once and over a few new
 * inputs, and every small damaged capture of the corpora; with PORTCULLIS_LONG=1 every capture there is.
 */
import { join } from 'node:path';
import { SeededRandom } from '@portcullis/testkit';
import { smallCaptures } from './conversations';
import { readInputs } from './corpus';
import { replayCaptures } from './damaged-captures';
import { Mutator } from './mutate';
import { allTargets } from './registry';
import { FuzzSession } from './session';

const CASES = join(__dirname, 'cases');
/** Of a target whose weight is 1, in milliseconds of this machine. */
const MILLISECONDS = 60;
const LEAST_INPUTS = 20;
const LARGEST_DAMAGED = 32 << 10;
const LONG = process.env.PORTCULLIS_LONG === '1';
/** Generous: other tests run beside these. */
const PATIENCE = 120_000;

/** Another one is for the long form: what passed here passes everywhere. PORTCULLIS_SEED chooses. */
const { seed, hint } = new SeededRandom(process.env.PORTCULLIS_SEED ? undefined : 1);

test.each(allTargets().map((target) => [target.name, target] as const))(
  `%s (${hint})`,
  async (name, target) => {
    // Each its own, so that one target can be repeated without the others.
    const random = new SeededRandom(seed);
    const session = await FuzzSession.open(target);
    const attempt = async (input: Uint8Array) => {
      const failure = await session.run(input);
      if (failure === null) return;
      const { input: smallest, message } = await session.explain(failure, input);
      throw new Error(`${hint}\n${message}\ninput ${Buffer.from(smallest, 'latin1').toString('hex')}`);
    };
    for (const input of readInputs(join(CASES, name))) await attempt(input);
    const seeds = [...target.seeds()];
    const mutator = new Mutator(random, target.shape, target.tokens ?? []);
    const end = performance.now() + MILLISECONDS * Math.max(1, Math.min(2, target.weight));
    for (let inputs = 0; inputs < LEAST_INPUTS || performance.now() < end; inputs++) {
      const base = seeds.length > 0 ? random.pick(seeds) : random.bytes(64);
      await attempt(mutator.mutate(base, seeds.length > 0 ? random.pick(seeds) : base));
    }
    await session.close();
  },
  PATIENCE,
);

const captures = smallCaptures(LONG ? Number.POSITIVE_INFINITY : LARGEST_DAMAGED);
const reason = captures.length > 0 ? '' : ' (skipped: PORTCULLIS_CORPORA is not set)';
(captures.length > 0 ? test : test.skip)(
  `${LONG ? 'every capture' : 'every small damaged capture'} replays${reason}`,
  async () => {
    const { replayed, damaged, wrong } = await replayCaptures(captures, LONG ? 'all' : 'damaged');
    if (LONG) process.stdout.write(`${replayed} captures replayed, ${damaged} of them damaged\n`);
    expect(wrong).toEqual([]);
    expect(damaged).toBeGreaterThan(0);
  },
  LONG ? 3600_000 : PATIENCE,
);
