/**
 * No packet content reaches a shell: few files start programs at all, none by a command line that a shell takes apart, and the
 * one shell there is gets words in quotes.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const root = join(__dirname, '..', '..');

/** Who starts programs, and which. */
const starters: Record<string, string> = {
  'packages/daemon/src/doctor/host.ts': 'what `doctor` asks: iptables, ip, uname; words of ours alone',
  'packages/daemon/src/systemd.ts': 'systemd-notify, with words of ours alone',
  'packages/events/src/syslog/local-sink.ts': 'logger, which reads events from its standard input',
  'packages/firewall/src/command.ts': 'iptables, ipset and a shell; addresses, numbers and names of ours',
  'packages/matcher/src/databases.ts': 'this program itself, which reads a file that the engine has written',
};

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === 'node_modules' || entry.name === 'dist' || entry.name === 'build') return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    return entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts') ? [path] : [];
  });
}

const engine = ['packages', 'native']
  .flatMap((folder) => sources(join(root, folder)))
  .map((path) => relative(root, path))
  .filter((path) => !path.startsWith('packages/testkit/') && path.includes('/src/'));
const text = (path: string) => readFileSync(join(root, path), 'utf8');

test('few files start programs', () => {
  expect(engine.length).toBeGreaterThan(300);
  const found = engine.filter((path) => /['"](node:)?child_process['"]/.test(text(path)));
  expect(found.sort()).toEqual(Object.keys(starters).sort());
});

test.each(Object.keys(starters))('%s lets no shell take a line apart', (path) => {
  const imported = /import \{([^}]*)\} from 'node:child_process'/.exec(text(path))?.[1] ?? '';
  expect(imported.split(',').map((name) => name.trim())).not.toEqual(
    expect.arrayContaining([expect.stringMatching(/^(exec|execSync)$/)]),
  );
  expect(text(path)).not.toMatch(/\bshell:/);
});
