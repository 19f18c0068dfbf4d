import { Random, testSeed } from '../../testing/random';
import { BufferPool } from '../buffer-pool';
import { LineReader, LongLines } from './line-reader';

const LIMIT = 8;

interface Line {
  text: string;
  ending: number;
  startsLine: boolean;
  cut: boolean;
}

function read(pieces: readonly Buffer[], longLines: LongLines): Line[] {
  const reader = new LineReader(new BufferPool(), LIMIT);
  const lines: Line[] = [];
  const take = () => {
    const { bytes, start, end, ending, startsLine, cut } = reader;
    lines.push({ text: Buffer.from(bytes.slice(start, end)).toString('latin1'), ending, startsLine, cut });
  };
  for (const piece of pieces) {
    const arena = Buffer.from(piece);
    for (let at = 0; at < arena.length; ) {
      at = reader.next(arena, at, arena.length, longLines);
      if (reader.ready) take();
    }
    reader.release();
    arena.fill(0);
    if (reader.heldBytes() > 512) throw new Error(`holds ${reader.heldBytes()} bytes`);
  }
  if (reader.flush()) take();
  reader.clear();
  if (reader.heldBytes() !== 0) throw new Error('holds bytes when it is cleared');
  return lines;
}

/** The obvious way, over the whole text. */
function twin(text: string, longLines: LongLines): Line[] {
  const lines: Line[] = [];
  let rest = text;
  let startsLine = true;
  while (rest !== '') {
    const feed = rest.indexOf('\n');
    const line = feed < 0 ? rest : rest.slice(0, feed);
    // A byte more than the limit may be the CR of the ending.
    if (
      line.length > LIMIT + 1 ||
      (line.length === LIMIT + 1 && longLines === LongLines.DISCARD && feed >= 0)
    ) {
      if (!(line.length === LIMIT + 1 && line.endsWith('\r'))) {
        lines.push({ text: line.slice(0, LIMIT), ending: 0, startsLine, cut: true });
        if (longLines === LongLines.DISCARD) {
          rest = feed < 0 ? '' : rest.slice(feed + 1);
        } else {
          rest = rest.slice(LIMIT);
          startsLine = false;
        }
        continue;
      }
    }
    if (feed < 0) {
      lines.push({ text: line, ending: 0, startsLine, cut: false });
      break;
    }
    const ending = line.endsWith('\r') ? 2 : 1;
    lines.push({ text: line.slice(0, line.length + 1 - ending), ending, startsLine, cut: false });
    rest = rest.slice(feed + 1);
    startsLine = true;
  }
  return lines;
}

test.each([LongLines.DISCARD, LongLines.CONTINUE])(
  'lines are those of the twin (long lines %i)',
  (longLines) => {
    const seed = testSeed();
    const random = new Random(seed);
    for (let round = 0; round < 300; round++) {
      const letters = Array.from({ length: random.next(60) }, () =>
        random.pick(['a', 'b', 'c', 'd', '\r', '\n']),
      );
      const text = letters.join('');
      const bytes = Buffer.from(text, 'latin1');
      const pieces: Buffer[] = [];
      for (let at = 0; at < bytes.length; ) {
        const size = 1 + random.next(20);
        pieces.push(bytes.subarray(at, at + size));
        at += size;
      }
      const where = `SEED=${seed} ${JSON.stringify(text)}`;
      const lines = read(pieces, longLines);
      const wanted = twin(text, longLines);
      if (JSON.stringify(lines) !== JSON.stringify(wanted))
        expect({ where, lines }).toEqual({ where, lines: wanted });
    }
  },
);

test('a line that is skipped ends where the next begins', () => {
  const reader = new LineReader(new BufferPool(), LIMIT);
  const bytes = Buffer.from('rest\nnext\n');
  reader.skip();
  const at = reader.next(bytes, 0, bytes.length, LongLines.DISCARD);
  expect([at, reader.ready]).toEqual([5, false]);
  reader.next(bytes, at, bytes.length, LongLines.DISCARD);
  expect(reader.ready).toBe(true);
  expect([reader.start, reader.end]).toEqual([5, 9]);
});
