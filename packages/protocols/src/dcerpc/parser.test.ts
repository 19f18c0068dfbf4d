import { bytesOf, framesOf, type Piece, record } from '../../testing/recorder';
import { expectNothingThrown, expectSameWhereverCut } from '../../testing/robustness';
import { Transport } from '../transaction';
import { MOST_CALLS, MOST_STUB_DATA } from './association';
import { createDcerpc } from './definition';

const dcerpc = createDcerpc();

/** Bytes of a number, in either order. */
const word = (value: number, little: boolean) =>
  little ? [value & 255, value >> 8] : [value >> 8, value & 255];
const long = (value: number, little: boolean) => {
  const bytes = [value >>> 24, (value >> 16) & 255, (value >> 8) & 255, value & 255];
  return little ? bytes.reverse() : bytes;
};
const UUID = [0x36, 0x7a, 0xbb, 0x81, 0x98, 0x44, 0x35, 0xf1, 0xad, 0x32, 0x98, 0xf0, 0x38, 0x00, 0x10, 0x03];
const uuid = (little: boolean) =>
  little ? [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15].map((i) => UUID[i]) : UUID;

export function pdu(
  type: number,
  flags: number,
  callId: number,
  body: number[] | Buffer,
  little = true,
): Buffer {
  const length = 16 + body.length;
  return Buffer.concat([
    Buffer.from([
      5,
      0,
      type,
      flags,
      little ? 0x10 : 0,
      0,
      0,
      0,
      ...word(length, little),
      0,
      0,
      ...long(callId, little),
    ]),
    Buffer.from(body),
  ]);
}
const bind = (little = true, flags = 3) =>
  pdu(11, flags, 1, [
    ...long(0, little), ...long(0, little), 2, 0, 0, 0,
    ...word(0, little), 1, 0, ...uuid(little), ...word(2, little), ...word(0, little), ...Array(20).fill(0xaa),
    ...word(1, little), 1, 0, ...Array(16).fill(0x22), ...word(1, little), ...word(0, little), ...Array(20).fill(0xaa),
  ], little); // biome-ignore format: a message
const bindAck = (little = true) =>
  pdu(12, 3, 1, [
    ...long(0, little), ...long(0, little), ...word(4, little), 0x31, 0x33, 0x35, 0, 0, 0, 2, 0, 0, 0,
    ...word(0, little), ...word(0, little), ...Array(20).fill(0xaa),
    ...word(2, little), ...word(1, little), ...Array(20).fill(0),
  ], little); // biome-ignore format: a message
const request = (callId: number, context: number, opnum: number, stub: string, flags = 3, little = true) =>
  pdu(
    0,
    flags,
    callId,
    Buffer.concat([
      Buffer.from([...long(0, little), ...word(context, little), ...word(opnum, little)]),
      bytesOf(stub),
    ]),
    little,
  );
const response = (callId: number, stub: string, flags = 3, little = true) =>
  pdu(2, flags, callId, bytesOf(stub), little);

const conversation: Piece[] = [
  [0, bind()],
  [1, bindAck()],
  [0, Buffer.concat([request(2, 0, 15, 'one', 1), request(2, 0, 15, 'two', 0), request(3, 1, 4, 'other')])],
  [0, request(2, 0, 15, 'three', 2)],
  [1, Buffer.concat([response(3, 'said'), response(2, 'a', 1), response(2, 'b', 2)])],
  [0, request(4, 0, 1, 'bad')],
  [1, pdu(3, 3, 4, [1, 2, 3, 4])],
];

test('every PDU is three frames', () => {
  const frames = framesOf(dcerpc, conversation);
  expect(frames).toHaveLength(3 * 11);
  expect(frames.slice(0, 3)).toEqual([
    ['>dcerpc.pdu', bind().toString('latin1')],
    ['>dcerpc.hdr', bind().subarray(0, 16).toString('latin1')],
    ['>dcerpc.data', bind().subarray(16).toString('latin1')],
  ]);
  expect(frames.filter(([name]) => name === '<dcerpc.data').map(([, text]) => text)).toContain('b');
});

test('calls with fragments, of two contexts of which one was accepted', () => {
  const { transactions } = record(dcerpc, conversation);
  const iface = `${Buffer.from(UUID).toString('latin1')}\0\x02\x01`;
  expect(transactions.map(({ buffers }) => buffers)).toEqual([
    {},
    {
      '>dcerpc.opnum': '\0\x04',
      '>dcerpc.stub_data': 'other',
      '<dcerpc.opnum': '\0\x04',
      '<dcerpc.stub_data': 'said',
    },
    {
      '>dcerpc.iface': iface,
      '>dcerpc.opnum': '\0\x0f',
      '>dcerpc.stub_data': 'onetwothree',
      '<dcerpc.iface': iface,
      '<dcerpc.opnum': '\0\x0f',
      '<dcerpc.stub_data': 'ab',
    },
    {
      '>dcerpc.iface': iface,
      '>dcerpc.opnum': '\0\x01',
      '>dcerpc.stub_data': 'bad',
      '<dcerpc.iface': iface,
      '<dcerpc.opnum': '\0\x01',
    },
  ]);
  expect(transactions.every(({ ended }) => ended === 1)).toBe(true);
});

test('numbers in the other order; a bind that is no first fragment', () => {
  const big: Piece[] = [
    [0, bind(false, 0)],
    [1, bindAck(false)],
    [0, request(2, 0, 0x102, 'x', 3, false)],
  ];
  const orders: boolean[] = [];
  const { transactions } = record(
    { ...dcerpc, create: (listener, transport) => dcerpc.create({ ...listener, onProgress: (tx, direction) => {
      orders.push(tx.dceLittleEndian === true);
      listener.onProgress(tx, direction);
    }, onTransactionEnd: (tx) => listener.onTransactionEnd(tx), onEvent: (tx, direction, event) => listener.onEvent(tx, direction, event) }, transport) },
    big,
  ); // biome-ignore format: one wrapper
  expect(transactions[1].buffers).toMatchObject({
    '>dcerpc.iface': `${Buffer.from(UUID).toString('latin1')}\0\x02\0`,
    '>dcerpc.opnum': '\x01\x02',
  });
  expect(orders).toContain(false);
  expect(orders).not.toContain(true);
});

test('cuts do not matter', () => expectSameWhereverCut(dcerpc, conversation));

test('mutations do no harm', () => expectNothingThrown(dcerpc, conversation, 150));

test('calls and stub data are bounded; a lost end of stub data is shown at the close', () => {
  const open = Array.from({ length: MOST_CALLS + 3 }, (_, i): Piece => [0, request(i, 0, 1, `${i}`, 1)]);
  const many = record(dcerpc, open).transactions;
  expect(many).toHaveLength(MOST_CALLS + 3);
  expect(many.map(({ buffers }) => buffers['>dcerpc.stub_data'])).toEqual(open.map((_, i) => `${i}`));
  const part = 'x'.repeat(60_000);
  const long: Piece[] = [
    [0, request(1, 0, 1, part, 1)],
    ...Array.from({ length: 5 }, (): Piece => [0, request(1, 0, 1, part, 0)]),
  ];
  for (const { buffers, ended } of record(dcerpc, long).transactions) {
    expect(buffers['>dcerpc.stub_data'].length).toBeLessThanOrEqual(MOST_STUB_DATA);
    expect(ended).toBe(1);
  }
});

function datagram(type: number, flags: number, sequence: number, stub: string): Buffer {
  return Buffer.concat([
    Buffer.from([
      4,
      type,
      flags,
      0,
      0x10,
      0,
      0,
      0,
      ...Array(16).fill(0),
      ...uuid(true),
      ...Array(16).fill(7),
    ]),
    Buffer.from([
      ...long(0, true),
      ...long(3, true),
      ...long(sequence, true),
      ...word(5, true),
      0xff,
      0xff,
      0xff,
      0xff,
    ]),
    Buffer.from([...word(stub.length, true), 0, 0, 0, 0]),
    bytesOf(stub),
  ]);
}
const datagrams: Piece[] = [
  [0, datagram(0, 4, 1, 'ab')],
  [0, datagram(0, 6, 1, 'cd')],
  [1, datagram(2, 0, 1, 'ok')],
  [0, datagram(0, 0, 2, 'ef')],
];

test('calls over UDP', () => {
  const { transactions } = record(dcerpc, datagrams, Transport.UDP);
  expect(transactions.map(({ buffers }) => buffers)).toMatchObject([
    {
      '>dcerpc.iface': `${Buffer.from(UUID).toString('latin1')}\0\x03\x01`,
      '>dcerpc.opnum': '\0\x05',
      '>dcerpc.stub_data': 'abcd',
      '<dcerpc.stub_data': 'ok',
    },
    { '>dcerpc.stub_data': 'ef' },
  ]);
  expectNothingThrown(dcerpc, datagrams, 100, Transport.UDP);
});

test('what is DCE/RPC and what is not', () => {
  const probe = (bytes: Buffer, transport: Transport) =>
    dcerpc.probe(0, bytes, 0, bytes.length, { transport, clientPort: 1, serverPort: 2 });
  expect(probe(bind(), Transport.TCP)).toBe(1);
  expect(probe(bind().subarray(0, 6), Transport.TCP)).toBe(0);
  expect(probe(Buffer.from([5, 1, 0]), Transport.TCP)).toBe(0);
  expect(probe(Buffer.from([5, 2, 0, 1]), Transport.TCP)).toBe(-1);
  expect(probe(datagrams[0][1], Transport.UDP)).toBe(1);
  expect(probe(bind(), Transport.UDP)).toBe(-1);
});
