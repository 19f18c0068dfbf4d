import { existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive } from './namespaces';

export type IptablesBackend = 'nft' | 'legacy';

const COMMANDS = ['iptables', 'ip6tables'].flatMap((tool) => [tool, `${tool}-restore`, `${tool}-save`]);
const DIRECTORIES = ['/usr/sbin', '/sbin', '/usr/local/sbin'];

const DIRECTORY_PREFIX = 'portcullis-iptables-';

/** Where the command of a backend stands, e.g. iptables-legacy-restore; undefined where it is not installed. */
function find(command: string, backend: IptablesBackend): string | undefined {
  const [tool, verb] = command.split('-');
  const name = verb === undefined ? `${tool}-${backend}` : `${tool}-${backend}-${verb}`;
  return DIRECTORIES.map((directory) => join(directory, name)).find((path) => existsSync(path));
}

export function hasBackend(backend: IptablesBackend): boolean {
  return COMMANDS.every((command) => find(command, backend) !== undefined);
}

/**
 * Makes a directory in which the plain names (`iptables`, `ip6tables-restore`, …) mean one backend: put in front
 * of PATH it stands for a system whose alternatives were switched to it.
 */
export function makeBackendDirectory(backend: IptablesBackend): string {
  const directory = mkdtempSync(join(tmpdir(), `${DIRECTORY_PREFIX}${process.pid}-`));
  for (const command of COMMANDS) {
    const path = find(command, backend);
    if (path === undefined) throw new Error(`the ${backend} backend of ${command} is not installed`);
    symlinkSync(path, join(directory, command));
  }
  return directory;
}

/** Removes the directories of processes that are no longer there. */
export function removeStaleBackendDirectories(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = new RegExp(`^${DIRECTORY_PREFIX}(\\d+)-`).exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid)))
      rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}
