/** `npm run bench:web-addresses`: memory of millions of web addresses, and how long a look-up takes. See --help. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { compileTypeScript, main, prepare, root } from './prepare.mjs';

main(async () => {
  await prepare(['build']);
  await compileTypeScript('tests/bench');
  const program = join(root, 'tests', 'bench', 'dist', 'web-addresses.js');
  const argv = ['--expose-gc', program, ...process.argv.slice(2)];
  const { status } = spawnSync(process.execPath, argv, { stdio: 'inherit' });
  process.exitCode = status ?? 1;
});
