/** `npm run bench:replay`: how fast captures are inspected. See docs/performance.md, and --help. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { compileTypeScript, main, prepare, root } from './prepare.mjs';

main(async () => {
  await prepare(['build']);
  await compileTypeScript('tests/bench');
  const program = join(root, 'tests', 'bench', 'dist', 'replay-speed.js');
  const { status } = spawnSync(process.execPath, [program, ...process.argv.slice(2)], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
});
