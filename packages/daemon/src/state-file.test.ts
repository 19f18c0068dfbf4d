import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EngineState, endedEarlier, protectingNow, StateFile } from './state-file';

const STATE: EngineState = { enabled: true, generation: 3, protecting: null };

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'state-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

test('what was written is read', () => {
  const file = new StateFile(join(directory, 'new'));
  expect(file.read()).toEqual({ enabled: null, generation: 0, protecting: null, damaged: false });
  const protecting = { since: '2026-01-01T00:00:00.000Z', boot: 'b' };
  file.write({ enabled: true, generation: 7, protecting });
  expect(new StateFile(join(directory, 'new')).read()).toEqual({
    enabled: true,
    generation: 7,
    protecting,
    damaged: false,
  });
});

test('a file torn at any byte is noticed', () => {
  const file = new StateFile(directory);
  const path = join(directory, 'state.json');
  file.write(STATE);
  const whole = JSON.stringify(STATE).length;
  for (let length = 0; length < whole; length++) {
    file.write(STATE);
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

test('an engine that was not stopped is told of, and what became of its traffic', () => {
  expect(endedEarlier(null, 'was dropped')).toBeNull();
  const { since, boot } = protectingNow();
  expect(endedEarlier({ since, boot }, 'passed uninspected')).toMatch(
    `since ${since} was killed: its traffic passed uninspected`,
  );
  expect(endedEarlier({ since, boot: 'another' }, 'was dropped')).toMatch(/^the machine went down/);
});
