/** `replay` gives the same alerts as the live queue, for captures whose two directions are played through a gateway. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { builtInRuleDirectory } from '@portcullis/daemon';
import { SeededRandom } from '@portcullis/testkit';
import { alertLine, compareAlerts } from './agreement/alerts';
import { inspectBothWays } from './agreement/both';
import { writeBuiltinCaptures } from './agreement/builtin-captures';
import { chooseCaptures, corporaMissing, readCorpora } from './agreement/corpora';
import { describeLab } from './engine';

/** Plays only captures whose path contains this: repeats what has differed. */
const ONLY = process.env.PORTCULLIS_CAPTURE ?? '';
const CORPUS_CAPTURES = 200;
const DEFAULT_SEED = 20_230_515;
const MILLISECONDS = 120_000;

/** Has the captures inspected both ways, tells the figures, and fails with each difference. */
async function expectAgreement(title: string, rules: string[], captures: string[], queued: 'all' | 'some') {
  const played = captures.filter((file) => file.includes(ONLY));
  const results = await inspectBothWays(rules, played);
  const { live, replay, sent, forwarded, inspected, seconds } = results;
  const { common, onlyLive, onlyReplay } = compareAlerts(live, replay);
  const lines = [
    `${title}: ${played.length} captures, ${sent} packets, ${inspected} inspected; alerts: ${live.length} live, ${replay.length} in replay; ` +
      `${common.length} different ones agree, ${onlyLive.length} only live, ${onlyReplay.length} only in replay ` +
      `(${seconds.loading.toFixed(1)} s to load, ${seconds.playing.toFixed(1)} s to play)`,
  ];
  const fileOf = new Map(replay.map((record) => [alertLine(record), String(record.pcap_filename)]));
  const clues = onlyReplay.map((line) => ({ line, side: 'replay', file: fileOf.get(line) as string }));
  for (const { line, side, file } of clues) {
    lines.push(
      `only in ${side}: ${line}`,
      `  PORTCULLIS_CAPTURE=${file} npx jest tests/lab/agreement --selectProjects lab`,
    );
  }
  for (const line of onlyLive) lines.push(`only live: ${line}`);
  process.stdout.write(`${lines.join('\n')}\n`);

  expect(results.complaints).toEqual([]);
  expect(forwarded).toBe(sent);
  if (queued === 'all') expect(inspected).toBe(sent);
  expect({ onlyLive, onlyReplay }).toEqual({ onlyLive: [], onlyReplay: [] });
  return common;
}

describeLab('replay and the live queue agree', () => {
  test(
    'about the traffic of the built-in rules',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'portcullis-builtin-'));
      try {
        const captures = writeBuiltinCaptures(folder);
        const common = await expectAgreement('built-in', [builtInRuleDirectory], captures, 'some');
        if (ONLY === '') expect(common.length).toBeGreaterThanOrEqual(60);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
    MILLISECONDS,
  );

  const missing = corporaMissing();
  if (missing !== null) test.skip(`about public captures: ${missing}`, () => {});
  else
    test(
      'about public captures',
      async () => {
        const corpora = readCorpora();
        const random = new SeededRandom(Number(process.env.PORTCULLIS_SEED ?? DEFAULT_SEED));
        const { files, withAlerts, passedOver } = chooseCaptures(corpora, CORPUS_CAPTURES, random);
        const reasons = Object.entries(passedOver).map(([reason, count]) => `  ${count} with ${reason}`);
        process.stdout.write(
          `public captures: ${files.length} chosen (${withAlerts} of them with alerts of the reference), ${random.hint}; passed over:\n${reasons.join('\n')}\n`,
        );
        expect(files).toHaveLength(CORPUS_CAPTURES);
        await expectAgreement(
          `public captures under ${basename(corpora.rules)}`,
          [corpora.rules],
          files,
          'all',
        );
      },
      MILLISECONDS,
    );
});
