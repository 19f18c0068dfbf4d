/** `replay` gives the same alerts as the live queue, for captures whose two directions are played through a gateway. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { builtInRuleDirectory } from '@portcullis/daemon';
import type { EveRecord } from '@portcullis/events';
import { interleave, PcapWriter, SeededRandom, TcpConversation } from '@portcullis/testkit';
import { alertLine, compareAlerts } from './agreement/alerts';
import { inspectBothWays } from './agreement/both';
import { writeBuiltinCaptures } from './agreement/builtin-captures';
import { chooseCaptures, corporaMissing, readCorpora } from './agreement/corpora';
import { copyWithoutPauses } from './agreement/pauses';
import { surveyCapture } from './agreement/survey';
import { describeLab } from './engine';

/** Only captures whose path contains this: repeats what has differed. */
const ONLY = process.env.PORTCULLIS_CAPTURE ?? '';
const CORPUS_CAPTURES = 200;
const DEFAULT_SEED = 20_230_515;
const MILLISECONDS = 110_000;

function tell(...lines: string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}

interface Captures {
  readonly rules: string;
  readonly played: readonly string[];
  /** What `replay` reads in the place of each. */
  readonly replayed: readonly string[];
  /** Read by `replay` too, for comparison only. */
  readonly originals?: readonly string[];
  /** Whether the rules look at every port and protocol that is played. */
  readonly allQueued: boolean;
}

/** Names the capture that an alert is about, without its folder if that is temporary: no two have the same pair of addresses. */
function captureNames(played: readonly string[]): (record: EveRecord) => string {
  const surveys = played.map((file) => ({ file, addresses: surveyCapture(file).addresses }));
  return ({ src_ip, dest_ip }) => {
    const found = surveys.find(({ addresses }) => addresses.has(`${src_ip}`) && addresses.has(`${dest_ip}`));
    if (found === undefined) return 'UNKNOWN';
    return found.file.startsWith(tmpdir()) ? basename(found.file) : found.file;
  };
}

/** Has the captures inspected both ways, tells the figures and each difference. @returns how many alerts agree */
async function expectAgreement(title: string, captures: Captures): Promise<number> {
  const { played, replayed, originals = [] } = captures;
  const results = await inspectBothWays({
    rules: [captures.rules],
    played,
    replayed: [...replayed, ...originals],
  });
  const { live, sent, forwarded, inspected, complaints, seconds } = results;
  const original = new Map(replayed.map((file, index) => [file, played[index]]));
  const isOfOriginal = (record: EveRecord) => !original.has(String(record.pcap_filename));
  const replay = results.replay.filter((record) => !isOfOriginal(record));
  const { common, onlyLive, onlyReplay } = compareAlerts(live, replay);
  tell(
    `${title}: ${played.length} captures, ${sent} packets, ${inspected} of them queued and inspected; ` +
      `${seconds.loading.toFixed(1)} s to load the rules and replay, ${seconds.playing.toFixed(1)} s to play`,
    `  alerts: ${live.length} live, ${replay.length} in replay; by signature, addresses, ports and action ` +
      `${common.length} agree, ${onlyLive.length} are only live, ${onlyReplay.length} only in replay`,
  );
  if (originals.length > 0) {
    const own = compareAlerts(live, results.replay.filter(isOfOriginal));
    tell(
      `  with the pauses of the captures, in which flows and thresholds time out, replay tells ` +
        `${own.common.length} of these, not ${own.onlyLive.length}, and ${own.onlyReplay.length} others`,
    );
  }
  if (onlyLive.length + onlyReplay.length > 0) {
    const nameOf = captureNames(played);
    const records = new Map([...live, ...replay].map((record) => [alertLine(record), record]));
    const differences = [
      ...onlyLive.map((line) => ({ side: 'live', line })),
      ...onlyReplay.map((line) => ({ side: 'in replay', line })),
    ];
    for (const { side, line } of differences) {
      const capture = nameOf(records.get(line) as EveRecord);
      const repeat = `PORTCULLIS_CAPTURE=${capture} npx jest tests/lab/agreement --selectProjects lab`;
      tell(`  only ${side}: ${line}`, `    ${repeat}`);
    }
  }

  expect(complaints).toEqual([]);
  expect(forwarded).toBe(sent);
  if (captures.allQueued) expect(inspected).toBe(sent);
  expect({ onlyLive, onlyReplay }).toEqual({ onlyLive: [], onlyReplay: [] });
  return common.length;
}

describeLab('replay and the live queue agree', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'portcullis-agreement-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test(
    'about the traffic of the built-in rules',
    async () => {
      const files = writeBuiltinCaptures(folder).filter((file) => file.includes(ONLY));
      if (files.length === 0) return;
      const agreed = await expectAgreement('built-in rules', {
        rules: builtInRuleDirectory,
        played: files,
        replayed: files,
        allQueued: false,
      });
      if (ONLY === '') expect(agreed).toBeGreaterThanOrEqual(60);
    },
    MILLISECONDS,
  );

  test(
    'about what is found only when a flow ends, as the last ones do when the engine stops',
    async () => {
      const rules = join(folder, 'unfinished.rules');
      writeFileSync(
        rules,
        'drop http any any -> any any (msg:"unfinished head"; http.uri; content:"/unfinished"; sid:1000001; rev:1;)\n',
      );
      const file = join(folder, 'unfinished.pcap');
      const heads = [{}, { client: '2001:db8::1', server: '2001:db8::2' }].map((endpoints) =>
        new TcpConversation({ ...endpoints, serverPort: 80 })
          .handshake()
          .client('GET /unfinished HTTP/1.1\r\nHost: a\r\nUser-Ag'),
      );
      new PcapWriter().addAll(interleave(...heads)).writeFile(file);
      const captures = { rules, played: [file], replayed: [file], allQueued: true };
      expect(await expectAgreement('unfinished flows', captures)).toBe(heads.length);
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
        tell(
          `public captures: ${files.length} chosen (${withAlerts} with alerts of the reference), ${random.hint}; passed over`,
          ...reasons,
        );
        expect(files).toHaveLength(CORPUS_CAPTURES);
        const played = files.filter((file) => file.includes(ONLY));
        if (played.length === 0) return;
        const replayed = played.map((file, index) => {
          const copy = join(folder, `${index}.pcap`);
          copyWithoutPauses(file, copy);
          return copy;
        });
        await expectAgreement('public captures', {
          rules: corpora.rules,
          played,
          replayed,
          originals: played,
          allQueued: true,
        });
      },
      MILLISECONDS,
    );
});
