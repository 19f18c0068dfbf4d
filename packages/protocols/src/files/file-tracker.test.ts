import { createHash } from 'node:crypto';
import { Random, testSeed } from '../../testing/random';
import { emptyView } from '../../testing/recorder';
import { BufferPool } from '../buffer-pool';
import { FileBuffer, FileTracker, fileBuffers } from './file-tracker';
import { DEFAULT_FILE_POLICY, FileHash, type FilePolicy } from './policy';

const pool = new BufferPool();

function tracker(policy: Partial<FilePolicy> = {}): FileTracker {
  return new FileTracker(pool, { ...DEFAULT_FILE_POLICY, ...policy });
}

function read(files: FileTracker, buffer: number, index: number): Buffer | null {
  const view = emptyView();
  if (!files.fill(buffer, index, view)) return null;
  return Buffer.from(view.bytes.subarray(view.start, view.end));
}

const abc = Buffer.from('abcdefgh');

test('name, content, size and hashes of two files', () => {
  const files = tracker({ hashes: FileHash.MD5 | FileHash.SHA256 });
  const first = files.open()!;
  first.setName(Buffer.from('x/a.txt!'), 2, 7);
  first.append(abc, 0, 3);
  expect(read(files, FileBuffer.SIZE, 0)).toBeNull();
  expect(read(files, FileBuffer.MD5, 0)).toBeNull();
  first.append(abc, 3, 5);
  first.close();
  const second = files.open()!;
  second.append(abc, 5, 8);
  expect(read(files, FileBuffer.NAME, 0)?.toString()).toBe('a.txt');
  expect(read(files, FileBuffer.NAME, 1)).toBeNull();
  expect(read(files, FileBuffer.DATA, 0)?.toString()).toBe('abcde');
  expect(read(files, FileBuffer.DATA, 1)?.toString()).toBe('fgh');
  expect(read(files, FileBuffer.SIZE, 0)?.toString('hex')).toBe('0000000000000005');
  for (let again = 0; again < 2; again++) {
    expect(read(files, FileBuffer.MD5, 0)).toEqual(createHash('md5').update('abcde').digest());
    expect(read(files, FileBuffer.SHA256, 0)).toEqual(createHash('sha256').update('abcde').digest());
  }
  // Nobody asked for it: an empty buffer, because another file follows.
  expect(read(files, FileBuffer.SHA1, 0)).toEqual(Buffer.alloc(0));
  expect(read(files, FileBuffer.DATA, 2)).toBeNull();
  files.clear();
  expect([files.count, files.heldBytes()]).toEqual([0, 0]);
});

test('what a missing piece and a missing end do', () => {
  const files = tracker({ hashes: FileHash.MD5 });
  const file = files.open()!;
  file.append(abc, 0, 2);
  file.gap(10);
  file.append(abc, 2, 5);
  const view = emptyView();
  expect(files.fill(FileBuffer.DATA, 0, view)).toBe(true);
  expect([view.streamOffset, view.end - view.start, view.fresh, view.complete]).toEqual([12, 3, 0, false]);
  file.close();
  expect([file.size, file.complete]).toEqual([15, false]);
  expect(read(files, FileBuffer.MD5, 0)).toBeNull();
  expect(read(files, FileBuffer.SIZE, 0)).toBeNull();

  const cut = files.open()!;
  cut.append(abc, 0, 1);
  cut.close(false);
  cut.append(abc, 1, 2);
  expect([cut.size, cut.complete, cut.closed]).toEqual([1, false, true]);
  files.clear();
});

test('a file that does not slide is held up to its limit', () => {
  const files = tracker({ held: 1024, slides: false, hashes: FileHash.SHA1 });
  const file = files.open()!;
  const all = Buffer.from(Array.from({ length: 3000 }, (_, i) => i & 0xff));
  expect(file.append(all, 0, 1000)).toBe(1000);
  expect(file.append(all, 1000, 3000)).toBe(3000);
  file.close();
  expect(read(files, FileBuffer.DATA, 0)).toEqual(all.subarray(0, 1024));
  expect(file.size).toBe(3000);
  expect(read(files, FileBuffer.SHA1, 0)).toEqual(createHash('sha1').update(all).digest());
  files.clear();
});

test('a file that slides: every byte is shown once, in order, with what went before it, in bounded memory', () => {
  const seed = testSeed();
  const random = new Random(seed);
  for (let round = 0; round < 30; round++) {
    const all = Buffer.from(Array.from({ length: 1 + random.next(20_000) }, () => random.next(256)));
    const files = tracker({ held: 1024 });
    const file = files.open()!;
    const view = emptyView();
    let seen = 0;
    const show = () => {
      if (!files.grown) return;
      files.fill(FileBuffer.DATA, 0, view);
      const window = Buffer.from(view.bytes.subarray(view.start, view.end));
      expect([seed, view.streamOffset + view.fresh]).toEqual([seed, seen]);
      expect(all.subarray(view.streamOffset, view.streamOffset + window.length).equals(window)).toBe(true);
      seen = view.streamOffset + window.length;
      files.shown();
    };
    for (let at = 0; at < all.length; ) {
      const end = Math.min(all.length, at + 1 + random.next(random.pick([3, 300, 3000])));
      for (;;) {
        at = file.append(all, at, end);
        if (at === end) break;
        show();
      }
      if (random.next(2) === 0) show();
      expect(files.heldBytes()).toBeLessThan(2048);
    }
    show();
    expect([seed, seen, file.size]).toEqual([seed, all.length, all.length]);
    files.clear();
  }
});

test('the number of files is bounded', () => {
  const files = tracker({ files: 2 });
  expect([files.open(), files.open(), files.open()].map((file) => file !== null)).toEqual([
    true,
    true,
    false,
  ]);
});

test('the rows of a buffer table', () => {
  const rows = fileBuffers('smtp', 100, [0], 3);
  expect(rows.map(({ name, id }) => [name, id])).toEqual([
    ['file.data', 100],
    ['file.name', 101],
    ['file.size', 102],
    ['file.md5', 103],
    ['file.sha1', 104],
    ['file.sha256', 105],
  ]);
  expect(rows.every(({ multiple }) => multiple)).toBe(true);
});
