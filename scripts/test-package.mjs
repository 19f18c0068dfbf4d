/**
 * `sudo npm run test:package`: the Debian package, checked by lintian and tried on a Debian 12 of its own that systemd
 * boots. Takes some minutes, and needs a Debian mirror the first time.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { main, PreparationError, prepare, root } from './prepare.mjs';

main(async () => {
  if (process.getuid() !== 0)
    throw new PreparationError("a Debian of its own needs root: run 'sudo npm run test:package'");
  await prepare(['build', 'run', 'test', 'package', 'test-package']);
  const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
  const { status } = spawnSync(process.execPath, [jest, '--selectProjects', 'package', '--runInBand'], {
    cwd: root,
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
});
