/**
 * The engine over public rules and captures (`npm run conformance` tells more): what passed before passes still. Skipped
 * where the corpora are not.
 */

import { EXPECTED_FILE, RULES_FILE } from './agreement/reference';
import { missingCorpora } from './corpora';
import { lost, readPassing } from './passing-set';
import { chooseCaptures, chooseTests, runAgreement, runTests } from './runners';
import { JUDGE_FILE } from './verify/judge-test';
import { WorkerPool } from './worker-pool';

const MINUTES = 60_000;

const reason = missingCorpora(JUDGE_FILE, EXPECTED_FILE, RULES_FILE);
const skipped = reason === null ? '' : ` (skipped: ${reason})`;
const withCorpora = reason === null ? test : test.skip;

let pool: WorkerPool;
beforeAll(() => {
  pool = new WorkerPool();
});
afterAll(() => pool.stop());

describe.each([
  ['suricata-verify', false],
  ['http-evader', true],
] as const)('%s', (set, evasions) => {
  withCorpora(
    `no behaviour test fails that passed before${skipped}`,
    async () => {
      const examined = await runTests(pool, chooseTests(evasions, {}));
      const passed = examined.filter(({ outcome }) => outcome.status === 'passed');
      const gone = lost(
        set,
        examined.map(({ test: { test } }) => test),
        new Set(passed.map(({ test: { test } }) => test)),
      );
      const reasons = examined
        .filter(({ test: { test } }) => gone.includes(test))
        .map(({ test: { test }, outcome }) => `${test}: ${outcome.reasons.join(' | ')}`);
      expect(reasons).toEqual([]);
      expect(passed.length).toBeGreaterThanOrEqual(readPassing(set).size);
    },
    10 * MINUTES,
  );
});

withCorpora(
  `no capture disagrees with the reference that agreed before${skipped}`,
  async () => {
    const captures = chooseCaptures();
    const { comparison, rules } = await runAgreement(pool, captures);
    expect(rules.loaded).toBeGreaterThan(0);
    const gone = lost(
      'expected',
      captures.map(({ pcap }) => pcap),
      new Set(comparison.agreeing),
    );
    expect(gone).toEqual([]);
    expect(comparison.agreeing.length).toBeGreaterThanOrEqual(readPassing('expected').size);
  },
  10 * MINUTES,
);
