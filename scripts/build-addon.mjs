/**
 * `node scripts/build-addon.mjs FOLDER`: builds the native addon in FOLDER with node-gyp and the running Node.js's own
 * headers, never a download. Does nothing when what stands there was built from the same sources for the same Node.js.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const NATIVE_SOURCE = /\.(c|cc|cpp|h|hpp|gyp|gypi)$/;

function nativeSources(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory())
      return ['build', 'node_modules', 'dist'].includes(entry.name) ? [] : nativeSources(path);
    return NATIVE_SOURCE.test(entry.name) ? [path] : [];
  });
}

/** Compiler flags beside those of node-gyp. */
function flags(folder) {
  // cap asserts that its interface is up: one that goes down would end the process. Without the assertion its capture ends.
  return basename(folder) === 'cap' ? '-DNDEBUG' : '';
}

/** What a build is made from: the Node.js it is for, its own flags, and every native source. */
function fingerprint(folder) {
  const hash = createHash('sha256').update(
    `${process.versions.modules} ${process.platform} ${process.arch}${flags(folder)}\n`,
  );
  for (const path of nativeSources(folder).sort())
    hash.update(path.slice(folder.length)).update(readFileSync(path));
  return hash.digest('hex');
}

const stampOf = (folder) => join(folder, 'build', 'built-from');

export function isBuilt(folder) {
  const stamp = stampOf(folder);
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprint(folder);
}

/** The prefix whose include/node belongs to the running Node.js. */
function headerPrefix() {
  const prefix = dirname(dirname(realpathSync(process.execPath)));
  const header = join(prefix, 'include', 'node', 'node_version.h');
  if (!existsSync(header))
    throw new Error(
      `${prefix}/include/node has no headers of this Node.js: use a Node.js that brings them (the archives of nodejs.org and the NodeSource packages do)`,
    );
  const abi = /#define NODE_MODULE_VERSION (\d+)/.exec(readFileSync(header, 'utf8'))?.[1];
  if (abi !== process.versions.modules)
    throw new Error(
      `the headers in ${prefix}/include/node are of ABI ${abi}, this Node.js has ${process.versions.modules}`,
    );
  return prefix;
}

/** @throws Error with what the compiler said */
export function buildAddon(folder) {
  if (isBuilt(folder)) return;
  const gyp = createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js');
  const build = spawnSync(
    process.execPath,
    [gyp, 'rebuild', `--nodedir=${headerPrefix()}`, '--loglevel=warn'],
    {
      cwd: folder,
      env: { ...process.env, CXXFLAGS: `${process.env.CXXFLAGS ?? ''} ${flags(folder)}` },
      encoding: 'utf8',
    },
  );
  if (build.status !== 0)
    throw new Error(
      `${build.stdout ?? ''}${build.stderr ?? ''}${build.error ?? ''}\n${folder} could not be built`,
    );
  writeFileSync(stampOf(folder), fingerprint(folder));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    for (const folder of process.argv.slice(2)) buildAddon(resolve(folder));
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
