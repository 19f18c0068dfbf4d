import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StateFile } from './state-file';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'state-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

test('what was written is read', () => {
  const file = new StateFile(join(directory, 'new'));
  expect(file.read()).toEqual({ enabled: null, generation: 0, damaged: false });
  file.write({ enabled: true, generation: 7 });
  expect(new StateFile(join(directory, 'new')).read()).toEqual({
    enabled: true,
    generation: 7,
    damaged: false,
  });
});

test('a file torn at any byte is noticed', () => {
  const file = new StateFile(directory);
  const path = join(directory, 'state.json');
  file.write({ enabled: true, generation: 3 });
  const whole = '{"enabled":true,"generation":3}'.length;
  for (let length = 0; length < whole; length++) {
    file.write({ enabled: true, generation: 3 });
    truncateSync(path, length);
    expect(file.read()).toMatchObject({ enabled: null, damaged: true });
  }
});

test.each(['{"enabled":"yes","generation":1}', '{"enabled":true,"generation":-1}', 'null', '[]'])(
  '%s is damage',
  (text) => {
    writeFileSync(join(directory, 'state.json'), text);
    expect(new StateFile(directory).read().damaged).toBe(true);
  },
);
