/** `sudo npm test`: formatter and linter, types, unit tests, conformance, and the lab with the real kernel. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { main, prepare, root, say } from './prepare.mjs';

const steps = [
  { name: 'format and lint', command: ['@biomejs/biome/bin/biome', 'check', '.'] },
  { name: 'types of the tests', command: ['typescript/bin/tsc', '-p', 'tsconfig.tests.json'] },
  { name: 'unit tests', command: ['jest/bin/jest.js', '--selectProjects', 'unit', '--maxWorkers=100%'] },
  {
    name: 'conformance tests',
    command: ['jest/bin/jest.js', '--selectProjects', 'conformance', '--maxWorkers=100%'],
  },
  { name: 'lab tests', command: ['jest/bin/jest.js', '--selectProjects', 'lab', '--runInBand'] },
];

main(() => {
  prepare(process.getuid() === 0 ? ['build', 'run', 'test', 'package'] : ['build']);
  if (process.getuid() !== 0) say('not root: tests that need the kernel are skipped and say so');
  if (!process.env.PORTCULLIS_CORPORA)
    say('PORTCULLIS_CORPORA is not set: tests over public captures and rules are skipped and say so');
  say("not part of this: the Debian package installed on a system of its own ('npm run test:package')");
  const failed = [];
  for (const { name, command } of steps) {
    say(name);
    const started = Date.now();
    const [script, ...args] = command;
    const result = spawnSync(process.execPath, [join(root, 'node_modules', script), ...args], {
      cwd: root,
      stdio: 'inherit',
    });
    const seconds = ((Date.now() - started) / 1000).toFixed(1);
    say(`${name}: ${result.status === 0 ? 'passed' : 'FAILED'} in ${seconds} s`);
    if (result.status !== 0) failed.push(name);
  }
  if (failed.length > 0) {
    process.stderr.write(`failed: ${failed.join(', ')}\n`);
    process.exitCode = 1;
  }
});
