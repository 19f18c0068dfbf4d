import { brotliCompressSync, constants, deflateSync, gzipSync } from 'node:zlib';
import {
  HTTP2_PREFACE,
  Http2Flag,
  Http2Type,
  hpackField,
  hpackReference,
  http2Frame,
} from '@portcullis/testkit';
import { type SignatureCase, signature, talk } from '../exchange';
import { post, requestText } from '../http';

const FORM = Buffer.from('name=ann&comment=hello');
const gzip = (body: Uint8Array, times: number): Uint8Array =>
  times === 0 ? body : gzip(gzipSync(body), times - 1);
const ZEROS = Buffer.alloc(1 << 20);
const bomb = brotliCompressSync(ZEROS, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } });
/** A request whose framing is what its header fields say, true or not. */
const framed = (body: string, headers: Readonly<Record<string, string>>) =>
  talk(80, requestText('POST', '/form', '', { 'Content-Type': 'text/plain', ...headers }) + body);

const PLAIN = (
  [
    [':method', 'POST'],
    [':scheme', 'http'],
    [':authority', 'shop.example'],
    [':path', '/'],
  ] as const
).map(([name, value]) => hpackField(name, value));
const some = <T>(count: number, make: (index: number) => T) =>
  Array.from({ length: count }, (_, index) => make(index));
const head = (stream: number, ...fields: readonly Uint8Array[]) =>
  http2Frame(Http2Type.HEADERS, Http2Flag.END_HEADERS, stream, Buffer.concat([...PLAIN, ...fields]));
/** A request of which the static table has all (POST, http, /), and whose body is to come. */
const waiting = (index: number) =>
  http2Frame(Http2Type.HEADERS, Http2Flag.END_HEADERS, 2 * index + 1, Buffer.of(0x83, 0x86, 0x84));
const http2 = (...frames: readonly Uint8Array[]) =>
  talk(80, Buffer.concat([HTTP2_PREFACE, http2Frame(Http2Type.SETTINGS, 0, 0), ...frames]));
/** Kept in the table, so that a byte says it again. */
const LONG_FIELD = hpackField('x-long', 'v'.repeat(3000), { form: 0x40 });
const again = hpackReference(62);

/** A request as long as one likes: no more of it at a time than the server has room for. */
const long = (text: string) => talk(80, ...(text.match(/.{1,30000}/gs) ?? []));
const fields = (count: number, field: (index: number) => string) =>
  long(`GET / HTTP/1.1\r\nHost: shop.example\r\n${some(count, field).join('\r\n')}\r\n\r\n`);
/** A form that uploads files. @param header beside what names the file */
const form = (boundary: string, files: number, header = 'Content-Type: text/plain') => {
  const file = (index: number) =>
    `--${boundary}\r\n${header}\r\nContent-Disposition: form-data; name="f"; filename="${index}.txt"\r\n\r\nx\r\n`;
  const body = `${some(files, file).join('')}--${boundary}--\r\n`;
  return post('/upload', body, { 'Content-Type': `multipart/form-data; boundary=${boundary}` });
};

export const evasion: readonly SignatureCase[] = [
  signature(
    9000901,
    [
      post('/form', gzip(FORM, 3), { 'Content-Encoding': 'gzip, gzip, gzip' }),
      post('/form', brotliCompressSync(gzip(deflateSync(FORM), 2)), {
        'Content-Encoding': 'deflate, x-gzip, gzip, br',
      }),
    ],
    [
      post('/form', gzip(FORM, 1), { 'Content-Encoding': 'gzip' }),
      post('/form', gzip(FORM, 2), { 'Content-Encoding': 'gzip, gzip' }),
      post('/form', FORM, { 'Content-Encoding': 'identity, identity, identity' }),
    ],
  ),
  signature(
    9000902,
    [
      post('/form', bomb, { 'Content-Encoding': 'br' }),
      post('/form', gzip(bomb, 1), { 'Content-Encoding': 'br, gzip' }),
    ],
    // Nothing but zeros, as some programs store them.
    [post('/form', gzip(ZEROS, 1), { 'Content-Encoding': 'gzip' })],
  ),
  signature(
    9000903,
    [
      framed('0\r\n\r\nGET /admin HTTP/1.1\r\nX: ', {
        'Transfer-Encoding': 'xchunked',
        'Content-Length': '29',
      }),
      framed('0\r\n\r\n', { 'Transfer-Encoding': 'chunked', 'Transfer-encoding': 'cow' }),
      framed('0\r\n\r\n', { 'Transfer-Encoding': '\x0bchunked' }),
      framed('0\r\n\r\n', { 'Transfer-Encoding': 'x,\r\n\tchunked' }),
    ],
    [
      framed('4\r\nspam\r\n0\r\n\r\n', { 'Transfer-Encoding': 'chunked' }),
      framed('4\r\nspam\r\n0\r\n\r\n', { 'Transfer-Encoding': 'Chunked' }),
      framed('4\r\nspam\r\n0\r\n\r\n', { 'Transfer-Encoding': 'gzip, chunked' }),
    ],
  ),
  signature(
    9000904,
    [
      framed('spam', { 'Content-Length': '4', 'content-length': '0' }),
      framed('spam', { 'Content-Length': '0', 'Content-length': '4' }),
    ],
    [framed('spam', { 'Content-Length': '4', 'content-length': '4' })],
  ),
  signature(
    9000905,
    [
      http2(head(1, ...some(1100, () => hpackField('a', 'b')))),
      http2(head(1, LONG_FIELD, ...some(30, () => again))),
      http2(
        head(1, hpackField('content-encoding', 'gzip, gzip'), hpackField('content-encoding', 'gzip')),
        http2Frame(Http2Type.DATA, Http2Flag.END_STREAM, 1, gzip(FORM, 3)),
      ),
    ],
    [
      http2(head(1, LONG_FIELD, ...some(10, () => again), ...some(200, () => hpackField('a', 'b')))),
      http2(
        head(1, hpackField('content-encoding', 'gzip')),
        http2Frame(Http2Type.DATA, Http2Flag.END_STREAM, 1, gzip(FORM, 1)),
      ),
    ],
  ),
  signature(
    9000906,
    [
      http2(...some(4100, waiting)),
      http2(...some(4097, (index) => http2Frame(Http2Type.DATA, 0, 2 * index + 1))),
    ],
    [
      http2(
        ...some(1500, waiting),
        ...some(2000, (index) =>
          http2Frame(Http2Type.PRIORITY, 0, 2 * index + 4001, Buffer.of(0, 0, 0, 0, 9)),
        ),
      ),
    ],
  ),
  signature(
    9000907,
    [http2(head(1, Buffer.of(0xbe))), http2(head(1, Buffer.of(0x40, 0x83, 0xff, 0xff, 0xff, 0)))],
    [http2(head(1, LONG_FIELD, again), head(3, again))],
  ),
  signature(
    9000908,
    [
      http2(head(1, Buffer.of(0xff, 0xff, 0xff, 0xff, 0xff, 0x7f))),
      http2(head(1, Buffer.of(0x00, 0x7f, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0))),
    ],
    [http2(head(1, Buffer.of(0x3f, 0xe1, 0x1f), LONG_FIELD))],
  ),
  signature(
    9000909,
    [
      fields(20, (index) => `X-Long-${index}: ${'v'.repeat(7000)}`),
      long(
        `${requestText('POST', '/', '', { 'Transfer-Encoding': 'chunked' })}0\r\n${`X-Late: ${'v'.repeat(7000)}\r\n`.repeat(20)}\r\n`,
      ),
    ],
    [fields(8, (index) => `X-Long-${index}: ${'v'.repeat(7000)}`)],
  ),
  signature(
    9000910,
    [fields(1100, (index) => `X-${index}: v`), fields(1100, () => 'Cookie: a=b')],
    [fields(200, (index) => `X-${index}: v`), fields(200, () => 'Cookie: a=b')],
  ),
  signature(
    9000911,
    [form('b'.repeat(300), 1), form('b', 600), form('b', 1, `X-Long: ${'v'.repeat(20_000)}`)],
    [form('b'.repeat(70), 100), form('b', 1, `X-Long: ${'v'.repeat(2000)}`)],
  ),
  signature(
    9000912,
    [
      framed('4\rspam\r\n0\r\n\r\n', { 'Transfer-Encoding': 'chunked' }),
      framed('4;a=\rb\r\nspam\r\n0\r\n\r\n', { 'Transfer-Encoding': 'chunked' }),
      framed('4\r\r\nspam\r\n0\r\n\r\n', { 'Transfer-Encoding': 'chunked' }),
    ],
    [
      framed('4\r\nspam\r\n0\r\n\r\n', { 'Transfer-Encoding': 'chunked' }),
      framed('4;a="\tb"\nspam\n0\n\n', { 'Transfer-Encoding': 'chunked' }),
    ],
  ),
];
