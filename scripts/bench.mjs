/** `sudo npm run bench`: what Portcullis costs on this machine. See docs/performance.md, and --help. */
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { compileTypeScript, main, PreparationError, prepare, root } from './prepare.mjs';

const help = process.argv.includes('--help');

/** Debian starts a service when its package is installed; the benchmark wants the program only. */
async function withoutWebService(install) {
  const systemctl = (...argv) => spawnSync('systemctl', argv, { stdio: 'ignore' });
  const present = spawnSync('nginx', ['-v'], { stdio: 'ignore' }).error === undefined;
  if (present || process.getuid() !== 0) return install();
  systemctl('mask', 'nginx.service');
  try {
    await install();
  } finally {
    systemctl('unmask', 'nginx.service');
    systemctl('disable', 'nginx.service');
  }
}

main(async () => {
  if (process.getuid() !== 0 && !help)
    throw new PreparationError(
      'the benchmark builds networks in namespaces, which needs root: sudo npm run bench (where sudo does not find npm: sudo env "PATH=$PATH" npm run bench)',
    );
  await withoutWebService(() => prepare(help ? ['build'] : ['build', 'run', 'bench']));
  await compileTypeScript('tests/bench');
  const bench = spawn(
    process.execPath,
    [join(root, 'tests', 'bench', 'dist', 'main.js'), ...process.argv.slice(2)],
    {
      stdio: 'inherit',
    },
  );
  // Ctrl-C reaches the benchmark by itself, which removes its networks; this process only waits for that.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => bench.kill('SIGTERM'));
  return new Promise((resolve) => {
    bench.on('exit', (code, signal) => {
      process.exitCode = signal ? 1 : (code ?? 1);
      resolve();
    });
  });
});
