import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';

/** Where `ip netns` keeps its names (ip-netns(8)). */
const NAMESPACE_DIRECTORY = '/run/netns';

/** Runs `ip`; throws with what it said when it fails. */
export function ip(argv: readonly string[], input?: string): string {
  const result = spawnSync('ip', argv, { input: input ?? '', encoding: 'utf8' });
  if (result.error !== undefined) throw new Error(`ip cannot be run: ${result.error.message}`);
  if (result.status !== 0) {
    const script = input === undefined ? '' : `\n${input}`;
    throw new Error(`ip ${argv.join(' ')} failed: ${result.stderr.trim()}${script}`);
  }
  return result.stdout;
}

export function listNamespaces(): string[] {
  return existsSync(NAMESPACE_DIRECTORY) ? readdirSync(NAMESPACE_DIRECTORY) : [];
}

/** Kills what still runs in a namespace, and removes it; nothing happens when there is none. */
export function removeNamespace(name: string): void {
  if (!listNamespaces().includes(name)) return;
  const pids = spawnSync('ip', ['netns', 'pids', name], { encoding: 'utf8' }).stdout ?? '';
  for (const pid of pids.split('\n').map(Number)) {
    if (pid <= 1 || pid === process.pid) continue;
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself.
    }
  }
  spawnSync('ip', ['netns', 'del', name]);
}

/** Whether a process with this number exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
