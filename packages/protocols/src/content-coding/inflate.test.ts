import {
  constants,
  deflateRawSync,
  deflateSync,
  gzipSync,
  inflateRawSync,
  type ZlibOptions,
} from 'node:zlib';
import { emptyBlocks } from '../../testing/empty-blocks';
import { Random, rounds, testSeed } from '../../testing/random';
import { BufferPool, PooledBytes } from '../buffer-pool';
import { Inflater, InflateStatus, Wrapper } from './inflate';

const pool = new BufferPool();

function inflate(
  pieces: readonly Uint8Array[],
  wrapper: number,
  limit = 200_000,
): { out: Buffer; status: number; done: boolean } {
  const sink = new PooledBytes(pool, limit);
  const inflater = new Inflater();
  inflater.begin(wrapper, sink);
  let status: number = InflateStatus.MORE;
  for (const piece of pieces) {
    status = inflater.push(piece, 0, piece.length, sink);
    if (status !== InflateStatus.MORE) break;
  }
  const out = Buffer.from(sink.bytes.subarray(0, sink.end));
  sink.clear();
  return { out, status, done: inflater.done };
}

function pieces(bytes: Buffer, random: Random, largest: number): Buffer[] {
  const out: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + random.next(largest);
    out.push(bytes.subarray(at, at + size));
    at += size;
  }
  return out;
}

function sample(random: Random): Buffer {
  const size = random.pick([0, 1, 5, 300, 5000, 40_000]);
  const kind = random.next(4);
  const bytes = Buffer.alloc(size);
  for (let i = 0; i < size; i++) {
    if (kind === 0) bytes[i] = random.next(256);
    else if (kind === 1) bytes[i] = 0x61 + random.next(4);
    else if (kind === 2) bytes[i] = i % 97;
    else bytes[i] = random.next(20) === 0 ? random.next(256) : 0x20;
  }
  return bytes;
}

const OPTIONS: readonly ZlibOptions[] = [
  {},
  { level: 0 },
  { level: 1 },
  { strategy: constants.Z_FIXED },
  { strategy: constants.Z_HUFFMAN_ONLY },
  { strategy: constants.Z_RLE, memLevel: 1 },
];

test('gives back what zlib deflated, whatever the pieces', () => {
  const seed = testSeed();
  const random = new Random(seed);
  for (let round = 0; round < rounds(40, 120); round++) {
    const original = sample(random);
    const options = random.pick(OPTIONS);
    const [wrapper, coded] = random.pick([
      [Wrapper.RAW, deflateRawSync(original, options)],
      [Wrapper.ZLIB, deflateSync(original, options)],
      [Wrapper.GZIP, gzipSync(original, options)],
    ] as const);
    const result = inflate(pieces(coded, random, random.pick([1, 3, 100, 100_000])), wrapper);
    expect({ seed, round, done: result.done, same: result.out.equals(original) }).toEqual({
      seed,
      round,
      done: true,
      same: true,
    });
  }
});

test('agrees with zlib on damaged streams: never more than it, never another byte', () => {
  const seed = testSeed();
  const random = new Random(seed);
  for (let round = 0; round < rounds(100, 400); round++) {
    const original = sample(random).subarray(0, 5000);
    const coded = Buffer.from(deflateRawSync(original, random.pick(OPTIONS)));
    for (let n = 1 + random.next(3); n > 0; n--) coded[random.next(coded.length)] ^= 1 << random.next(8);
    const whole = inflate([coded], Wrapper.RAW);
    const cut = inflate(pieces(coded, random, 5), Wrapper.RAW);
    expect({ seed, round, same: cut.out.equals(whole.out), status: cut.status }).toEqual({
      seed,
      round,
      same: true,
      status: whole.status,
    });
    let wanted: Buffer | null = null;
    try {
      wanted = inflateRawSync(coded, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: 150_000 });
    } catch {}
    // zlib gives nothing for a stream that it finds invalid, so only its successes can be compared.
    if (wanted !== null && whole.status !== InflateStatus.FULL) {
      expect({ seed, round, same: whole.out.equals(wanted) }).toEqual({ seed, round, same: true });
    }
  }
});

test('random bytes neither throw nor hang', () => {
  const seed = testSeed();
  const random = new Random(seed);
  for (let round = 0; round < rounds(400, 2000); round++) {
    const bytes = Buffer.alloc(random.next(300));
    for (let i = 0; i < bytes.length; i++) bytes[i] = random.next(256);
    const wrapper = random.next(3);
    if (wrapper === Wrapper.GZIP) bytes.set([0x1f, 0x8b, 8, random.next(32)].slice(0, bytes.length));
    const { out } = inflate([bytes], wrapper, 5000);
    expect(out.length).toBeLessThanOrEqual(5000);
  }
});

test('gzip head with every optional part', () => {
  const plain = gzipSync('hello');
  const head = Buffer.concat([
    Buffer.from([0x1f, 0x8b, 8, 0x1e, 1, 2, 3, 4, 0, 3, 3, 0, 9, 9, 9]),
    Buffer.from('name\0comment\0'),
    Buffer.from([0xab, 0xcd]),
  ]);
  expect(inflate([head, plain.subarray(10)], Wrapper.GZIP).out.toString()).toBe('hello');
});

test('a bomb stops at the bound', () => {
  const bomb = gzipSync(Buffer.alloc(20_000_000));
  const result = inflate([bomb], Wrapper.GZIP, 100_000);
  expect(result.status).toBe(InflateStatus.FULL);
  expect(result.out.length).toBe(100_000);
});

test('blocks that cost much and give nothing are refused where they are many', () => {
  expect(inflateRawSync(emptyBlocks(60)).toString()).toBe('x');
  expect(inflate([emptyBlocks(60)], Wrapper.RAW)).toMatchObject({ out: Buffer.from('x'), done: true });
  expect(inflate([emptyBlocks(200)], Wrapper.RAW).status).toBe(InflateStatus.INVALID);
});

test('members that hold nothing are passed over, however many', () => {
  const nothing = Array.from({ length: 1000 }, () => gzipSync(''));
  expect(inflate([...nothing, gzipSync('x')], Wrapper.GZIP)).toMatchObject({
    out: Buffer.from('x'),
    done: true,
  });
});
