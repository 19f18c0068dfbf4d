/**
 * Brings a fresh checkout to the point where it runs: Debian packages, npm packages, native addons, compiled
 * TypeScript. Each step looks first whether there is anything to do, so a second run takes a moment.
 *
 * Uses only what Node.js brings, because it runs before anything is installed.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isBuilt } from './build-addon.mjs';
import { finish, PreparationError, root, run, say } from './commands.mjs';
import { installFromRegistryOrCache } from './npm-packages.mjs';

export { PreparationError, root, say };

/** Debian packages by what they are for. */
const debianPackages = {
  build: ['g++', 'make', 'python3', 'pkg-config', 'libvectorscan-dev', 'libpcre2-dev', 'libpcap-dev'],
  run: ['iptables', 'ipset', 'iproute2'],
  test: ['conntrack', 'curl', 'iputils-ping', 'openssl', 'procps', 'rsyslog', 'util-linux'],
  // Debian's package starts a Prometheus on port 9090 where systemd runs: no script asks for it.
  operations: ['prometheus'],
  package: ['dpkg-dev'],
  // Looks for a mirror in apt's configuration.
  'test-package': ['buildah', 'debootstrap', 'docker-compose', 'lintian', 'man-db', 'shellcheck', 'zsh'],
  // Debian's kernel in an emulated machine.
  'test-machine': ['busybox-static', 'cpio', 'kmod', 'qemu-system-x86'],
  bench: ['iperf3', 'wrk', 'nginx-light', 'curl'],
};

const fail = (message) => {
  throw new PreparationError(message);
};

export function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  fail(
    `Node.js ${process.versions.node} is too old: 20.19 or newer is needed (the README says how to get it on Debian 12)`,
  );
}

function missingPackages(names) {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: this is the syntax of dpkg-query.
  const result = spawnSync('dpkg-query', ['-W', '-f', '${Package} ${db:Status-Status}\n', ...names], {
    encoding: 'utf8',
  });
  if (result.error) return null;
  const installed = new Set(
    result.stdout
      .split('\n')
      .filter((line) => line.endsWith(' installed'))
      .map((line) => line.split(' ')[0]),
  );
  return names.filter((name) => !installed.has(name));
}

export async function installDebianPackages(purposes) {
  const wanted = purposes.flatMap((purpose) => debianPackages[purpose]);
  const missing = missingPackages(wanted);
  if (missing === null) {
    say(`this is not Debian: make sure that what these packages hold is installed: ${wanted.join(' ')}`);
    return;
  }
  if (missing.length === 0) return;
  if (process.getuid() !== 0)
    fail(
      `these Debian packages are missing: run 'sudo apt-get install ${missing.join(' ')}', or this command with sudo`,
    );
  say(`installing Debian packages: ${missing.join(' ')}`);
  await install(missing);
}

/** Seconds until a mirror has answered, and one more attempt: an error that names the cause comes soon then. */
const APT_BOUNDS = ['http::Timeout=15', 'https::Timeout=15', 'Retries=1'].flatMap((bound) => [
  '-o',
  `Acquire::${bound}`,
]);

async function install(packages) {
  const apt = (what, ...args) =>
    finish('apt-get', [...APT_BOUNDS, ...args], {
      quiet: true,
      env: { DEBIAN_FRONTEND: 'noninteractive' },
      waiting: () => `still ${what}`,
    });
  // May fail in part, or end well with nothing fetched: lists from before may do, and where they do not the next step tells.
  const lists = await apt("fetching the lists of Debian's packages (apt-get update)", 'update', '-q');
  const installed = await apt(
    'fetching and installing Debian packages (apt-get install)',
    'install',
    '-y',
    '-q',
    '--no-install-recommends',
    ...packages,
  );
  if (installed.code === 0) return;
  for (const { stdout, stderr } of [lists, installed]) process.stderr.write(`${stdout}${stderr}`);
  fail(
    'Debian packages could not be installed; what apt-get printed stands above. Where it could not reach a mirror, look at the ' +
      'network and the name service of this machine, and at the mirrors in /etc/apt/sources.list; behind a proxy, write ' +
      '\'Acquire::http::Proxy "http://HOST:PORT";\' to /etc/apt/apt.conf.d/80proxy. Packages that are installed in another ' +
      `way serve as well: ${packages.join(' ')}. Then run this command again`,
  );
}

export async function installNpmPackages() {
  const lock = join(root, 'package-lock.json');
  const marker = join(root, 'node_modules', '.portcullis-installed');
  const wanted = readFileSync(lock, 'utf8');
  if (existsSync(marker) && readFileSync(marker, 'utf8') === wanted) return;
  say('installing npm packages');
  await installFromRegistryOrCache();
  await run(
    process.execPath,
    ['-e', `require('fs').copyFileSync(${JSON.stringify(lock)}, ${JSON.stringify(marker)})`],
    {
      asCaller: true,
    },
  );
}

/** Folders with native code. cap is built here too, because npm does not run install scripts of packages. */
const addons = [
  { folder: 'native/nfqueue-binding', name: 'nfqueue-binding' },
  { folder: 'native/pattern-binding', name: 'pattern-binding' },
  { folder: 'node_modules/cap', name: 'cap (live mirror)' },
];

export async function buildAddons() {
  for (const { folder, name } of addons) {
    if (isBuilt(join(root, folder))) continue;
    say(`building ${name}`);
    await run(process.execPath, [join(root, 'scripts', 'build-addon.mjs'), folder], { asCaller: true });
  }
}

/** @param project what to compile, with all it refers to */
export async function compileTypeScript(project = 'tsconfig.json') {
  // Later there is little to do, and nothing to tell of.
  if (!existsSync(join(root, 'packages', 'cli', 'dist', 'index.js'))) say('compiling TypeScript');
  await run(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-b', project], {
    asCaller: true,
  });
  await run(process.execPath, [join(root, 'scripts', 'bundle.mjs')], { asCaller: true });
}

/** Everything, in order. @param purposes which Debian packages are needed */
export async function prepare(purposes) {
  checkNode();
  await installDebianPackages(purposes);
  await installNpmPackages();
  await buildAddons();
  await compileTypeScript();
}

/** Runs a script's main function; what went wrong is told in one sentence, without a stack. */
export function main(action) {
  Promise.resolve()
    .then(action)
    .catch((error) => {
      if (error instanceof PreparationError) process.stderr.write(`portcullis: ${error.message}\n`);
      else process.stderr.write(`${error.stack}\n`);
      process.exitCode = 1;
    });
}
