import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfiguration } from './load';
import { ConfigurationError } from './problem';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'configuration-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

function load(text: string, ...overrides: string[]) {
  const file = join(directory, 'portcullis.yaml');
  writeFileSync(file, text);
  return loadConfiguration({ file, overrides });
}
function problems(text: string, ...overrides: string[]): string {
  try {
    load(text, ...overrides);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError);
    return (error as Error).message.replaceAll(join(directory, 'portcullis.yaml'), 'FILE');
  }
  throw new Error('was accepted');
}

test('an empty file is the defaults, in base units', () => {
  const configuration = load('');
  expect(configuration['block-duration']).toBe(3600);
  expect(configuration.stream.reassembly.depth).toBe(1024 * 1024);
  expect(configuration.nfqueue.queues).toEqual({ first: 0, last: 1 });
  expect(configuration.mark.mask).toBe(0x00f00000);
  expect(configuration.protect).toEqual({ host: true, networks: [], interfaces: [] });
  expect(loadConfiguration({ file: null })).toEqual(configuration);
});

test('values are normalised, and --set wins over the file', () => {
  const configuration = load(
    'protect: { networks: [10.1.2.3/8, "FD00::1"] }\nblock-duration: 2h\nstream: { midstream: no }',
    'block-duration=120',
    'scan.ports=[80, 8000-8100]',
    'mark.mask=0xff',
  );
  expect(configuration.protect.networks).toEqual(['10.0.0.0/8', 'fd00::1/128']);
  expect(configuration['block-duration']).toBe(120);
  expect(configuration.stream.midstream).toBe(false);
  expect(configuration.scan.ports).toEqual([
    { first: 80, last: 80 },
    { first: 8000, last: 8100 },
  ]);
  expect(configuration.mark.mask).toBe(255);
});

test.each([
  [
    'a misspelt key',
    'protect:\n  host: true\n  netwroks: []\n',
    /^FILE:3: protect\.netwroks: .*did you mean 'networks'/,
  ],
  ['a key far from all', 'zzzzzzzzzz: 1\n', /^FILE:1: zzzzzzzzzz: is not a key; known here: protect/],
  [
    'isolation of an attacker',
    'detection-kinds: [{ class: a, kind: attack, response: isolate }]',
    /^FILE:1: detection-kinds\.0: only a protected host/,
  ],
  [
    'a list of another form with columns',
    'web-addresses:\n  lists:\n    - { name: a, file: f, format: hosts, category: c, column: 2 }',
    /^FILE:3: web-addresses\.lists\.0\.column: is for lists of format csv/,
  ],
  [
    'two lists of one name',
    'web-addresses: { lists: [{ name: a, file: f, format: urls, category: c }, { name: a, file: g, format: urls, category: c }] }',
    /web-addresses\.lists: two lists are called 'a'/,
  ],
  [
    'an exception that is none',
    'web-addresses: { allow: [fine.example, com] }',
    /web-addresses\.allow\.1: 'com': its name has no dot/,
  ],
  [
    'an unknown kind of activity',
    'network-activity: { malwear: drop }',
    /network-activity\.malwear: .*'malware'/,
  ],
  ['a wrong type', 'nfqueue:\n  max-length: many\n', /^FILE:2: nfqueue\.max-length: .*number/],
  ['an impossible duration', 'block-duration: 5s\n', /^FILE:1: block-duration: 5 is outside 60/],
  [
    'an impossible prefix',
    'protect:\n  networks:\n    - 10.0.0.0/8\n    - 10.0.0.0/33\n',
    /^FILE:4: protect\.networks\.1: .*above 32/,
  ],
  ['an unlimited depth', 'stream: { reassembly: { depth: 0 } }', /depth: 0 is outside/],
  ['a key twice', 'mark: { mask: 1 }\nmark: { mask: 2 }\n', /^FILE:2: .*unique/],
  ['no YAML', 'a: [1\n', /^FILE:\d+: /],
  ['a list', '- 1\n', /not a mapping/],
  ['a wrong choice', 'firewall: { backend: pf }', /backend: .*auto/],
])('%s is refused with its place', (_, text, want) => expect(problems(text)).toMatch(want));

test('every problem is told, not only the first', () => {
  expect(problems('block-duration: x\nmark: { mask: 0 }\n').split('\n')).toHaveLength(2);
});

test('--set is refused with its own name', () => {
  expect(problems('', 'nothing')).toMatch(/'nothing' is not KEY=VALUE/);
  expect(problems('', '__proto__.a=1')).toMatch(/not KEY=VALUE/);
  expect(problems('', 'mark.mask=0')).toMatch(/^--set: mark\.mask/);
});

test('a file that is not there is told with its reason', () => {
  expect(() => loadConfiguration({ file: join(directory, 'none.yaml') })).toThrow(/there is no such file/);
});
