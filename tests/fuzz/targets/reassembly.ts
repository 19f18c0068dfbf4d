import { SeededRandom } from '@portcullis/testkit';
import { chaos } from '../../../packages/reassembly/src/chaos.fixture';
import { cheatingSender } from '../../../packages/reassembly/src/cheating-sender.fixture';
import { randomFragments } from '../../../packages/reassembly/src/fragments/fragments.fixture';
import type { Choices } from '../../../packages/reassembly/src/random.fixture';
import { ByteChoices } from '../choices';
import type { FuzzTarget } from '../target';

const SEEDS = 12;
/** Some dozen steps: the fuzzer makes more of them where that pays. */
const SEED_BYTES = 120;
/** More steps than any input has bytes for. */
const NO_LIMIT = 1 << 16;

function scenario(name: string, weight: number, play: (choices: Choices) => void): FuzzTarget {
  return {
    name: `reassembly/${name}`,
    shape: 'bytes',
    weight,
    seeds: () => Array.from({ length: SEEDS }, (_, seed) => new SeededRandom(seed + 1).bytes(SEED_BYTES)),
    start: () => ({ run: (input) => play(new ByteChoices(input)) }),
  };
}

/** The property tests of the reassembly, with slow twins, whose steps come from the input. */
export function reassemblyTargets(): readonly FuzzTarget[] {
  return [
    scenario('cheating-sender', 0.1, (choices) => cheatingSender(choices, NO_LIMIT)),
    scenario('chaos', 0.1, (choices) => chaos(choices, NO_LIMIT)),
    scenario('fragments', 0.3, (choices) => void randomFragments(choices, NO_LIMIT)),
  ];
}
