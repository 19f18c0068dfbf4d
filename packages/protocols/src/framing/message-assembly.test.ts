import { Random, testSeed } from '../../testing/random';
import { MessageAssembly, type MessageReader } from './message-assembly';

const HEADER = 2;
const LIMIT = 5000;

/** Messages with their whole length, in two bytes, before them. */
class Lengths implements MessageReader {
  readonly taken: Buffer[] = [];
  readonly behind: number[] = [];
  assembly: MessageAssembly | null = null;
  /** Messages after which no more are wanted. */
  wanted = Number.POSITIVE_INFINITY;

  messageLength(bytes: Uint8Array, start: number, end: number): number {
    if (end - start < HEADER) return 0;
    const length = (bytes[start] << 8) | bytes[start + 1];
    return length < HEADER ? -1 : length;
  }

  message(bytes: Uint8Array, start: number, end: number): boolean {
    this.taken.push(Buffer.from(bytes.subarray(start, end)));
    this.behind.push(this.assembly?.behind ?? -1);
    return this.taken.length < this.wanted;
  }
}

function reading(limit = LIMIT): { reader: Lengths; assembly: MessageAssembly } {
  const reader = new Lengths();
  const assembly = new MessageAssembly(reader, limit);
  reader.assembly = assembly;
  return { reader, assembly };
}

function message(length: number, fill: number): Buffer {
  const bytes = Buffer.alloc(length, fill);
  bytes.writeUInt16BE(length, 0);
  return bytes;
}

test('messages come out as they went in, however the bytes are cut', () => {
  const random = new Random(testSeed());
  try {
    for (let run = 0; run < 30; run++) {
      const messages = Array.from({ length: 1 + random.next(12) }, (_, i) =>
        message(HEADER + random.next(random.next(6) === 0 ? 4000 : 40), i),
      );
      const stream = Buffer.concat(messages);
      const { reader, assembly } = reading();
      // Where the bytes behind each message begin in the stream, as a plain sum says.
      const ends = messages.map((_, i) =>
        messages.slice(0, i + 1).reduce((sum, { length }) => sum + length, 0),
      );
      for (let at = 0; at < stream.length; ) {
        const size = 1 + random.next(random.next(2) === 0 ? 3000 : 20);
        const lent = Buffer.concat([Buffer.alloc(3), stream.subarray(at, at + size)]);
        const before = reader.taken.length;
        if (!assembly.feed(lent, 3, lent.length)) throw new Error(`lost at ${at}`);
        for (let i = before; i < reader.taken.length; i++) {
          if (reader.behind[i] !== 3 + ends[i] - at) throw new Error(`message ${i} ends elsewhere`);
        }
        lent.fill(0xee);
        at += size;
      }
      expect(Buffer.concat(reader.taken).equals(stream)).toBe(true);
      expect(reader.taken.map(({ length }) => length)).toEqual(messages.map(({ length }) => length));
      expect(assembly.heldBytes()).toBe(0);
    }
  } catch (error) {
    throw new Error(`SEED=${random.seed}: ${error}`);
  }
});

test('what is held is bounded and given back', () => {
  const { assembly } = reading();
  expect(assembly.feed(message(4800, 1), 0, 4700)).toBe(true);
  expect(assembly.heldBytes()).toBeGreaterThanOrEqual(4700);
  expect(assembly.heldBytes()).toBeLessThanOrEqual(LIMIT);
  assembly.clear();
  expect(assembly.heldBytes()).toBe(0);
});

test.each([
  ['a length that cannot be', Buffer.from([0, 1, 9, 9])],
  ['a message that is too long', message(LIMIT + 1, 7)],
])('lost: %s', (_name, bytes) => {
  for (const cut of [1, 2, 3, bytes.length]) {
    const { reader, assembly } = reading();
    const first = assembly.feed(bytes, 0, cut);
    expect(first && assembly.feed(bytes, cut, bytes.length)).toBe(false);
    expect(reader.taken).toEqual([]);
    expect(assembly.heldBytes()).toBe(0);
  }
});

test('the reader may have enough', () => {
  const { reader, assembly } = reading();
  reader.wanted = 2;
  const three = Buffer.concat([message(5, 1), message(5, 2), message(5, 3)]);
  expect(assembly.feed(three, 0, three.length)).toBe(false);
  expect(reader.taken).toHaveLength(2);
});
