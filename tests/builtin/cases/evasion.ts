import { brotliCompressSync, constants, deflateSync, gzipSync } from 'node:zlib';
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
];
