import { record } from '../../testing/recorder';
import { type ProbedFlow, type Transaction, Transport } from '../transaction';
import { createNtp } from './definition';

const ntp = createNtp();

function packet(first: number, stratum: number, id: string, origin = 0): Buffer {
  const bytes = Buffer.alloc(48);
  bytes[0] = first;
  bytes[1] = stratum;
  bytes[2] = 6;
  bytes[3] = 0xec;
  bytes.write(id, 12, 'latin1');
  bytes[24] = origin;
  return bytes;
}

const REQUEST = packet(0x23, 0, '\0\0\0\0');
const REPLY = packet(0x1c, 2, 'LOCL', 1);

test('each packet is a transaction', () => {
  const { transactions, events } = record(
    ntp,
    [
      [0, REQUEST],
      [1, REPLY],
      [1, REPLY.subarray(0, 40)],
      [0, packet(0x2b, 1, 'x')],
    ],
    Transport.UDP,
  );
  expect(events).toEqual(['<ntp.malformed_data', '>ntp.malformed_data']);
  expect(transactions.map(({ buffers }) => buffers)).toEqual([
    { '>ntp.version': '\x04', '>ntp.stratum': '\x00', '>ntp.mode': '\x03', '>ntp.reference_id': '\0\0\0\0' },
    { '<ntp.version': '\x03', '<ntp.stratum': '\x02', '<ntp.mode': '\x04', '<ntp.reference_id': 'LOCL' },
  ]);
});

test('what is told', () => {
  const told: unknown[] = [];
  const parser = ntp.create(
    {
      onProgress: (tx: Transaction) => told.push(ntp.describe?.(tx)),
      onTransactionEnd() {},
      onEvent() {},
      onUpgrade() {},
      onExpectation() {},
    },
    Transport.UDP,
  );
  parser.feed(1, REPLY, 0, REPLY.length);
  expect(told).toEqual([{ version: 3, mode: 4, stratum: 2, reference_id: '4c:4f:43:4c' }]);
});

test('told by its bytes', () => {
  const probe = (bytes: Buffer, serverPort: number, direction: 0 | 1 = 0) => {
    const flow: ProbedFlow = { transport: Transport.UDP, serverPort, clientPort: 40000 };
    return ntp.probe(direction, bytes, 0, bytes.length, flow);
  };
  expect(probe(REQUEST, 9000)).toBe(1);
  expect(probe(REPLY, 9000, 1)).toBe(1);
  expect(probe(packet(0x1c, 2, 'LOCL'), 9000, 1)).toBe(-1);
  expect(probe(packet(0x23, 99, 'LOCL'), 9000)).toBe(-1);
  expect(probe(packet(0x26, 99, 'LOCL'), 123)).toBe(1);
  expect(probe(packet(0x0b, 0, ''), 123)).toBe(-1);
  expect(probe(Buffer.alloc(47, 0x23), 123)).toBe(-1);
});
