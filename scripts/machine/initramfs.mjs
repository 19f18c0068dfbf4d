import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { PreparationError } from '../commands.mjs';

/**
 * Writes what a machine starts from: busybox, the modules that it needs to reach this host's files, and what it is to do.
 *
 * @param folder an empty one, for what goes into it
 * @param modules paths, in the order in which they are loaded; `modulesFolder`: where all of them are
 * @param command text of a shell script
 * @returns its path
 */
export function makeInitramfs(folder, { modules, modulesFolder, command }) {
  const tree = join(folder, 'tree');
  for (const name of ['bin', 'dev', 'modules', 'proc', 'sys'])
    mkdirSync(join(tree, name), { recursive: true });
  copyFileSync('/bin/busybox', join(tree, 'bin', 'busybox'));
  for (const path of modules) copyFileSync(path, join(tree, 'modules', basename(path)));
  writeFileSync(join(tree, 'modules', 'order'), modules.map((path) => `${basename(path)}\n`).join(''));
  writeFileSync(join(tree, 'modules', 'folder'), `${modulesFolder}\n`);
  writeFileSync(join(tree, 'init'), readFileSync(join(import.meta.dirname, 'init')));
  chmodSync(join(tree, 'init'), 0o755);
  writeFileSync(join(tree, 'command'), command);

  const archive = join(folder, 'initramfs');
  const { status, stderr } = spawnSync(
    'sh',
    ['-c', 'find . | cpio --quiet --create --format=newc > "$0"', archive],
    { cwd: tree, encoding: 'utf8' },
  );
  if (status !== 0) throw new PreparationError(`the machine's first files could not be packed: ${stderr}`);
  return archive;
}
