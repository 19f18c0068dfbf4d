import { Random, testSeed } from '../../testing/random';
import { BufferPool } from '../buffer-pool';
import type { Direction } from '../transaction';
import { RecordReader, type RecordSink } from './record-reader';

/** Records of a 2-byte length (itself included) and as many bytes; a length below 2 is none. */
class Collector implements RecordSink {
  readonly seen: string[] = [];
  reader!: RecordReader;
  private current = '';

  constructor(private readonly window: number) {}

  measure(_direction: Direction, bytes: Uint8Array, start: number, end: number): number {
    if (end - start < 2) return 0;
    const length = (bytes[start] << 8) | bytes[start + 1];
    this.reader.window = this.window;
    return length < 2 ? -1 : length;
  }

  record(_direction: Direction, bytes: Uint8Array, start: number, end: number, length: number): void {
    expect(end - start).toBe(Math.min(length, this.window));
    this.current = Buffer.from(bytes.subarray(start, end)).toString('latin1');
    if (length === end - start) this.seen.push(this.current);
  }

  rest(_direction: Direction, bytes: Uint8Array, start: number, end: number, left: number): void {
    this.current += Buffer.from(bytes.subarray(start, end)).toString('latin1');
    if (left === 0) this.seen.push(this.current);
  }

  missing(_direction: Direction, length: number, left: number): void {
    this.current += `[${length}]`;
    if (left === 0) this.seen.push(this.current);
  }

  lost(): void {
    this.seen.push('lost');
  }

  resume(_direction: Direction, bytes: Uint8Array, start: number, end: number): number {
    for (let i = start; i + 1 < end; i++) if (bytes[i] === 0 && bytes[i + 1] === 5) return i;
    return -1;
  }
}

function reader(window: number): [RecordReader, Collector] {
  const sink = new Collector(window);
  sink.reader = new RecordReader(new BufferPool(), sink, 0, 2, 512);
  return [sink.reader, sink];
}

const record = (length: number, fill: number) =>
  Buffer.concat([Buffer.from([length >> 8, length & 255]), Buffer.alloc(length - 2, fill)]);

test('the same records wherever the stream is cut', () => {
  const seed = testSeed();
  const random = new Random(seed);
  for (let round = 0; round < 60; round++) {
    const records = Array.from({ length: 20 }, () =>
      record(2 + random.next(random.pick([3, 40, 900])), 0x41 + random.next(26)),
    );
    const stream = Buffer.concat(records);
    const [subject, sink] = reader(random.pick([2, 16, 512]));
    for (let at = 0; at < stream.length; ) {
      const size = 1 + random.next(random.pick([1, 7, 300]));
      const arena = Buffer.alloc(size + 4, 0x21);
      const piece = stream.subarray(at, at + size);
      piece.copy(arena, 2);
      subject.feed(arena, 2, 2 + piece.length);
      arena.fill(0x3f);
      at += size;
    }
    expect([seed, sink.seen]).toEqual([seed, records.map((each) => each.toString('latin1'))]);
    expect([subject.atBoundary, subject.heldBytes()]).toEqual([true, 0]);
  }
});

test('what is missing in the rest of a record is told; elsewhere the framing is lost and found again', () => {
  const [subject, sink] = reader(4);
  subject.feed(record(10, 0x61), 0, 6);
  subject.gap(3);
  subject.feed(Buffer.from('b'), 0, 1);
  subject.feed(record(8, 0x63), 0, 8);
  subject.feed(Buffer.from([0]), 0, 1);
  subject.gap(1);
  subject.feed(Buffer.from('xyz'), 0, 3);
  const again = Buffer.concat([Buffer.from('x'), record(5, 0x64), record(3, 0x65)]);
  subject.feed(again, 0, again.length);
  expect(sink.seen).toEqual(['\0\naaaa[3]b', '\0\bcccccc', 'lost', '\0\x05ddd', '\0\x03e']);
});

test('no record and a stopped reader', () => {
  const [subject, sink] = reader(512);
  subject.feed(Buffer.from([0, 1, 5]), 0, 3);
  expect([sink.seen, subject.isLost, subject.heldBytes()]).toEqual([['lost'], true, 0]);
  subject.reset();
  subject.stop();
  subject.feed(record(5, 0x61), 0, 5);
  expect(sink.seen).toEqual(['lost']);
});
