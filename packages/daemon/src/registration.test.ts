import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registration } from './registration';

let directory: string;
let registration: Registration;
const path = () => join(directory, 'registration.json');
const WHEN = new Date('2026-01-02T03:04:05Z');
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'registration-'));
  registration = new Registration(directory);
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test('an engine that nobody has registered is a standard one', () => {
  expect(registration.read()).toBeNull();
  expect(registration.mode).toBe('standard');
});

test('the mode stays, and cannot be changed but by unregistering', () => {
  registration.register('monitoring', WHEN);
  expect(new Registration(directory).mode).toBe('monitoring');
  expect(() => registration.register('standard', WHEN)).toThrow(
    /monitoring mode since 2026-01-02.*cannot be changed.*unregister/,
  );
  registration.remove();
  expect(registration.register('standard', WHEN)).toEqual({
    mode: 'standard',
    registered: WHEN.toISOString(),
  });
});

test.each([
  ['another mode', (text: string) => text.replace('monitoring', 'standard')],
  ['an unknown mode', (text: string) => text.replace('monitoring', 'none')],
  ['another time', (text: string) => text.replace('2026', '2025')],
  ['half of it', (text: string) => text.slice(0, 30)],
  ['nothing', () => ''],
  ['no object', () => 'null'],
])('a file edited by hand (%s) is noticed, and taken away by unregistering', (_, edit) => {
  registration.register('monitoring', WHEN);
  writeFileSync(path(), edit(readFileSync(path(), 'utf8')));
  expect(() => registration.mode).toThrow(/changed by hand or is damaged.*unregister/);
  expect(() => registration.register('standard', WHEN)).toThrow(/changed by hand/);
  registration.remove();
  expect(registration.mode).toBe('standard');
});

test('a file cut or changed at any byte is never believed to say another mode', () => {
  registration.register('monitoring', WHEN);
  const whole = readFileSync(path());
  const end = whole.length - 1;
  for (let at = 0; at < end; at++) {
    writeFileSync(path(), whole.subarray(0, at));
    expect(() => registration.mode).toThrow(/damaged/);
    const changed = Buffer.from(whole);
    changed[at] = (changed[at] as number) ^ (1 << (at % 8));
    writeFileSync(path(), changed);
    let mode: string;
    try {
      mode = registration.mode;
    } catch (error) {
      mode = (error as Error).message;
    }
    expect(mode).toMatch(/damaged|^monitoring$/);
  }
});
