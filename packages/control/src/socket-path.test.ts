import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { socketPathIn, USUAL_SOCKET } from './socket-path';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'socket-path-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** Files with these texts; later ones win. */
function inFiles(...texts: string[]): string | null {
  return socketPathIn(
    texts.map((text, place) => {
      const path = join(directory, `${place}.yaml`);
      writeFileSync(path, text);
      return path;
    }),
  );
}

test('a configuration that says nothing of it, or is not there, leaves the usual socket', () => {
  expect(inFiles()).toBe(USUAL_SOCKET);
  expect(inFiles('', '# control:\n', 'block-duration: 5m\n', 'control: {}\n')).toBe(USUAL_SOCKET);
});

test('the file that wins is the last one that names it', () => {
  expect(inFiles('control:\n  socket: /run/a.sock\n', 'block-duration: 5m\n')).toBe('/run/a.sock');
  expect(inFiles('control: {socket: /run/a.sock}', '{"control": {"socket": "/run/b.sock"}}')).toBe(
    '/run/b.sock',
  );
});

test('a key that is written with escapes is found too', () => {
  expect(inFiles('"\\x63ontrol": {socket: /run/a.sock}')).toBe('/run/a.sock');
});

test('remarks name nothing, wherever they stand', () => {
  expect(inFiles('# control: {socket: /run/a.sock}\n')).toBe(USUAL_SOCKET);
  expect(inFiles('rule: |\n  # control\n  # more\ncontrol: {socket: /run/a.sock}\n')).toBe('/run/a.sock');
  expect(inFiles('rule: "\n  # control"\ncontrol:\n  # here\n  socket: /run/a.sock')).toBe('/run/a.sock');
});

test('the rest of a file may be wrong', () => {
  expect(inFiles('no-such-key: 1\ncontrol: {socket: /run/a.sock}')).toBe('/run/a.sock');
});

test('a file that is being written may be clear about it all the same', () => {
  expect(inFiles('control: {socket: /run/a.sock}\nblock-duration: [5m\n')).toBe('/run/a.sock');
  expect(inFiles('control:\n  socket: /run/a.sock\nrule-files: "unfinished\n')).toBe('/run/a.sock');
});

test.each([
  'control: no mapping',
  'control: {socket: 5}',
  'control: {socket: ""}',
  '- a list\n- control',
  'control: {socket: [',
  'control: {socket: /a}\ncontrol: {socket: /b}',
])('%j cannot be told', (text) => {
  expect(inFiles(text)).toBeNull();
});

test('nor can that of a file that is not there', () => {
  expect(socketPathIn([join(directory, 'none.yaml')])).toBeNull();
});
