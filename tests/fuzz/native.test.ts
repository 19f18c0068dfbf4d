/** The short form of the fuzzing of native code: what failed once, and a few new inputs, under the sanitizers. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SeededRandom } from '@portcullis/testkit';
import { fuzzNative } from './native-run';
import { nativeTargets } from './native-targets';

const INPUTS = 3000;
const SECONDS = 30;
/** With time to build: that is done once for the same sources. */
const PATIENCE = 180_000;

const { targets, missing } = nativeTargets();
/** As in `fuzz.test.ts`. */
const random = new SeededRandom(process.env.PORTCULLIS_SEED ? undefined : 1);

if (missing !== null) test.skip(`native code (skipped: ${missing})`, () => {});

for (const target of targets) {
  test(
    `${target.name} (${random.hint})`,
    async () => {
      const corpus = mkdtempSync(join(tmpdir(), 'portcullis-fuzz-'));
      try {
        const { inputs, findings } = await fuzzNative(target, {
          corpus,
          cases: join(__dirname, 'cases', target.name),
          seconds: SECONDS,
          inputs: INPUTS,
          seed: random.seed,
        });
        expect(findings).toEqual([]);
        expect(inputs).toBeGreaterThan(INPUTS / 10);
      } finally {
        rmSync(corpus, { recursive: true });
      }
    },
    PATIENCE,
  );
}
