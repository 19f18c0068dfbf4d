import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keepDataSets } from './data-set-files';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'data-sets-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

test('what several workers have learnt stands in the file once, beside what was there', () => {
  const path = join(directory, 'seen.lst');
  writeFileSync(path, 'YQ==\nYg==\n');
  keepDataSets([{ path, text: 'Yg==\nYw==\n' }]);
  keepDataSets([{ path, text: 'ZA==\nYQ==\n' }]);
  expect(readFileSync(path, 'utf8')).toBe('YQ==\nYg==\nYw==\nZA==\n');
  expect(readdirSync(directory)).toEqual(['seen.lst']);
});

test('the folder is made; what cannot be written is said', () => {
  const path = join(directory, 'a', 'b', 'new.lst');
  keepDataSets([{ path, text: 'eA==\n' }]);
  expect(readFileSync(path, 'utf8')).toBe('eA==\n');
  writeFileSync(join(directory, 'file'), '');
  expect(() => keepDataSets([{ path: join(directory, 'file', 'x.lst'), text: 'eA==' }])).toThrow(/file/);
});
