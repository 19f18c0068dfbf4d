import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ControlServer } from '@portcullis/control';
import { buildProgram } from './main';

/** What takes long to load and is of no use to somebody who asks a running engine. */
const mockLoaded: string[] = [];
const mockLoad = (name: string) => {
  mockLoaded.push(name);
  return jest.requireActual(`@portcullis/${name}`);
};
jest.mock('@portcullis/configuration', () => mockLoad('configuration'));
jest.mock('@portcullis/daemon', () => mockLoad('daemon'));
jest.mock('@portcullis/engine', () => mockLoad('engine'));
jest.mock('@portcullis/events', () => mockLoad('events'));
jest.mock('@portcullis/rules', () => mockLoad('rules'));

let directory: string;
let file: string;
let engine: ControlServer;
let printed: string;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'asking-'));
  file = join(directory, 'portcullis.yaml');
  writeFileSync(file, `no-such-key: 1\ncontrol: {socket: ${join(directory, 'control.sock')}}\n`);
  engine = new ControlServer(join(directory, 'control.sock'), {
    'bans.list': () => ({ total: 0, offset: 0, bans: [] }),
  });
  printed = '';
  jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += text;
    return true;
  });
});
afterEach(async () => {
  jest.restoreAllMocks();
  await engine.close();
  rmSync(directory, { recursive: true });
});

const bansList = () => buildProgram().parseAsync(['node', 'portcullis', 'bans', 'list', '--config', file]);

test('asking a running engine loads little, and needs no configuration without mistakes', async () => {
  await engine.listen();
  await bansList();
  expect(printed).toBe('No device is blocked.\n');
  expect(mockLoaded).toEqual([]);
});

test('checking the configuration asks no engine, which may have read it before it was changed', async () => {
  await engine.listen();
  const check = buildProgram().parseAsync(['node', 'portcullis', 'config', 'check', '--config', file]);
  await expect(check).rejects.toMatchObject({ code: 'CONFIGURATION_INVALID' });
});

test('where no engine answers, what is wrong with the configuration is told', async () => {
  await expect(bansList()).rejects.toMatchObject({ code: 'CONFIGURATION_INVALID' });
  expect(mockLoaded).toContain('configuration');
});
