/**
 * Nothing from a packet reaches a terminal as it is: what is printed goes through print.ts, which escapes what a terminal acts
 * on (status, bans, doctor, rules, replay …), and whoever writes past it is named here with what it writes.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const root = join(__dirname, '..', '..');

const writers: Record<string, string> = {
  'packages/cli/src/actions/doctor.ts': 'nothing: waits until all is written',
  'packages/cli/src/actions/events.ts': 'eventLine and terminalSafeJson, which escape (event-line.test.ts)',
  'packages/cli/src/actions/rules.ts': 'the page of keywords, words of ours alone',
  'packages/cli/src/actions/top.ts':
    'topView, which escapes (top-view.test.ts), and its own control sequences',
  'packages/cli/src/commands/config.ts': 'YAML, which escapes',
  'packages/cli/src/commands/shell.ts': 'the page of the manual and the completion, words of ours alone',
  'packages/cli/src/main.ts': 'an error message, escaped',
  'packages/cli/src/print.ts': 'escapes (terminal-safe.test.ts)',
};
/** Loggers that write by themselves: the engine's own log escapes what it is given. */
const loggers: Record<string, RegExp> = {
  'packages/cli/src/actions/run.ts': /message\) => log\.\w+\(shown\(message/,
};

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (['node_modules', 'dist', 'build', 'testkit'].includes(entry.name)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    return entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts') ? [path] : [];
  });
}

const files = ['packages', 'native'].flatMap((folder) => sources(join(root, folder)));
const text = (path: string) => readFileSync(path, 'utf8');
const having = (pattern: RegExp) =>
  files.filter((path) => pattern.test(text(path))).map((path) => relative(root, path));

test('few files write to standard output or standard error', () => {
  expect(files.length).toBeGreaterThan(300);
  const found = having(
    /\b(?:stdout|stderr)\.write\(|\bconsole\.\w+\(|writeFileSync\((?:1|2),|\/dev\/(?:stdout|tty)/,
  );
  expect(found.filter((path) => path.includes('/src/')).sort()).toEqual(Object.keys(writers).sort());
});

test('a logger gets what is escaped', () => {
  expect(having(/(from |require\()'pino'/)).toEqual(Object.keys(loggers));
  for (const [path, escaped] of Object.entries(loggers)) {
    expect(text(join(root, path))).toMatch(escaped);
    expect(text(join(root, path))).not.toMatch(/log\.\w+\(message\)/);
  }
});
