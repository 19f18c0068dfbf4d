/** Shell that is shipped or run for people, with shellcheck where it is installed. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { instructions } from './dockerfile';
import { repository } from './prometheus-tools';

const debian = join('packaging', 'debian');
const scripts = [
  ...readdirSync(join(repository, debian)).map((name) => join(debian, name)),
  join('scripts', 'build-deb'),
  join('.ci', 'run'),
].filter((path) => readFileSync(join(repository, path), 'utf8').startsWith('#!'));

const shellcheck = (argv: readonly string[], input?: string) => {
  const { status, stdout, stderr } = spawnSync('shellcheck', argv, {
    cwd: repository,
    encoding: 'utf8',
    input,
  });
  return { status, said: stdout + stderr };
};

if (spawnSync('shellcheck', ['--version']).status !== 0)
  test.skip('shellcheck is not installed (apt-get install shellcheck)', () => {});
else {
  test('there are scripts, and what is wrong would be found', () => {
    expect(scripts.length).toBeGreaterThan(5);
    expect(shellcheck(['--shell=sh', '-'], 'rm -rf $1/*\n').status).toBe(1);
  });

  test.each(scripts)('%s', (path) => {
    expect(shellcheck([path])).toEqual({ status: 0, said: '' });
  });

  test('what the Dockerfile runs', () => {
    const text = instructions(readFileSync(join(repository, 'docker', 'Dockerfile'), 'utf8'));
    const runs = text.filter(({ name }) => name === 'RUN').map(({ rest }) => rest);
    expect(shellcheck(['--shell=sh', '-'], `${runs.join('\n')}\n`)).toEqual({ status: 0, said: '' });
  });
}
