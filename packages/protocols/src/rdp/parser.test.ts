import { bytesOf, type Piece, record } from '../../testing/recorder';
import { expectNothingThrown, expectSameWhereverCut } from '../../testing/robustness';
import { certificateOf, certificates, handshake, MessageType, serverHello } from '../../testing/tls/messages';
import { type Transaction, Transport } from '../transaction';
import { createRdp } from './definition';

const rdp = createRdp();
const TO_SERVER = 0;
const TO_CLIENT = 1;

function tpkt(...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([3, 0, (body.length + 4) >> 8, (body.length + 4) & 0xff]), body]);
}

const cookie = bytesOf('Cookie: mstshash=user\r\n');
const request = tpkt(Buffer.from([6 + cookie.length, 0xe0, 0, 0, 0, 0, 0]), cookie);
const confirm = tpkt(Buffer.from([14, 0xd0, 0, 0, 0x12, 0x34, 0, 2, 0, 8, 0, 1, 0, 0, 0]));
const data = (...bytes: number[]) => tpkt(Buffer.from([2, 0xf0, 0x80, ...bytes]));

const PLAIN: Piece[] = [
  [TO_SERVER, request],
  [TO_CLIENT, confirm],
  [TO_SERVER, Buffer.concat([data(0x7f, 0x65, 1, 2, 3), data(1, 2)])],
  [TO_CLIENT, data(0x7f, 0x66, 4, 5, 6)],
  [TO_CLIENT, bytesOf('what follows is not looked at')],
];
const SECURE: Piece[] = [
  [TO_SERVER, request],
  [TO_CLIENT, confirm],
  [TO_SERVER, handshake(MessageType.CLIENT_HELLO, Buffer.alloc(60))],
  [
    TO_CLIENT,
    Buffer.concat([
      handshake(MessageType.SERVER_HELLO, serverHello()),
      handshake(MessageType.CERTIFICATE, certificates(certificateOf({}))),
    ]),
  ],
];

/** The messages that are told of, in their order. */
function messages(pieces: readonly Piece[]): unknown[] {
  const told: unknown[] = [];
  const parser = rdp.create(
    {
      onProgress: (tx: Transaction) => told.push(rdp.describe?.(tx)),
      onTransactionEnd() {},
      onEvent() {},
      onUpgrade() {},
      onExpectation() {},
    },
    Transport.TCP,
  );
  for (const [direction, bytes] of pieces) parser.feed(direction, bytes, 0, bytes.length);
  return told;
}

test('the beginning of a connection', () => {
  expect(messages(PLAIN)).toEqual([
    { tx_id: 0, event_type: 'initial_request', cookie: 'user' },
    { tx_id: 1, event_type: 'initial_response' },
    { tx_id: 2, event_type: 'connect_request' },
    { tx_id: 3, event_type: 'connect_response' },
  ]);
});

test('TLS inside', () => {
  expect(messages(SECURE).map((one) => (one as { event_type: string }).event_type)).toEqual([
    'initial_request',
    'initial_response',
    'tls_handshake',
  ]);
});

test('the same wherever it is cut', () => {
  expectSameWhereverCut(rdp, PLAIN.slice(0, 4));
  expectSameWhereverCut(rdp, SECURE);
});

test('every transaction ends, and random changes do no harm', () => {
  expect(record(rdp, PLAIN).transactions.map(({ ended }) => ended)).toEqual([1, 1, 1, 1]);
  expectNothingThrown(rdp, [...SECURE, ...PLAIN], 60);
});

test('recognised by the connection request or its answer', () => {
  const flow = { transport: Transport.TCP, clientPort: 1, serverPort: 3389 };
  const probe = (direction: 0 | 1, bytes: Buffer) => rdp.probe(direction, bytes, 0, bytes.length, flow);
  expect([probe(TO_SERVER, request), probe(TO_CLIENT, confirm)]).toEqual([1, 1]);
  expect([probe(TO_CLIENT, request), probe(TO_SERVER, data(1))]).toEqual([-1, -1]);
  expect([probe(TO_SERVER, request.subarray(0, 5)), probe(TO_SERVER, bytesOf('\x03\x01'))]).toEqual([0, -1]);
});
