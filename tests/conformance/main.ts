/** `npm run conformance -- …`. */

import { parseArgs } from 'node:util';
import { agreementReport, captureReport, precision, recall } from './agreement/report';
import { CorporaError } from './corpora';
import { addPassing, lost, type PassingSet } from './passing-set';
import { chooseCaptures, chooseTests, runAgreement, runTests } from './runners';
import { counterRules } from './verify/counter-rules';
import { isEvasion, rulesText } from './verify/judge-test';
import { type Examined, verifyFigure, verifyReport } from './verify/report';
import { examine } from './verify/run-test';
import { MOST_WORKERS, WorkerPool } from './worker-pool';

const RUNNERS = ['suricata-verify', 'http-evader', 'expected'] as const;

const usage = `npm run conformance -- [runner …] [options]
  runners             ${RUNNERS.join(', ')} (all)
  --class A|A1|…      behaviour tests of these classes only (may be repeated)
  --protocol NAME     … whose rules are of this protocol
  --keyword NAME      … whose rules use this keyword
  --test NAME         … of this name, or whose names begin so; a single one with all that it gave
  --capture NAME      captures of expected/ whose path holds this
  --sid N             … and only alerts of this rule
  --brief             the figures only
  --update            add what passes to the names that may not fail any more
  --workers N         processes (${MOST_WORKERS})
  --json              what came of it as JSON
PORTCULLIS_CORPORA is the folder with the public rules and captures; see tests/conformance/README.md.
`;

class UsageError extends Error {}

function options() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      class: { type: 'string', multiple: true },
      protocol: { type: 'string' },
      keyword: { type: 'string' },
      test: { type: 'string' },
      capture: { type: 'string' },
      sid: { type: 'string' },
      brief: { type: 'boolean', default: false },
      update: { type: 'boolean', default: false },
      workers: { type: 'string', default: String(MOST_WORKERS) },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const unknown = positionals.find((name) => !(RUNNERS as readonly string[]).includes(name));
  if (unknown !== undefined) throw new UsageError(`there is no runner '${unknown}'`);
  const workers = Number(values.workers);
  if (!Number.isInteger(workers) || workers < 1 || workers > 8)
    throw new UsageError('--workers is a number from 1 to 8');
  let runners: readonly string[] = positionals;
  if (runners.length === 0) {
    const ofTests = values.class ?? values.protocol ?? values.keyword ?? values.test;
    if (values.capture !== undefined || values.sid !== undefined) runners = ['expected'];
    else runners = ofTests === undefined ? RUNNERS : ['suricata-verify', 'http-evader'];
  }
  return { ...values, workers, runners };
}

type Options = ReturnType<typeof options>;

const print = (text: string) => process.stdout.write(`${text}\n\n`);

/** What may not fail any more, and does. */
function hold(set: PassingSet, run: readonly string[], passed: ReadonlySet<string>, update: boolean): void {
  const gone = lost(set, run, passed);
  if (gone.length > 0) {
    print(`Passed before and not now (${set})\n${gone.join('\n')}`);
    process.exitCode = 1;
  }
  if (update) print(`${addPassing(set, passed)} names added to passing/${set}.txt`);
}

async function oneTest({ test }: Examined, asJson: boolean): Promise<void> {
  const examined = await examine(test, isEvasion(test) ? counterRules(test) : undefined);
  if (asJson) {
    print(JSON.stringify({ test, examined }, null, 1));
    return;
  }
  print(`rules\n${rulesText(test)}\nexpected\n${test.alerts.map((one) => JSON.stringify(one)).join('\n')}`);
  print(`alerts\n${examined.records.map((record) => JSON.stringify(record)).join('\n')}`);
}

async function tests(pool: WorkerPool, given: Options, set: 'suricata-verify' | 'http-evader') {
  const chosen = chooseTests(set === 'http-evader', {
    classes: given.class,
    protocol: given.protocol,
    keyword: given.keyword,
    test: given.test,
  });
  if (chosen.length === 0) return;
  const examined = await runTests(pool, chosen);
  if (given.json) print(JSON.stringify({ [set]: examined.map(({ outcome }) => outcome) }));
  else if (!given.brief) print(verifyReport(set, examined, chosen.length > 1));
  if (chosen.length === 1 && given.test !== undefined) await oneTest(examined[0], given.json);
  const passed = examined.filter(({ outcome }) => outcome.status === 'passed').map(({ test }) => test.test);
  hold(
    set,
    chosen.map(({ test }) => test),
    new Set(passed),
    given.update,
  );
  if (given.json) return;
  const isA = ({ test }: Examined) => test.cls.startsWith('A');
  print(verifyFigure(`${set}, class A`, examined.filter(isA)));
  const others = examined.filter((one) => !isA(one));
  if (others.length > 0) print(verifyFigure(`${set}, classes B and C`, others));
}

async function expected(pool: WorkerPool, given: Options): Promise<void> {
  const sid = given.sid === undefined ? null : Number(given.sid);
  let captures = chooseCaptures(given.capture);
  if (captures.length === 0) throw new UsageError(`no capture's path holds '${given.capture}'`);
  const ofSid = <T extends { sid: number }>(alerts: readonly T[]) =>
    alerts.filter((alert) => alert.sid === sid);
  if (sid !== null) captures = captures.map((one) => ({ ...one, alerts: ofSid(one.alerts) }));
  const result = await runAgreement(pool, captures, sid);
  const { comparison, rules, findings } = result;
  const { pairs, tuples } = comparison;
  if (given.json) print(JSON.stringify({ expected: { comparison, rules } }));
  else if (captures.length <= 20 || sid !== null) print(captureReport(comparison, findings));
  else if (!given.brief) print(agreementReport(comparison, rules, findings));
  if (sid === null)
    hold(
      'expected',
      captures.map(({ pcap }) => pcap),
      new Set(comparison.agreeing),
      given.update,
    );
  if (given.json) return;
  const figure = (name: string, agreement: typeof pairs) =>
    `expected, ${name}: recall ${recall(agreement).toFixed(4)}, precision ${precision(agreement).toFixed(4)}`;
  print(
    [
      `expected: ${rules.loaded} rules loaded, ${rules.failed.length} refused`,
      figure('capture + sid', pairs),
      figure('capture + sid + 5-tuple', tuples),
    ].join('\n'),
  );
}

async function main(): Promise<void> {
  const given = options();
  if (given.help) {
    process.stdout.write(usage);
    return;
  }
  const pool = new WorkerPool(given.workers);
  const started = performance.now();
  try {
    for (const runner of given.runners) {
      if (runner === 'expected') await expected(pool, given);
      else await tests(pool, given, runner as 'suricata-verify' | 'http-evader');
    }
  } finally {
    pool.stop();
  }
  if (!given.json) print(`${((performance.now() - started) / 1000).toFixed(1)} s`);
}

main().catch((error: Error) => {
  const told = error instanceof UsageError || error instanceof CorporaError;
  const isOption = (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS') === true;
  process.stderr.write(told || isOption ? `${error.message}\n` : `${error.stack}\n`);
  process.exitCode = 2;
});
