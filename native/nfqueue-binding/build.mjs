// Builds the addon and accept-all with the running Node's own headers, never a download. Does nothing when both
// are newer than every source and were built for this Node.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(fileURLToPath(import.meta.url));
const products = ['nfqueue.node', 'accept-all'].map((name) => join(root, 'build/Release', name));
const stampFile = join(root, 'build/built-for.json');
const builtFor = JSON.stringify({
  abi: process.versions.modules,
  platform: process.platform,
  arch: process.arch,
});
const sources = [
  'binding.gyp',
  ...readdirSync(join(root, 'src'))
    .filter((name) => /\.[ch]$/.test(name))
    .map((name) => join('src', name)),
].map((name) => join(root, name));

function upToDate() {
  if (!existsSync(stampFile) || readFileSync(stampFile, 'utf8') !== builtFor || !products.every(existsSync)) {
    return false;
  }
  const newest = Math.max(...sources.map((file) => statSync(file).mtimeMs));
  return products.every((file) => statSync(file).mtimeMs >= newest);
}

if (process.platform !== 'linux') {
  console.error('nfqueue-binding: netfilter queues exist on Linux only');
  process.exit(1);
}
if (!upToDate()) {
  const prefix = dirname(dirname(realpathSync(process.execPath)));
  if (!existsSync(join(prefix, 'include/node/node_api.h'))) {
    console.error(
      `nfqueue-binding: ${prefix}/include/node has no headers of this Node.js: install the package that brings them (libnode-dev on Debian), or use Node.js from nodejs.org or NodeSource, which include them`,
    );
    process.exit(1);
  }
  const headerAbi = /#define NODE_MODULE_VERSION (\d+)/.exec(
    readFileSync(join(prefix, 'include/node/node_version.h'), 'utf8'),
  )?.[1];
  if (headerAbi !== process.versions.modules) {
    console.error(
      `nfqueue-binding: the headers in ${prefix}/include/node are of ABI ${headerAbi}, this Node.js has ${process.versions.modules}`,
    );
    process.exit(1);
  }
  const gyp = join(
    dirname(createRequire(import.meta.url).resolve('node-gyp/package.json')),
    'bin/node-gyp.js',
  );
  const build = spawnSync(
    process.execPath,
    [gyp, 'rebuild', `--nodedir=${prefix}`, '--loglevel=warn', '--silent'],
    {
      cwd: root,
      encoding: 'utf8',
    },
  );
  if (build.status !== 0) {
    console.error(`${build.stdout ?? ''}${build.stderr ?? ''}${build.error ?? ''}`);
    console.error('nfqueue-binding: the native build failed; it needs python3, make and g++');
    process.exit(1);
  }
  writeFileSync(stampFile, builtFor);
}
