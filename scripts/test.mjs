/** `sudo npm test`: formatter and linter, types, unit tests, conformance, and the lab with the real kernel. */
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { lab } from './lab.mjs';
import { main, prepare, root, say } from './prepare.mjs';

// One more than there are processors: some files mostly wait, for threads, programs and times that are over.
const WORKERS = `--maxWorkers=${availableParallelism() + 1}`;

const steps = [
  { name: 'format and lint', command: ['@biomejs/biome/bin/biome', 'check', '.'] },
  { name: 'types of the tests', command: ['typescript/bin/tsc', '-p', 'tsconfig.tests.json'] },
  { name: 'unit tests', command: ['jest/bin/jest.js', '--selectProjects', 'unit', WORKERS] },
  {
    name: 'conformance tests',
    command: ['jest/bin/jest.js', '--selectProjects', 'conformance', '--maxWorkers=100%'],
  },
  { name: 'lab tests', run: lab },
];

/** @param command a program of a package, and its arguments */
function runsWell([script, ...args]) {
  const program = join(root, 'node_modules', script);
  return spawnSync(process.execPath, [program, ...args], { cwd: root, stdio: 'inherit' }).status === 0;
}

main(async () => {
  await prepare(process.getuid() === 0 ? ['build', 'run', 'test', 'package'] : ['build']);
  if (process.getuid() !== 0) say('not root: tests that need the kernel are skipped and say so');
  if (!process.env.PORTCULLIS_CORPORA)
    say('PORTCULLIS_CORPORA is not set: tests over public captures and rules are skipped and say so');
  say("not part of this: the Debian package installed on a system of its own ('npm run test:package')");
  const failed = [];
  for (const { name, command, run = () => runsWell(command) } of steps) {
    say(name);
    const started = Date.now();
    const passed = run();
    const seconds = ((Date.now() - started) / 1000).toFixed(1);
    say(`${name}: ${passed ? 'passed' : 'FAILED'} in ${seconds} s`);
    if (!passed) failed.push(name);
  }
  if (failed.length > 0) {
    process.stderr.write(`failed: ${failed.join(', ')}\n`);
    process.exitCode = 1;
  }
});
