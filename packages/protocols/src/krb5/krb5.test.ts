import { element, integer, text } from '../../testing/asn1/elements';
import { Random, testSeed } from '../../testing/random';
import { type Piece, record, split } from '../../testing/recorder';
import { type ProbedFlow, type Transaction, Transport } from '../transaction';
import { createKrb5 } from './definition';

const krb5 = createKrb5();
const field = (number: number, ...parts: Buffer[]) => element(0xa0 + number, ...parts);
const sequence = (...parts: Buffer[]) => element(0x30, ...parts);
const name = (...parts: string[]) =>
  sequence(field(0, integer(1)), field(1, sequence(...parts.map((part) => text(part, 0x1b)))));
const encrypted = (type: number) => sequence(field(0, integer(type)), field(2, text('secret')));
const realm = text('EXAMPLE.ORG', 0x1b);

const AS_REQ = element(
  0x6a,
  sequence(
    field(1, integer(5)),
    field(2, integer(10)),
    field(
      4,
      sequence(
        field(0, text('flags', 0x03)),
        field(1, name('user01')),
        field(2, realm),
        field(3, name('krbtgt', 'EXAMPLE.ORG')),
      ),
    ),
  ),
);
const TGS_REP = (etype: number, ticket: number) =>
  element(
    0x6d,
    sequence(
      field(0, integer(5)),
      field(1, integer(13)),
      field(3, realm),
      field(4, name('user01')),
      field(
        5,
        element(
          0x61,
          sequence(
            field(0, integer(5)),
            field(1, realm),
            field(2, name('http', 'www')),
            field(3, encrypted(ticket)),
          ),
        ),
      ),
      field(6, encrypted(etype)),
    ),
  );
const ERROR = element(
  0x7e,
  sequence(
    field(0, integer(5)),
    field(1, integer(30)),
    field(4, text('20240101000000Z', 0x18)),
    field(5, integer(1)),
    field(6, integer(25)),
    field(9, realm),
    field(10, name('krbtgt', 'EXAMPLE.ORG')),
  ),
);

function overTcp(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

test('each message is a transaction', () => {
  const { transactions, events } = record(
    krb5,
    [
      [0, AS_REQ],
      [1, ERROR],
      [1, TGS_REP(18, 23)],
    ],
    Transport.UDP,
  );
  expect(events).toEqual([]);
  expect(transactions.map(({ buffers }) => buffers)).toEqual([
    {
      '>krb5.msg_type': '\x0a',
      '>krb5_msg_type': '\x0a',
    },
    {
      '<krb5.msg_type': '\x1e',
      '<krb5_msg_type': '\x1e',
      '<krb5.err_code': '\x00\x00\x00\x19',
      '<krb5_err_code': '\x00\x00\x00\x19',
      '<krb5.sname[0]': 'krbtgt',
      '<krb5.sname[1]': 'EXAMPLE.ORG',
      '<krb5_sname[0]': 'krbtgt',
      '<krb5_sname[1]': 'EXAMPLE.ORG',
    },
    {
      '<krb5.msg_type': '\x0d',
      '<krb5_msg_type': '\x0d',
      '<krb5.cname[0]': 'user01',
      '<krb5_cname[0]': 'user01',
      '<krb5.sname[0]': 'http',
      '<krb5.sname[1]': 'www',
      '<krb5_sname[0]': 'http',
      '<krb5_sname[1]': 'www',
      '<krb5.ticket_encryption': '\x00\x00\x00\x17',
    },
  ]);
  expect(transactions.map((tx) => tx.events)).toEqual([[], [], []]);
});

test('weak encryption, and what is broken', () => {
  expect(record(krb5, [[1, TGS_REP(-128, -128)]], Transport.UDP).transactions[0]).toMatchObject({
    events: ['<krb5.weak_encryption'],
    buffers: { '<krb5.ticket_encryption': '\xff\xff\xff\x80' },
  });
  const short = TGS_REP(18, 18).subarray(0, 40);
  expect(record(krb5, [[1, short]], Transport.UDP).events).toEqual(['<krb5.malformed_data']);
  expect(record(krb5, [[0, element(0x6a, text('nothing'))]], Transport.UDP).events).toEqual([
    '>krb5.malformed_data',
  ]);
  expect(record(krb5, [[0, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff])]]).transactions).toEqual([]);
});

test('what is told', () => {
  const told: unknown[] = [];
  const parser = createKrb5().create(
    {
      onProgress: (tx: Transaction) => told.push(krb5.describe?.(tx)),
      onTransactionEnd() {},
      onEvent() {},
      onUpgrade() {},
      onExpectation() {},
    },
    Transport.UDP,
  );
  const reply = TGS_REP(18, 23);
  parser.feed(1, reply, 0, reply.length);
  expect(told).toEqual([
    {
      msg_type: 'KRB_TGS_REP',
      cname: 'user01',
      realm: 'EXAMPLE.ORG',
      sname: 'http/www',
      encryption: 'aes256-cts-hmac-sha1-96',
      weak_encryption: false,
      ticket_encryption: 'rc4-hmac',
      ticket_weak_encryption: true,
    },
  ]);
});

test('however the bytes are cut, and whatever they are', () => {
  const random = new Random(testSeed());
  const pieces: Piece[] = [
    [0, Buffer.concat([overTcp(AS_REQ), overTcp(AS_REQ)])],
    [1, Buffer.concat([overTcp(ERROR), overTcp(TGS_REP(23, 23))])],
  ];
  const whole = record(krb5, pieces).summary();
  expect(whole).toMatchObject({ transactions: { length: 4 }, events: [] });
  try {
    for (let run = 0; run < 25; run++)
      expect(record(krb5, split(pieces, random, 40)).summary()).toEqual(whole);
    for (let run = 0; run < 150; run++) {
      const bytes = Buffer.from([AS_REQ, ERROR, TGS_REP(23, 1)][random.next(3)]);
      for (let i = random.next(6); i > 0; i--) bytes[random.next(bytes.length)] = random.next(256);
      record(
        krb5,
        [[random.next(2) as 0 | 1, bytes.subarray(0, random.next(bytes.length + 1))]],
        Transport.UDP,
      );
    }
  } catch (error) {
    throw new Error(`SEED=${random.seed}: ${error}`);
  }
});

test('told by its bytes', () => {
  const probe = (bytes: Buffer, transport: Transport) => {
    const flow: ProbedFlow = { transport, serverPort: 9000, clientPort: 40000 };
    return krb5.probe(0, bytes, 0, bytes.length, flow);
  };
  expect(probe(AS_REQ, Transport.UDP)).toBe(1);
  expect(probe(overTcp(AS_REQ), Transport.TCP)).toBe(1);
  for (let i = 0; i < 12; i++) expect(probe(overTcp(AS_REQ).subarray(0, i), Transport.TCP)).toBe(0);
  expect(probe(sequence(integer(1)), Transport.UDP)).toBe(-1);
  expect(probe(Buffer.from([0, 0, 0x10, 0, 0x30, 0x20, 1]), Transport.TCP)).toBe(-1);
  expect(probe(Buffer.from('GET / HTTP/1.1'), Transport.TCP)).toBe(-1);
});
