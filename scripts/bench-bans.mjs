/** `sudo npm run bench:bans`: what a million bans cost. See docs/performance.md, and --help. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { compileTypeScript, main, PreparationError, prepare, root } from './prepare.mjs';

main(async () => {
  const help = process.argv.includes('--help');
  if (process.getuid() !== 0 && !help)
    throw new PreparationError(
      'the benchmark works in network namespaces, which needs root: sudo npm run bench:bans',
    );
  await prepare(help ? ['build'] : ['build', 'run']);
  await compileTypeScript('tests/bench');
  const program = join(root, 'tests', 'bench', 'dist', 'million-bans.js');
  const { status } = spawnSync(process.execPath, [program, ...process.argv.slice(2)], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
});
