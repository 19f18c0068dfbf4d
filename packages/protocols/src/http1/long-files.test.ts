/** Size and hashes of files that are longer than what is kept of a body. */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { Random, testSeed } from '../../testing/random';
import { emptyView } from '../../testing/recorder';
import { DEFAULT_FILE_POLICY, FileHash } from '../files/policy';
import { Http1Buffer } from './buffers';
import { createHttp1 } from './definition';

const KEPT = 1024;

interface Seen {
  size: number | null;
  sha256: string | null;
  md5: string | null;
  sha1: string | null;
}

/** What is told of the file in an answer, `body` as it is transferred. */
function answer(
  head: string,
  body: Buffer,
  cut: () => number,
  hashes: number = FileHash.MD5 | FileHash.SHA256,
  gapAt = -1,
): Seen {
  const seen: Seen = { size: null, sha256: null, md5: null, sha1: null };
  const view = emptyView();
  const parser = createHttp1({ limits: { responseBody: KEPT } }, { ...DEFAULT_FILE_POLICY, hashes }).create({
    onProgress(tx, direction) {
      if (direction !== 1) return;
      const read = (id: number) =>
        tx.buffer(id, 0, view) ? Buffer.from(view.bytes.subarray(view.start, view.end)) : null;
      seen.size = Number(read(Http1Buffer.FILE_SIZE)?.readBigUInt64BE() ?? -1);
      seen.sha256 = read(Http1Buffer.FILE_SHA256)?.toString('hex') ?? null;
      seen.md5 = read(Http1Buffer.FILE_MD5)?.toString('hex') ?? null;
      seen.sha1 = read(Http1Buffer.FILE_SHA1)?.toString('hex') ?? null;
    },
    onTransactionEnd() {},
    onEvent() {},
    onUpgrade() {},
    onExpectation() {},
  });
  const request = Buffer.from('GET /a HTTP/1.1\r\nHost: a\r\n\r\n');
  parser.feed(0, request, 0, request.length);
  const all = Buffer.concat([Buffer.from(head, 'latin1'), body]);
  for (let at = 0; at < all.length; ) {
    // What is fed is gone afterwards.
    const piece = Buffer.from(all.subarray(at, at + cut()));
    if (at === gapAt) parser.gap(1, piece.length);
    else parser.feed(1, piece, 0, piece.length);
    at += piece.length;
    piece.fill(0xff);
  }
  parser.close(1);
  parser.close(0);
  return seen;
}

const hashOf = (algorithm: string, bytes: Buffer) => createHash(algorithm).update(bytes).digest('hex');
const chunked = (bytes: Buffer, size: number) => {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    const part = bytes.subarray(at, at + size);
    parts.push(Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n'));
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')]);
};

test('however the answer is framed and cut', () => {
  const seed = testSeed();
  const random = new Random(seed);
  for (let round = 0; round < 200; round++) {
    const length = random.pick([1, KEPT - 1, KEPT, KEPT + 1, 1 + random.next(8 * KEPT)]);
    const file = Buffer.from(Array.from({ length }, () => random.next(256)));
    const most = random.pick([1500, 300, 40, KEPT]);
    const cut = () => 1 + random.next(most);
    const framed = random.pick([
      () => answer(`HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n`, file, cut),
      () => answer('HTTP/1.0 200 OK\r\n\r\n', file, cut),
      () =>
        answer(
          'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
          chunked(file, 1 + random.next(900)),
          cut,
        ),
    ]);
    expect([seed, round, length, framed()]).toEqual([
      seed,
      round,
      length,
      {
        size: length,
        sha256: hashOf('sha256', file),
        md5: hashOf('md5', file),
        sha1: length > KEPT ? null : hashOf('sha1', file),
      },
    ]);
  }
});

test('nothing is told where it is not known', () => {
  const file = Buffer.alloc(4 * KEPT, 'file');
  const nothing = { size: -1, sha256: null, md5: null, sha1: null };
  const plain = `HTTP/1.1 200 OK\r\nContent-Length: ${file.length}\r\n\r\n`;
  // The connection ends before the file does.
  expect(answer(plain, file.subarray(0, 3 * KEPT), () => 500)).toEqual(nothing);
  // A piece is missing.
  expect(answer(plain, file, () => 500, FileHash.SHA256, 2000)).toEqual(nothing);
  // Of what was compressed, no more is unpacked than is kept.
  const packed = gzipSync(file);
  const coded = `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${packed.length}\r\n\r\n`;
  expect(answer(coded, packed, () => 500)).toEqual(nothing);
  // Nobody asks for hashes.
  expect(answer(plain, file, () => 500, 0)).toEqual({ ...nothing, size: file.length });
});
