import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keepDataSets } from './data-set-files';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'data-sets-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const file = (text: string, removed = '') => ({ path: 'seen.lst', text, removed });

test('what rules have learnt stands in the file once, beside what was there, and what they have taken out does not', () => {
  const path = join(directory, 'seen.lst');
  writeFileSync(path, 'YQ==\nYg==\n');
  keepDataSets([file('Yg==\nYw==\n')], directory);
  keepDataSets([file('ZA==\nYQ==\n')], directory);
  expect(readFileSync(path, 'utf8')).toBe('YQ==\nYg==\nYw==\nZA==\n');
  keepDataSets([file('ZA==\n', 'YQ==\n')], directory);
  expect(readFileSync(path, 'utf8')).toBe('Yg==\nYw==\nZA==\n');
  expect(readdirSync(directory)).toEqual(['seen.lst']);
});

test('the folder is made; what cannot be written is said', () => {
  const folder = join(directory, 'a', 'b');
  keepDataSets([file('eA==\n')], folder);
  expect(readFileSync(join(folder, 'seen.lst'), 'utf8')).toBe('eA==\n');
  writeFileSync(join(directory, 'file'), '');
  expect(() => keepDataSets([file('eA==')], join(directory, 'file'))).toThrow(/file/);
});
