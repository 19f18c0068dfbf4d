/** Dependencies point downwards only. The table is the drawing in docs/architecture.md. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '..', '..');

/** What each package may import; types count too. Tests may also use the testkit. */
const allowed: Record<string, readonly string[]> = {
  'native/nfqueue-binding': [],
  'native/pattern-binding': [],
  'packages/wire': [],
  'packages/capture': ['wire'],
  'packages/reassembly': ['wire'],
  'packages/protocols': [],
  'packages/rules': [],
  'packages/matcher': ['wire', 'rules', 'protocols', 'pattern-binding'],
  'packages/firewall': ['nfqueue-binding'],
  'packages/events': [],
  'packages/metrics': [],
  'packages/updates': [],
  'packages/web-addresses': ['nfqueue-binding'],
  'packages/control': [],
  'packages/configuration': ['control', 'events', 'rules', 'web-addresses'],
  'packages/engine': [
    'wire',
    'capture',
    'reassembly',
    'protocols',
    'rules',
    'matcher',
    'events',
    'metrics',
    'web-addresses',
    'nfqueue-binding',
  ],
  'packages/daemon': [
    'configuration',
    'control',
    'capture',
    'engine',
    'firewall',
    'events',
    'metrics',
    'rules',
    'updates',
    'web-addresses',
    'nfqueue-binding',
  ],
  'packages/cli': [
    'configuration',
    'control',
    'daemon',
    'engine',
    'events',
    'rules',
    'updates',
    'nfqueue-binding',
  ],
  'packages/testkit': ['wire', 'capture'],
};

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    return entry.name.endsWith('.ts') ? [path] : [];
  });
}

/** Statements only: strings of the code may hold the same words. */
const IMPORT =
  /^(?:import\s+(?:[^'"=;]*?from\s+)?|export\s+(?:type\s+)?[{*][^'"=;]*?from\s+|.*\b(?:require|import)\()['"]([^'"]+)['"]/gm;

function imports(path: string): string[] {
  return [...readFileSync(path, 'utf8').matchAll(IMPORT)].map((match) => match[1] as string);
}

describe.each(Object.entries(allowed))('%s', (folder, may) => {
  const files = sources(join(root, folder, 'src'));

  test('imports only what stands below it', () => {
    const wrong: string[] = [];
    for (const file of files) {
      const extra = file.endsWith('.test.ts') ? ['testkit', folder.split('/')[1] as string] : [];
      for (const name of imports(file)) {
        const other = /^@portcullis\/([^/]+)(.*)$/.exec(name);
        if (!other) continue;
        const [, target, inner] = other as unknown as [string, string, string];
        if (inner !== '') wrong.push(`${file}: '${name}' reaches past the package's index`);
        else if (!may.includes(target) && !extra.includes(target))
          wrong.push(`${file}: may not import ${target}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test('declares what it imports', () => {
    const manifest = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
    const declared = Object.keys(manifest.dependencies ?? {});
    const used = new Set<string>();
    for (const file of files.filter((name) => !name.endsWith('.test.ts'))) {
      for (const name of imports(file)) {
        if (name.startsWith('.') || name.startsWith('node:')) continue;
        used.add(
          name.startsWith('@') ? name.split('/').slice(0, 2).join('/') : (name.split('/')[0] as string),
        );
      }
    }
    expect([...used].filter((name) => !declared.includes(name))).toEqual([]);
    expect(declared.filter((name) => !used.has(name))).toEqual([]);
  });
});

test('every package stands in the table', () => {
  const folders = ['packages', 'native'].flatMap((top) =>
    readdirSync(join(root, top)).map((name) => `${top}/${name}`),
  );
  expect(folders.sort()).toEqual(Object.keys(allowed).sort());
});

test('no source names the place of this checkout', () => {
  const wrong = ['packages', 'native', 'scripts', 'tests', 'docs']
    .flatMap((top) => sources(join(root, top)))
    .filter((path) => !/\/(node_modules|dist|build)\//.test(path.slice(root.length)))
    .filter((path) => readFileSync(path, 'utf8').includes(`${root}/`));
  expect(wrong).toEqual([]);
});

/** `import type`, and lists in which every name is a type, are gone when the code runs. */
const RUNNING_IMPORT = /^(?:import|export)\s+(?!type\b)([^'"=;]*?)from\s+'(\.[^']+)'/gm;

test('no file needs itself through others, where they run', () => {
  const needs = new Map<string, string[]>();
  for (const file of Object.keys(allowed).flatMap((folder) => sources(join(root, folder, 'src')))) {
    const found = [...readFileSync(file, 'utf8').matchAll(RUNNING_IMPORT)];
    const running = found.filter(([, names = '']) => names.replace(/\btype\s+\w+\s*,?/g, '').match(/\w/));
    needs.set(
      file,
      running.map(([, , path = '']) => `${join(file, '..', path)}.ts`),
    );
  }
  const circles: string[] = [];
  const left = new Set<string>();
  const visit = (file: string, way: readonly string[]): void => {
    const again = way.indexOf(file);
    if (again >= 0) {
      const circle = [...way.slice(again), file].map((path) => path.slice(root.length + 1));
      circles.push(circle.join(' > '));
    } else if (!left.has(file)) {
      for (const other of needs.get(file) ?? []) visit(other, [...way, file]);
      left.add(file);
    }
  };
  for (const file of needs.keys()) visit(file, []);
  expect(circles).toEqual([]);
  // A test that reads no imports finds no circles either.
  expect([...needs.values()].flat().filter((file) => needs.has(file)).length).toBeGreaterThan(1000);
});
