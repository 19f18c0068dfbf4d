/** The manual page and the completion scripts say what the program has, and the shells take them. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeCommand, everyCommand } from './command-tree';
import { completionScript } from './completion';
import { buildProgram } from './main';
import { manualPage } from './manual-page';

const program = describeCommand(buildProgram());
const all = everyCommand(program);
const installed = (name: string) => spawnSync('sh', ['-c', `command -v ${name}`]).status === 0;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-shell-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the description has every command with its options, values and examples', () => {
  const paths = all.map(({ path }) => path.join(' '));
  expect(paths).toEqual(expect.arrayContaining(['', 'run', 'bans', 'bans add', 'config set', 'completion']));
  const add = all.find(({ path }) => path.join(' ') === 'exclude add');
  expect(add?.options.find(({ names }) => names.includes('--rule'))?.value).toMatchObject({
    choices: ['do-not-scan', 'do-not-block'],
    required: true,
  });
  expect(add?.notes).toContain('portcullis exclude add --src 192.0.2.10');
  const replay = all.find(({ path }) => path[0] === 'replay');
  expect(replay?.values).toMatchObject([{ name: 'capture', several: true, required: true, file: true }]);
});

describe('the manual page', () => {
  const page = manualPage(program, '1.2.3');

  test('has a section for every command, with every option', () => {
    const plain = page.replaceAll('\\-', '-');
    for (const { path, commands, options } of all) {
      if (path.length > 0 && commands.length === 0)
        expect(plain).toContain(`.SS portcullis ${path.join(' ')}`);
      for (const { flags } of options) expect(plain).toContain(`.B ${flags}\n`);
    }
  });

  test('no line of text begins a request by accident', () => {
    const known = /^\.(TH|SH|SS|TP|B|I|BR|RI|P|nf|fi)( |$)|^\\&|^[^.']|^$/;
    expect(page.split('\n').filter((line) => !known.test(line))).toEqual([]);
  });

  if (installed('man'))
    test('man has nothing against it', () => {
      const file = join(folder, 'portcullis.8');
      writeFileSync(file, page);
      const read = spawnSync('man', ['--warnings', '-E', 'UTF-8', '-l', '-Tutf8', file], {
        encoding: 'utf8',
        env: { PATH: process.env.PATH, MANWIDTH: '100', LC_ALL: 'C.UTF-8' },
      });
      expect(read).toMatchObject({ status: 0, stderr: '' });
      // Bold is a letter, a step back, and the letter again.
      expect(read.stdout.replace(/.[\b]/g, '')).toContain('portcullis bans remove [address...]');
    });
  else test.skip('man is not installed', () => {});
});

/** What bash offers for the last of these words. */
function offeredByBash(...words: string[]): string[] {
  const script = `${completionScript('bash', program)}
COMP_WORDS=(portcullis "$@")
COMP_CWORD=$#
compopt() { :; }
_portcullis
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { status, stdout, stderr } = spawnSync('bash', ['-c', script, 'bash', ...words], {
    encoding: 'utf8',
    cwd: folder,
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout.split('\n').filter((line) => line !== '');
}

describe('completion in bash', () => {
  test.each(all.map((command) => [command.path.join(' ') || 'portcullis', command] as const))(
    '%s: its commands, and its options',
    (_, { path, commands, options }) => {
      const offered = offeredByBash(...path, '');
      for (const each of commands) expect(offered).toContain(each.path.at(-1));
      expect(offeredByBash(...path, '-').sort()).toEqual(options.flatMap(({ names }) => names).sort());
    },
  );

  test('values: those there are, files, and nothing where nobody can know', () => {
    expect(offeredByBash('service', 'register', '--mode', '')).toEqual(['standard', 'monitoring']);
    expect(offeredByBash('completion', 'z')).toEqual(['zsh']);
    writeFileSync(join(folder, 'one capture.pcap'), '');
    expect(offeredByBash('replay', 'one')).toContain('one capture.pcap');
    expect(offeredByBash('replay', '--rules', 'one')).toEqual(['one capture.pcap']);
    expect(offeredByBash('bans', 'add', '192.0.2.1', '--for', '')).toEqual([]);
  });

  test('the value of an option is no command', () => {
    expect(offeredByBash('--config', 'run', 'ban')).toEqual(['bans']);
    expect(offeredByBash('bans', 'list', '--config', 'show', '--lim')).toEqual(['--limit']);
  });
});

describe('completion in zsh', () => {
  const script = completionScript('zsh', program);

  test('has every command and option', () => {
    for (const { path, commands, options } of all) {
      const name = ['_portcullis', ...path].join('_').replaceAll('-', '_');
      const body = script.split(`\n${name}() {`)[1]?.split('\n}\n')[0] ?? '';
      for (const { names } of options) for (const each of names) expect(body).toContain(`${each}[`);
      for (const each of commands) expect(body).toContain(`        '${each.path.at(-1)}:`);
    }
  });

  if (installed('zsh'))
    test('zsh takes it', () => {
      const file = join(folder, '_portcullis');
      writeFileSync(file, script);
      expect(spawnSync('zsh', ['-f', '-n', file], { encoding: 'utf8' })).toMatchObject({
        status: 0,
        stderr: '',
      });
      // Loaded as compinit does, and asked as _arguments would be.
      const load = `fpath=(${folder} $fpath); autoload -Uz compinit; compinit -D -u; print $_comps[portcullis]`;
      expect(spawnSync('zsh', ['-f', '-c', load], { encoding: 'utf8' }).stdout).toBe('_portcullis\n');
    });
  else test.skip('zsh is not installed', () => {});
});
