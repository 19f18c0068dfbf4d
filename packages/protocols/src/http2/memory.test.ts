/** What requests that wait for their bodies take is what they are counted for: it is what `app-layer.memcap` goes by. */
import { gzipSync } from 'node:zlib';
import {
  bytesOfEach,
  HpackForm,
  HTTP2_PREFACE,
  Http2Flag,
  Http2Type,
  hpackField,
  http2Frame,
} from '@portcullis/testkit';
import { emptyView } from '../../testing/recorder';
import { type Transaction, Transport } from '../transaction';
import { createHttp2 } from './definition';

/** `:method: POST`, `:scheme: http`, `:path: /` */
const HEAD = Buffer.of(0x83, 0x86, 0x84);
const fields = (count: number, length: number, form: number): Buffer =>
  Buffer.concat([
    HEAD,
    ...Array.from({ length: count }, (_, index) => hpackField(`x-${index}`, 'v'.repeat(length), { form })),
  ]);
const LISTENER = {
  onProgress: () => {},
  onTransactionEnd: () => {},
  onEvent: () => {},
  onUpgrade: () => {},
  onExpectation: () => {},
};
const BUFFERS = Array.from({ length: 60 }, (_, number) => number);
const view = emptyView();
const askForAll = (tx: Transaction): void => BUFFERS.forEach((number) => void tx.buffer(number, 0, view));

test.each([
  ['no fields of their own', HEAD, 2000, null],
  ['many fields', fields(20, 10, HpackForm.PLAIN), 300, null],
  ['fields that stay in the table', fields(20, 10, HpackForm.INDEXED), 300, null],
  ['a long field', fields(1, 3000, HpackForm.NEVER), 300, null],
  ['buffers that were asked for', HEAD, 2000, askForAll],
  ['buffers made of long fields', fields(2, 3000, HpackForm.NEVER), 200, askForAll],
])('requests with %s', (_, block, count, asks) => {
  const definition = createHttp2();
  const listener = { ...LISTENER, onProgress: (tx: Transaction) => asks?.(tx) };
  const requests = Array.from({ length: count }, (_each, index) =>
    http2Frame(Http2Type.HEADERS, Http2Flag.END_HEADERS, 1 + 2 * index, block),
  );
  const bytes = Buffer.concat([HTTP2_PREFACE, http2Frame(Http2Type.SETTINGS, 0, 0), ...requests]);
  const begin = () => {
    const parser = definition.create(listener, Transport.TCP);
    parser.feed(0, bytes, 0, bytes.length);
    return parser;
  };
  const counted = begin().heldBytes();
  // Measured 0.86 to 1.05.
  expect(bytesOfEach(10, begin, 0, 1.5 * counted) / counted).toBeLessThanOrEqual(1.5);
});

const coded = (layers: number): Buffer =>
  Array.from({ length: layers }).reduce((bytes: Buffer) => gzipSync(bytes), Buffer.alloc(3000, 'some text '));

test.each([
  ['are there', 0, true],
  ['are coming', 0, false],
  ['were coded', 1, true],
  ['are coded and coming', 1, false],
  ['were coded twice', 2, true],
  ['are coded twice and coming', 2, false],
] as const)('requests whose bodies %s', (_, layers, whole) => {
  const definition = createHttp2();
  const encoding = hpackField('content-encoding', 'gzip, gzip'.slice(0, Math.max(0, 6 * layers - 2)), {
    form: HpackForm.PLAIN,
  });
  const block = layers > 0 ? Buffer.concat([HEAD, encoding]) : HEAD;
  const body = coded(layers);
  const requests = Array.from({ length: 100 }, (_each, index) => [
    http2Frame(Http2Type.HEADERS, Http2Flag.END_HEADERS, 1 + 2 * index, block),
    whole
      ? http2Frame(Http2Type.DATA, Http2Flag.END_STREAM, 1 + 2 * index, body)
      : http2Frame(Http2Type.DATA, 0, 1 + 2 * index, body.subarray(0, body.length - 8)),
  ]);
  const bytes = Buffer.concat([HTTP2_PREFACE, http2Frame(Http2Type.SETTINGS, 0, 0), ...requests.flat()]);
  const begin = () => {
    const parser = definition.create(LISTENER, Transport.TCP);
    parser.feed(0, bytes, 0, bytes.length);
    return parser;
  };
  const held = begin().heldBytes();
  expect(held).toBeGreaterThan(100 * (whole ? 3000 : 3000 + 8000 * layers));
  const each = bytesOfEach(10, begin, 0.7 * held, 1.3 * held);
  expect(each / held).toBeGreaterThanOrEqual(0.7);
  expect(each / held).toBeLessThanOrEqual(1.3);
});

test('a connection on which everything is answered keeps nothing of what it has had', () => {
  const definition = createHttp2();
  const long = hpackField('x', 'a'.repeat(30_000), { form: HpackForm.NEVER, coded: true });
  const request = http2Frame(
    Http2Type.HEADERS,
    Http2Flag.END_HEADERS | Http2Flag.END_STREAM,
    1,
    Buffer.concat([HEAD, long]),
  );
  const bytes = Buffer.concat([HTTP2_PREFACE, http2Frame(Http2Type.SETTINGS, 0, 0), request]);
  const answer = http2Frame(
    Http2Type.HEADERS,
    Http2Flag.END_HEADERS | Http2Flag.END_STREAM,
    1,
    Buffer.of(0x88),
  );
  const begin = () => {
    const parser = definition.create(LISTENER, Transport.TCP);
    parser.feed(0, bytes, 0, bytes.length);
    parser.feed(1, answer, 0, answer.length);
    // Asked after each piece, as the engine does.
    expect(parser.heldBytes()).toBe(0);
    return parser;
  };
  // Measured 2.1 KB.
  expect(bytesOfEach(300, begin, 0, 3000)).toBeLessThan(3000);
});
