import { bytesOf, type Piece, record } from '../../testing/recorder';
import { expectNothingThrown } from '../../testing/robustness';
import { Transport } from '../transaction';
import { createIke } from './definition';

const ike = createIke();
const TO_SERVER = 0;
const TO_CLIENT = 1;

const u16 = (value: number) => Buffer.from([value >> 8, value & 0xff]);

/** Payloads with their types, chained. */
function chain(payloads: readonly (readonly [type: number, body: Buffer])[]): Buffer {
  return Buffer.concat(
    payloads.map(([, body], i) =>
      Buffer.concat([Buffer.from([payloads[i + 1]?.[0] ?? 0, 0]), u16(body.length + 4), body]),
    ),
  );
}

interface Message {
  readonly version?: number;
  readonly exchange?: number;
  readonly flags?: number;
  readonly payloads?: readonly (readonly [number, Buffer])[];
  readonly extra?: Buffer;
}

function message({
  version = 0x10,
  exchange = 2,
  flags = 0,
  payloads = [],
  extra = Buffer.alloc(0),
}: Message): Buffer {
  const body = Buffer.concat([chain(payloads), extra]);
  const head = Buffer.alloc(28);
  head.write('e47a591fd057587f', 0, 'hex');
  head.write('a00b8ef0902bb8ec', 8, 'hex');
  head[16] = payloads[0]?.[0] ?? 0;
  head[17] = version;
  head[18] = exchange;
  head[19] = flags;
  head.writeUInt32BE(28 + body.length, 24);
  return Buffer.concat([head, body]);
}

const short = (type: number, value: number) => Buffer.concat([u16(0x8000 | type), u16(value)]);
const transform = (...attributes: readonly Buffer[]) =>
  [3, Buffer.concat([Buffer.from([1, 1, 0, 0]), ...attributes])] as const;
const proposal = (...transforms: readonly (readonly [number, Buffer])[]) =>
  [2, Buffer.concat([Buffer.from([1, 1, 0, transforms.length]), chain(transforms)])] as const;
const association = (...proposals: readonly (readonly [number, Buffer])[]) =>
  [1, Buffer.concat([Buffer.from([0, 0, 0, 1, 0, 0, 0, 1]), chain(proposals)])] as const;

const CHOICE = transform(
  short(1, 7),
  short(2, 2),
  Buffer.concat([u16(12), u16(4), Buffer.from([0, 1, 0x51, 0x80])]),
);
const VERSION_1: Piece[] = [
  [
    TO_SERVER,
    message({
      payloads: [association(proposal(CHOICE, CHOICE)), [13, bytesOf('\x4a\x13')], [13, bytesOf('\xff')]],
    }),
  ],
  [TO_CLIENT, message({ payloads: [association(proposal(CHOICE))] })],
  [
    TO_SERVER,
    message({
      payloads: [
        [4, bytesOf('public key')],
        [10, bytesOf('nonce')],
      ],
    }),
  ],
  [TO_CLIENT, message({ flags: 1, exchange: 5, payloads: [[4, bytesOf('secret')]] })],
];

const run = (pieces: readonly Piece[]) => record(ike, pieces, Transport.UDP);

test('messages of version 1', () => {
  const { transactions } = run(VERSION_1);
  expect(transactions.map(({ buffers }) => buffers)).toEqual([
    {
      '>ike.init_spi': 'e47a591fd057587f',
      '>ike.exchtype': '\x02',
      '>ike.vendor[0]': '4a13',
      '>ike.vendor[1]': 'ff',
    },
    {
      '<ike.resp_spi': 'a00b8ef0902bb8ec',
      '<ike.exchtype': '\x02',
      '<ike.chosen_sa_attribute': '\x01\0\0\0\x07\x02\0\0\0\x02\x0c\0\x01\x51\x80',
    },
    {
      '>ike.init_spi': 'e47a591fd057587f',
      '>ike.exchtype': '\x02',
      '>ike.key_exchange_payload': 'public key',
      '>ike.key_exchange_payload_length': '\0\0\0\x0a',
      '>ike.nonce_payload': 'nonce',
      '>ike.nonce_payload_length': '\0\0\0\x05',
    },
    { '<ike.resp_spi': 'a00b8ef0902bb8ec', '<ike.exchtype': '\x05' },
  ]);
  expect(transactions.flatMap(({ events }) => events)).toEqual([]);
});

test('events of version 1', () => {
  const events = (...pieces: Piece[]) => run(pieces).transactions.flatMap((tx) => tx.events);
  expect(events([TO_CLIENT, message({ payloads: [association(proposal(CHOICE, CHOICE))] })])).toEqual([
    '<ike.multiple_server_proposal',
  ]);
  expect(events([TO_SERVER, message({ payloads: [[10, bytesOf('n')]], extra: Buffer.alloc(2) })])).toEqual([
    '>ike.payload_extra_data',
  ]);
  expect(run([[TO_SERVER, Buffer.alloc(20)]]).events).toEqual(['>ike.malformed_data']);
  expect(run([[TO_SERVER, message({ version: 0x30 })]]).events).toEqual(['>ike.malformed_data']);
});

describe('version 2', () => {
  const part = (type: number, id: number) => [0, Buffer.concat([Buffer.from([type, 0]), u16(id)])] as const;
  const offer = (protocol: number, ...parts: readonly (readonly [number, Buffer])[]) =>
    [0, Buffer.concat([Buffer.from([1, protocol, 0, parts.length]), chain(parts)])] as const;
  const init = (...offers: readonly (readonly [number, Buffer])[]) =>
    message({ version: 0x20, exchange: 34, payloads: [[33, chain(offers)]] });
  const STRONG = [part(1, 12), part(2, 5), part(3, 12), part(4, 14), part(5, 0)];

  test('what was chosen stays chosen', () => {
    const { transactions } = run([
      [TO_SERVER, init(offer(1, ...STRONG))],
      [TO_CLIENT, init(offer(1, ...STRONG))],
      [TO_CLIENT, message({ version: 0x20, exchange: 35, payloads: [[46, bytesOf('secret')]] })],
    ]);
    const chosen = '\x01\0\0\0\x0c\x0d\0\0\0\x05\x03\0\0\0\x0c\x04\0\0\0\x0e';
    expect(transactions.map(({ buffers }) => buffers['<ike.chosen_sa_attribute'])).toEqual([
      undefined,
      chosen,
      chosen,
    ]);
    expect(transactions.flatMap(({ events }) => events)).toEqual([]);
  });

  test.each<[string, ReturnType<typeof offer>, readonly string[]]>([
    [
      'weak algorithms',
      offer(1, part(1, 3), part(2, 1), part(3, 2), part(4, 2)),
      ['enc', 'prf', 'auth', 'dh'].map((what) => `weak_crypto_${what}`),
    ],
    ['no group, no integrity', offer(1, part(1, 12)), ['weak_crypto_no_dh', 'weak_crypto_no_auth']],
    ['combined encryption needs no integrity', offer(1, part(1, 20), part(4, 14)), []],
    ['nothing chosen', offer(1, part(1, 20), part(2, 0), part(4, 0)), ['invalid_proposal']],
    ['authentication only', offer(2, part(3, 12), part(4, 14)), ['no_encryption']],
    ['an unknown kind', offer(1, part(9, 1), part(1, 20), part(4, 14)), ['unknown_proposal']],
  ])('%s', (_, one, events) => {
    expect(run([[TO_SERVER, init(one)]]).transactions[0].events).toEqual(
      events.map((name) => `>ike.${name}`),
    );
  });
});

test('recognised by its header', () => {
  const probe = (bytes: Buffer, serverPort = 500) =>
    ike.probe(TO_SERVER, bytes, 0, bytes.length, { transport: Transport.UDP, clientPort: 500, serverPort });
  const elsewhere = (bytes: Buffer) =>
    ike.probe(TO_SERVER, bytes, 0, bytes.length, { transport: Transport.UDP, clientPort: 9, serverPort: 9 });
  const first = VERSION_1[0][1];
  expect([probe(first), elsewhere(first), probe(first.subarray(0, 27))]).toEqual([1, 1, -1]);
  expect(elsewhere(Buffer.concat([first, Buffer.alloc(1)]))).toBe(-1);
  expect([
    probe(message({ version: 0x20, exchange: 34 })),
    probe(message({ version: 0x20, exchange: 2 })),
  ]).toEqual([1, -1]);
  expect(probe(message({ version: 0x30 }))).toBe(-1);
});

test('random changes do no harm', () => expectNothingThrown(ike, VERSION_1, 100, Transport.UDP));
