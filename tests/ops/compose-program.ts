import { spawnSync } from 'node:child_process';

/** The program that reads compose files; null: there is none. */
export function composeProgram(): { argv: readonly [string, ...string[]]; version: 1 | 2 } | null {
  for (const argv of [['docker', 'compose'], ['docker-compose']] as const) {
    const { status, stdout } = spawnSync(argv[0], [...argv.slice(1), 'version'], { encoding: 'utf8' });
    if (status === 0) return { argv, version: /version 1\./.test(stdout) ? 1 : 2 };
  }
  return null;
}
