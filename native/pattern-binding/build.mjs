// Builds the addon against the headers of the Node.js that runs this script; nothing is downloaded.
// Does nothing when what is built already comes from these sources and fits this Node.js.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const packageRoot = dirname(fileURLToPath(import.meta.url));
const addon = join(packageRoot, 'build', 'Release', 'pattern_binding.node');
const stampFile = join(packageRoot, 'build', 'built-from');

function fail(message) {
  console.error(`pattern-binding: ${message}`);
  process.exit(1);
}

function stamp() {
  const hash = createHash('sha256');
  hash.update(`${process.arch} ${process.versions.modules}\n`);
  const sources = readdirSync(join(packageRoot, 'addon')).sort();
  for (const file of ['binding.gyp', ...sources.map((name) => join('addon', name))]) {
    hash.update(`${file}\n`).update(readFileSync(join(packageRoot, file)));
  }
  return hash.digest('hex');
}

const wanted = stamp();
if (existsSync(addon) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === wanted) {
  process.exit(0);
}

const nodePrefix = dirname(dirname(process.execPath));
const versionHeader = join(nodePrefix, 'include', 'node', 'node_version.h');
if (!existsSync(versionHeader)) {
  fail(
    `${versionHeader} is missing: install the headers that belong to ${process.execPath} (${process.version}).`,
  );
}
const headerAbi = /#define NODE_MODULE_VERSION (\d+)/.exec(readFileSync(versionHeader, 'utf8'))?.[1];
if (headerAbi !== process.versions.modules) {
  fail(
    `the headers in ${nodePrefix}/include/node are of ABI ${headerAbi}, this Node.js has ${process.versions.modules}.`,
  );
}
for (const library of ['libhs', 'libpcre2-8']) {
  const found = spawnSync('pkg-config', ['--exists', library]);
  if (found.error) fail('pkg-config is missing: apt-get install pkg-config');
  if (found.status !== 0) fail(`${library} is missing: apt-get install libvectorscan-dev libpcre2-dev`);
}

const nodeGyp = createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js');
const built = spawnSync(
  process.execPath,
  [nodeGyp, 'rebuild', `--nodedir=${nodePrefix}`, '--loglevel=warn'],
  {
    cwd: packageRoot,
    stdio: ['ignore', 'inherit', 'inherit'],
  },
);
if (built.status !== 0) fail('the addon could not be built; the compiler says why above.');
writeFileSync(stampFile, wanted);
