import { element, integer, text } from '../../testing/asn1/elements';
import { Random, testSeed } from '../../testing/random';
import { feedAll, type Piece, Recorder, record, split } from '../../testing/recorder';
import { type ProbedFlow, type Transaction, Transport } from '../transaction';
import { createLdap } from './definition';

const ldap = createLdap();
const message = (id: number, ...parts: Buffer[]) => element(0x30, integer(id), ...parts);
const result = (tag: number, code: number, dn = '', diagnostic = '') =>
  element(tag, integer(code, 0x0a), text(dn), text(diagnostic));
const attribute = (type: string) => element(0x30, text(type), element(0x31, text('value')));

const BIND = message(1, element(0x60, integer(3), text('cn=admin'), text('secret', 0x80)));
const BOUND = message(1, result(0x61, 49, '', 'bad password'));
const SEARCH = message(
  2,
  element(
    0x63,
    text('dc=example'),
    integer(2, 0x0a),
    integer(0, 0x0a),
    integer(0),
    integer(0),
    element(0x01, Buffer.from([0])),
    text('objectClass', 0x87),
    element(0x30, text('mail'), text('cn')),
  ),
);
const ENTRY = message(
  2,
  element(0x64, text('cn=one,dc=example'), element(0x30, attribute('mail'), attribute('cn'))),
);
const DONE = message(2, result(0x65, 0));

test('a search with what it finds', () => {
  const { transactions } = record(ldap, [
    [0, SEARCH],
    [1, ENTRY],
    [1, ENTRY],
    [1, DONE],
  ]);
  expect(transactions).toEqual([
    {
      id: 0,
      buffers: {
        '>ldap.request.operation': '\x03',
        '>ldap.request.dn': 'dc=example',
        '>ldap.request.attribute_type[0]': 'mail',
        '>ldap.request.attribute_type[1]': 'cn',
        '<ldap.responses.operation[0]': '\x04',
        '<ldap.responses.operation[1]': '\x04',
        '<ldap.responses.operation[2]': '\x05',
        '<ldap.responses.count[0]': '\x00\x00\x00\x01',
        '<ldap.responses.count[1]': '\x00\x00\x00\x02',
        '<ldap.responses.count[2]': '\x00\x00\x00\x03',
        '<ldap.responses.result_code[0]': '\x00\x00\x00\x00',
        '<ldap.responses.dn[0]': 'cn=one,dc=example',
        '<ldap.responses.dn[1]': 'cn=one,dc=example',
        '<ldap.responses.dn[2]': '',
        '<ldap.responses.message[0]': '',
        '<ldap.responses.message[1]': '',
        '<ldap.responses.message[2]': '',
        '<ldap.responses.attribute_type[0]': 'mail',
        '<ldap.responses.attribute_type[1]': 'cn',
        '<ldap.responses.attribute_type[2]': 'mail',
        '<ldap.responses.attribute_type[3]': 'cn',
      },
      events: [],
      progress: [2, 2],
      ended: 1,
    },
  ]);
});

test.each<[string, Buffer, string, string[]]>([
  ['bind', BIND, 'cn=admin', []],
  [
    'modify',
    message(3, element(0x66, text('cn=a'), element(0x30, element(0x30, integer(2, 0x0a), attribute('sn'))))),
    'cn=a',
    ['sn'],
  ],
  [
    'add',
    message(3, element(0x68, text('cn=b'), element(0x30, attribute('x'), attribute('y')))),
    'cn=b',
    ['x', 'y'],
  ],
  ['delete', message(3, text('cn=c', 0x4a)), 'cn=c', []],
  [
    'rename',
    message(3, element(0x6c, text('cn=d'), text('cn=e'), element(0x01, Buffer.from([1])))),
    'cn=d',
    [],
  ],
  ['compare', message(3, element(0x6e, text('cn=f'), element(0x30, text('sn'), text('v')))), 'cn=f', ['sn']],
])('request: %s', (_name, bytes, dn, types) => {
  const [{ buffers }] = record(ldap, [[0, bytes]], Transport.UDP).transactions;
  expect(buffers['>ldap.request.dn']).toBe(dn);
  expect(types.map((_, i) => buffers[`>ldap.request.attribute_type[${i}]`])).toEqual(types);
  expect(buffers[`>ldap.request.attribute_type[${types.length}]`]).toBeUndefined();
});

test('results, unasked responses, requests that nobody answers', () => {
  const { transactions } = record(ldap, [
    [0, BIND],
    [1, BOUND],
    [1, message(0, element(0x78, integer(52, 0x0a), text(''), text('going down')))],
    [1, DONE],
    [0, message(9, element(0x42))],
  ]);
  expect(transactions.map(({ events }) => events)).toEqual([[], [], ['<ldap.request_not_found'], []]);
  expect(transactions[0].buffers).toMatchObject({
    '<ldap.responses.result_code[0]': '\x00\x00\x00\x31',
    '<ldap.responses.message[0]': 'bad password',
  });
});

test('TLS may follow', () => {
  const start = message(5, element(0x77, text('1.3.6.1.4.1.1466.20037', 0x80)));
  const answer = message(5, result(0x78, 0));
  const after = Buffer.concat([answer, Buffer.from('\x16\x03\x01')]);
  expect(
    record(ldap, [
      [0, start],
      [1, after],
      [0, BIND],
    ]),
  ).toMatchObject({
    upgrades: [{ protocol: 'tls', at: 8 + answer.length }],
    transactions: [{ id: 0 }],
  });
  expect(
    record(ldap, [
      [0, start],
      [1, message(5, result(0x78, 2))],
      [0, BIND],
    ]).transactions,
  ).toHaveLength(2);
});

test('what is told', () => {
  const told: unknown[] = [];
  const parser = ldap.create(
    {
      onProgress: (tx: Transaction) => told.push(ldap.describe?.(tx)),
      onTransactionEnd() {},
      onEvent() {},
      onUpgrade() {},
      onExpectation() {},
    },
    Transport.TCP,
  );
  feedAll(parser, [
    [0, BIND],
    [1, BOUND],
  ]);
  expect(told[1]).toEqual({
    request: { operation: 'bind_request', message_id: 1 },
    responses: [{ operation: 'bind_response', message: 'bad password' }],
    result_code: 'invalid_credentials',
  });
});

test('what waits is bounded', () => {
  const recorder = new Recorder(ldap.buffers);
  const parser = ldap.create(recorder, Transport.TCP);
  for (let i = 0; i < 400; i++)
    feedAll(parser, [[0, message(i, element(0x60, integer(3), text(''), text('', 0x80)))]]);
  expect(recorder.transactions[0].events).toEqual(['>ldap.too_many_transactions']);
  expect(parser.heldBytes()).toBeLessThan(100_000);
  parser.reset();
  const many = ldap.create(
    { onProgress() {}, onTransactionEnd() {}, onEvent() {}, onUpgrade() {}, onExpectation() {} },
    Transport.TCP,
  );
  feedAll(many, [[0, SEARCH]]);
  for (let i = 0; i < 10_000; i++) many.feed(1, ENTRY, 0, ENTRY.length);
  expect(many.heldBytes()).toBeLessThan(300_000);
  many.close(0);
  many.close(1);
  expect(many.heldBytes()).toBe(0);
});

test('however the bytes are cut, and whatever they are', () => {
  const random = new Random(testSeed());
  const pieces: Piece[] = [
    [0, Buffer.concat([BIND, SEARCH])],
    [1, Buffer.concat([BOUND, ENTRY, DONE])],
  ];
  const whole = record(ldap, pieces).summary();
  expect(whole).toMatchObject({ transactions: { length: 2 }, events: [] });
  try {
    for (let run = 0; run < 25; run++)
      expect(record(ldap, split(pieces, random, 30)).summary()).toEqual(whole);
    for (let run = 0; run < 150; run++) {
      const bytes = Buffer.from(pieces[random.next(2)][1]);
      for (let i = random.next(6); i > 0; i--) bytes[random.next(bytes.length)] = random.next(256);
      record(ldap, [[random.next(2) as 0 | 1, bytes.subarray(0, random.next(bytes.length + 1))]]);
    }
  } catch (error) {
    throw new Error(`SEED=${random.seed}: ${error}`);
  }
});

test('told by its bytes', () => {
  const probe = (bytes: Buffer, direction: 0 | 1 = 0, transport: Transport = Transport.TCP) => {
    const flow: ProbedFlow = { transport, serverPort: 9000, clientPort: 40000 };
    return ldap.probe(direction, bytes, 0, bytes.length, flow);
  };
  expect(probe(BIND)).toBe(1);
  expect(probe(BOUND, 1)).toBe(1);
  expect(probe(BOUND)).toBe(-1);
  for (let i = 0; i < 6; i++) expect(probe(BIND.subarray(0, i))).toBe(0);
  expect(probe(BIND.subarray(0, 3), 0, Transport.UDP)).toBe(-1);
  expect(probe(element(0x30, integer(1), text('public'), element(0xa0, integer(1))))).toBe(-1);
});
