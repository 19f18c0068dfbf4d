/** `npm run fuzz`: the long form of the fuzzing, from the sources. See tests/fuzz/README.md, and --help. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { isBuilt } from './build-addon.mjs';
import { checkNode, main, PreparationError, root } from './prepare.mjs';

main(() => {
  checkNode();
  if (!isBuilt(join(root, 'native', 'pattern-binding')))
    throw new PreparationError("the native addons are not built: run 'npm run build' first");
  const compiler = join(root, 'tests', 'conformance', 'from-sources.cjs');
  const runner = spawn(
    process.execPath,
    ['--require', compiler, join(root, 'tests', 'fuzz', 'main.ts'), ...process.argv.slice(2)],
    { stdio: 'inherit' },
  );
  return new Promise((resolve) => {
    runner.on('exit', (code, signal) => {
      process.exitCode = signal ? 1 : (code ?? 1);
      resolve();
    });
  });
});
