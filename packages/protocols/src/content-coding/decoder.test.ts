import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { emptyBlocks } from '../../testing/empty-blocks';
import { Random, testSeed } from '../../testing/random';
import { BufferPool, PooledBytes } from '../buffer-pool';
import { Coding, ContentDecoder, DecoderNotice } from './decoder';

const pool = new BufferPool();
const lzma = Buffer.from('XQAAAQD//////////wA0GUnujmgh////ueAAAA==', 'base64');

function decode(
  coding: number,
  coded: Buffer,
  random: Random,
  largest: number,
): { text: string; notices: number } {
  const sink = new PooledBytes(pool, 100_000);
  const decoder = new ContentDecoder();
  decoder.begin(coding, sink);
  let notices = 0;
  for (let at = 0; at < coded.length; ) {
    const end = Math.min(coded.length, at + 1 + random.next(largest));
    notices |= decoder.push(coded, at, end, sink);
    at = end;
  }
  notices |= decoder.finish(sink);
  const text = Buffer.from(sink.bytes.subarray(0, sink.end)).toString('latin1');
  sink.clear();
  return { text, notices };
}

const { DEFLATE, BROTLI, LZMA } = Coding;
const { NONE, FAILED } = DecoderNotice;
const json = '{"sdk_version":"2.1","x":[1,2]}';
const large = Buffer.from(lzma);
large[4] = 0x40;

test.each([
  ['nothing', DEFLATE, Buffer.from(''), '', NONE],
  ['one byte', DEFLATE, Buffer.from('x'), 'x', FAILED],
  ['JSON', DEFLATE, Buffer.from(json), json, FAILED],
  ['text', DEFLATE, Buffer.from('Hello, not coded'), 'Hello, not coded', FAILED],
  ['gzip', DEFLATE, gzipSync('abc'), 'abc', NONE],
  ['zlib', DEFLATE, deflateSync('abc'), 'abc', NONE],
  ['raw', DEFLATE, deflateRawSync('abc'), 'abc', NONE],
  ['gzip magic only', DEFLATE, Buffer.from([0x1f, 0x8b, 7, 7, 7]), '\x1f\x8b\x07\x07\x07', FAILED],
  ['brotli', BROTLI, brotliCompressSync(json), json, NONE],
  [
    'no brotli',
    BROTLI,
    Buffer.from('\x11 no brotli at all, but text'),
    '\x11 no brotli at all, but text',
    FAILED,
  ],
  ['gzip called brotli', BROTLI, gzipSync(json), json, NONE],
  ['LZMA', LZMA, lzma, 'hello', NONE],
  [
    'gzip called LZMA',
    LZMA,
    gzipSync('what is much longer than the head'),
    'what is much longer than the head',
    NONE,
  ],
  ['LZMA with a large dictionary', LZMA, large, 'hello', NONE],
] as const)('%s', (_name, coding, coded, text, notices) => {
  const random = new Random(testSeed());
  for (const largest of [1, 2, 1000])
    expect(decode(coding, coded, random, largest)).toEqual({ text, notices });
});

test('what costs more to undo than it holds is told, and is nothing', () => {
  const random = new Random(1);
  expect(decode(DEFLATE, emptyBlocks(60), random, 50)).toEqual({ text: 'x', notices: NONE });
  expect(decode(DEFLATE, emptyBlocks(300), random, 50)).toEqual({ text: '', notices: DecoderNotice.BOMB });
});
