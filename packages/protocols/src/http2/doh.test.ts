import { bytesOf, feedAll, type Piece, Recorder, record } from '../../testing/recorder';
import { expectSameWhereverCut } from '../../testing/robustness';
import { Transport } from '../transaction';
import { createDoh2, createHttp2 } from './definition';
import { LONGEST_DNS_MESSAGE } from './dns-messages';
import { MAGIC } from './frame';

const doh2 = createDoh2();

function frame(type: number, flags: number, stream: number, body: Buffer): Buffer {
  const { length } = body;
  const header = [length >> 16, (length >> 8) & 255, length & 255, type, flags, 0, 0, 0, stream];
  return Buffer.concat([Buffer.from(header), body]);
}
const fields = (...pairs: [string, string][]) =>
  Buffer.concat(
    pairs.map(([name, value]) =>
      Buffer.concat([
        Buffer.from([0, name.length]),
        bytesOf(name),
        Buffer.from([value.length]),
        bytesOf(value),
      ]),
    ),
  );
const name = bytesOf('\x03www\x07example\x03com\0');
const query = Buffer.concat([
  Buffer.from([0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
  name,
  Buffer.from([0, 1, 0, 1]),
]);
const answer = Buffer.concat([
  Buffer.from([0, 0, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]), name, Buffer.from([0, 1, 0, 1]),
  Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 10, 0, 0, 1]),
]); // biome-ignore format: a message
const type = 'application/dns-message';
const magic = Buffer.from(MAGIC);
const plain = frame(1, 5, 1, fields([':method', 'GET'], [':path', '/']));
const get = frame(
  1,
  5,
  3,
  fields([':method', 'GET'], [':path', `/dns-query?dns=${query.toString('base64url')}`], ['accept', type]),
);
const post = Buffer.concat([
  frame(1, 4, 5, fields([':method', 'POST'], [':path', '/dns-query'], ['content-type', type])),
  frame(0, 1, 5, query),
]);
const answered = (stream: number) =>
  Buffer.concat([
    frame(1, 4, stream, fields([':status', '200'], ['content-type', type])),
    frame(0, 1, stream, answer),
  ]);
const conversation: Piece[] = [
  [0, Buffer.concat([magic, plain, get, post])],
  [1, Buffer.concat([answered(3), answered(5)])],
];

test('questions in the target and in a body, answers in bodies', () => {
  const { transactions } = record(doh2, conversation);
  expect(transactions.map(({ buffers }) => buffers)).toMatchObject([
    { '>http.uri': '/' },
    {
      '>dns.query[0]': 'www.example.com',
      '>dns.opcode': '\0',
      '<dns.answers.rrname[0]': 'www.example.com',
      '<http.stat_code': '200',
    },
    {
      '>dns.query[0]': 'www.example.com',
      '>http.method': 'POST',
      '<dns.answers.rrname[0]': 'www.example.com',
    },
  ]);
  expect(Object.keys(transactions[0].buffers).some((key) => key.includes('dns'))).toBe(false);
  expectSameWhereverCut(doh2, conversation);
});

test('a flow is told of from the first such message on', () => {
  const http2 = createHttp2();
  const told: [string, number][] = [];
  const recorder = Object.assign(new Recorder(http2.buffers), {
    onProtocol: (protocol: string) => told.push([protocol, recorder.transactions.length]),
  });
  const parser = http2.create(recorder, Transport.TCP);
  expect(parser.protocol).toBe('http2');
  feedAll(parser, conversation);
  expect([parser.protocol, told]).toEqual(['doh2', [['doh2', 1]]]);
  parser.reset();
  expect(parser.protocol).toBe('http2');
});

test('a message that is too long', () => {
  const body = Buffer.alloc(16_000);
  const frames = Array.from({ length: 5 }, (_, i) => frame(0, i === 4 ? 1 : 0, 5, body));
  expect(5 * body.length).toBeGreaterThan(LONGEST_DNS_MESSAGE);
  const head = frame(1, 4, 5, fields([':method', 'POST'], ['content-type', type]));
  const { transactions } = record(doh2, [[0, Buffer.concat([magic, head, ...frames])]]);
  expect(transactions.map(({ events }) => events)).toEqual([['>http2.dns_request_too_long']]);
});
