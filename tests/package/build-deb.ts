/** Packages made by scripts/build-deb, from what is built in this checkout. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../ops/prometheus-tools';

export interface BuildOptions {
  output: string;
  version?: string;
  env?: Readonly<Record<string, string>>;
}

/** Why no package can be made here, or null. */
export function packagingMissing(): string | null {
  for (const program of ['dpkg-deb', 'dpkg-shlibdeps', 'strip'])
    if (spawnSync(program, ['--version']).status !== 0)
      return `${program} is not installed (apt-get install dpkg-dev)`;
  return null;
}

/** @returns the path of the package; not compressed, because that takes a minute and is dpkg's affair. */
export function buildDeb({ output, version, env }: BuildOptions): string {
  const script = join(repository, 'scripts', 'build-deb.mjs');
  const made = spawnSync(
    process.execPath,
    [
      script,
      '--no-prepare',
      '--compression=none',
      `--output=${output}`,
      ...(version === undefined ? [] : [`--version=${version}`]),
    ],
    { encoding: 'utf8', env: { ...process.env, DEBFULLNAME: '', DEBEMAIL: '', ...env } },
  );
  if (made.status !== 0) throw new Error(`${made.stdout}${made.stderr}`);
  const names = readdirSync(output).filter((name) => name.startsWith(`portcullis_${version ?? ''}`));
  if (names.length !== 1) throw new Error(`one package was to be made, not ${names}`);
  return join(output, names[0] as string);
}
