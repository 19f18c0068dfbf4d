import { CommandRunner } from './command';
import { ResidentShell } from './resident-shell';

let shell: ResidentShell;
beforeEach(() => {
  shell = new ResidentShell(new CommandRunner());
});
afterEach(() => shell.close());

test('answers come one after the other, each with what the program wrote and how it ended', async () => {
  const answers = await Promise.all([
    shell.run('printf', ['%s', 'one']),
    shell.run('sh', ['-c', 'echo two; echo not this >&2; exit 3']),
    shell.run('true', []),
  ]);
  expect(answers).toEqual([
    { exitCode: 0, stdout: 'one', stderr: '' },
    { exitCode: 3, stdout: 'two\n', stderr: '' },
    { exitCode: 0, stdout: '', stderr: '' },
  ]);
});

test('words are words, whatever is in them', async () => {
  const words = ["it's", '$HOME `id` "x"', 'a\nb', '; exit 1'];
  expect((await shell.run('printf', ['[%s]', ...words])).stdout).toBe(
    words.map((word) => `[${word}]`).join(''),
  );
});

test('a large answer comes whole', async () => {
  const { stdout } = await shell.run('seq', ['1', '200000']);
  expect(stdout.length).toBe(1_288_895);
});

test('a program that is not there is told by its exit code; programs do not read the shell’s input', async () => {
  expect((await shell.run('/nonexistent/program', [])).exitCode).toBe(127);
  expect(await shell.run('cat', [])).toEqual({ exitCode: 0, stdout: '', stderr: '' });
});

test('where the shell is killed the question fails, and the next one has another', async () => {
  const asked = shell.run('sh', ['-c', 'kill -9 $PPID']);
  await expect(asked).rejects.toMatchObject({ code: 'COMMAND_FAILED' });
  expect((await shell.run('echo', ['again'])).stdout).toBe('again\n');
});

test('once closed none is started for a question that comes late', async () => {
  await shell.run('true', []);
  const asked = shell.run('echo', ['late']);
  shell.close();
  await expect(asked).rejects.toMatchObject({
    code: 'COMMAND_FAILED',
    message: expect.stringMatching('has been closed'),
  });
  expect(process.getActiveResourcesInfo()).not.toContain('ProcessWrap');
});
