/** What a release promises: versions that are pinned, and a workflow that runs the same test as everybody. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

const root = join(__dirname, '..', '..');
const text = (...path: string[]) => readFileSync(join(root, ...path), 'utf8');

interface Manifest {
  name: string;
  version: string;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

const folders = [
  '.',
  ...['packages', 'native'].flatMap((top) => readdirSync(join(root, top)).map((name) => `${top}/${name}`)),
];

test.each(folders)('%s: every dependency has one exact version, the one that is locked', (folder) => {
  const manifest = JSON.parse(text(folder, 'package.json')) as Manifest;
  const { packages } = JSON.parse(text('package-lock.json')) as {
    packages: Record<string, { version?: string }>;
  };
  const wrong = Object.entries({
    ...manifest.dependencies,
    ...manifest.devDependencies,
    ...manifest.optionalDependencies,
  }).filter(([name, version]) => {
    if (!/^\d+\.\d+\.\d+$/.test(version)) return true;
    if (name.startsWith('@portcullis/')) return version !== manifest.version;
    const locked = packages[`${folder}/node_modules/${name}`] ?? packages[`node_modules/${name}`];
    return locked?.version !== version;
  });
  expect(wrong).toEqual([]);
});

test('the workflow asks for known weaknesses and runs what everybody runs, with actions that cannot change', () => {
  const { jobs, permissions } = parse(text('.github', 'workflows', 'ci.yaml')) as {
    jobs: Record<string, { steps: { uses?: string; run?: string; with?: Record<string, unknown> }[] }>;
    permissions: object;
  };
  expect(permissions).toEqual({ contents: 'read' });
  const steps = Object.values(jobs).flatMap((job) => job.steps);
  const used = steps.flatMap(({ uses }) => uses ?? []);
  expect(used.length).toBeGreaterThan(1);
  for (const action of used) expect(action).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40}$/);
  const runs = steps.flatMap(({ run }) => run ?? []);
  expect(runs).toContain('npm audit --omit=dev');
  expect(runs.filter((run) => run.endsWith(' .ci/run'))).toHaveLength(1);
  expect(text('.ci', 'run')).toMatch(/^npm test$/m);
  expect(statSync(join(root, '.ci', 'run')).mode & 0o111).toBe(0o111);
});

test('workflow, image and package speak of the same Node.js', () => {
  const image = /^FROM node:(\d+\.\d+\.\d+)-/m.exec(text('docker', 'Dockerfile'))?.[1];
  expect(text('.github', 'workflows', 'ci.yaml')).toContain(`node-version: ${image}\n`);
});

test('the pages that go with a release are there, and the changes of this version are told', () => {
  for (const name of ['LICENSE', 'CHANGELOG.md', 'SECURITY.md', 'CONTRIBUTING.md', 'README.md'])
    expect(existsSync(join(root, name))).toBe(true);
  expect(text('LICENSE')).toContain('Apache License');
  const { version } = JSON.parse(text('package.json')) as Manifest;
  expect(text('CHANGELOG.md')).toMatch(
    new RegExp(`^## .*(${version.replaceAll('.', '\\.')}|[Uu]nreleased)`, 'm'),
  );
});
