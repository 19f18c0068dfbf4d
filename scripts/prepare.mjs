/**
 * Brings a fresh checkout to the point where it runs: Debian packages, npm packages, native addons, compiled
 * TypeScript. Each step looks first whether there is anything to do, so a second run takes a moment.
 *
 * Uses only what Node.js brings, because it runs before anything is installed.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isBuilt } from './build-addon.mjs';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');

/** Debian packages by what they are for. */
const debianPackages = {
  build: ['g++', 'make', 'python3', 'pkg-config', 'libvectorscan-dev', 'libpcre2-dev', 'libpcap-dev'],
  run: ['iptables', 'ipset', 'iproute2'],
  test: ['conntrack', 'openssl', 'procps', 'rsyslog', 'util-linux'],
  // Debian's package starts a Prometheus on port 9090 where systemd runs: no script asks for it.
  operations: ['prometheus'],
  package: ['dpkg-dev'],
  // Looks for a mirror in apt's configuration.
  'test-package': ['buildah', 'debootstrap', 'docker-compose', 'lintian', 'man-db', 'shellcheck', 'zsh'],
  bench: ['iperf3', 'wrk', 'nginx-light', 'curl'],
};

export class PreparationError extends Error {}

const fail = (message) => {
  throw new PreparationError(message);
};

/** Says what is being done, so that a long step is not a silent one. */
export function say(text) {
  process.stdout.write(`· ${text}\n`);
}

/**
 * Under sudo, what is made in the checkout belongs to the user who called it: these commands run as that user.
 */
function caller() {
  const uid = Number(process.env.SUDO_UID);
  const gid = Number(process.env.SUDO_GID);
  if (process.getuid() !== 0 || !(uid > 0)) return {};
  const home = spawnSync('getent', ['passwd', String(uid)], { encoding: 'utf8' }).stdout?.split(':')[5];
  return {
    uid,
    gid,
    env: { ...process.env, HOME: home || '/tmp', USER: process.env.SUDO_USER, npm_config_cache: '' },
  };
}

function run(command, args, { asCaller = false, quiet = false, env = {}, cwd = root } = {}) {
  const who = asCaller ? caller() : {};
  const environment = { ...(who.env ?? process.env), ...env };
  if (environment.npm_config_cache === '') delete environment.npm_config_cache;
  const result = spawnSync(command, args, {
    cwd,
    stdio: quiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
    encoding: 'utf8',
    ...(who.uid !== undefined && { uid: who.uid, gid: who.gid }),
    env: environment,
  });
  if (result.error) fail(`${command}: ${result.error.message}`);
  if (result.status !== 0) {
    if (quiet) process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}`);
    fail(`'${command} ${args.join(' ')}' failed; what it printed stands above`);
  }
  return result.stdout ?? '';
}

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

export function installDebianPackages(purposes) {
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
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  run('apt-get', ['update', '-q'], { quiet: true, env });
  run('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...missing], { quiet: true, env });
}

export function installNpmPackages() {
  const lock = join(root, 'package-lock.json');
  const marker = join(root, 'node_modules', '.portcullis-installed');
  const wanted = readFileSync(lock, 'utf8');
  if (existsSync(marker) && readFileSync(marker, 'utf8') === wanted) return;
  say('installing npm packages');
  // Install scripts stay off: the only package here with native code, cap, is built below with the others.
  // Not 'npm ci': it refuses a lock file without the builds for platforms that the registry at hand does not carry.
  run(
    'npm',
    [
      'install',
      '--no-save',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--no-update-notifier',
      '--loglevel=error',
    ],
    {
      asCaller: true,
    },
  );
  run(
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

export function buildAddons() {
  for (const { folder, name } of addons) {
    if (isBuilt(join(root, folder))) continue;
    say(`building ${name}`);
    run(process.execPath, [join(root, 'scripts', 'build-addon.mjs'), folder], { asCaller: true });
  }
}

/** @param project what to compile, with all it refers to */
export function compileTypeScript(project = 'tsconfig.json') {
  // Later there is little to do, and nothing to tell of.
  if (!existsSync(join(root, 'packages', 'cli', 'dist', 'index.js'))) say('compiling TypeScript');
  run(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-b', project], {
    asCaller: true,
  });
  run(process.execPath, [join(root, 'scripts', 'bundle.mjs')], { asCaller: true });
}

/** Everything, in order. @param purposes which Debian packages are needed */
export function prepare(purposes) {
  checkNode();
  installDebianPackages(purposes);
  installNpmPackages();
  buildAddons();
  compileTypeScript();
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
