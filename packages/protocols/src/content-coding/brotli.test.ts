import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import { Random, rounds, testSeed } from '../../testing/random';
import { BufferPool, PooledBytes } from '../buffer-pool';
import { BrotliDecoder } from './brotli';
import { brotliDictionary } from './brotli-dictionary';
import { InflateStatus } from './inflate';

const pool = new BufferPool();

function decode(
  pieces: Iterable<Uint8Array>,
  limit = 300_000,
): { out: Buffer; status: number; held: number } {
  const sink = new PooledBytes(pool, limit);
  const decoder = new BrotliDecoder();
  decoder.begin(sink);
  let status: number = InflateStatus.MORE;
  for (const piece of pieces) {
    status = decoder.push(piece, 0, piece.length, sink);
    if (status !== InflateStatus.MORE) break;
  }
  const held = decoder.heldBytes();
  decoder.release();
  const out = Buffer.from(sink.bytes.subarray(0, sink.end));
  sink.clear();
  return { out, status, held };
}

function cut(bytes: Buffer, random: Random, largest: number): Buffer[] {
  const out: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + random.next(largest);
    out.push(bytes.subarray(at, at + size));
    at += size;
  }
  return out;
}

function compress(plain: Buffer, quality: number, window = 22, mode = 0): Buffer {
  return brotliCompressSync(plain, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: quality,
      [constants.BROTLI_PARAM_LGWIN]: window,
      [constants.BROTLI_PARAM_MODE]: mode,
    },
  });
}

/** Words, of the dictionary and others, runs, and noise. */
function sample(random: Random): Buffer {
  const dictionary = brotliDictionary();
  const parts: Buffer[] = [];
  for (let size = random.pick([0, 1, 20, 400, 1000]); size > 0; size--) {
    const at = random.next(dictionary.length - 20);
    const piece = Buffer.from(dictionary.subarray(at, at + 4 + random.next(12)));
    if (random.next(4) === 0) piece[0] &= 0xdf;
    parts.push(
      piece,
      Buffer.from(random.pick([' ', '. ', ', ', '\n', '="', '', '\0\0\0\0\0\0', '\xff\xfe'])),
    );
  }
  return Buffer.concat(parts);
}

test("what Node's encoder makes, by quality, window and mode, however it is cut", () => {
  const seed = testSeed();
  const random = new Random(seed);
  for (let round = 0; round < rounds(8, 20); round++) {
    const plain = sample(random);
    const options = [
      random.pick([0, 1, 2, 4, 5, 6, 9, 10, 11]),
      random.pick([10, 16, 20, 24]),
      random.next(3),
    ] as const;
    const coded = compress(plain, ...options);
    for (const largest of [coded.length, 3, 100]) {
      const { out, status } = decode(cut(coded, random, largest));
      expect([seed, round, options, largest, status, out.equals(plain)]).toEqual([
        seed, round, options, largest, InflateStatus.DONE, true,
      ]); // biome-ignore format: one line each
    }
  }
});

test('every word of the dictionary with every transform', () => {
  // Words far and near of each length; the decoder of Node is the twin.
  const words: string[] = [];
  const dictionary = Buffer.from(brotliDictionary()).toString('latin1');
  for (let at = 0; at < dictionary.length; at += 97) words.push(dictionary.slice(at, at + 12));
  const text = words.map(
    (word, i) => `${i % 2 ? ' ' : ''}${i % 3 ? word : word.toUpperCase()}${i % 5 ? ', ' : '="'}`,
  );
  const coded = compress(Buffer.from(text.join(''), 'latin1'), 11);
  expect(decode([coded]).out.equals(brotliDecompressSync(coded))).toBe(true);
});

test('no more than there is room for, and a bomb costs no more than that', () => {
  const bomb = compress(Buffer.alloc(50_000_000), 5, 24);
  const { out, status, held } = decode([bomb], 10_000);
  expect([status, out.equals(Buffer.alloc(10_000))]).toEqual([InflateStatus.FULL, true]);
  expect(held).toBeLessThan(100_000);
});

test('a stream that is cut short gives what there is', () => {
  const plain = Buffer.from('the quick brown fox jumps over the lazy dog. '.repeat(50).concat('end'));
  const coded = compress(plain, 5);
  for (let length = 0; length < coded.length; length++) {
    const { out, status } = decode([coded.subarray(0, length)]);
    expect(status).toBe(InflateStatus.MORE);
    expect(plain.subarray(0, out.length).equals(out)).toBe(true);
  }
});

test('codes without content do not go on for ever', () => {
  // Meta-blocks of one byte each, with as many codes as there can be, again and again: the decoder gives up.
  const header = compress(Buffer.from('a'), 11).subarray(0, 1);
  const random = new Random(testSeed());
  const junk = Buffer.from(Array.from({ length: 20_000 }, () => random.next(256)));
  const { status } = decode([header, junk]);
  // Which of them depends on the junk: what counts is that it comes to an end.
  expect(Object.values(InflateStatus)).toContain(status);
});

test('mutated streams: the same as the twin or refused, nothing thrown', () => {
  const seed = testSeed();
  const random = new Random(seed);
  const streams = [1, 5, 11].flatMap((quality) => [0, 1, 2].map(() => compress(sample(random), quality)));
  let agreed = 0;
  for (let round = 0; round < rounds(80, 400); round++) {
    const bytes = Buffer.from(random.pick(streams));
    for (let n = random.next(3); n >= 0; n--) bytes[random.next(bytes.length)] ^= 1 << random.next(8);
    let wanted: Buffer | null = null;
    try {
      wanted = brotliDecompressSync(bytes, { maxOutputLength: 300_000 });
    } catch {
      // Refused by the twin, or too long.
    }
    try {
      const { out, status } = decode(cut(bytes, random, random.pick([5, 1000])));
      if (wanted !== null) {
        expect([status, out.equals(wanted)]).toEqual([InflateStatus.DONE, true]);
        agreed++;
      }
    } catch (error) {
      throw new Error(`SEED=${seed} round ${round}: ${(error as Error).stack}`);
    }
  }
  expect(agreed).toBeGreaterThan(0);
});
