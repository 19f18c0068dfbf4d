import { Random, testSeed } from '../../testing/random';
import { feedAll, type Piece, Recorder, record, split } from '../../testing/recorder';
import { type ProbedFlow, Transport } from '../transaction';
import { createModbus } from './definition';

const modbus = createModbus();

function message(transaction: number, pdu: readonly number[], unit = 1): Buffer {
  return Buffer.from([transaction >> 8, transaction & 255, 0, 0, 0, pdu.length + 1, unit, ...pdu]);
}

const READ = [3, 0, 99, 0, 2];
const READ_ANSWER = [3, 4, 1, 2, 3, 4];

test('a request with its response', () => {
  const recorder = record(modbus, [
    [0, message(7, READ)],
    [0, message(8, [6, 0, 1, 2, 3])],
    [1, message(8, [6, 0, 1, 2, 3])],
    [1, message(7, READ_ANSWER)],
  ]);
  expect(recorder.transactions).toEqual([
    {
      id: 0,
      buffers: { '>modbus': '\x01\x03\x21\x01\x00\x00\x00\x00\x64\x00\x65\x00\x64' },
      events: [],
      progress: [1, 1],
      ended: 1,
    },
    {
      id: 1,
      buffers: { '>modbus': '\x01\x06\x62\x01\x00\x00\x00\x00\x02\x00\x02\x00\x02\x02\x03' },
      events: [],
      progress: [1, 1],
      ended: 1,
    },
  ]);
});

test.each<[string, Piece[], string[]]>([
  ['response without request', [[1, message(1, READ_ANSWER)]], ['<modbus.unsolicited_response']],
  ['read of nothing', [[0, message(1, [3, 0, 99, 0, 0])]], ['>modbus.invalid_value']],
  ['too long', [[0, message(1, [...READ, 1])]], ['>modbus.invalid_length']],
  ['too short', [[0, message(1, [3, 0])]], ['>modbus.invalid_length']],
  ['function 0', [[0, message(1, [0, 0])]], ['>modbus.invalid_function_code']],
  ['protocol', [[0, Buffer.from([0, 1, 0, 9, 0, 3, 1, 65, 0])]], ['>modbus.invalid_protocol_id']],
  ['no length', [[0, Buffer.from([0, 1, 0, 0, 0, 1, 9])]], ['>modbus.invalid_length']],
  ['coil neither on nor off', [[0, message(1, [5, 0, 1, 0, 5])]], ['>modbus.invalid_value']],
  [
    'wrong count',
    [
      [0, message(1, READ)],
      [1, message(1, [3, 2, 1, 2])],
    ],
    ['<modbus.value_mismatch'],
  ],
  [
    'another value',
    [
      [0, message(1, [6, 0, 1, 2, 3])],
      [1, message(1, [6, 0, 1, 2, 4])],
    ],
    ['<modbus.value_mismatch'],
  ],
  [
    'unknown exception',
    [
      [0, message(1, READ)],
      [1, message(1, [0x83, 99])],
    ],
    ['<modbus.invalid_exception_code'],
  ],
])('event: %s', (_name, pieces, events) => {
  const recorder = record(modbus, pieces);
  expect(recorder.transactions).toHaveLength(1);
  expect(recorder.transactions[0].events).toEqual(events);
  expect(recorder.transactions[0].ended).toBe(1);
});

test('requests without responses are bounded', () => {
  const recorder = new Recorder(modbus.buffers);
  const parser = modbus.create(recorder, Transport.TCP);
  for (let i = 0; i < 600; i++) feedAll(parser, [[0, message(i, READ)]]);
  expect(recorder.transactions).toHaveLength(501);
  expect(recorder.transactions[500].events).toEqual(['>modbus.flooded']);
  expect(parser.heldBytes()).toBeLessThan(60_000);
  parser.close(0);
  parser.close(1);
  expect(parser.heldBytes()).toBe(0);
  expect(recorder.transactions.every(({ ended }) => ended === 1)).toBe(true);
});

test('however the bytes are cut', () => {
  const random = new Random(testSeed());
  const pieces: Piece[] = [
    [
      0,
      Buffer.concat([message(1, READ), message(2, [16, 0, 1, 0, 1, 2, 5, 6]), message(3, [8, 0, 0, 1, 2])]),
    ],
    [1, Buffer.concat([message(1, READ_ANSWER), message(2, [16, 0, 1, 0, 1]), message(3, [8, 0, 0, 1, 2])])],
  ];
  const whole = record(modbus, pieces).summary();
  expect(whole).toMatchObject({ transactions: [{ events: [] }, { events: [] }, { events: [] }] });
  for (let run = 0; run < 25; run++) {
    try {
      expect(record(modbus, split(pieces, random, 9)).summary()).toEqual(whole);
    } catch (error) {
      throw new Error(`SEED=${random.seed}: ${error}`);
    }
  }
});

test('random bytes harm nothing', () => {
  const random = new Random(testSeed());
  try {
    for (let run = 0; run < 150; run++) {
      const pieces: Piece[] = Array.from({ length: 6 }, () => {
        const bytes = Buffer.concat([
          message(1, READ),
          message(2, [23, 0, 1, 0, 1, 0, 2, 0, 1, 2, 9, 9]),
          message(3, [43, 14, 1]),
        ]);
        for (let i = random.next(5); i > 0; i--) bytes[random.next(bytes.length)] = random.next(256);
        return [random.next(2) as 0 | 1, bytes.subarray(0, random.next(bytes.length + 1))];
      });
      record(modbus, pieces);
    }
  } catch (error) {
    throw new Error(`SEED=${random.seed}: ${error}`);
  }
});

test('told by its bytes', () => {
  const flow = (serverPort: number): ProbedFlow => ({
    transport: Transport.TCP,
    serverPort,
    clientPort: 40000,
  });
  const probe = (bytes: Buffer, port = 9000, direction: 0 | 1 = 0) =>
    modbus.probe(direction, bytes, 0, bytes.length, flow(port));
  const request = message(1, READ);
  for (let i = 0; i < request.length; i++) expect(probe(request.subarray(0, i))).toBe(0);
  expect(probe(request)).toBe(1);
  expect(probe(message(1, READ_ANSWER), 9000, 1)).toBe(1);
  expect(probe(message(1, [65, 1, 2]), 502)).toBe(1);
  expect(probe(message(1, [65, 1, 2]))).toBe(-1);
  expect(probe(Buffer.concat([request, Buffer.from('more')]))).toBe(-1);
  expect(probe(Buffer.from('GET / HTTP/1.1\r\n'))).toBe(-1);
  expect(probe(Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]))).toBe(-1);
});
