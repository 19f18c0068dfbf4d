import { existsSync } from 'node:fs';
import {
  acceptAllPath,
  NfQueue,
  NfQueueError,
  type NfQueueOptions,
  QueueCounter,
  queueCounterCount,
} from './index';

test.each<[string, NfQueueOptions]>([
  ['queue', { queue: 65_536 }],
  ['queue', { queue: 1.5 }],
  ['queue', { queue: Number.NaN }],
  ['copyRange', { queue: 0, copyRange: 65_532 }],
  ['copyRange', { queue: 0, copyRange: 0 }],
  ['maxLength', { queue: 0, maxLength: 0 }],
  ['batchSize', { queue: 0, batchSize: 1025 }],
  ['maxHeld', { queue: 0, maxHeld: -1 }],
])('%s out of its range is refused by name: %j', (name, options) => {
  expect(() => NfQueue.open(options)).toThrow(NfQueueError);
  expect(() => NfQueue.open(options)).toThrow(new RegExp(`^${name} must be a whole number from`));
});

test('each counter has its own index', () => {
  const indexes = Object.values(QueueCounter);
  expect([...indexes].sort((a, b) => a - b)).toEqual(Array.from({ length: queueCounterCount }, (_, i) => i));
});

const built = existsSync(acceptAllPath()) ? test : test.skip;
built('accept-all stands beside the addon', () => {
  expect(existsSync(acceptAllPath())).toBe(true);
});

test('a missing addon is told, with what to do', () => {
  jest.isolateModules(() => {
    jest.doMock('node:path', () => ({
      ...jest.requireActual<typeof import('node:path')>('node:path'),
      join: (...parts: string[]) => `/nonexistent/${parts.at(-1)}`,
    }));
    const isolated = require('./index') as typeof import('./index');
    let caught: unknown;
    try {
      isolated.NfQueue.open({ queue: 0 });
    } catch (error) {
      caught = error;
    }
    expect(caught).toMatchObject({ code: 'NATIVE_NOT_BUILT' });
    expect((caught as Error).message).toContain('npm run build:native');
  });
  jest.dontMock('node:path');
});
