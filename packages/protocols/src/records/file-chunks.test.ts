import { Random, testSeed } from '../../testing/random';
import { emptyView } from '../../testing/recorder';
import { BufferPool } from '../buffer-pool';
import { FileBuffer, FileTracker } from '../files/file-tracker';
import { DEFAULT_FILE_POLICY } from '../files/policy';
import { FileChunks, MOST_CHUNKS } from './file-chunks';

const pool = new BufferPool();

function begin() {
  const files = new FileTracker(pool, { ...DEFAULT_FILE_POLICY });
  const file = files.open()!;
  let shown = '';
  const view = emptyView();
  const show = () => {
    if (!files.fill(FileBuffer.DATA, 0, view)) return;
    shown += Buffer.from(view.bytes.subarray(view.fresh, view.end)).toString('latin1');
    files.shown();
  };
  return { file, chunks: new FileChunks(pool, file, show), show, content: () => shown };
}

test('pieces in any order within reach make the file', () => {
  const seed = testSeed();
  const random = new Random(seed);
  for (let round = 0; round < 100; round++) {
    const all = Buffer.from(Array.from({ length: 1 + random.next(3000) }, () => random.next(256)));
    const pieces: [number, Buffer][] = [];
    for (let at = 0; at < all.length; ) {
      const size = 1 + random.next(700);
      pieces.push([at, all.subarray(at, at + size)]);
      at += size;
    }
    for (let i = 0; i + 3 < pieces.length; i++) {
      const k = i + random.next(3);
      [pieces[i], pieces[k]] = [pieces[k], pieces[i]];
    }
    const { file, chunks, show, content } = begin();
    for (const [offset, piece] of pieces) {
      expect([seed, chunks.write(offset, piece, 0, piece.length)]).toEqual([seed, true]);
      if (random.next(3) === 0) show();
    }
    show();
    expect([seed, content() === all.toString('latin1'), file.size, chunks.heldBytes()]).toEqual([
      seed,
      true,
      all.length,
      0,
    ]);
  }
});

test('what was there before is told and left out; what never comes is a gap', () => {
  const { file, chunks, show, content } = begin();
  const text = Buffer.from('abcdefghij');
  expect(chunks.write(0, text, 0, 6)).toBe(true);
  expect(chunks.write(4, text, 4, 10)).toBe(false);
  for (let i = 0; i <= MOST_CHUNKS; i++) chunks.write(100 + 10 * i, text, 0, 2);
  chunks.missing(10, 5);
  chunks.flush();
  show();
  file.close();
  expect(content().startsWith('abcdefghij')).toBe(true);
  expect([file.size, file.complete]).toEqual([100 + 10 * MOST_CHUNKS + 2, false]);
  chunks.clear();
  expect(chunks.heldBytes()).toBe(0);
});
