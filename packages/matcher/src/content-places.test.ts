/** Places that are worked out from steps, against every place at which the steps do match. */
import { compileText } from '../testing/harness';
import { Random } from '../testing/random';
import { placesOf } from './content-places';
import { InspectionContext } from './context';
import { Evaluation } from './evaluation';
import { ContentStep } from './keywords/content';
import { DEFAULT_LIMITS } from './matcher-limits';

const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 0x7fffffff));

function stepsOf(options: string) {
  const { ruleset } = compileText(`alert udp any any -> any any (${options} sid:1;)`);
  return ruleset.rules.get(0).payload ?? [];
}

function places(options: string): [from: number, end: number][] {
  return [...placesOf(stepsOf(options)).values()].map(({ from, end }) => [from, end]);
}

test('what counts from the start, or from what does, has a place', () => {
  expect(places('content:"ab"; offset:2; depth:4;')).toEqual([[2, 6]]);
  expect(places('content:"ab"; distance:8; within:3;')).toEqual([[8, 11]]);
  expect(places('content:!"xx"; depth:4; content:"ab"; distance:8; within:2;')).toEqual([
    [0, 4],
    [8, 10],
  ]);
  expect(
    places('content:"ab"; startswith; content:"cd"; distance:6; within:5; content:"e"; distance:1;'),
  ).toEqual([
    [0, 2],
    [8, 13],
    [11, 0],
  ]);
});

test('what may stand anywhere has none', () => {
  expect(places('content:"ab"; content:"cd"; distance:0; within:2;')[1][1]).toBe(0);
  expect(places('content:"ab"; depth:2; pcre:"/x/R"; content:"cd"; distance:0; within:2;')[1][1]).toBe(0);
  expect(places('content:"ab"; depth:9; content:"cd"; distance:-4; within:9;')[1][1]).toBe(0);
  expect(places('content:"ab"; depth:2; byte_jump:1,0,relative; content:"cd"; within:2;')[1][1]).toBe(0);
});

test(`steps match only where their contents are at their places (SEED=${SEED})`, () => {
  const random = new Random(SEED);
  let matched = 0;
  for (let n = 0; n < 60; n++) {
    let options = '';
    for (let count = 1 + random.below(4); count > 0; count--) {
      options += `content:${random.chance(0.15) ? '!' : ''}"${random.text('ab', 1, 2)}";`;
      if (random.chance(0.6)) options += ` distance:${random.below(4)};`;
      else if (random.chance(0.5)) options += ` offset:${random.below(3)}; depth:${4 + random.below(4)};`;
      if (options.endsWith('depth') || !/distance:\d;$/.test(options)) continue;
      if (random.chance(0.7)) options += ` within:${2 + random.below(4)};`;
      if (random.chance(0.1)) options += ' isdataat:1,relative;';
    }
    const steps = stepsOf(options);
    const known = placesOf(steps);
    const evaluation = new Evaluation(new InspectionContext(), DEFAULT_LIMITS);
    for (let turn = 0; turn < 40; turn++) {
      const bytes = Buffer.from(random.text('ab', 1, 20), 'latin1');
      evaluation.refill();
      if (!evaluation.matches(steps, bytes, 0, bytes.length, 0, true)) continue;
      matched++;
      for (const [step, { from, end }] of known) {
        if (step.negated || end === 0) continue;
        const at = bytes.subarray(from, end).indexOf(Buffer.from(step.bytes));
        expect({ seed: SEED, options, bytes: bytes.toString(), found: at >= 0 }).toMatchObject({
          found: true,
        });
      }
    }
  }
  expect(matched).toBeGreaterThan(40);
  expect(stepsOf('content:"a";')[0]).toBeInstanceOf(ContentStep);
});
