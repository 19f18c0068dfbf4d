import { Random, testSeed } from '../../testing/random';
import { record } from '../../testing/recorder';
import { type ProbedFlow, type Transaction, Transport } from '../transaction';
import { createDhcp } from './definition';

const dhcp = createDhcp();

function message(operation: number, options: readonly number[]): Buffer {
  const header = Buffer.alloc(240);
  header[0] = operation;
  header[1] = 1;
  header[2] = 6;
  header.writeUInt32BE(0xdeadbeef, 4);
  header.set([10, 0, 0, 9], 16);
  header.set([2, 0, 0, 0, 0, 1], 28);
  header.writeUInt32BE(0x63825363, 236);
  return Buffer.concat([header, Buffer.from(options)]);
}

const ACK = [
  53, 1, 5, 0, 51, 4, 0, 0, 14, 16, 58, 4, 0, 0, 7, 8, 59, 4, 0, 0, 12, 78, 12, 2, 0x6e, 0x31, 255, 9,
];

test('times of a lease', () => {
  const { transactions } = record(
    dhcp,
    [
      [0, message(1, [53, 1, 3, 255])],
      [1, message(2, ACK)],
    ],
    Transport.UDP,
  );
  expect(transactions.map(({ buffers, events }) => ({ buffers, events }))).toEqual([
    { buffers: {}, events: [] },
    {
      buffers: {
        '<dhcp.leasetime': '\0\0\0\0\0\0\x0e\x10',
        '<dhcp.renewal_time': '\0\0\0\0\0\0\x07\x08',
        '<dhcp.rebinding_time': '\0\0\0\0\0\0\x0c\x4e',
      },
      events: [],
    },
  ]);
});

test('options that are broken', () => {
  const events = (options: number[]) =>
    record(dhcp, [[0, message(1, options)]], Transport.UDP).transactions[0].events;
  expect(events([51, 2, 0, 1, 255])).toEqual(['>dhcp.malformed_options']);
  expect(events([51, 4, 0, 1])).toEqual(['>dhcp.truncated_options']);
  expect(events([])).toEqual(['>dhcp.truncated_options']);
});

test('what is told', () => {
  const told: unknown[] = [];
  const parser = dhcp.create(
    {
      onProgress: (tx: Transaction) => told.push(dhcp.describe?.(tx)),
      onTransactionEnd() {},
      onEvent() {},
      onUpgrade() {},
      onExpectation() {},
    },
    Transport.UDP,
  );
  const bytes = message(2, ACK);
  parser.feed(1, bytes, 0, bytes.length);
  expect(told).toEqual([
    {
      type: 'reply',
      id: 0xdeadbeef,
      client_mac: '02:00:00:00:00:01',
      assigned_ip: '10.0.0.9',
      client_ip: '0.0.0.0',
      dhcp_type: 'ack',
      lease_time: 3600,
      rebinding_time: 3150,
      renewal_time: 1800,
      hostname: 'n1',
    },
  ]);
});

test('told by its bytes', () => {
  const flow: ProbedFlow = { transport: Transport.UDP, serverPort: 9000, clientPort: 40000 };
  const probe = (bytes: Buffer) => dhcp.probe(0, bytes, 0, bytes.length, flow);
  expect(probe(message(1, []))).toBe(1);
  expect(probe(message(3, []))).toBe(-1);
  expect(probe(message(1, []).subarray(0, 239))).toBe(-1);
  expect(probe(Buffer.alloc(300, 1))).toBe(-1);
});

test('mutations harm nothing', () => {
  const random = new Random(testSeed());
  try {
    for (let run = 0; run < 150; run++) {
      const bytes = message(1, ACK);
      for (let i = random.next(9); i > 0; i--) bytes[random.next(bytes.length)] = random.next(256);
      record(dhcp, [[0, bytes.subarray(0, random.next(bytes.length + 1))]], Transport.UDP);
    }
  } catch (error) {
    throw new Error(`SEED=${random.seed}: ${error}`);
  }
});
