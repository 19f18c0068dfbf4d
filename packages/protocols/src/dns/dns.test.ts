import { labels, message, overTcp, pointer, question, resource, word } from '../../testing/dns/messages';
import { Random, rounds, testSeed } from '../../testing/random';
import { bytesOf, emptyView, feedAll, type Piece, Recorder, record, split } from '../../testing/recorder';
import { createLlmnr } from '../llmnr/definition';
import { createMdns } from '../mdns/definition';
import { allBuffers } from '../registry';
import { type ProbedFlow, type Transaction, Transport } from '../transaction';
import { createDns } from './definition';
import { MAX_NAME_BYTES } from './limits';

const dns = createDns();
const { TCP, UDP } = Transport;

const QUERY = message({ queries: [question(labels('www.Example.com'), 28)] });
const SOA_DATA = Buffer.concat([labels('ns1.example.com'), labels('root.example.com'), Buffer.alloc(20, 1)]);
const RESPONSE = message({
  flags: 0x8583,
  queries: [question(labels('www.Example.com'))],
  answers: [
    resource(pointer(12), 5, Buffer.concat([Buffer.from([3]), Buffer.from('cdn'), pointer(16)])),
    resource(pointer(16), 1, Buffer.from([192, 0, 2, 1])),
    resource(pointer(12), 16, Buffer.from('\x03one\x03two')),
  ],
  authorities: [resource(pointer(16), 6, SOA_DATA)],
  additionals: [
    resource(labels(''), 41, Buffer.alloc(0)),
    resource(labels('ns1.example.com'), 28, Buffer.alloc(16, 0xab)),
  ],
});

function only(pieces: readonly Piece[], transport: Transport = UDP, definition = dns) {
  const recorder = record(definition, pieces, transport);
  expect(recorder.transactions).toHaveLength(pieces.length);
  return recorder.transactions;
}

test('a query is a transaction of its own', () => {
  const [tx] = only([[0, QUERY]]);
  expect(tx).toEqual({
    id: 0,
    buffers: {
      '>dns.query[0]': 'www.Example.com',
      '>dns.queries.rrname[0]': 'www.Example.com',
      '>dns.query.name[0]': 'www.Example.com',
      '>dns.opcode': '\x00',
      '>dns.rcode': '\x00\x00',
      '>dns.rrtype[0]': '\x00\x1c',
    },
    events: [],
    progress: [1, 0],
    ended: 1,
  });
});

test('a response shows the names of all its sections', () => {
  const [tx] = only([[1, RESPONSE]]);
  expect(tx.buffers).toEqual({
    '<dns.queries.rrname[0]': 'www.Example.com',
    '<dns.query.name[0]': 'www.Example.com',
    '<dns.answers.rrname[0]': 'www.Example.com',
    '<dns.answers.rrname[1]': 'Example.com',
    '<dns.answers.rrname[2]': 'www.Example.com',
    '<dns.answer.name[0]': 'www.Example.com',
    '<dns.answer.name[1]': 'Example.com',
    '<dns.answer.name[2]': 'www.Example.com',
    '<dns.authorities.rrname[0]': 'Example.com',
    '<dns.response.rrname[0]': 'www.Example.com',
    '<dns.response.rrname[1]': 'www.Example.com',
    '<dns.response.rrname[2]': 'cdn.Example.com',
    '<dns.response.rrname[3]': 'Example.com',
    '<dns.response.rrname[4]': 'www.Example.com',
    '<dns.response.rrname[5]': 'Example.com',
    '<dns.response.rrname[6]': 'ns1.example.com',
    '<dns.response.rrname[7]': 'ns1.example.com',
    '<dns.opcode': '\x00',
    '<dns.rcode': '\x00\x03',
    '<dns.rrtype[0]': '\x00\x05',
    '<dns.rrtype[1]': '\x00\x01',
    '<dns.rrtype[2]': '\x00\x10',
  });
  expect(tx.progress).toEqual([0, 1]);
});

test('what is told of a message', () => {
  const told: unknown[] = [];
  const definition = createDns();
  const recorder = new Recorder(definition.buffers);
  const parser = definition.create(
    Object.assign(recorder, {
      onProgress: (tx: Transaction) => told.push(definition.describe?.(tx)),
      onTransactionEnd() {},
    }),
    UDP,
  );
  feedAll(parser, [
    [0, QUERY],
    [1, RESPONSE],
  ]);
  expect(told).toEqual([
    {
      version: 3,
      type: 'request',
      tx_id: 0,
      id: 0x1234,
      flags: '100',
      rd: true,
      opcode: 0,
      rcode: 'NOERROR',
      queries: [{ rrname: 'www.Example.com', rrtype: 'AAAA' }],
    },
    {
      version: 3,
      type: 'response',
      tx_id: 1,
      id: 0x1234,
      flags: '8583',
      qr: true,
      aa: true,
      rd: true,
      ra: true,
      opcode: 0,
      rcode: 'NXDOMAIN',
      queries: [{ rrname: 'www.Example.com', rrtype: 'A' }],
      answers: [
        { rrname: 'www.Example.com', rrtype: 'CNAME', ttl: 60, rdata: 'cdn.Example.com' },
        { rrname: 'Example.com', rrtype: 'A', ttl: 60, rdata: '192.0.2.1' },
        { rrname: 'www.Example.com', rrtype: 'TXT', ttl: 60, rdata: 'one' },
        { rrname: 'www.Example.com', rrtype: 'TXT', ttl: 60, rdata: 'two' },
      ],
      grouped: { CNAME: ['cdn.Example.com'], A: ['192.0.2.1'], TXT: ['one', 'two'] },
      authorities: [
        {
          rrname: 'Example.com',
          rrtype: 'SOA',
          ttl: 60,
          soa: {
            mname: 'ns1.example.com',
            rname: 'root.example.com',
            serial: 0x01010101,
            refresh: 0x01010101,
            retry: 0x01010101,
            expire: 0x01010101,
            minimum: 0x01010101,
          },
        },
      ],
      additionals: [
        {
          rrname: 'ns1.example.com',
          rrtype: 'AAAA',
          ttl: 60,
          rdata: 'abab:abab:abab:abab:abab:abab:abab:abab',
        },
      ],
    },
  ]);
});

test('over TCP every cut gives the same', () => {
  const pieces: Piece[] = [
    [0, Buffer.concat([overTcp(QUERY), overTcp(QUERY), Buffer.from([0, 0]), overTcp(QUERY)])],
    [1, Buffer.concat([overTcp(RESPONSE), overTcp(RESPONSE)])],
  ];
  const whole = record(dns, pieces).summary();
  expect(whole).toMatchObject({ transactions: { length: 5 }, events: [] });
  for (let cut = 1; cut < pieces[0][1].length; cut++) {
    const cutUp: Piece[] = [[0, pieces[0][1].subarray(0, cut)], [0, pieces[0][1].subarray(cut)], pieces[1]];
    expect(record(dns, cutUp).summary()).toEqual(whole);
  }
  const random = new Random(testSeed());
  for (let run = 0; run < 20; run++) {
    try {
      expect(record(dns, split(pieces, random, 40)).summary()).toEqual(whole);
    } catch (error) {
      throw new Error(`SEED=${random.seed}: ${error}`);
    }
  }
});

test.each([
  ['Z flag', message({ flags: 0x0140, queries: [question(labels('a'))] }), 'dns.z_flag_set'],
  ['opcode', message({ flags: 0x4800, queries: [question(labels('a'))] }), 'dns.invalid_opcode'],
  [
    'additionals',
    message({ queries: [question(labels('a'))], additionals: [Buffer.from([0, 0])] }),
    'dns.invalid_additionals',
  ],
  [
    'authorities',
    message({
      queries: [question(labels('a'))],
      authorities: [Buffer.from([1])],
      additionals: [Buffer.from([0, 0])],
    }),
    'dns.invalid_authorities',
  ],
  // From the question into the data of a record of unknown type, which has a pointer to itself.
  [
    'loop',
    message({
      queries: [question(pointer(18 + 11))],
      additionals: [resource(labels(''), 999, pointer(18 + 11))],
    }),
    'dns.infinite_loop',
  ],
])('flaw: %s', (_name, bytes, event) => {
  const [tx] = only([[0, bytes]]);
  expect(tx.events).toEqual([`>${event}`]);
  expect(tx.ended).toBe(1);
});

test('a chain of pointers ends, and a name has a greatest length', () => {
  // Two pointers that name each other.
  const chain = message({
    queries: [question(pointer(18 + 11))],
    additionals: [resource(labels(''), 999, Buffer.concat([pointer(18 + 13), pointer(18 + 11)]))],
  });
  expect(only([[0, chain]])[0].events).toEqual(['>dns.name_too_long', '>dns.too_many_labels']);
  const long = labels(Array.from({ length: 20 }, () => 'x'.repeat(63)).join('.'));
  const [tx] = only([[0, message({ queries: [question(long)] })]]);
  expect(tx.events).toEqual(['>dns.name_too_long']);
  expect(tx.buffers['>dns.query[0]']).toHaveLength(MAX_NAME_BYTES);
});

test.each([
  ['a label beyond the end', message({ queries: [Buffer.from([63, 97, 0, 0, 1, 0, 1])] })],
  ['a label type that is none', message({ queries: [question(Buffer.from([0x80, 0]))] })],
  ['a pointer to itself', message({ queries: [question(pointer(12))] })],
  ['a pointer beyond the end', message({ queries: [question(pointer(4000))] })],
  [
    'answers that are not there',
    Buffer.concat([word(1), word(0x8180), word(0), word(1), word(0), word(0), Buffer.from([0, 0, 1])]),
  ],
  ['a response to the server', RESPONSE],
])('no transaction: %s', (_name, bytes) => {
  const direction = bytes[2] === 0x81 ? 1 : 0;
  const recorder = record(dns, [[direction, bytes]], UDP);
  expect(recorder.transactions).toEqual([]);
  expect(recorder.events).toHaveLength(1);
  expect(recorder.events[0]).toMatch(/^[<>]dns\.(malformed_data|not_request)$/);
});

test('pointers stand for no more than a bounded amount of work', () => {
  const labelsOf255 = labels(Array.from({ length: 120 }, () => 'y').join('.'));
  const records = Array.from({ length: 5000 }, () => resource(pointer(12), 1, Buffer.alloc(0)));
  const bytes = message({ flags: 0x8180, queries: [question(labelsOf255)], answers: records });
  const [tx] = only([[1, bytes]]);
  expect(tx.events).toEqual(['<dns.name_too_long', '<dns.too_many_labels']);
});

test('a message that is none hides nothing of those behind it', () => {
  const recorder = record(dns, [
    [0, Buffer.concat([overTcp(QUERY), overTcp(Buffer.alloc(20, 7)), overTcp(QUERY)])],
    [0, overTcp(QUERY)],
  ]);
  expect(recorder.transactions).toHaveLength(3);
});

test('after a gap the next message that begins with a segment is read', () => {
  const recorder = new Recorder(dns.buffers);
  const parser = dns.create(recorder, TCP);
  parser.feed(0, overTcp(QUERY), 0, 10);
  expect(parser.heldBytes()).toBeGreaterThan(0);
  parser.gap(0, 100);
  expect(parser.heldBytes()).toBe(0);
  parser.feed(0, Buffer.from('no message at all'), 0, 17);
  feedAll(parser, [[0, overTcp(QUERY)]]);
  expect(recorder.transactions).toHaveLength(1);
});

const flow = (transport: Transport, serverPort: number, clientPort = 40000): ProbedFlow => ({
  transport,
  serverPort,
  clientPort,
});
const probe = (bytes: Buffer, from: ProbedFlow, definition = dns) =>
  definition.probe(0, bytes, 0, bytes.length, from);

test('told by its bytes', () => {
  expect(probe(QUERY, flow(UDP, 53))).toBe(1);
  expect(probe(QUERY, flow(UDP, 9953))).toBe(1);
  expect(probe(RESPONSE, flow(UDP, 9953))).toBe(1);
  expect(probe(overTcp(QUERY), flow(TCP, 9953))).toBe(1);
  for (let i = 1; i < 20; i++) {
    expect(probe(overTcp(QUERY).subarray(0, i), flow(TCP, 9953))).toBe(0);
    expect(probe(QUERY.subarray(0, i), flow(UDP, 9953))).toBe(-1);
  }
  for (const text of [
    'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03abcdefghij',
    'SSH-2.0-x\r\n',
  ]) {
    expect(probe(bytesOf(text), flow(TCP, 53))).toBe(-1);
    expect(probe(bytesOf(text), flow(UDP, 9953))).toBe(-1);
  }
  expect(probe(QUERY, flow(UDP, 9953), createDns({ anyPort: false }))).toBe(-1);
  expect(probe(QUERY, flow(UDP, 53), createDns({ anyPort: false }))).toBe(1);
  // Names of the NetBIOS kind, and the other protocols with these messages.
  expect(probe(QUERY, flow(UDP, 137))).toBe(-1);
  expect(probe(QUERY, flow(UDP, 5353))).toBe(-1);
  expect(probe(QUERY, flow(UDP, 5353), createMdns())).toBe(1);
  expect(probe(QUERY, flow(UDP, 5355), createLlmnr())).toBe(1);
  expect(probe(QUERY, flow(UDP, 53), createMdns())).toBe(-1);
});

test('where everybody answers, the header says who does', () => {
  const mdns = createMdns();
  const [asked, answered] = only(
    [
      [0, QUERY],
      [0, RESPONSE],
    ],
    UDP,
    mdns,
  );
  expect(asked.buffers).toEqual({ '>mdns.queries.rrname[0]': 'www.Example.com' });
  expect(answered.buffers['>mdns.queries.rrname[0]']).toBeUndefined();
  expect(answered.buffers['>mdns.response.rrname[2]']).toBe('cdn.Example.com');
  expect(answered.buffers['>mdns.authorities.rrname[0]']).toBe('Example.com');
  expect(answered.events).toEqual([]);
});

test('buffer numbers do not meet', () => {
  expect(() => allBuffers([dns, createMdns(), createLlmnr()])).not.toThrow();
});

test('random bytes and mutations harm nothing', () => {
  const random = new Random(testSeed());
  const view = emptyView();
  try {
    for (const transport of [UDP, TCP]) {
      const recorder = new Recorder(dns.buffers);
      recorder.quiet = true;
      const parser = dns.create(
        Object.assign(recorder, {
          onProgress: (tx: Transaction) => {
            dns.describe?.(tx);
            for (const { id } of dns.buffers) for (let i = 0; i < 50 && tx.buffer(id, i, view); i++);
          },
          onTransactionEnd() {},
          onEvent() {},
        }),
        transport,
      );
      for (let run = 0; run < rounds(300, 1200); run++) {
        const bytes = Buffer.from(transport === TCP ? overTcp(RESPONSE) : RESPONSE);
        for (let i = random.next(8); i >= 0; i--) bytes[random.next(bytes.length)] = random.next(256);
        const from = random.next(3);
        parser.feed(random.next(2) as 0 | 1, bytes, from, bytes.length - random.next(bytes.length - from));
        expect(parser.heldBytes()).toBeLessThan(400_000);
        if (random.next(5) === 0) parser.reset();
      }
      parser.close(0);
      parser.close(1);
      expect(parser.heldBytes()).toBe(0);
    }
  } catch (error) {
    throw new Error(`SEED=${random.seed}: ${error}`);
  }
});
