/** `npm run conformance`: the engine over public rules and captures. See tests/conformance/README.md, and --help. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { isBuilt } from './build-addon.mjs';
import { checkNode, main, PreparationError, root } from './prepare.mjs';

const folder = join(root, 'tests', 'conformance');

main(() => {
  checkNode();
  if (!isBuilt(join(root, 'native', 'pattern-binding')))
    throw new PreparationError("the native addons are not built: run 'npm run build' first");
  const runner = spawn(
    process.execPath,
    ['--require', join(folder, 'from-sources.cjs'), join(folder, 'main.ts'), ...process.argv.slice(2)],
    { stdio: 'inherit' },
  );
  return new Promise((resolve) => {
    runner.on('exit', (code, signal) => {
      process.exitCode = signal ? 1 : (code ?? 1);
      resolve();
    });
  });
});
