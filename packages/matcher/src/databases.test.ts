import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileText } from '../testing/harness';
import { attachDatabases, prepareDatabases, prepareDatabasesNow } from './databases';

// Keys are shared within the process: each test has patterns of its own.
let serial = 0;
const ruleset = (word: string) =>
  compileText(`alert tcp any any -> any any (content:"${word}"; sid:1;)`).ruleset;
const freshWord = () => `pattern${process.pid}x${++serial}`;

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'matcher-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test('equal prefilters share one database', async () => {
  const set = ruleset(freshWord());
  const report = await prepareDatabases(set);
  expect(set.prefilters.length).toBeGreaterThan(1);
  expect(report.compiled).toBe(1);
  expect(set.prefilters.every(({ database }) => database !== null)).toBe(true);
});

test('patterns that are looked up by their place need no database', async () => {
  const rules = `alert tcp any any -> any any (content:"${freshWord()}"; depth:60; sid:1;)`;
  const { ruleset: set } = compileText(rules);
  expect(await prepareDatabases(set)).toMatchObject({ compiled: 0, attached: 0 });
  expect(set.prefilters.length).toBeGreaterThan(0);
  expect(attachDatabases(set)).toBe(0);
});

test('a rule set of the same rules attaches to databases that are there', () => {
  const word = freshWord();
  const first = ruleset(word);
  const second = ruleset(word);
  expect(attachDatabases(second)).toBe(second.prefilters.length);
  prepareDatabasesNow(first);
  expect(attachDatabases(second)).toBe(0);
});

test('databases are kept in the cache', () => {
  const word = freshWord();
  const first = ruleset(word);
  expect(prepareDatabasesNow(first, { cacheDirectory: directory })).toMatchObject({
    compiled: 1,
    cached: 0,
    problems: [],
  });
  const [file] = readdirSync(directory);
  expect(file).toMatch(/^[0-9a-f]{64}\.patterns$/);
  for (const prefilter of first.prefilters) prefilter.database?.close();
  const again = ruleset(word);
  const report = prepareDatabasesNow(again, { cacheDirectory: directory });
  expect(report.compiled).toBe(0);
});

test('a damaged file of the cache is replaced', () => {
  const word = freshWord();
  const first = ruleset(word);
  prepareDatabasesNow(first, { cacheDirectory: directory });
  for (const prefilter of first.prefilters) prefilter.database?.close();
  const [file] = readdirSync(directory);
  writeFileSync(join(directory, file), 'not a database');
  const report = prepareDatabasesNow(ruleset(word), { cacheDirectory: directory });
  expect(report.compiled + report.cached + report.attached).toBeGreaterThan(0);
  expect(report.problems).toEqual([]);
});

test('a cache that cannot be written is told and does no harm', () => {
  const file = join(directory, 'file');
  writeFileSync(file, '');
  const set = ruleset(freshWord());
  const report = prepareDatabasesNow(set, { cacheDirectory: join(file, 'below') });
  expect(report.compiled).toBe(1);
  expect(report.problems.length).toBeGreaterThan(0);
});
