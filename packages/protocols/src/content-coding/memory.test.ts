/** What decoders and bodies take is what they are counted for: it is what `app-layer.memcap` goes by. */
import { brotliCompressSync } from 'node:zlib';
import { bytesOfEach } from '@portcullis/testkit';
import { BufferPool, PooledBytes } from '../buffer-pool';
import { BrotliDecoder } from './brotli';
import { ContentDecoder } from './decoder';
import { LzmaDecoder } from './lzma';

const text = Buffer.from(Array.from({ length: 3000 }, (_, index) => `${index * index}\n`).join(''));
const brotli = brotliCompressSync(text);

test.each([
  ['gzip and deflate', () => new ContentDecoder()],
  ['brotli', () => new BrotliDecoder()],
  ['LZMA', () => new LzmaDecoder()],
  [
    'brotli that is under way',
    () => {
      const decoder = new BrotliDecoder();
      const sink = new PooledBytes(new BufferPool(0), 100_000);
      decoder.begin(sink);
      decoder.push(brotli, 0, brotli.length - 100, sink);
      sink.clear();
      return decoder;
    },
  ],
])('%s', (_, make) => {
  const held = make().heldBytes();
  const each = bytesOfEach(1000, make, 0.7 * held, 1.3 * held);
  expect(each / held).toBeGreaterThanOrEqual(0.7);
  expect(each / held).toBeLessThanOrEqual(1.3);
});
