/** What requests that wait for their bodies take is what they are counted for: it is what `app-layer.memcap` goes by. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { HpackForm, HTTP2_PREFACE, Http2Flag, Http2Type, hpackField, http2Frame } from '@portcullis/testkit';
import { emptyView } from '../../testing/recorder';
import { type Transaction, Transport } from '../transaction';
import { createHttp2 } from './definition';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes in use. What was there before the test is garbage bit by bit: collected until nothing more comes of it. */
function used(): number {
  let before = Number.POSITIVE_INFINITY;
  for (;;) {
    collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    const now = heapUsed + arrayBuffers;
    if (now > before * 0.999) return now;
    before = now;
  }
}

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
  begin();
  const parsers = new Array<ReturnType<typeof begin> | null>(10).fill(null);
  const before = used();
  for (let i = 0; i < parsers.length; i++) parsers[i] = begin();
  const real = used() - before;
  const counted = parsers.reduce((sum, parser) => sum + (parser?.heldBytes() ?? 0), 0);
  // Measured 0.86 to 1.05; what others leave behind comes and goes.
  expect(real / counted).toBeLessThan(1.5);
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
  begin();
  const parsers = new Array<ReturnType<typeof begin> | null>(300).fill(null);
  const before = used();
  for (let i = 0; i < parsers.length; i++) parsers[i] = begin();
  const each = (used() - before) / parsers.length;
  // Measured 2.1 KB.
  expect(each).toBeLessThan(3000);
});
