/**
 * What runs of each package: one file, and one more for each program that is started by its path. `tsc -b` has checked
 * the types and written the declarations beside them. A thread that reads a dozen files instead of six hundred starts
 * in half of the time (docs/decisions/0017).
 *
 * Looks first which sources have changed since, so that a second run takes a moment.
 */
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');

/** What is loaded by its path: threads, processes of their own, and what the Debian package's build asks. */
const PROGRAMS = {
  cli: ['command-tree', 'completion', 'manual-page'],
  engine: ['worker/main', 'worker/prepare'],
  matcher: ['compile-apart'],
  testkit: ['lab/agent'],
  'web-addresses': ['loader-thread'],
};

/** Dependencies whose code is taken into the bundle, without what it does not use: most of their loading time. */
const INLINED = { configuration: ['yaml', 'zod'], control: ['yaml'] };

const entriesOf = (name) => ['index', ...(PROGRAMS[name] ?? [])];

/** @returns packages of which a bundle is missing or older than a source of theirs, or than this file */
export function unbundledPackages() {
  return readdirSync(join(root, 'packages')).filter((name) => {
    const folder = join(root, 'packages', name);
    const written = Math.min(...entriesOf(name).map((path) => modified(join(folder, 'dist', `${path}.js`))));
    const sources = readdirSync(join(folder, 'src'), { recursive: true }).map((path) => join('src', path));
    return (
      modified(import.meta.filename) > written ||
      ['src', 'package.json', ...sources].some((path) => modified(join(folder, path)) > written)
    );
  });
}

/** @returns milliseconds since 1970, 0 for what is not there */
const modified = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

async function bundle(names) {
  // Only now: nothing of npm's is needed where there is nothing to do.
  const { build } = await import('esbuild');
  for (const name of names) {
    const folder = join(root, 'packages', name);
    const { dependencies = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    removeCode(join(folder, 'dist'));
    await build({
      absWorkingDir: folder,
      entryPoints: entriesOf(name).map((path) => `src/${path}.ts`),
      outbase: 'src',
      outdir: 'dist',
      bundle: true,
      external: [
        `@portcullis/${name}`,
        ...Object.keys(dependencies).filter((other) => !INLINED[name]?.includes(other)),
      ],
      // What has no shape but CommonJS (main) cannot be taken apart.
      mainFields: ['module', 'main'],
      platform: 'node',
      target: 'node20.19',
      sourcemap: true,
      sourcesContent: false,
      logLevel: 'warning',
    });
  }
}

/** Code of an earlier build: what it was made from may be gone. Declarations are the compiler's. */
function removeCode(folder) {
  if (!existsSync(folder)) return;
  for (const path of readdirSync(folder, { recursive: true }))
    if (/\.js(\.map)?$/.test(path)) rmSync(join(folder, path));
}

if (process.argv[1] === import.meta.filename) await bundle(unbundledPackages());
