/** Every command that the documentation shows is run as it stands there, in its order, beside an engine. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Lab, PcapWriter } from '@portcullis/testkit';
import { capture } from '../builtin/capture';
import { get } from '../builtin/http';
import { pages, repository, shellLines } from '../structure/documentation';
import { ATTACK_PATH, attackRules, describeLab, LabEngine } from './engine';

/** Lines that are not run here, and why. */
const NOT_RUN: readonly (readonly [RegExp, string])[] = [
  [/^git clone /, 'this is the clone'],
  [/^sudo npm (start|test)\b/, 'this is the test, and the lab starts the engine itself'],
  [/^npm run (build|check|test:unit|fuzz)\b|^sudo npm run test:/, 'parts of the test'],
  [/^sudo apt-get update && |^node=node-v20|^curl .*nodejs\.org/, 'changes the machine'],
  [
    /^sudo apt-get (install|remove|purge) -y (\.\/build\/portcullis_\*\.deb|portcullis|prometheus)$|\/usr\/share\/portcullis\/|^sudo systemctl restart prometheus$|^sudo mkdir -p \/var\/lib\/grafana|^promtool query instant/,
    "needs a machine of its own: 'npm run test:package' runs it",
  ],
  [/^sudo systemctl restart grafana-server$/, 'there is no Grafana here'],
  [/^sudo npm run (demo|bench)/, 'makes a lab of its own, for half a minute and more'],
  [/^scripts\/build-deb/, "tests/ops/package makes the package, 'npm run test:package' installs it"],
  [/docker compose/, 'there is no container engine'],
  [/^node --perf-basic-prof|^perf /, 'for a person who looks at a profile'],
];

const reasonNotToRun = (line: string) => NOT_RUN.find(([pattern]) => pattern.test(line))?.[1];
const documents = pages().map((page) => ({ path: page.path, lines: shellLines(page) }));

describeLab('the documentation', () => {
  let lab: Lab;
  let engine: LabEngine;
  let folder: string;
  beforeEach(async () => {
    lab = new Lab('pcdo');
    await lab.httpServer('server', 80);
    engine = new LabEngine(lab);
    folder = join(engine.directory, 'reader');
    prepareReader(folder);
    writeFileSync(
      engine.configuration,
      `rule-sources: [{ name: et-open, url: "${pathToFileURL(join(folder, 'local.rules')).href}", checksum: "off" }]\n`,
      { flag: 'a' },
    );
    await engine.start();
  }, 60_000);
  afterEach(async () => {
    if (engine?.process?.running) await engine.stop();
    lab?.destroy();
    engine?.remove();
  }, 20_000);

  const shown = documents.map(({ path, lines }) => ({
    path,
    run: lines.filter((line) => !reasonNotToRun(line)),
  }));
  test.each(shown.filter(({ run }) => run.length > 0).map(({ path, run }) => [path, run] as const))(
    '%s',
    async (_, lines) => {
      for (const line of lines) {
        const result = await lab.exec('gateway', ['sh', '-c', line], {
          cwd: folder,
          env: {
            PATH: `${join(folder, 'bin')}:${process.env.PATH}`,
            PORTCULLIS_CONFIG: engine.configuration,
            PORTCULLIS_POLICY: '',
          },
          timeout: 60_000,
        });
        expect({ line, code: result.code, stderr: result.code === 0 ? '' : result.stderr }).toEqual({
          line,
          code: 0,
          stderr: '',
        });
      }
    },
    180_000,
  );
});

test('what is not run has its reason, and every reason still has its command', () => {
  const all = documents.flatMap(({ lines }) => lines);
  for (const [pattern] of NOT_RUN) expect(all.some((line) => pattern.test(line))).toBe(true);
  expect(all.filter((line) => !reasonNotToRun(line)).length).toBeGreaterThan(30);
});

/** What a reader has: the command, sudo, a rule file and captures. */
function prepareReader(folder: string): void {
  mkdirSync(join(folder, 'bin'), { recursive: true });
  const program = (name: string, text: string) => {
    writeFileSync(join(folder, 'bin', name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(folder, 'bin', name), 0o755);
  };
  program('portcullis', `exec ${join(repository, 'node_modules', '.bin', 'portcullis')} "$@"`);
  program('sudo', 'exec "$@"');
  for (const name of ['local.rules', 'my.rules']) writeFileSync(join(folder, name), attackRules);
  writeFileSync(join(folder, 'blocklist.txt'), '# a list\n203.0.113.99\n2001:db8:99::/64\n');
  for (const [name, path] of [
    ['attack.pcap', ATTACK_PATH],
    ['ordinary.pcap', '/'],
    ['capture.pcap', '/'],
  ] as const)
    new PcapWriter().addAll(capture(get(path))).writeFile(join(folder, name));
}
