import { Random, testSeed } from '../../testing/random';
import { feedAll, type Piece, Recorder, record, split } from '../../testing/recorder';
import { type ProbedFlow, Transport } from '../transaction';
import { createEnip } from './definition';

const enip = createEnip();

function message(command: number, payload: readonly number[] = [], session = 7): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt16LE(command, 0);
  header.writeUInt16LE(payload.length, 2);
  header.writeUInt32LE(session, 4);
  return Buffer.concat([header, Buffer.from(payload)]);
}

function item(type: number, data: readonly number[]): number[] {
  return [type & 255, type >> 8, data.length & 255, data.length >> 8, ...data];
}

const connected = (sequence: number, cip: readonly number[]) =>
  message(0x70, [0, 0, 0, 0, 0, 0, 2, 0, ...item(0xa1, [1, 2, 3, 4]), ...item(0xb1, [sequence, 0, ...cip])]);

const IDENTITY = [
  ...[1, 0, ...Array(16).fill(0), 0x22, 0x11, 0x0c, 0, 0x3a, 0, 4, 3, 0x30, 0, 0x8e, 0x4d, 0x52, 0],
  ...[4, 0x45, 0x4e, 0x42, 0x54, 3],
];

test('an identity is asked for and given', () => {
  const pieces: Piece[] = [
    [0, message(0x63, [], 0)],
    [1, message(0x63, [1, 0, ...item(0x0c, IDENTITY)], 0)],
  ];
  for (const transport of [Transport.TCP, Transport.UDP]) {
    const { transactions } = record(enip, pieces, transport);
    expect(transactions).toEqual([
      {
        id: 0,
        buffers: {
          '>enip.command': '\x00\x63',
          '>enip_command': '\x00\x63',
          '>enip.status': '\x00\x00\x00\x00',
          '<enip.command': '\x00\x63',
          '<enip_command': '\x00\x63',
          '<enip.status': '\x00\x00\x00\x00',
          '<enip.protocol_version': '\x00\x01',
          '<enip.vendor_id': '\x11\x22',
          '<enip.device_type': '\x00\x0c',
          '<enip.product_code': '\x00\x3a',
          '<enip.revision': '\x04\x03',
          '<enip.identity_status': '\x00\x30',
          '<enip.serial': '\x00\x52\x4d\x8e',
          '<enip.state': '\x03',
          '<enip.product_name': 'ENBT',
        },
        events: [],
        progress: [1, 1],
        ended: 1,
      },
    ]);
  }
});

test('services are listed, sessions registered', () => {
  const name = [...Buffer.from('Communications\0\0')];
  const { transactions } = record(enip, [
    [0, message(0x65, [1, 0, 0, 0], 0)],
    [1, message(0x65, [1, 0, 0, 0], 99)],
    [0, message(4, [])],
    [1, message(4, [1, 0, ...item(0x100, [1, 0, 0x20, 1, ...name])])],
  ]);
  expect(transactions).toHaveLength(2);
  expect(transactions[0].buffers['<enip.protocol_version']).toBe('\x00\x01');
  expect(transactions[1].buffers['<enip.service_name']).toBe('Communications\0\0');
  expect(transactions[1].buffers['<enip.capabilities']).toBe('\x01\x20');
});

test('packets of a connection go by their number; what was passed over has no response', () => {
  const { transactions } = record(enip, [
    [0, connected(5, [0x0e, 2, 0x20, 1, 0x24, 2])],
    [0, connected(6, [0x0e, 2, 0x20, 1, 0x24, 3])],
    [1, connected(6, [0x8e, 0, 5, 0])],
    [1, connected(5, [0x8e, 0, 0, 0])],
  ]);
  expect(transactions.map(({ progress }) => progress)).toEqual([
    [1, 0],
    [1, 1],
    [0, 1],
  ]);
  expect(transactions[1].buffers['<enip.cip_status[0]']).toBe('\x05');
});

test.each([
  ['a path beyond the end', [0x0e, 9, 0x20, 1]],
  ['a segment that is none', [0x0e, 1, 0x91, 1]],
  ['an attribute list beyond the end', [3, 0, 200, 0, 1, 0]],
  ['a multiple service packet beyond the end', [0x0a, 0, 1, 0, 99, 0]],
  ['nothing', []],
])('a packet that is broken: %s', (_name, cip) => {
  const { transactions } = record(enip, [[0, connected(5, cip)]]);
  expect(transactions[0].events).toEqual(['>enip.invalid_pdu']);
  expect(transactions[0].buffers['>cip_service[0]']).toBeUndefined();
});

test('requests without responses are bounded', () => {
  const recorder = new Recorder(enip.buffers);
  const parser = enip.create(recorder, Transport.TCP);
  for (let i = 0; i < 1100; i++) feedAll(parser, [[0, message(0x63)]]);
  expect(parser.heldBytes()).toBeLessThan(110_000);
  expect(recorder.transactions[0].events).toEqual(['>enip.too_many_transactions']);
  parser.reset();
  expect(parser.heldBytes()).toBe(0);
  expect(recorder.transactions.every(({ ended }) => ended === 1)).toBe(true);
});

test('however the bytes are cut, and whatever they are', () => {
  const random = new Random(testSeed());
  const client = Buffer.concat([
    message(0x65, [1, 0, 0, 0], 0),
    connected(5, [0x0a, 2, 0x20, 2, 0x24, 1, 1, 0, 4, 0, 3, 1, 0x20, 9, 1, 0, 7, 0]),
    message(0x66),
  ]);
  const server = Buffer.concat([
    message(0x65, [1, 0, 0, 0]),
    connected(5, [0x8a, 0, 0, 0, 1, 0, 4, 0, 0x83, 0, 0, 0]),
  ]);
  const pieces: Piece[] = [
    [0, client],
    [1, server],
  ];
  const whole = record(enip, pieces).summary();
  try {
    for (let run = 0; run < 25; run++)
      expect(record(enip, split(pieces, random, 30)).summary()).toEqual(whole);
    for (let run = 0; run < 120; run++) {
      const mutated = Array.from({ length: 4 }, (): Piece => {
        const bytes = Buffer.from(random.next(2) ? client : server);
        for (let i = random.next(6); i > 0; i--) bytes[random.next(bytes.length)] = random.next(256);
        return [random.next(2) as 0 | 1, bytes.subarray(0, random.next(bytes.length + 1))];
      });
      record(enip, mutated, random.next(2) as 0 | 1);
    }
  } catch (error) {
    throw new Error(`SEED=${random.seed}: ${error}`);
  }
});

test('told by its bytes', () => {
  const flow = (transport: Transport, serverPort: number): ProbedFlow => ({
    transport,
    serverPort,
    clientPort: 40000,
  });
  const probe = (bytes: Buffer, serverPort = 9000, transport: Transport = Transport.TCP) =>
    enip.probe(0, bytes, 0, bytes.length, flow(transport, serverPort));
  expect(probe(message(0x65, [1, 0, 0, 0], 0))).toBe(1);
  expect(probe(message(0x65, [1, 0, 0, 0], 0).subarray(0, 20))).toBe(0);
  expect(probe(message(0x63, [], 0), 9000, Transport.UDP)).toBe(1);
  expect(probe(connected(1, [0x0e, 0]))).toBe(-1);
  expect(probe(connected(1, [0x0e, 0]), 44_818)).toBe(1);
  expect(probe(Buffer.from('d\x00anything that is text ..........'))).toBe(-1);
  expect(probe(Buffer.alloc(40), 9000)).toBe(-1);
});
