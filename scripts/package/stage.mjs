/** Lays the files of the package out as they will stand on the system. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, extname, join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';

const HOME = 'usr/lib/portcullis';
const SHARE = 'usr/share/portcullis';
const DOCUMENTS = 'usr/share/doc/portcullis';
export const CONFFILES = ['/etc/portcullis/portcullis.yaml'];

/** What a running program reads, and under which terms; no types, maps, sources of addons or pages. */
const SHIPPED_EXTENSIONS = new Set(['.js', '.cjs', '.mjs', '.json', '.node']);
const TERMS = /^(licen[cs]e|copying|notice)/i;
/** Folders of a module that nothing requires; what of that name lies deeper may be code. */
const UNUSED_FOLDERS = new Set('test tests testing specs bench benchmarks docs examples'.split(' '));
/** Modules below are found by themselves; the others are what a compiler leaves behind. */
const NEVER_ENTERED = new Set(['node_modules', 'obj.target', '.deps']);

/**
 * @param {{root: string, stage: string, modules: object[], texts: Record<string, string>}} what texts: files by their
 * place on the system, beside those that are copied
 * @returns {string[]} binaries, for what they are linked against
 */
export function stageFiles({ root, stage, modules, texts }) {
  const at = (...parts) => join(stage, ...parts);
  const binaries = [at(HOME, 'bin', 'node')];
  // The runtime is the Node.js that made the build: the native addons were compiled for it.
  copy(realpathSync(process.execPath), at(HOME, 'bin', 'node'), 0o755);
  for (const { folder, manifest } of modules) {
    const files = copyModule(join(root, folder), at(HOME, folder));
    binaries.push(...files.filter((path) => path.endsWith('.node')));
    if (manifest.name.startsWith('@portcullis/'))
      link(join('..', '..', folder), at(HOME, 'node_modules', manifest.name));
  }
  for (const path of binaries) strip(path);

  const packaging = join(root, 'packaging');
  copy(join(packaging, 'debian', 'portcullis'), at('usr/bin/portcullis'), 0o755);
  copy(join(packaging, 'debian', 'portcullis.yaml'), at('etc/portcullis/portcullis.yaml'));
  copyFolder(packaging, at('lib/systemd/system'), /\.(service|timer)$/);
  copy(join(packaging, 'debian', 'lintian-overrides'), at('usr/share/lintian/overrides/portcullis'));
  copyFolder(join(root, 'rules'), at(SHARE, 'rules'), /\.rules$/);
  link('../../share/portcullis/rules', at(HOME, 'rules'));
  copyFolder(join(root, 'docker', 'prometheus'), at(SHARE, 'prometheus'), /^(alerts|prometheus)\.yaml$/);
  for (const folder of ['dashboards', 'provisioning/dashboards', 'provisioning/datasources'])
    copyFolder(join(root, 'docker', 'grafana', folder), at(SHARE, 'grafana', folder), /\.(json|yaml)$/);
  copyFolder(join(packaging, 'log-shipping'), at(SHARE, 'log-shipping'), /./);
  copyFolder(join(root, 'docs'), at(DOCUMENTS), /\.md$/);
  copyFolder(join(root, 'docs', 'decisions'), at(DOCUMENTS, 'decisions'), /\.md$/);
  copy(join(root, 'CHANGELOG.md'), at(DOCUMENTS, 'CHANGELOG.md'));
  for (const [path, text] of Object.entries(texts)) write(at(path), text);
  return binaries;
}

/** @returns where the files stand now */
function copyModule(from, to) {
  const copied = [];
  const visit = (folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      const unused = NEVER_ENTERED.has(entry.name) || (folder === from && UNUSED_FOLDERS.has(entry.name));
      if (entry.isDirectory() && !unused) visit(path);
      if (!entry.isFile() || !isShipped(relative(from, path))) continue;
      const target = join(to, relative(from, path));
      copy(path, target);
      copied.push(target);
    }
  };
  visit(from);
  return copied;
}

function isShipped(path) {
  const name = basename(path);
  // Of what a compiler left behind only the addon is read.
  if (path.startsWith('build/')) return name.endsWith('.node');
  if (/^\.|^tsconfig\.json$|^eslint\.config\.|\.test\.js$/.test(name)) return false;
  return SHIPPED_EXTENSIONS.has(extname(name)) || TERMS.test(name);
}

function strip(path) {
  const { status, stderr } = spawnSync('strip', ['--strip-unneeded', path], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`strip ${path}: ${stderr}`);
}

function copyFolder(from, to, pattern) {
  for (const name of readdirSync(from)) if (pattern.test(name)) copy(join(from, name), join(to, name));
}

function copy(from, to, mode = 0o644) {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
  chmodSync(to, mode);
}

function link(target, path) {
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(target, path);
}

/** A name that ends in .gz is compressed. */
export function write(path, text, mode = 0o644) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, path.endsWith('.gz') ? gzipSync(text, { level: 9 }) : text);
  chmodSync(path, mode);
}

/** Every file below a folder, relative to it, sorted. */
export function everyFile(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

/** What must not depend on who builds and when: modes of folders, and all times. */
export function settle(folder, seconds) {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) chmodSync(path, 0o755);
    lutimesSync(path, seconds, seconds);
  }
  chmodSync(folder, 0o755);
  lutimesSync(folder, seconds, seconds);
}

/** The terms of the carried Node.js, where its distribution keeps them. */
export function nodeLicence() {
  const prefix = dirname(dirname(realpathSync(process.execPath)));
  for (const path of [join(prefix, 'LICENSE'), join(prefix, 'share/doc/nodejs/LICENSE')]) {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      // The next place.
    }
  }
  throw new Error(`the licence of Node.js is in neither ${prefix}/LICENSE nor ${prefix}/share/doc/nodejs`);
}
