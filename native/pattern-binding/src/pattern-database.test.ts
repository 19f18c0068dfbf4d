import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { type Pattern, PatternDatabase, patternLibraryFingerprint } from './pattern-database';
import { PatternError } from './pattern-error';
import { PatternScanner } from './pattern-scanner';

const text = (value: string) => Buffer.from(value, 'latin1');
const words: Pattern[] = ['alpha', 'beta', 'gamma'].map((word, id) => ({ expression: text(word), id }));

function found(database: PatternDatabase, input: string): number[] {
  const scanner = new PatternScanner(16);
  const count = scanner.scan(database, text(input), 0, input.length);
  const result = [...scanner.matches.subarray(0, count)].sort((a, b) => a - b);
  scanner.close();
  return result;
}

function errorOf(work: () => unknown): PatternError {
  try {
    work();
  } catch (error) {
    if (error instanceof PatternError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('compiling', () => {
  test('says how large the database is', () => {
    const database = PatternDatabase.compile(words);
    expect(database.patterns).toBe(3);
    expect(database.size).toBeGreaterThan(100);
    expect(found(database, 'gammalpha')).toEqual([0, 2]);
  });

  const wrong: [string, Pattern[], number | undefined][] = [
    ['no patterns', [], undefined],
    ['an empty pattern', [...words, { expression: new Uint8Array(0), id: 9 }], 3],
    ['an id below zero', [words[0], { expression: text('x'), id: -1 }], 1],
    ['an id of 33 bits', [words[0], { expression: text('x'), id: 2 ** 32 }], 1],
    ['an id with a fraction', [{ expression: text('x'), id: 0.5 }], 0],
    ['a wrong expression', [words[0], words[1], { expression: text('a(b'), id: 7, regex: true }], 2],
    ['what Vectorscan cannot do', [words[0], { expression: text('(?=a)b'), id: 7, regex: true }], 1],
    ['a zero byte in an expression', [{ expression: text('a\0'), id: 7, regex: true }], 0],
  ];
  test.each(wrong)('%s is refused with its place', async (_, patterns, position) => {
    const expected = { code: 'PATTERN_COMPILE', position };
    expect(errorOf(() => PatternDatabase.compile(patterns))).toMatchObject(expected);
    await expect(PatternDatabase.compileAsync(patterns)).rejects.toMatchObject(expected);
    await expect(PatternDatabase.compileAsync(patterns)).rejects.toBeInstanceOf(PatternError);
  });

  test('elsewhere leaves this thread free', async () => {
    const patterns = Array.from({ length: 3000 }, (_, id) => ({
      expression: text(`word${id}-${id * 7919}`),
      id,
    }));
    let turns = 0;
    let running = true;
    const turn = () => {
      turns++;
      if (running) setImmediate(turn);
    };
    setImmediate(turn);
    const database = await PatternDatabase.compileAsync(patterns);
    running = false;
    expect(turns).toBeGreaterThan(1);
    expect(found(database, 'word17-134623 word18')).toEqual([17]);
  });
});

describe('serialised databases', () => {
  const database = PatternDatabase.compile(words);
  const bytes = database.serialize();

  test('come back as they were', () => {
    const copy = PatternDatabase.deserialize(bytes);
    expect(copy.patterns).toBe(3);
    expect(copy.size).toBe(database.size);
    expect(found(copy, 'alphabet')).toEqual([0]);
    expect(Buffer.compare(copy.serialize(), bytes)).toBe(0);
  });

  test('come back when some or all patterns are single bytes', () => {
    const byte = { expression: text('q'), id: 9, caseless: true };
    for (const patterns of [[byte], [...words, byte]]) {
      const copy = PatternDatabase.deserialize(PatternDatabase.compile(patterns).serialize());
      expect(copy.patterns).toBe(patterns.length);
      expect(found(copy, 'Qbeta')).toEqual(patterns.length === 1 ? [9] : [1, 9]);
    }
  });

  test('come back from any place in memory', () => {
    const larger = new Uint8Array(bytes.length + 3);
    larger.set(bytes, 3);
    expect(found(PatternDatabase.deserialize(larger.subarray(3)), 'beta')).toEqual([1]);
  });

  test('are refused when anything was changed, cut off or added', () => {
    const refused = (changed: Uint8Array) => errorOf(() => PatternDatabase.deserialize(changed)).code;
    for (let at = 0; at < bytes.length; at += at < 200 ? 1 : 37) {
      const changed = bytes.slice();
      changed[at] ^= 1 << (at & 7);
      expect([at, refused(changed)]).toEqual([at, 'DATABASE_CORRUPT']);
    }
    for (let length = 0; length < bytes.length; length += length < 200 ? 1 : 97) {
      expect([length, refused(bytes.subarray(0, length))]).toEqual([length, 'DATABASE_CORRUPT']);
    }
    expect(refused(Buffer.concat([bytes, Uint8Array.of(0)]))).toBe('DATABASE_CORRUPT');
    expect(refused(new Uint8Array(10_000))).toBe('DATABASE_CORRUPT');
  });

  test('have a key to be kept under', () => {
    expect(patternLibraryFingerprint()).toMatch(
      /^vectorscan \d+\.\d+\.\d+.* tune=\d+ features=[0-9a-f]+( runtime=corei7)?$/,
    );
    expect(patternLibraryFingerprint()).toBe(patternLibraryFingerprint());
  });
});

describe('a closed database', () => {
  test('is of no more use, except to those who hold it', () => {
    const database = PatternDatabase.compile(words);
    const scanner = new PatternScanner(4);
    scanner.add(database);
    expect(database.holders).toBe(2);
    database.close();
    database.close();
    expect(scanner.scan(database, text('alpha'), 0, 5)).toBe(1);
    for (const use of [
      () => database.serialize(),
      () => database.share('closed'),
      () => database.holders,
      () => new PatternScanner(1).add(database),
    ]) {
      expect(errorOf(use).code).toBe('DATABASE_CLOSED');
    }
  });
});

describe('sharing', () => {
  // What a worker does is plain JavaScript over the addon itself: TypeScript is not loaded there.
  const addonFile = join(__dirname, '..', 'build', 'Release', 'pattern_binding.node');
  const workerSource = `
    const { parentPort, workerData } = require('node:worker_threads');
    const addon = require(workerData.addonFile);
    const handle = addon.attach(workerData.key);
    if (handle === null) {
      parentPort.postMessage(null);
    } else {
      const control = new Int32Array(new SharedArrayBuffer(4 * 7));
      const matches = new Uint32Array(new SharedArrayBuffer(4 * 16));
      const scanner = addon.createScanner(control, matches, 16, 1);
      const bytes = Buffer.from(workerData.input, 'latin1');
      scanner.bind(bytes);
      control.set([1, 0, scanner.add(handle, new Uint32Array(0)), 0, bytes.length, 0]);
      scanner.run();
      parentPort.postMessage([control[1], control[5]]);
      globalThis.kept = [handle, scanner];
      if (workerData.spin) for (;;) scanner.run();
      if (workerData.stay) setInterval(() => {}, 1000);
    }
  `;
  const start = (workerData: { key: string; input: string; stay?: boolean; spin?: boolean }) =>
    new Worker(workerSource, { eval: true, workerData: { addonFile, ...workerData } });

  test('hands a database to other threads, which let it go when they end', async () => {
    const database = PatternDatabase.compile(words);
    database.share('sharing/several');
    const workers = [0, 1, 2].map(() => start({ key: 'sharing/several', input: 'alpha beta', stay: true }));
    const answers = await Promise.all(workers.map((worker) => once(worker, 'message')));
    expect(answers).toEqual([[[0, 2]], [[0, 2]], [[0, 2]]]);
    // This object, and an object and a scanner in each worker.
    expect(database.holders).toBe(7);
    await Promise.all(workers.map((worker) => worker.terminate()));
    expect(database.holders).toBe(1);
    expect(found(database, 'gamma')).toEqual([2]);
  });

  test('survives a worker that is terminated while it scans', async () => {
    const database = PatternDatabase.compile(words);
    database.share('sharing/terminated');
    const worker = start({ key: 'sharing/terminated', input: 'alpha '.repeat(10_000), spin: true });
    await once(worker, 'message');
    await worker.terminate();
    expect(database.holders).toBe(1);
    expect(found(database, 'beta')).toEqual([1]);
  });

  test('keeps a database for those who attached, after the one who shared it', async () => {
    const database = PatternDatabase.compile(words);
    database.share('sharing/handed-over');
    const worker = start({ key: 'sharing/handed-over', input: 'gamma', stay: true });
    await once(worker, 'message');
    database.close();
    const attached = PatternDatabase.attach('sharing/handed-over');
    expect(attached?.patterns).toBe(3);
    expect(attached?.holders).toBe(3);
    await worker.terminate();
    expect(attached?.holders).toBe(1);
    attached?.close();
    expect(PatternDatabase.attach('sharing/handed-over')).toBeNull();
  });

  test('tells a worker that nothing is there', async () => {
    const [answer] = await once(start({ key: 'sharing/nothing', input: '' }), 'message');
    expect(answer).toBeNull();
  });

  test('gives a key to one database at a time', () => {
    const first = PatternDatabase.compile(words);
    const second = PatternDatabase.compile(words);
    first.share('sharing/key');
    first.share('sharing/key');
    expect(errorOf(() => second.share('sharing/key')).code).toBe('SHARE_KEY_TAKEN');
    first.close();
    second.share('sharing/key');
    expect(PatternDatabase.attach('sharing/key')?.holders).toBe(2);
  });
});
