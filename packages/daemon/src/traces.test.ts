import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Configuration, loadConfiguration } from '@portcullis/configuration';
import { removeState, removeTraces } from './traces';

let directory: string;
let configuration: Configuration;
const below = (path: string) => join(directory, path);
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'traces-'));
  configuration = configured('outputs.eve=eve.json');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function configured(...more: string[]): Configuration {
  const places = [
    `state-dir=${below('state')}`,
    `log-dir=${below('log')}`,
    `control.socket=${below('run/c.sock')}`,
  ];
  return loadConfiguration({ file: null, policy: null, overrides: [...places, ...more] });
}

function write(...paths: string[]): void {
  for (const path of paths) {
    mkdirSync(dirname(below(path)), { recursive: true });
    writeFileSync(below(path), 'something\n');
  }
}

const STATE = [
  'state/state.json',
  'state/state.json.next',
  'state/settings.yaml',
  'state/bans.snapshot',
  'state/bans.snapshot.next',
  'state/bans.journal.12',
  'state/offenders',
  'state/data-sets/seen.lst',
  'state/pattern-cache/1.db',
  'state/rule-sets/current/et-open/a.rules',
  'state/spool/webhook/position',
  'state/web-addresses/list',
];

test('what a run has written goes, with the folders', () => {
  write(...STATE, 'log/eve.json');
  mkdirSync(below('run'));
  removeTraces(configuration);
  expect(readdirSync(directory)).toEqual([]);
  removeTraces(configuration);
  expect(readdirSync(directory)).toEqual([]);
});

test('what somebody else has put there stays, and so does the folder', () => {
  const theirs = [
    'state/bans.txt',
    'state/my-state.json',
    'state/registration.json',
    'log/eve.json.1',
    'run/other',
  ];
  write(...STATE, 'log/eve.json', ...theirs);
  removeTraces(configuration);
  expect(theirs.filter((path) => !existsSync(below(path)))).toEqual([]);
  expect(readdirSync(below('state'))).toHaveLength(3);
  expect(readdirSync(below('log'))).toEqual(['eve.json.1']);
});

test('events elsewhere stay, and so does what is no file', () => {
  write('elsewhere/eve.json', 'log/target');
  symlinkSync('target', below('log/eve.json'));
  removeTraces(configured(`outputs.eve=${below('elsewhere/eve.json')}`));
  removeTraces(configuration);
  expect(readdirSync(below('elsewhere'))).toEqual(['eve.json']);
  expect(readdirSync(below('log')).sort()).toEqual(['eve.json', 'target']);
});

test('unregistering takes the state only', () => {
  write(...STATE, 'log/eve.json');
  removeState(below('state'));
  expect(readdirSync(directory)).toEqual(['log']);
});
