import { ALL_CHARACTERS, BODY, converse, LONG_VALUE } from '../../testing/http2/conversation';
import { Random, testSeed } from '../../testing/random';
import { bytesOf, type Piece, type RecordedTransaction, Recorder, record } from '../../testing/recorder';
import { expectNothingThrown, expectSameWhereverCut } from '../../testing/robustness';
import { Transport } from '../transaction';
import { createHttp2 } from './definition';
import { MAGIC } from './frame';
import { LARGEST_FRAME } from './side';
import { MOST_STREAMS } from './stream-table';

const http2 = createHttp2();
const magic = Buffer.from(MAGIC);

function frame(type: number, flags: number, stream: number, body: number[] | Buffer = []): Buffer {
  const { length } = body;
  return Buffer.concat([
    Buffer.from([
      length >> 16,
      (length >> 8) & 255,
      length & 255,
      type,
      flags,
      stream >>> 24,
      (stream >> 16) & 255,
      (stream >> 8) & 255,
      stream & 255,
    ]),
    Buffer.from(body),
  ]);
}
/** A field that is not indexed, as it is. */
const field = (name: string, value: string) =>
  Buffer.concat([Buffer.from([0, name.length]), bytesOf(name), Buffer.from([value.length]), bytesOf(value)]);
const fields = (...pairs: [string, string][]) =>
  Buffer.concat(pairs.map(([name, value]) => field(name, value)));
const get = (path: string) => fields([':method', 'GET'], [':path', path]);

let conversation: Piece[];
let streams: RecordedTransaction[];
beforeAll(async () => {
  conversation = await converse();
  streams = record(http2, conversation).transactions.filter(({ buffers }) => '>http.method' in buffers);
});

test('what another implementation says', () => {
  const [first, upload, long, never] = streams.map(({ buffers }) => buffers);
  expect(first).toMatchObject({
    '>http.method': 'GET',
    '>http.uri': '/first?q=1',
    '>http.uri.raw': '/first?q=1',
    '>http.protocol': 'HTTP/2',
    '>http.request_line': 'GET /first?q=1 HTTP/2\r\n',
    '>http.host': 'example.com',
    '>http.host.raw': 'example.com:8080',
    '>http.user_agent': 'probe',
    '<http.stat_code': '200',
    '<http.response_line': 'HTTP/2 200\r\n',
    '<http.content_type': 'text/html',
    '<http.response_body': BODY,
    '<file.data[0]': BODY,
    '<file.name[0]': '/first?q=1',
    '<file.size[0]': `\0\0\0\0\0\0${String.fromCharCode(BODY.length >> 8, BODY.length & 255)}`,
    '>http2.frametype[0]': '\x01',
  });
  expect(first['>http.cookie']).toMatch(/^c=1[;,] d=2$/);
  expect(first['>http.header']).toContain('user-agent: probe\r\n');
  expect(first['>http.header']).not.toContain('cookie');
  expect(first['>http.header.raw']).toContain('cookie: ');
  expect(first['>http.header_names']).toMatch(/^\r\n:.*\r\nuser-agent\r\n.*\r\n\r\n$/s);
  expect(Object.entries(first)).toContainEqual([
    expect.stringContaining('>http.request_header['),
    `x-all: ${ALL_CHARACTERS}`,
  ]);
  expect(upload).toMatchObject({
    '>http.method': 'POST',
    '>http.request_body': 'some body',
    '>file.data[0]': 'some body',
    '<http.cookie': 'a=1, b=2',
    '<http.server': 'test',
    '<http.response_body': 'some body',
  });
  expect(Object.values(long).some((value) => value === `x-long: ${LONG_VALUE}`)).toBe(true);
  expect(
    Object.keys(long)
      .filter((key) => key.startsWith('>http2.frametype'))
      .map((key) => long[key]),
  ).toContain('\x09');
  expect(Object.entries(never).filter(([key]) => key.startsWith('<http2.errorcode'))).toEqual([
    ['<http2.errorcode[0]', '\0\0\0\x02'],
  ]);
  expect(streams.every(({ ended, events }) => ended === 1 && events.length === 0)).toBe(true);
});

test('cuts do not matter', () => {
  const short: Piece[] = [
    [0, Buffer.concat([magic, frame(4, 0, 0, [0, 3, 0, 0, 0, 100]), frame(1, 4, 1, get('/a')), frame(0, 9, 1, [2, 0x62, 0x6f, 0x64, 0x79, 0, 0])])],
    [1, Buffer.concat([frame(4, 0, 0, []), frame(1, 0, 1, Buffer.from([0x88])), frame(9, 4, 1, field('server', 'x'))])],
    [1, Buffer.concat([frame(0, 0, 1, bytesOf('one')), frame(8, 0, 1, [0, 0, 1, 0]), frame(0, 1, 1, bytesOf('two')), frame(7, 0, 0, [0, 0, 0, 1, 0, 0, 0, 11])])],
  ]; // biome-ignore format: frames
  const { transactions } = record(http2, short);
  expect(transactions.map(({ buffers }) => buffers)).toMatchObject([
    { '>http2.settings': '\0\x03\0\0\0d' },
    {
      '>http.uri': '/a',
      '>http.request_body': 'body',
      '<http.stat_code': '200',
      '<http.server': 'x',
      '<http.response_body': 'onetwo',
      '<http2.window[0]': '\0\0\x01\0',
    },
    { '<http2.errorcode[0]': '\0\0\0\x0b' },
  ]);
  expectSameWhereverCut(http2, short);
});

test('mutations do no harm', () =>
  expectNothingThrown(
    http2,
    conversation.map(([direction, bytes]) => [direction, bytes.subarray(0, 3000)]),
    60,
  ));

const request = (...frames: Buffer[]): Piece[] => [[0, Buffer.concat([magic, ...frames])]];
test.each<[string, Piece[]]>([
  ['http2.invalid_client_magic', [[0, frame(1, 5, 1, get('/'))]]],
  ['http2.invalid_header', request(frame(1, 5, 1, [0xff]))],
  ['http2.header_integer_overflow', request(frame(1, 5, 1, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]))],
  ['http2.invalid_frame_length', request(frame(3, 0, 1, [0]))],
  ['http2.invalid_frame_data', request(frame(1, 0x0c, 1, [200]))],
  ['http2.data_stream_zero', request(frame(0, 0, 0, [1]))],
  ['http2.stream_id_reuse', [...request(frame(1, 5, 1, get('/'))), [1, frame(1, 5, 1, [0x88])], [0, frame(1, 5, 1, get('/'))]]],
  ['http2.authority_host_mismatch', request(frame(1, 5, 1, fields([':authority', 'a'], ['host', 'b'])))],
  ['http2.userinfo_in_uri', request(frame(1, 5, 1, fields([':authority', 'me:pw@a'])))],
  ['http2.long_frame_data', request(frame(1, 5, 1, Buffer.concat([get('/long'), Buffer.alloc(LARGEST_FRAME)])))],
  ['http2.reassembly_limit_reached', request(frame(1, 1, 1, get('/x')), ...Array.from({ length: 6 }, () => frame(9, 0, 1, fields(...Array.from({ length: 66 }, (): [string, string] => ['n', 'v'.repeat(120)])))), frame(9, 0, 1, Buffer.alloc(17_000)))],
])('event %s', (event, pieces) => {
  const { transactions, events } = record(http2, pieces);
  const all = [...events, ...transactions.flatMap((tx) => tx.events)];
  expect(all.join()).toContain(event);
  expect(transactions.every(({ ended }) => ended === 1)).toBe(true);
}); // biome-ignore format: a table

test('of a header block that is too long the beginning is looked at', () => {
  const { transactions } = record(
    http2,
    request(frame(1, 5, 1, Buffer.concat([get('/long'), Buffer.alloc(LARGEST_FRAME)]))),
  );
  expect(transactions[0].buffers['>http.uri']).toBe('/long');
});

test('a target is shown as HTTP/1 shows it', () => {
  const [{ buffers }] = record(http2, request(frame(1, 5, 1, get('/a/../%2561%62?q=%3Cb%3e')))).transactions;
  expect(buffers).toMatchObject({ '>http.uri': '/%61b?q=<b>', '>http.uri.raw': '/a/../%2561%62?q=%3Cb%3e' });
});

test('priorities of streams to come push none out', () => {
  const priorities = Array.from({ length: MOST_STREAMS + 9 }, (_, i) =>
    frame(2, 0, 2 * i + 3, [0, 0, 0, 0, 7]),
  );
  const post = fields([':method', 'POST'], [':path', '/']);
  const body = [frame(0, 0, 1, bytesOf('one')), ...priorities, frame(0, 1, 1, bytesOf('two'))];
  const { transactions } = record(http2, request(frame(1, 4, 1, post), ...body));
  expect(transactions.flatMap(({ events }) => events)).toEqual([]);
  expect(transactions).toHaveLength(1 + priorities.length);
  expect(transactions.filter(({ buffers }) => '>http.request_body' in buffers)).toMatchObject([
    { buffers: { '>http.request_body': 'onetwo' } },
  ]);
  expect(transactions.filter(({ buffers }) => buffers['>http2.priority[0]'] === '\x07')).toHaveLength(
    priorities.length,
  );
});

test('a table may be as large as a server allows that was not heard', () => {
  const update = Buffer.from([0x3f, 0xe1, 0x7f]);
  const { transactions } = record(http2, request(frame(1, 5, 1, Buffer.concat([update, get('/big')]))));
  expect(transactions[0]).toMatchObject({ events: [], buffers: { '>http.uri': '/big' } });
});

test.each([
  ['more fields than are looked at', fields(...Array.from({ length: 1100 }, (): [string, string] => ['a', 'b']))],
  ['more bytes of fields', fields(...Array.from({ length: 500 }, (): [string, string] => ['a'.repeat(100), 'b'.repeat(100)]))],
  ['codings', fields(['content-encoding', 'gzip, gzip, gzip'])],
  ['a field of codings', fields(['content-encoding', 'identity,'.repeat(14)], ['content-encoding', 'identity,'.repeat(14)])],
])('%s: told', (_, block) => {
  const whole = Buffer.concat([fields([':method', 'POST'], [':path', '/']), block]);
  const frames = [frame(1, 0, 1, whole.subarray(0, 9))];
  for (let at = 9; at < whole.length; at += 16_000)
    frames.push(frame(9, at + 16_000 >= whole.length ? 4 : 0, 1, whole.subarray(at, at + 16_000)));
  const { transactions } = record(http2, request(...frames, frame(0, 1, 1, bytesOf('body'))));
  expect(transactions[0].events).toContain('>http2.reassembly_limit_reached');
}); // biome-ignore format: a table

test('a request with more of a body than rules see is told of, once', () => {
  const limited = createHttp2({ requestBody: 2000 });
  const told = (length: number) => {
    const post = frame(1, 4, 1, fields([':method', 'POST'], [':path', '/']));
    const body = Array.from({ length: 3 }, (_, i) =>
      frame(0, i === 2 ? 1 : 0, 1, Buffer.alloc(length / 3, 'b')),
    );
    const [{ events, buffers }] = record(limited, request(post, ...body)).transactions;
    return [buffers['>http.request_body']?.length, ...events];
  };
  expect(told(1500)).toEqual([1500]);
  expect(told(2100)).toEqual([2000, '>http2.request_body_limit_reached']);
});

test('what streams hold is counted as if it were added up', () => {
  const seed = testSeed();
  const random = new Random(seed);
  const recorder = new Recorder(http2.buffers);
  const parser = http2.create(recorder, Transport.TCP);
  const feed = (bytes: Buffer) => parser.feed(0, bytes, 0, bytes.length);
  const streams = (parser as unknown as { streams: { streams: Map<number, { heldBytes(): number }> } })
    .streams;
  feed(magic);
  const empty = parser.heldBytes();
  const ends = 200;
  for (let round = 0; round < 600; round++) {
    const id = 1 + 2 * random.next(ends);
    const frames = [
      () => frame(1, 4, id, fields([':method', 'POST'], [':path', `/${'p'.repeat(random.next(60))}`])),
      () => frame(0, random.next(8) === 0 ? 1 : 0, id, Buffer.alloc(random.next(300), 'x')),
      () => frame(3, 0, id, [0, 0, 0, 8]),
      () => frame(8, 0, id, [0, 0, 1, 0]),
    ];
    const bytes = random.pick([...frames, frames[1], frames[1]])();
    const cut = random.next(bytes.length);
    feed(bytes.subarray(0, cut));
    feed(bytes.subarray(cut));
    let sum = 0;
    for (const stream of streams.streams.values()) sum += stream.heldBytes();
    if (parser.heldBytes() - empty !== sum) throw new Error(`SEED=${seed} round ${round}`);
  }
  expect(streams.streams.size).toBeGreaterThan(10);
  parser.close(0);
  parser.close(1);
  expect(parser.heldBytes()).toBe(0);
});

test('streams are bounded, and so is what short references say again and again', () => {
  const many = Array.from({ length: MOST_STREAMS + 2 }, (_, i) => frame(1, 4, 2 * i + 1, get('/')));
  const { transactions } = record(http2, request(...many));
  expect(transactions.flatMap(({ events }) => events)).toEqual(['>http2.too_many_streams']);
  // A 3 kB entry, then thousands of references to it.
  const value = Buffer.alloc(3000, 0x76);
  const entry = Buffer.concat([
    Buffer.from([0x40, 1, 0x6e, 0x7f, ((3000 - 127) & 127) | 128, (3000 - 127) >> 7]),
    value,
  ]);
  const bomb = request(frame(1, 5, 1, Buffer.concat([entry, Buffer.alloc(10_000, 0xbe)])));
  const [{ buffers }] = record(http2, bomb).transactions;
  expect(buffers['>http.header'].length).toBeLessThan(70_000);
});

test('what is HTTP/2 and what is not', () => {
  const probe = (bytes: Buffer, direction: 0 | 1) =>
    http2.probe(direction, bytes, 0, bytes.length, {
      transport: Transport.TCP,
      clientPort: 1,
      serverPort: 80,
    });
  expect(probe(magic, 0)).toBe(1);
  expect(probe(magic.subarray(0, 10), 0)).toBe(0);
  expect(probe(bytesOf('GET / HTTP/1.1\r\n'), 0)).toBe(-1);
  expect(probe(frame(4, 0, 0, [0, 3, 0, 0, 0, 100]), 1)).toBe(1);
  expect(probe(frame(1, 4, 1, [0x88]), 1)).toBe(-1);
});
