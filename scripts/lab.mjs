/**
 * `npm run test:lab`: the tests that need the real kernel. Each file has network namespaces, an engine and folders of its
 * own and mostly waits, so two run side by side; what measures times or needs the machine for itself comes after them, alone.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from './prepare.mjs';

/** Paths, and why nothing may run beside them. */
const ALONE = [
  ['native/nfqueue-binding/src/', 'bursts that a queue must hold, and how fast the kernel notices'],
  ['packages/capture/src/mirror-source', 'how many frames are lost when nobody reads'],
  ['tests/evasion/', 'what the kernel of a victim makes of segments, in the order they were sent'],
  ['tests/exhaustion/', 'what good clients get beside an attack'],
  ['tests/faults/', 'traffic is as configured within a second of a fault'],
  ['tests/soak/', 'what memory and counters come to'],
  ['tests/lab/agreement', 'captures played as fast as they go, with limits in time'],
  ['tests/lab/drift', 'what others change is put back within two seconds'],
  ['tests/lab/supervision', 'a stalled worker is replaced within a second'],
].map(([path]) => path);

const jest = (...args) =>
  spawnSync(
    process.execPath,
    [join(root, 'node_modules/jest/bin/jest.js'), '--selectProjects', 'lab', ...args],
    {
      cwd: root,
      stdio: 'inherit',
    },
  ).status === 0;

/** @returns whether all have passed */
export function lab() {
  const together = jest('--maxWorkers=2', '--testPathIgnorePatterns', '/node_modules/', ...ALONE);
  const alone = jest('--runInBand', '--testPathPatterns', ...ALONE);
  return together && alone;
}

if (process.argv[1] === import.meta.filename) {
  // Arguments are Jest's: some of the files, one after the other.
  const given = process.argv.slice(2);
  if (!(given.length > 0 ? jest('--runInBand', ...given) : lab())) process.exitCode = 1;
}
