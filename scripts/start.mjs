/** `sudo npm start`: installs what is missing, builds, and protects this host until Ctrl-C. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { main, PreparationError, prepare, root, say } from './prepare.mjs';

main(async () => {
  if (process.getuid() !== 0)
    throw new PreparationError(
      'protecting a host needs root: run \'sudo npm start\' (where sudo does not find npm: sudo env "PATH=$PATH" npm start)',
    );
  await prepare(['build', 'run']);
  say('turning protection on; open connections stay open, your SSH session included');
  const command = join(root, 'packages', 'cli', 'bin', 'portcullis.js');
  // Who only tries it out does not want to lose what is open.
  const adopt = ['--set', 'on-enable=adopt'];
  const engine = spawn(process.execPath, [command, 'run', '--enable', ...adopt, ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  // Ctrl-C reaches the engine by itself; this process only waits until it has taken its rules away.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => engine.kill('SIGTERM'));
  return new Promise((resolve) => {
    engine.on('exit', (code, signal) => {
      process.exitCode = signal ? 1 : (code ?? 1);
      resolve();
    });
  });
});
