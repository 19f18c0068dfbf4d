import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigurationInForce } from './configuration-in-force';

let directory: string;
let file: string;
let configured: ConfigurationInForce;

const write = (text: string) => writeFileSync(file, `state-dir: ${directory}\n${text}`);
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'portcullis-configured-'));
  file = join(directory, 'portcullis.yaml');
  write('block-duration: 60\nlog-dir: /before\n');
  configured = new ConfigurationInForce({ file, overrides: [], policy: null, settings: true });
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test('another takes its place, but for what needs a restart', async () => {
  write('block-duration: 90\nlog-dir: /after\n');
  const next = configured.readAgain();
  expect(configured.configuration['block-duration']).toBe(60);
  const needsRestart = await configured.replace(next, async () => {
    expect(configured.configuration['block-duration']).toBe(90);
  });
  expect(needsRestart).toEqual(['log-dir']);
  expect(configured.configuration).toMatchObject({ 'block-duration': 90, 'log-dir': '/before' });
  expect(configured.resolved).toBe(next);
});

test('where it cannot be brought about, the one before stays', async () => {
  const before = configured.resolved;
  write('block-duration: 90\n');
  const failing = configured.replace(configured.readAgain(), () => Promise.reject(new Error('no worker')));
  await expect(failing).rejects.toThrow('no worker');
  expect(configured.configuration).toBe(before.configuration);
  expect(configured.resolved).toBe(before);
});

test('what cannot be read changes nothing', () => {
  write('block-duration: never\n');
  expect(() => configured.readAgain()).toThrow('block-duration');
  expect(configured.configuration['block-duration']).toBe(60);
});
