import {
  brotliCompressSync,
  brotliDecompressSync,
  deflateRawSync,
  deflateSync,
  gzipSync,
  inflateRawSync,
} from 'node:zlib';
import { BufferPool, PooledBytes } from '../../../packages/protocols/src/buffer-pool';
import { BrotliDecoder } from '../../../packages/protocols/src/content-coding/brotli';
import { Coding, ContentDecoder } from '../../../packages/protocols/src/content-coding/decoder';
import { Inflater, InflateStatus, Wrapper } from '../../../packages/protocols/src/content-coding/inflate';
import { LzmaDecoder } from '../../../packages/protocols/src/content-coding/lzma';
import { claim, type FuzzRun, type FuzzTarget } from '../target';

/** Bytes that a decoder may write; what the twin writes beyond is not compared. */
const LIMIT = 1 << 16;

interface Decoder {
  begin(sink: PooledBytes): void;
  push(bytes: Uint8Array, start: number, end: number, sink: PooledBytes): number;
  release?(): void;
}

interface Result {
  readonly status: number;
  readonly out: Buffer;
}

/** The input in pieces comes to the same as in one, and to what zlib makes of it. */
class DecoderRun implements FuzzRun {
  private readonly pool = new BufferPool();

  constructor(
    private readonly create: () => Decoder,
    private readonly twin: ((input: Uint8Array) => Buffer) | null,
  ) {}

  run(input: Uint8Array): void {
    const whole = this.decode(input, input.length);
    const pieces = this.decode(input, 1 + (input.length % 7));
    claim(whole.status === pieces.status && whole.out.equals(pieces.out), 'pieces come to something else');
    if (this.twin === null || whole.status === InflateStatus.FULL) return;
    let expected: Buffer;
    try {
      expected = this.twin(input);
    } catch {
      // What zlib refuses may be read further here: it is looked at, not believed.
      return;
    }
    claim(
      whole.status === InflateStatus.DONE && whole.out.equals(expected),
      'zlib makes something else of it',
    );
  }

  private decode(input: Uint8Array, size: number): Result {
    const sink = new PooledBytes(this.pool, LIMIT);
    const decoder = this.create();
    decoder.begin(sink);
    let status: number = InflateStatus.MORE;
    for (let at = 0; at < input.length && status === InflateStatus.MORE; at += size)
      status = decoder.push(input, at, Math.min(input.length, at + size), sink);
    decoder.release?.();
    claim(sink.end <= LIMIT, 'more than the limit was written');
    const out = Buffer.from(sink.bytes.subarray(0, sink.end));
    sink.clear();
    return { status, out };
  }
}

/** The decoder of a body, which guesses what it has. The first byte says what the label says. */
class BodyRun implements FuzzRun {
  private readonly pool = new BufferPool();
  private readonly decoder = new ContentDecoder();

  run(input: Uint8Array): void {
    const sink = new PooledBytes(this.pool, LIMIT);
    const coding = [Coding.DEFLATE, Coding.BROTLI, Coding.LZMA][(input[0] ?? 0) % 3] as number;
    this.decoder.begin(coding, sink);
    const size = 1 + ((input[1] ?? 0) << 2);
    for (let at = 2; at < input.length; at += size)
      this.decoder.push(input, at, Math.min(input.length, at + size), sink);
    this.decoder.finish(sink);
    claim(sink.end <= LIMIT, 'more than the limit was written');
    sink.clear();
  }
}

const TEXT = Buffer.from('GET /index.html HTTP/1.1\r\nHost: www.example.com\r\n'.repeat(4));
const RUN = Buffer.alloc(3000, 'ab');
const PLAIN = [Buffer.alloc(0), Buffer.from('a'), TEXT, RUN, Buffer.concat([RUN, TEXT])];

/** Of the LZMA SDK's format: 'lzma' as xz writes it. */
const LZMA = Buffer.from('5d00008000ffffffffffffffff0030990c1f6a3f9ffff3c9a0', 'hex');

export function contentCodingTargets(): readonly FuzzTarget[] {
  const target = (name: string, seeds: () => Uint8Array[], start: () => FuzzRun): FuzzTarget => ({
    name: `content-coding/${name}`,
    shape: 'bytes',
    weight: 1,
    seeds,
    start,
  });
  const inflater = (wrapper: number) => () => {
    const made = new Inflater();
    return {
      begin: (sink: PooledBytes) => made.begin(wrapper, sink),
      push: (bytes: Uint8Array, from: number, to: number, sink: PooledBytes) =>
        made.push(bytes, from, to, sink),
    };
  };
  const each = (compress: (plain: Buffer) => Buffer) => () => PLAIN.map(compress);
  return [
    target(
      'deflate',
      () =>
        PLAIN.flatMap((plain) => [
          deflateRawSync(plain),
          deflateRawSync(plain, { strategy: 4 }),
          deflateRawSync(plain, { level: 0 }),
        ]),
      () =>
        new DecoderRun(inflater(Wrapper.RAW), (input) =>
          inflateRawSync(input, { maxOutputLength: LIMIT * 2 }),
        ),
    ),
    // Their checksums are not verified, so zlib's answer is another.
    target(
      'zlib',
      each((plain) => deflateSync(plain)),
      () => new DecoderRun(inflater(Wrapper.ZLIB), null),
    ),
    target(
      'gzip',
      each((plain) => gzipSync(plain)),
      () => new DecoderRun(inflater(Wrapper.GZIP), null),
    ),
    target(
      'brotli',
      each((plain) => brotliCompressSync(plain)),
      () =>
        new DecoderRun(
          () => new BrotliDecoder(),
          (input) => brotliDecompressSync(input, { maxOutputLength: LIMIT * 2 }),
        ),
    ),
    target(
      'lzma',
      () => [LZMA],
      () => new DecoderRun(() => new LzmaDecoder(), null),
    ),
    target(
      'body',
      () => [
        ...PLAIN.flatMap((plain) =>
          [gzipSync(plain), deflateSync(plain), deflateRawSync(plain), plain].map((body) =>
            Buffer.concat([Buffer.of(0, 90), body]),
          ),
        ),
        ...PLAIN.map((plain) => Buffer.concat([Buffer.of(1, 90), brotliCompressSync(plain)])),
        Buffer.concat([Buffer.of(2, 90), LZMA]),
      ],
      () => new BodyRun(),
    ),
  ];
}
