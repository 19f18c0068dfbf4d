/** `npm run fuzz`: the long form. */

import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { SeededRandom } from '@portcullis/testkit';
import { Campaign } from './campaign';
import { nativeTargets } from './native-targets';
import { allTargets } from './registry';

const HELP = `npm run fuzz -- [options]
  --only TEXT       targets whose names contain it (may be given several times)
  --inputs N        over all targets; default 1e8
  --slice SECONDS   of processor time for one target before it is the next one's turn; default 20
  --for SECONDS     stop then; the next call goes on
  --state FOLDER    what is remembered; default node_modules/.cache/portcullis-fuzz/state
  --cases FOLDER    where findings are written; default tests/fuzz/cases
  --lanes N         targets at the same time; default 1
  --seed N
  --list            names of the targets
  --table           what has been done so far
`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true },
      inputs: { type: 'string', default: '1e8' },
      slice: { type: 'string', default: '20' },
      for: { type: 'string', default: 'Infinity' },
      state: { type: 'string', default: join(__dirname, '../../node_modules/.cache/portcullis-fuzz/state') },
      cases: { type: 'string', default: join(__dirname, 'cases') },
      lanes: { type: 'string', default: '1' },
      seed: { type: 'string' },
      table: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const say = (line: string): void => {
    process.stdout.write(`${line}\n`);
  };
  if (values.help) return say(HELP);
  const native = nativeTargets();
  const all = [...native.targets, ...allTargets()];
  const chosen = all.filter(
    ({ name }) => values.only === undefined || values.only.some((part) => name.includes(part)),
  );
  if (values.list) return say(chosen.map(({ name }) => name).join('\n'));
  if (native.missing !== null) say(`native code is not fuzzed: ${native.missing}`);
  const seed = values.seed === undefined ? SeededRandom.chooseSeed() : Number(values.seed);
  const campaign = new Campaign(chosen, {
    state: values.state,
    cases: values.cases,
    inputs: Number(values.inputs),
    weights: all.reduce((sum, { weight }) => sum + weight, 0),
    seconds: Number(values.slice),
    atMost: Number(values.for),
    lanes: Number(values.lanes),
    seed,
    say,
  });
  if (values.table) return say(campaign.table());
  say(`${chosen.length} targets, seed ${seed}`);
  const findings = await campaign.run();
  say(campaign.table());
  if (findings.length > 0) {
    say(`${findings.length} findings`);
    process.exitCode = 1;
  }
}

main().catch((error) => {
  process.stderr.write(`${(error as Error).stack}\n`);
  process.exitCode = 1;
});
