import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { loadConfiguration } from '@portcullis/configuration';
import { builtInRuleDirectory, RuleSourceError, readRuleSource } from './rule-source';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rules-'));
  for (const name of ['b.rules', 'a.rules', '.hidden.rules', 'notes.txt', 'x+y.rules'])
    writeFileSync(join(directory, name), `# ${name}\n`);
  mkdirSync(join(directory, 'more'));
  writeFileSync(join(directory, 'more', 'c.rules'), '# c\n');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function read(entries: readonly string[] | null, overrides: readonly string[] = []) {
  const all = [...(entries === null ? [] : [`rule-files=${JSON.stringify(entries)}`]), ...overrides];
  return readRuleSource(
    loadConfiguration({ file: null, overrides: all }),
    join(directory, 'portcullis.yaml'),
  );
}
const names = (entries: readonly string[]) => read(entries).files.map(({ path }) => basename(path));

test.each([
  ['a file', ['a.rules'], ['a.rules']],
  ['a file of any name', ['notes.txt'], ['notes.txt']],
  ['a folder: the rules in it, in order', ['.'], ['a.rules', 'b.rules', 'x+y.rules']],
  ['a pattern', ['*.rules'], ['a.rules', 'b.rules', 'x+y.rules']],
  ['a pattern with what is special in expressions', ['x+*.rules'], ['x+y.rules']],
  ['several, in their order', ['more', 'b.rules'], ['c.rules', 'b.rules']],
])('%s', (_, entries, found) => {
  expect(names(entries)).toEqual(found);
});

test('paths are those of the configuration, absolute ones as they are', () => {
  expect(read([join(directory, 'more', 'c.rules')]).files).toEqual([
    { path: join(directory, 'more', 'c.rules'), text: new TextEncoder().encode('# c\n') },
  ]);
});

test('without a word about rules there are the built-in ones', () => {
  const { files } = read(null);
  expect(files.length).toBeGreaterThan(3);
  for (const { path } of files) expect(path.startsWith(builtInRuleDirectory)).toBe(true);
});

test.each([
  ['a file that is not there', ['gone.rules'], /gone\.rules/],
  ['a folder without rules', ['empty'], /empty stands for no rule file/],
  ['a pattern without a match', ['z*.rules'], /z\*\.rules stands for no rule file/],
  ['a folder of a pattern that is not there', ['gone/*.rules'], /gone/],
])('%s is an error that names it', (_, entries, message) => {
  mkdirSync(join(directory, 'empty'));
  expect(() => read(entries)).toThrow(RuleSourceError);
  expect(() => read(entries)).toThrow(message);
});

test('a file that may not be read is an error that names it', () => {
  chmodSync(join(directory, 'a.rules'), 0);
  if (process.getuid?.() === 0) {
    // Root reads everything; what cannot be read then is what is no file.
    expect(() => read(['a.rules', '/proc/self/mem'])).toThrow(/cannot read \/proc\/self\/mem/);
  } else {
    expect(() => read(['a.rules'])).toThrow(/cannot read .*a\.rules/);
  }
});

test('HOME_NET is what is protected, unless it is configured', () => {
  expect(read(['a.rules']).addressGroups).toMatchObject({ HOME_NET: 'any', EXTERNAL_NET: 'any' });
  const protect = 'protect.networks=["192.0.2.0/24", "2001:db8::/32"]';
  expect(read(['a.rules'], [protect]).addressGroups.HOME_NET).toBe('[192.0.2.0/24,2001:db8::/32]');
  const own = 'vars.address-groups={"HOME_NET": "10.0.0.0/8"}';
  expect(read(['a.rules'], [protect, own]).addressGroups.HOME_NET).toBe('10.0.0.0/8');
});

test('port groups are text, and the classification file is read', () => {
  writeFileSync(join(directory, 'classes'), 'config classification: mine,Mine,2\n');
  const source = read(
    ['a.rules'],
    ['vars.port-groups={"WEB": 8080, "MANY": "[80,81]"}', 'classification-file=classes'],
  );
  expect(source.portGroups).toEqual({ WEB: '8080', MANY: '[80,81]' });
  expect(source.classification).toMatch(/mine/);
  expect(() => read(['a.rules'], ['classification-file=gone'])).toThrow(/gone/);
});
