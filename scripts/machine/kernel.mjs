/** Debian's own kernel of this release, beside the one that runs: fetched with apt and unpacked, never installed. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { PreparationError, root, run, say } from '../commands.mjs';

const cache = join(root, '.cache', 'machine');

/** @returns what the command printed */
const output = async (command, args) => (await run(command, args, { quiet: true })).stdout;

/**
 * @returns `image`, the file that a machine boots; `modules`, the folder of all modules, as `/lib/modules`; `version`.
 * Fetched the first time, and when Debian has a newer one.
 */
export async function debianKernel() {
  const depends = await output('apt-cache', ['depends', '--important', 'linux-image-amd64']);
  const name = depends.match(/Depends: (linux-image-\S+)/)?.[1];
  if (name === undefined)
    throw new PreparationError(
      "apt knows no linux-image-amd64: run 'apt-get update', or use a Debian for amd64",
    );
  const folder = join(cache, name);
  const version = name.slice('linux-image-'.length);
  if (!existsSync(folder)) await unpack(name, version, folder);
  return {
    image: join(folder, 'boot', `vmlinuz-${version}`),
    modules: join(folder, 'lib', 'modules'),
    version,
  };
}

/** In a folder of another name until all is there. */
async function unpack(name, version, folder) {
  say(`fetching ${name}`);
  const partial = `${folder}.partial`;
  rmSync(cache, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  // apt gives up root to download: the folder has to be writable for its user, or it warns.
  await run('apt-get', ['-q', '-o', 'APT::Sandbox::User=root', 'download', name], {
    quiet: true,
    cwd: partial,
  });
  const [file] = readdirSync(partial);
  await run('dpkg-deb', ['--extract', join(partial, file), partial]);
  rmSync(join(partial, file));
  await run('depmod', ['--basedir', partial, version], { quiet: true });
  renameSync(partial, folder);
}

/** @returns paths of modules that these need and of themselves, in the order in which to load them */
export async function modulesFor(names, { modules, version }) {
  const folder = join(modules, '..', '..');
  const listed = await output('modprobe', [
    '--dirname',
    folder,
    '--set-version',
    version,
    '--show-depends',
    '--all',
    ...names,
  ]);
  return [...new Set(Array.from(listed.matchAll(/^insmod (\S+)/gm), ([, path]) => path))];
}
