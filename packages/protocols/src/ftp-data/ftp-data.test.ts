import { Random, testSeed } from '../../testing/random';
import { bytesOf, Recorder } from '../../testing/recorder';
import { DEFAULT_FILE_POLICY, FileHash } from '../files/policy';
import { Transport } from '../transaction';
import { createFtpData } from './definition';
import { type FtpDataNote, readNote, writeNote } from './note';

const definition = createFtpData({ ...DEFAULT_FILE_POLICY, held: 1024, hashes: FileHash.SHA1 });

function run(
  note: FtpDataNote | null,
  pieces: readonly (readonly [0 | 1, string])[],
  close = true,
): Recorder {
  const recorder = new Recorder(definition.buffers);
  const parser = definition.create(recorder, Transport.TCP);
  if (note !== null) parser.expect?.(writeNote(note));
  for (const [direction, text] of pieces) parser.feed(direction, bytesOf(text), 0, text.length);
  if (close) {
    parser.close(0);
    parser.close(1);
    expect(parser.heldBytes()).toBe(0);
  }
  parser.reset();
  return recorder;
}

const NOTE: FtpDataNote = { command: 'RETR', fileName: bytesOf('a.txt'), direction: 1 };

test('a file, with the name that the control connection has told', () => {
  const { transactions } = run(NOTE, [
    [1, 'one '],
    [1, 'two'],
  ]);
  expect(transactions).toHaveLength(1);
  expect(transactions[0].ended).toBe(1);
  expect(transactions[0].buffers).toMatchObject({
    '<file.name[0]': 'a.txt',
    '<file.data[0]': 'one two',
    '<file.size[0]': '\0\0\0\0\0\0\0\x07',
    '<ftpdata_command': '\x01',
    '>ftpdata_command': '\x01',
  });
  expect(transactions[0].buffers['<file.sha1[0]']).toHaveLength(20);
  expect(transactions[0].buffers['>file.data[0]']).toBeUndefined();
});

test('data in the other direction is none', () => {
  expect(run(NOTE, [[0, 'what']]).transactions).toEqual([]);
});

test('a directory, and a connection of which nothing is known', () => {
  const { transactions } = run({ command: 'LIST', fileName: null, direction: 1 }, [[1, 'total 0']]);
  expect(transactions[0].buffers).toMatchObject({ '<file.data[0]': 'total 0' });
  expect(transactions[0].buffers['<ftpdata_command']).toBeUndefined();
  expect(run(null, [[0, 'x']]).transactions).toHaveLength(1);
});

test('every byte of a long file is shown', () => {
  const seed = testSeed();
  const random = new Random(seed);
  const text = Array.from({ length: 20_000 }, () => String.fromCharCode(0x61 + random.next(26))).join('');
  let shown = '';
  const view = { bytes: new Uint8Array(0), start: 0, end: 0, streamOffset: 0, fresh: 0, complete: false };
  const parser = definition.create(
    {
      onProgress(tx, direction) {
        if (direction !== 1 || !tx.buffer(definition.buffers[0].id, 0, view)) return;
        shown += Buffer.from(view.bytes.slice(view.fresh, view.end)).toString('latin1');
      },
      onTransactionEnd: () => {},
      onEvent: () => {},
      onUpgrade: () => {},
      onExpectation: () => {},
    },
    Transport.TCP,
  );
  parser.expect?.(writeNote(NOTE));
  for (let at = 0; at < text.length; ) {
    const piece = bytesOf(text.slice(at, at + 1 + random.next(5000)));
    parser.feed(1, piece, 0, piece.length);
    at += piece.length;
    expect(parser.heldBytes()).toBeLessThan(4096);
  }
  expect({ seed, same: shown === text }).toEqual({ seed, same: true });
});

test('missing bytes, and a flow that is given up', () => {
  const recorder = new Recorder(definition.buffers);
  const parser = definition.create(recorder, Transport.TCP);
  parser.expect?.(writeNote(NOTE));
  parser.feed(1, bytesOf('one'), 0, 3);
  parser.gap(1, 10);
  parser.feed(1, bytesOf('two'), 0, 3);
  parser.close(1);
  expect(recorder.transactions[0].buffers['<file.data[0]']).toBe('two');
  expect(recorder.transactions[0].buffers['<file.sha1[0]']).toBeUndefined();
  parser.reset();
  expect(recorder.transactions[0].ended).toBe(1);
  expect(parser.heldBytes()).toBe(0);
});

test('a note is the same once it was bytes', () => {
  for (const note of [
    NOTE,
    { command: 'LIST', fileName: null, direction: 0 },
    { ...NOTE, fileName: bytesOf('') },
  ] as const)
    expect(readNote(writeNote(note))).toEqual(note);
});
